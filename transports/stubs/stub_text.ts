/** What every stub's source has: assembler text that runs from a label to `end`, and the registers it takes. */

export interface StubText<Role extends string> {
  /** Unique within a machine; also the prefix of the labels' symbols. */
  readonly name: string;
  readonly text: string;
  /** Register by role; a role that the mode does not need is left out. */
  readonly registers: Readonly<Partial<Record<Role, string>>>;
}

/**
 * Closes a stub: the run ends before the instruction at `end`, and should somebody go on from there, it stays
 * there.
 */
export function closed(arch: "x86" | "ppc", text: string): string {
  return `${text}end:\n  ${arch === "x86" ? "jmp" : "b"} end\n`;
}

/** Lines as they stand in a stub's text. */
export function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}\n`).join("");
}

/**
 * PowerPC's stubs are written for a big-endian guest, where a little-endian number takes a byte-reversed access
 * (`stwbrx r4, 0, r3`). In a little-endian guest it is a plain one (`stw r4, 0(r3)`).
 */
export function inByteOrder(order: "le" | "be", text: string): string {
  if (order === "be") return text;
  return text.replace(
    /\b(st|l)([hwd])brx (r\d+), 0, (r\d+)/g,
    (_, verb: string, width: string, value: string, address: string) =>
      `${verb}${width}${verb === "l" && width !== "d" ? "z" : ""} ${value}, 0(${address})`,
  );
}

/** Roles of a word-by-word call through a call window (`window.ts`). */
export type WordRole =
  /** Pointer to the window, or its first port. */
  | "window"
  /** Function number; with 8-byte words, length << 32 beside it. */
  | "fn"
  /** Payload bytes; only with 4-byte words. */
  | "length"
  /** Pointer to the payload, and at `receive` to the reply. */
  | "buffer"
  /** Words of the payload, or at `receive` of the reply. */
  | "words"
  /** Pointer to the reply buffer. */
  | "reply"
  /** Words that the reply buffer holds; 0: do not ask for the reply yet. */
  | "room"
  /** Out: what RESULT said. */
  | "result";

/** A word-by-word call; entries `call`, `send` (more payload), `receive` (more of the reply). */
export interface WordStub extends StubText<WordRole> {
  /** Bytes of a word. */
  readonly width: 4 | 8;
}

/** Roles of a call by descriptor (`descriptor.ts`). */
export type DescriptorRole =
  | "fn"
  | "flags"
  | "data"
  | "length"
  | "capacity"
  | "reply"
  /** Pointer to the descriptor's block (`BLOCK` in `places.ts`). */
  | "block"
  /** Out: what the device left in the descriptor. */
  | "status"
  | "replyLength";

/** Roles of a call of vbus's bridge (`vbus.ts`). */
export type BridgeRole =
  /** Address of its registers. */
  "bar" | "vector" | "len" | "datap" | "result";

/** Roles of a device call by vbus. */
export type DeviceCallRole =
  | "fn"
  | "flags"
  /** Guest-physical address of the buffer, and its bytes. */
  | "data"
  | "size"
  /** Pointer to the block (`VBUS_BLOCK` in `places.ts`). */
  | "block"
  /** Out. */
  | "result";

/** Roles of one access to a register of a device. */
export type AccessRole = "address" | "value";

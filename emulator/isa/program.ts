/** What `assemble()` takes and gives. */
import type { InstructionEncoder } from "./assembly.ts";

/** How `assemble()` reads a source. */
export interface AssembleOptions {
  /** One encoder, or one for each mode that `.code16`, `.code32`, `.code64` and `bits` may choose. */
  readonly encoder: InstructionEncoder | ((mode: string) => InstructionEncoder);
  /** Mode that the source starts in, for an encoder by mode, e.g. `"x86-64"`. Default `""`. */
  readonly mode?: string;
  /** Address of the first byte, 64 bits. */
  readonly origin: bigint;
  /** Byte order of data. */
  readonly order: "le" | "be";
  /** Name of the source in messages. Default `"<input>"`. */
  readonly name?: string;
  /** Symbols from outside; the source may define the same names again. */
  readonly symbols?: ReadonlyMap<string, bigint>;
}

/** What one line of the source became. */
export interface ListingLine {
  /** Of its first byte, 64 bits. */
  readonly address: bigint;
  /** Empty for a label or an assignment. */
  readonly bytes: Uint8Array;
  /** From 1. */
  readonly line: number;
  /** The line, trimmed, with its comment. */
  readonly text: string;
}

/** An assembled source. */
export interface Program {
  /** Address of the first byte, 64 bits. */
  readonly origin: bigint;
  /** From the origin on, without gaps. */
  readonly bytes: Uint8Array;
  /** Labels and assigned names of the source. */
  readonly symbols: Map<string, bigint>;
  /** One entry for each line that says something. */
  readonly listing: ListingLine[];
  /** From `.entry`, or else the symbol `_start` or `start`. */
  readonly entry?: bigint;
}

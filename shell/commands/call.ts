/** `open`, `call`, `read`, `write`: a device by name, whatever the vehicle. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { DATA_MODES } from "../../transports/data_modes.ts";
import { defineCommand } from "../command.ts";
import { costLines } from "../reports/cost_lines.ts";
import { hex } from "../reports/hexdump.ts";
import { keywordOf, maybeWord, word, words } from "./support/grammar.ts";
import { currentHandle, requireDevice } from "./support/handle.ts";
import { type Cost, measure } from "./support/measure.ts";
import { numberOf, sizeOf, valueOf } from "./support/numbers.ts";
import { payload, showReply } from "./support/payload.ts";
import { currentRing, driverLine } from "./support/ring.ts";

/** An open device, as commands report it. */
export interface OpenData {
  readonly device: string;
  readonly via: string;
  /** The vehicle in words, with what it was asked for where that differs. */
  readonly label: string;
  /** Why each vehicle before this one was passed over. */
  readonly why: readonly string[];
}

export const open = defineCommand({
  name: "open",
  group: "devices",
  summary: "open a device for call, read and write",
  description:
    `Without via the first vehicle that works is taken: hypercall, then pio, then mmio; open says why it passed one
over. data says how call moves its bytes: words through registers or ports, one at a time, or a descriptor in guest
RAM; auto, the default, takes words while they are few. registers packs them into a hypercall, or beside an IN; string
is REP OUTSD, logical MMIO as a hypercall, fastcall and bridge are AlacrityVM's. The device opened last is the one that call, read and write use.`,
  grammar: object({
    name: word("NAME"),
    via: keywordOf("via", ["hypercall", "pio", "mmio"], "VEHICLE"),
    data: keywordOf("data", DATA_MODES, "HOW"),
  }),
  examples: [
    { line: "open echo", after: ["arch x86"], shows: "echo: hypercall" },
    { line: "open echo via mmio", after: ["arch ppc"], shows: "echo: mmio" },
    { line: "open echo via pio data descriptor", after: ["arch x86"], shows: "echo: pio" },
    { line: "open echo via mmio data fastcall", after: ["arch ppc"], shows: "echo: mmio" },
  ],
  complete: (session, typed) => typed.length <= 1 ? session.devices.keys() : [],
  async run(session, { name, via, data }): Promise<OpenData> {
    requireDevice(session, name);
    const handle = await session.io.open(name, { ...(via && { via }), ...(data && { data }) });
    session.keep(name, handle);
    return { device: name, via: handle.via, label: handle.label, why: handle.why };
  },
  print: ({ device, label, why }) => [`${device}: ${label}`, ...why.map((line) => `  ${line}`)].join("\n"),
});

export interface CallData {
  readonly device: string;
  readonly via: string;
  readonly fn: number;
  readonly sent: Uint8Array;
  readonly reply: Uint8Array;
  /** True if it went by a ring. */
  readonly ring?: boolean;
  readonly cost: Cost;
}

export const call = defineCommand({
  name: "call",
  group: "devices",
  summary: "call a function of the open device and show its reply and what it cost",
  description:
    `call FN [ARG...]: FN is a number of 32 bits; each ARG adds its bytes to the data, without padding:
  0x2a          8 bytes, little-endian, on every guest; also $rax, -1, label+4
  0x2a:4        4 bytes, little-endian; the width is 1, 2, 4 or 8
  0x2a:4be      4 bytes, big-endian
  "text"        its UTF-8 bytes, with the escapes of the assembler
  hex:deadbeef  these bytes in this order
--reply N says how many bytes of reply are wanted at most. --ring calls by the ring opened last instead: a request, a
kick, and a wait until it is answered, after all that was submitted before. The reply is shown as bytes, and where it has
1, 2, 4 or 8 of them also as a little-endian number.`,
  raw: true,
  grammar: object({
    fn: word("FN"),
    args: words("ARG"),
    reply: optional(option("--reply", string({ metavar: "N" }))),
    ring: optional(flag("--ring")),
  }),
  examples: [
    { line: "call 1 0x2a", after: ["arch x86", "open echo"], shows: "= 0x2a" },
    { line: 'call 1 "hi" 7:2', after: ["arch ppc", "open echo via mmio"], shows: "68 69 07 00" },
    { line: "call 1 0x2a --ring", after: ["arch x86", "ring echo"], shows: "= 0x2a" },
    { line: "call 1 0x2a:4be", after: ["arch x86", "open echo via pio"], shows: "00 00 00 2a" },
  ],
  async run(session, { fn, args, reply, ring }): Promise<CallData> {
    const to = ring ? currentRing(session) : currentHandle(session);
    const number = numberOf(session, fn, "function number", 0, 0xffff_ffff);
    const sent = payload(args, (text) => session.evaluateNumber(text));
    const options = reply === undefined ? {} : { reply: numberOf(session, reply, "reply length", 0) };
    const { result, cost } = await measure(
      session,
      session.vm,
      (signal) => to.call(number, sent, { ...options, signal }),
    );
    return { device: to.device, via: to.via, fn: number, sent, reply: result, ...(ring && { ring }), cost };
  },
  print: ({ reply, ring, cost }) =>
    [`reply: ${showReply(reply)}`, ...ring ? [driverLine(cost)] : [], ...costLines(cost)].join("\n"),
});

export interface RegisterAccessData {
  readonly device: string;
  readonly via: string;
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly value: bigint;
  readonly cost: Cost;
}

const SIZE = "SIZE is 1, 2, 4 or 8 bytes (or b w l q), 4 without it.";

export const read = defineCommand({
  name: "read",
  group: "devices",
  summary: "read a register of the open device",
  description: `read OFFSET [SIZE]: OFFSET counts bytes from the start of the device's window. ${SIZE}`,
  grammar: object({ offset: word("OFFSET"), size: maybeWord("SIZE") }),
  examples: [{ line: "read 0", after: ["arch x86", "open echo via mmio", "write 0 7"], shows: "= 0x7" }],
  async run(session, { offset, size }): Promise<RegisterAccessData> {
    const handle = currentHandle(session);
    const at = numberOf(session, offset, "offset", 0, 0xffff_ffff);
    const bytes = sizeOf(size ?? "4");
    const { result, cost } = await measure(
      session,
      session.vm,
      (signal) => handle.read(at, bytes, { signal }),
    );
    return { device: handle.device, via: handle.via, offset: at, size: bytes, value: result, cost };
  },
  print: ({ device, offset, size, value, cost }) =>
    [`${device}+${hex(offset)} = ${hex(value)} (${size} byte${size === 1 ? "" : "s"})`, ...costLines(cost)]
      .join("\n"),
});

export const write = defineCommand({
  name: "write",
  group: "devices",
  summary: "write a register of the open device",
  description: `write OFFSET VALUE [SIZE]. ${SIZE}`,
  grammar: object({ offset: word("OFFSET"), value: word("VALUE"), size: maybeWord("SIZE") }),
  examples: [{ line: "write 0 0x2a", after: ["arch ppc", "open echo"], shows: "<- 0x2a" }],
  async run(session, { offset, value, size }): Promise<RegisterAccessData> {
    const handle = currentHandle(session);
    const at = numberOf(session, offset, "offset", 0, 0xffff_ffff);
    const bytes = sizeOf(size ?? "4");
    const number = valueOf(session, value, bytes, "value");
    const { cost } = await measure(
      session,
      session.vm,
      (signal) => handle.write(at, bytes, number, { signal }),
    );
    return { device: handle.device, via: handle.via, offset: at, size: bytes, value: number, cost };
  },
  print: ({ device, offset, size, value, cost }) =>
    [`${device}+${hex(offset)} <- ${hex(value)} (${size} byte${size === 1 ? "" : "s"})`, ...costLines(cost)]
      .join("\n"),
});

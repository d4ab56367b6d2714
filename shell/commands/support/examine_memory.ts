/** Guest memory read in gdb's formats, by the addresses of the guest's instructions or by physical ones. */
import type { ListingLine } from "../../reports/listing.ts";
import type { Session } from "../../session.ts";
import { after, codeAddress, codeAt } from "./code.ts";
import { type ExamineFormat, readUnit } from "./examine_format.ts";
import { nameOf } from "./symbols.ts";

/** What `x` found. `value` is unsigned. */
export type ExamineData =
  | {
    readonly kind: "units";
    readonly format: ExamineFormat;
    readonly units: readonly { readonly address: bigint; readonly value: bigint; readonly symbol?: string }[];
  }
  | {
    readonly kind: "strings";
    readonly strings: readonly { readonly address: bigint; readonly text: string }[];
  }
  | { readonly kind: "code"; readonly pc: bigint; readonly lines: readonly ListingLine[] };

/** A string without an end is cut here. */
const LONGEST = 1024;

/** Whose addresses are meant: the selected vCPU's own, or guest-physical ones. */
export type AddressSpace = "virtual" | "physical";

/** Bytes of guest memory. Throws `RangeError` that names what is not there. */
export function readBytes(
  { vm, vcpu }: Session,
  start: bigint,
  length: number,
  space: AddressSpace = "virtual",
): Uint8Array<ArrayBuffer> {
  return space === "physical" ? vm.memory.read(start, length) : vcpu.readMemory(start, length);
}

/** What stands from an address on, and the address behind it. */
export function readAt(
  session: Session,
  start: bigint,
  format: ExamineFormat,
  space: AddressSpace = "virtual",
): { data: ExamineData; next: bigint } {
  const { vm } = session;
  if (format.letter === "i") {
    const lines = codeAt(vm, start, format.count, space === "physical" ? undefined : session.vcpu);
    if (lines.length === 0) {
      throw new RangeError(`there is no memory at 0x${start.toString(16)} to disassemble`);
    }
    return { data: { kind: "code", pc: codeAddress(session.vcpu), lines }, next: after(lines, start) };
  }
  if (format.letter === "s") {
    const strings: { address: bigint; text: string }[] = [];
    let next = start;
    for (let i = 0; i < format.count; i++) {
      const bytes = stringAt(session, next, space);
      strings.push({ address: next, text: new TextDecoder().decode(bytes) });
      next += BigInt(bytes.length + 1);
    }
    return { data: { kind: "strings", strings }, next };
  }
  const bytes = readBytes(session, start, format.count * format.unit, space);
  const units = Array.from({ length: format.count }, (_, i) => {
    const value = readUnit(bytes, i * format.unit, format.unit, vm.isa.order);
    const symbol = format.letter === "a" ? nameOf(vm, value) : undefined;
    return { address: start + BigInt(i * format.unit), value, ...(symbol !== undefined && { symbol }) };
  });
  return { data: { kind: "units", format, units }, next: start + BigInt(bytes.length) };
}

function stringAt(session: Session, start: bigint, space: AddressSpace): Uint8Array {
  const bytes: number[] = [];
  while (bytes.length < LONGEST) {
    const [byte] = readBytes(session, start + BigInt(bytes.length), 1, space);
    if (byte === 0) break;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

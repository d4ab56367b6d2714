/** Function bodies as indented text, one instruction a line: for golden files that people can read. */
import { OP, TYPE, VECTOR_OP, VECTOR_PREFIX, VECTOR_TYPE } from "../../../emulator/wasm/opcodes.ts";

const namesOf = (opcodes: Readonly<Record<string, number>>) =>
  new Map<number, string>(Object.entries(opcodes).map(([name, code]) => [code, name]));
const NAMES = namesOf(OP), VECTOR_NAMES = namesOf(VECTOR_OP), TYPES = namesOf({ ...TYPE, v128: VECTOR_TYPE });

class Reader {
  constructor(readonly bytes: Uint8Array, public at = 0) {}

  u8(): number {
    if (this.at >= this.bytes.length) throw new RangeError("the module ends too early");
    return this.bytes[this.at++];
  }
  uleb(): number {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  sleb(): bigint {
    let value = 0n;
    for (let shift = 7n;; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift - 7n;
      if (byte < 0x80) return BigInt.asIntN(Number(shift), value);
    }
  }
}

/** The text of function `index` of the module's own functions. */
export function functionText(module: Uint8Array, index: number): string {
  const reader = new Reader(module, 8);
  for (;;) {
    const section = reader.u8(), length = reader.uleb();
    if (section === 10) break;
    reader.at += length;
  }
  const count = reader.uleb();
  if (index >= count) throw new RangeError(`there are ${count} functions, not ${index + 1}`);
  for (let i = 0; i < index; i++) {
    const size = reader.uleb();
    reader.at += size;
  }
  const end = reader.uleb() + reader.at;
  const types = Array.from(
    { length: reader.uleb() },
    () => `${reader.uleb()} x ${TYPES.get(reader.u8()) ?? "?"}`,
  );
  const lines = [`locals: ${types.join(", ") || "none"}`];
  let depth = 0;
  while (reader.at < end) {
    const opcode = reader.u8();
    const name = (opcode === VECTOR_PREFIX ? VECTOR_NAMES.get(reader.uleb()) : NAMES.get(opcode)) ?? "?";
    if (name === "end" || name === "else") depth--;
    lines.push(`${"  ".repeat(Math.max(depth, 0))}${name}${immediates(name, reader)}`);
    if (["block", "loop", "if", "else"].includes(name)) depth++;
  }
  return lines.join("\n");
}

function immediates(name: string, reader: Reader): string {
  if (["block", "loop", "if"].includes(name)) {
    const type = reader.u8();
    return type === 0x40 ? "" : type === 0x7e ? " i64" : " i32";
  }
  if (name === "v128.const") return ` ${Array.from({ length: 16 }, () => reader.u8()).join(" ")}`;
  if (name.endsWith(".const")) {
    const value = reader.sleb();
    return ` ${value < 0n ? "-" : ""}0x${(value < 0n ? -value : value).toString(16)}`;
  }
  if (/^(local|br$|br_if|call$)/.test(name)) return ` ${reader.uleb()}`;
  if (name === "br_table") {
    const labels = Array.from({ length: reader.uleb() + 1 }, () => reader.uleb());
    return ` ${labels.slice(0, -1).join(" ")} else ${labels.at(-1)}`;
  }
  if (/load|store/.test(name)) {
    reader.uleb();
    return ` +${reader.uleb()}${name.endsWith("_lane") ? ` ${reader.uleb()}` : ""}`;
  }
  if (name.endsWith("_lane")) return ` ${reader.uleb()}`;
  return "";
}

/** The x86 instruction set in its three modes. */
import type { Isa } from "../isa/isa.ts";
import { decode } from "./decode.ts";
import { disassemble } from "./disassemble.ts";
import { opcodeTable } from "./opcode_table.ts";
import { MAX_LENGTH } from "./parse.ts";
import type { Mode } from "./registers.ts";
import { CS, segmentBase } from "./slots.ts";
import { registerInfos, resetValues } from "./state.ts";
import { TRAPS } from "./traps.ts";

export { TRAPS };

const built = new Map<Mode, Isa>();

function build(mode: Mode): Isa {
  const table = opcodeTable(mode);
  return {
    name: `x86-${mode}`,
    addressWidth: mode === 64 ? 64 : 32,
    order: "le",
    maxLength: MAX_LENGTH,
    forms: table.forms.all,
    traps: TRAPS,
    registers: registerInfos(mode),
    pcWidth: mode === 16 ? 16 : undefined,
    codeBase: mode === 16 ? segmentBase(CS) : undefined,
    reset: resetValues(mode),
    decode: (bytes, pc) => decode(table, bytes, pc),
    disassemble: (bytes, pc) => disassemble(table, bytes, pc),
  };
}

/** x86 in real mode (16), flat protected mode (32) or long mode (64); built once, when first asked for. */
export function x86Isa(mode: Mode): Isa {
  let isa = built.get(mode);
  if (isa === undefined) built.set(mode, isa = build(mode));
  return isa;
}

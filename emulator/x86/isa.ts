/** The x86 instruction set in its modes. */
import type { Isa } from "../isa/isa.ts";
import { KEPT_FLAGS } from "./flags.ts";
import { decode } from "./decode.ts";
import { disassemble } from "./disassemble.ts";
import { opcodeTableOf } from "./opcode_table.ts";
import { MAX_LENGTH } from "./parse.ts";
import type { Mode } from "./registers.ts";
import { CS, segmentBase } from "./slots.ts";
import { registerInfos, resetValues } from "./state.ts";
import { TRAPS } from "./traps.ts";
import { usualVariant, type Variant, type VariantName, variantName } from "./variant.ts";

export { TRAPS };
export type { Variant };

const built = new Map<VariantName, Isa>();

function build(variant: Variant): Isa {
  const table = opcodeTableOf(variant), { mode, selectors, flat } = variant;
  return {
    name: variantName(variant),
    addressWidth: mode === 64 ? 64 : 32,
    order: "le",
    maxLength: MAX_LENGTH,
    forms: table.forms.all,
    traps: TRAPS,
    registers: registerInfos(variant),
    // In protected 16-bit code EIP has 32 bits: a branch of operand size 32 leads beyond the first 64 KiB.
    pcWidth: selectors === "protected" ? undefined : 16,
    codeBase: flat ? undefined : segmentBase(CS),
    kept: [KEPT_FLAGS],
    reset: resetValues(variant),
    decode: (bytes, pc) => decode(table, bytes, pc),
    disassemble: (bytes, pc) => disassemble(table, bytes, pc),
  };
}

/** x86 in one of its variants; built once, when first asked for. Throws RangeError for one that there is not. */
export function x86IsaOf(variant: Variant): Isa {
  const name = variantName(variant);
  let isa = built.get(name);
  if (isa === undefined) built.set(name, isa = build(variant));
  return isa;
}

/** x86 in real mode (16), flat protected mode (32) or long mode (64). */
export function x86Isa(mode: Mode): Isa {
  return x86IsaOf(usualVariant(mode));
}

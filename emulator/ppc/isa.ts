/** The PowerPC instruction set in one of its modes, as the engine takes it. */
import type { Decoded, Isa, Undecodable } from "../isa/isa.ts";
import { type Definition, expand, type Expansion } from "./definition.ts";
import { disassembleWord } from "./disassemble.ts";
import { getField } from "./fields.ts";
import { type PpcMode, ppcRegisters, resetState } from "./state.ts";
import { DEFINITIONS, DefinitionTable } from "./table.ts";
import { unimplementedReason } from "./unimplemented.ts";

/**
 * What definitions leave compiled code for, with their arguments:
 * - `sc` [LEV]; `mfspr` [SPR] -> 64 bits; `mtspr` [SPR, value]; `mftb` [268 or 269] -> 64 bits (269: the upper
 *   half of the timebase, shifted down);
 * - `mfmsr` [] -> 64 bits; `mtmsr` [value, mask]: MSR <- value where mask has ones; `rfi` [] for rfid too;
 * - `trap` [TO]: a program interrupt; `exception` [vector, SRR1 bits], which no definition raises so far.
 */
export const PPC_TRAPS = [
  ...["sc", "mfspr", "mtspr", "mftb", "mfmsr", "mtmsr", "rfi", "trap", "exception"],
] as const;

const isas = new Map<PpcMode, Isa>();

/**
 * The instruction set of a 32-bit implementation (603 and 750 class), or of a 64-bit one with MSR[SF]=1
 * (POWER7 to 9 class), big-endian; Power ISA 2.07B. Built at the first call, the same object after that.
 */
export function ppcIsa(mode: PpcMode): Isa {
  let isa = isas.get(mode);
  if (!isa) isas.set(mode, isa = buildIsa(mode));
  return isa;
}

/** An instruction that this mode has, or why it has none. */
type Found = { readonly definition: Definition; readonly word: number } | Undecodable;

function buildIsa(mode: PpcMode): Isa {
  const table = new DefinitionTable(DEFINITIONS);
  const present = DEFINITIONS.filter(({ only }) => only === undefined || only === mode);
  const expansions = new Map<Definition, Expansion>(
    present.map((definition) => [definition, expand(definition, mode)]),
  );

  function find(bytes: Uint8Array): Found {
    const fail = (reason: string, length = 4): Undecodable => ({ undecodable: true, length, reason });
    if (bytes.length < 4) {
      return fail(`an instruction has 4 bytes and only ${bytes.length} are there`, Math.max(bytes.length, 1));
    }
    const word = (bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]) >>> 0;
    const definition = table.find(word);
    if (!definition) return fail(unimplementedReason(word));
    const { mnemonic, only, bits, invalid } = definition;
    if (only !== undefined && only !== mode) {
      return fail(`${mnemonic} is an instruction of ${only}-bit implementations; this one is ${mode}-bit`);
    }
    const reserved = (word & bits.reserved) >>> 0;
    if (reserved) {
      return fail(`${mnemonic}: reserved bits are set (${reserved.toString(16).padStart(8, "0")})`);
    }
    const why = invalid?.((name) => getField(word, name), mode);
    return why ? fail(`${mnemonic}: ${why}`) : { definition, word };
  }

  function decode(bytes: Uint8Array, pc: bigint): Decoded | Undecodable {
    const found = find(bytes);
    if ("undecodable" in found) return found;
    const { definition, word } = found;
    const form = expansions.get(definition)?.formOf(word);
    if (!form) throw new TypeError(`${definition.mnemonic} is not expanded for mode ${mode}`);
    return { form, length: 4, values: definition.layout.values(word, { pc, mode }) };
  }

  return {
    name: `ppc${mode}`,
    addressWidth: mode,
    order: "be",
    maxLength: 4,
    forms: [...expansions.values()].flatMap(({ forms }) => forms),
    traps: PPC_TRAPS,
    registers: ppcRegisters(mode),
    reset: resetState(mode),
    decode,
    disassemble(bytes, pc) {
      const found = find(bytes);
      if ("undecodable" in found) return undefined;
      return { text: disassembleWord(found.definition, found.word, { pc, mode }), length: 4 };
    },
  };
}

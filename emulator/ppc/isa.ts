/** The PowerPC instruction set in one of its modes, as the engine takes it. */
import type { ByteOrder } from "../ir/ops.ts";
import type { Decoded, Form, Isa, Undecodable } from "../isa/isa.ts";
import { keptFields } from "./condition.ts";
import { type Definition, expand, type Expansion } from "./definition.ts";
import { disassembleWord } from "./disassemble.ts";
import { getField } from "./fields.ts";
import { foreignText } from "./foreign.ts";
import { PPC_HELPERS } from "./helpers.ts";
import { type PpcMode, ppcRegisters, resetState } from "./state.ts";
import { DEFINITIONS, DefinitionTable } from "./table.ts";
import { readWord } from "./word.ts";
import { undefinedWord } from "./unimplemented.ts";

/**
 * What definitions leave compiled code for, with their arguments:
 * - `sc` [LEV]; `mfspr` [SPR] -> 64 bits; `mtspr` [SPR, value]; `mftb` [268 or 269] -> 64 bits (269: the upper
 *   half of the timebase, shifted down);
 * - `mfmsr` [] -> 64 bits; `mtmsr` [value, mask]: MSR <- value where mask has ones; `rfi` [] for rfid too;
 * - `trap` [TO]: a program interrupt; `exception` [vector, SRR1 bits]: any other, the instruction not executed;
 *   `floatException` []: a program interrupt for an enabled floating-point exception, the instruction executed;
 *   `alignment` [address, DSISR];
 * - `mfsr` [segment register] -> 32 bits; `mtsr` [segment register, value]; `tlbie` [], tlbsync too; `touch` [address].
 */
export const PPC_TRAPS = [
  ...["sc", "mfspr", "mtspr", "mftb", "mfmsr", "mtmsr", "rfi", "trap", "exception", "floatException"],
  ...["alignment", "mfsr", "mtsr", "tlbie", "touch"],
] as const;

const isas = new Map<string, Isa>();

/**
 * The instruction set of a 32-bit implementation (603 and 750 class), or of a 64-bit one with MSR[SF]=1
 * (POWER7 to 9 class); Power ISA 2.07B. Little-endian: data and instruction words alike, and nothing is swapped
 * by address. Built at the first call, the same object after that.
 */
export function ppcIsa(mode: PpcMode, order: ByteOrder = "be"): Isa {
  const key = `${mode}${order}`;
  let isa = isas.get(key);
  if (!isa) isas.set(key, isa = buildIsa(mode, order));
  return isa;
}

/** An instruction that this mode has, or why it has none. */
type Found = { readonly definition: Definition; readonly word: number } | Undecodable;

function buildIsa(mode: PpcMode, order: ByteOrder): Isa {
  const table = new DefinitionTable(DEFINITIONS);
  const present = DEFINITIONS.filter(({ only }) => only === undefined || only === mode);
  const shared = new Map<string, Form>();
  const expansions = new Map<Definition, Expansion>(
    present.map((definition) => [definition, expand(definition, mode, order, shared)]),
  );

  function find(bytes: Uint8Array): Found {
    const fail = (reason: string, length = 4): Undecodable => ({ undecodable: true, length, reason });
    const illegal = (reason: string): Undecodable => ({ ...fail(reason), invalid: true });
    if (bytes.length < 4) {
      return fail(`an instruction has 4 bytes and only ${bytes.length} are there`, Math.max(bytes.length, 1));
    }
    const word = readWord(bytes, order);
    const definition = table.find(word);
    if (!definition) {
      const { reason, invalid } = undefinedWord(word, mode);
      return invalid ? illegal(reason) : fail(reason);
    }
    const { mnemonic, only, bits, invalid } = definition;
    if (only !== undefined && only !== mode) {
      // By another definition's pattern: the same words may be known by name in this mode.
      const { reason, invalid } = undefinedWord(word, mode);
      if (!invalid) return fail(reason);
      return illegal(`${mnemonic} is an instruction of ${only}-bit implementations; this one is ${mode}-bit`);
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
    const { layout, shares } = definition, operation = shares?.operation;
    const values = layout.values(word, { pc, mode, operation });
    return { form, length: 4, values, relative: layout.relative };
  }

  return {
    name: `ppc${mode}${order === "le" ? "le" : ""}`,
    addressWidth: mode,
    order,
    maxLength: 4,
    forms: [...new Set([...expansions.values()].flatMap(({ forms }) => forms))],
    traps: [...PPC_TRAPS, ...Object.keys(PPC_HELPERS)],
    helpers: PPC_HELPERS,
    registers: ppcRegisters(mode),
    kept: keptFields(mode),
    reset: resetState(mode, order),
    decode,
    disassemble(bytes, pc) {
      const found = find(bytes);
      if ("undecodable" in found) {
        // A 32-bit processor's relatives had them; in 64 bits the same words are other instructions.
        const text = mode === 32 && bytes.length >= 4 ? foreignText(readWord(bytes, order)) : undefined;
        return text === undefined ? undefined : { text, length: 4 };
      }
      return { text: disassembleWord(found.definition, found.word, { pc, mode }), length: 4 };
    },
  };
}

/** All definitions, and the way from an instruction word to its definition. */
import type { Definition } from "./definition.ts";
import { ADD } from "./definitions/add.ts";
import { BRANCH } from "./definitions/branch.ts";
import { COMPARE } from "./definitions/compare.ts";
import { CONDITION_REGISTER } from "./definitions/condition_register.ts";
import { LOAD_STORE } from "./definitions/load_store.ts";
import { LOGICAL } from "./definitions/logical.ts";
import { MULTIPLY_DIVIDE } from "./definitions/multiply_divide.ts";
import { SHIFT_ROTATE } from "./definitions/shift_rotate.ts";
import { SYSTEM } from "./definitions/system.ts";

export const DEFINITIONS: readonly Definition[] = [
  ...[ADD, MULTIPLY_DIVIDE, LOGICAL, SHIFT_ROTATE, COMPARE, BRANCH],
  ...[CONDITION_REGISTER, LOAD_STORE, SYSTEM].flat(),
].flat();

/** Bits below the primary opcode that every extended opcode lies in. */
const LOW = 0x7ff;

/** Finds the definition whose opcode bits a word has. */
export class DefinitionTable {
  readonly #byPrimary: readonly Definition[][];
  /** Per primary opcode and low 11 bits, the definitions that those bits leave; filled when asked for. */
  readonly #candidates = new Map<number, readonly Definition[]>();

  /** Throws `TypeError` where two patterns fit one word. */
  constructor(definitions: readonly Definition[]) {
    const byPrimary: Definition[][] = Array.from({ length: 64 }, () => []);
    for (const definition of definitions) {
      const { mask, match } = definition.bits;
      const others = byPrimary[match >>> 26];
      const clash = others.find(({ bits }) => (mask & bits.mask & (match ^ bits.match)) === 0);
      if (clash) {
        throw new TypeError(`patterns of ${clash.mnemonic} and ${definition.mnemonic} overlap`);
      }
      others.push(definition);
    }
    this.#byPrimary = byPrimary;
  }

  find(word: number): Definition | undefined {
    const key = word >>> 26 << 11 | word & LOW;
    let candidates = this.#candidates.get(key);
    if (!candidates) {
      candidates = this.#byPrimary[word >>> 26].filter(({ bits }) =>
        (word & bits.mask & LOW) === (bits.match & LOW)
      );
      this.#candidates.set(key, candidates);
    }
    return candidates.find(({ bits }) => (word & bits.mask) >>> 0 === bits.match);
  }
}

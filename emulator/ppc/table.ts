/** All definitions, and the way from an instruction word to its definition. */
import type { Definition } from "./definition.ts";
import { ADD } from "./definitions/add.ts";
import { BITS } from "./definitions/bits.ts";
import { BRANCH } from "./definitions/branch.ts";
import { CACHE } from "./definitions/cache.ts";
import { COMPARE } from "./definitions/compare.ts";
import { CONDITION_REGISTER } from "./definitions/condition_register.ts";
import { DIVIDE_EXTENDED } from "./definitions/divide_extended.ts";
import { FLOAT_ARITHMETIC } from "./definitions/float_arithmetic.ts";
import { FLOAT_LOAD_STORE } from "./definitions/float_load_store.ts";
import { FLOAT_MOVE } from "./definitions/float_move.ts";
import { FLOAT_STATUS } from "./definitions/float_status.ts";
import { LOAD_STORE } from "./definitions/load_store.ts";
import { LOGICAL } from "./definitions/logical.ts";
import { MULTIPLE_STRING } from "./definitions/multiple_string.ts";
import { MULTIPLY_DIVIDE } from "./definitions/multiply_divide.ts";
import { RESERVATION } from "./definitions/reservation.ts";
import { SEGMENT } from "./definitions/segment.ts";
import { SHIFT_ROTATE } from "./definitions/shift_rotate.ts";
import { SYSTEM } from "./definitions/system.ts";

export const DEFINITIONS: readonly Definition[] = [
  ...[ADD, MULTIPLY_DIVIDE, LOGICAL, SHIFT_ROTATE, COMPARE, BRANCH],
  ...[CONDITION_REGISTER, LOAD_STORE, SYSTEM, RESERVATION, MULTIPLE_STRING, CACHE, BITS, DIVIDE_EXTENDED],
  ...[SEGMENT],
  ...[FLOAT_LOAD_STORE, FLOAT_MOVE, FLOAT_ARITHMETIC, FLOAT_STATUS],
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

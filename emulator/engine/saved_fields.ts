/** Saved state read with suspicion: every value is checked for what it has to be, since files come from anywhere. */
import type { SavedState } from "./saved_state.ts";

/** The fields of a record. Every method throws `SyntaxError` that names the record and the field. */
export class SavedFields {
  readonly #record: { readonly [name: string]: SavedState };
  readonly #what: string;

  /** `what` names the record in messages. */
  constructor(state: SavedState | undefined, what: string) {
    this.#what = what;
    if (
      typeof state !== "object" || state === null || Array.isArray(state) || state instanceof Uint8Array
    ) {
      throw new SyntaxError(`${what} is not there, or is no record`);
    }
    this.#record = state as { readonly [name: string]: SavedState };
  }

  /** Whatever it is; undefined if there is none. */
  raw(name: string): SavedState | undefined {
    return Object.hasOwn(this.#record, name) ? this.#record[name] : undefined;
  }
  /** Names of the fields. */
  get names(): string[] {
    return Object.keys(this.#record);
  }
  /** Whether there is such a field and it is not null. */
  has(name: string): boolean {
    return this.raw(name) !== undefined && this.raw(name) !== null;
  }

  /** A whole number from `least` to `most`. */
  whole(name: string, most: number = Number.MAX_SAFE_INTEGER, least = 0): number {
    const value = this.raw(name);
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most) {
      return value;
    }
    throw this.#wrong(name, `a whole number from ${least} to ${most}`);
  }
  /** A time: as `whole`, or `Infinity`. */
  time(name: string): number {
    return this.raw(name) === Infinity ? Infinity : this.whole(name);
  }
  /** True or false. */
  flag(name: string): boolean {
    const value = this.raw(name);
    if (typeof value === "boolean") return value;
    throw this.#wrong(name, "true or false");
  }
  /** Text. */
  text(name: string): string {
    const value = this.raw(name);
    if (typeof value === "string") return value;
    throw this.#wrong(name, "text");
  }
  /** An unsigned number of `bits` bits. */
  unsigned(name: string, bits = 64): bigint {
    const value = this.raw(name);
    if (typeof value === "bigint" && BigInt.asUintN(bits, value) === value) return value;
    throw this.#wrong(name, `an unsigned number of ${bits} bits`);
  }
  /** Bytes, exactly `length` if it is given. They are the file's own: copy what is kept. */
  bytes(name: string, length?: number): Uint8Array {
    const value = this.raw(name);
    if (value instanceof Uint8Array && (length === undefined || value.length === length)) return value;
    throw this.#wrong(name, length === undefined ? "bytes" : `${length} bytes`);
  }
  /** One of a few words or numbers. */
  oneOf<const T extends string | number>(name: string, choices: readonly T[]): T {
    const value = this.raw(name), found = choices.find((one) => one === value);
    if (found !== undefined) return found;
    throw this.#wrong(name, choices.join(" or "));
  }
  /** A list of at most `most`. */
  list(name: string, most: number): readonly SavedState[] {
    const value = this.raw(name);
    if (Array.isArray(value) && value.length <= most) return value;
    throw this.#wrong(name, `a list of at most ${most}`);
  }
  /** A list of whole numbers from 0 to `largest`. */
  wholes(name: string, most: number, largest: number = Number.MAX_SAFE_INTEGER): number[] {
    return this.list(name, most).map((value) => {
      if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= largest) {
        return value;
      }
      throw this.#wrong(name, `a list of whole numbers from 0 to ${largest}`);
    });
  }
  /** A list of exactly `length` records, or of at most `most`. */
  records(name: string, most: number, length?: number): SavedFields[] {
    const list = this.list(name, most);
    if (length !== undefined && list.length !== length) throw this.#wrong(name, `a list of ${length}`);
    return list.map((one, i) => new SavedFields(one, `${this.#what}.${name}[${i}]`));
  }
  /** A record within. */
  fields(name: string): SavedFields {
    return new SavedFields(this.raw(name), `${this.#what}.${name}`);
  }

  #wrong(name: string, expected: string): SyntaxError {
    return new SyntaxError(`${this.#what}.${name} is not ${expected}`);
  }
}

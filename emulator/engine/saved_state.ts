/**
 * State as plain data, which a snapshot keeps: what JSON has, and beside it bigints, bytes and the numbers that JSON has
 * not. `pack` makes JSON text of it with the bytes apart, `unpack` the same data again.
 */

/** Plain data. An object that is no array and no `Uint8Array` is a record of its own properties. */
export type SavedState =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly SavedState[]
  | { readonly [name: string]: SavedState };

/** Deeper data is refused, so that no file makes the reader run out of stack. */
const DEEPEST = 64;
/** Names of records that stand for a value; a record's own name with a `$` before it gets another one. */
const INTEGER = "$int", BYTES = "$bytes", NUMBER = "$number";
/** Numbers that JSON does not tell. */
const NUMBERS = new Map<string, number>([["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity], [
  "-0",
  -0,
]]);
/** Decimal digits of a bigint: no file makes its reader count for hours. */
const LONGEST_INTEGER = 1000;

/** The data's text, and the bytes that it names in their order. Throws `TypeError` for what is no plain data, saying where. */
export function pack(state: SavedState, what = "state"): { text: string; blobs: Uint8Array[] } {
  const blobs: Uint8Array[] = [];
  return { text: JSON.stringify(packed(state, blobs, what, 0)), blobs };
}

function packed(value: SavedState | undefined, blobs: Uint8Array[], where: string, depth: number): unknown {
  if (depth > DEEPEST) throw new TypeError(`${where} lies more than ${DEEPEST} deep, or contains itself`);
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      return { [NUMBER]: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { [INTEGER]: value.toString() };
    case "object":
      break;
    default:
      throw new TypeError(`${where} is of type ${typeof value}, which is no plain data`);
  }
  if (value === null) return null;
  if (value instanceof Uint8Array) return { [BYTES]: blobs.push(value) - 1 };
  if (Array.isArray(value)) return value.map((one, i) => packed(one, blobs, `${where}[${i}]`, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const kind = prototype.constructor?.name ?? "a class";
    throw new TypeError(`${where} is an object of ${kind}: give plain data, bytes as Uint8Array`);
  }
  return Object.fromEntries(
    Object.entries(value).map((
      [name, one],
    ) => [name.startsWith("$") ? `$${name}` : name, packed(one, blobs, `${where}.${name}`, depth + 1)]),
  );
}

/** The data that `pack` was given, from its parsed text. Throws `SyntaxError` for anything else. */
export function unpack(json: unknown, blobs: readonly Uint8Array[]): SavedState {
  let used = 0;
  const next = (index: unknown): Uint8Array => {
    // Each once and in order: no file can ask for more bytes than it has.
    if (index !== used || used >= blobs.length) throw malformed("bytes that are not there, or not in order");
    return blobs[used++];
  };
  const state = unpacked(json, next, 0);
  if (used !== blobs.length) throw malformed("bytes that nothing names");
  return state;
}

function unpacked(json: unknown, bytes: (index: unknown) => Uint8Array, depth: number): SavedState {
  if (depth > DEEPEST) throw malformed("data that is too deep");
  if (typeof json !== "object" || json === null) return json as null | boolean | number | string;
  if (Array.isArray(json)) return json.map((one) => unpacked(one, bytes, depth + 1));
  const entries = Object.entries(json);
  const [[name, value]] = entries.length === 1 ? entries : [["", undefined]];
  if (name === BYTES) return bytes(value);
  if (name === NUMBER && typeof value === "string" && NUMBERS.has(value)) return NUMBERS.get(value)!;
  if (
    name === INTEGER && typeof value === "string" && value.length <= LONGEST_INTEGER && /^-?\d+$/.test(value)
  ) {
    return BigInt(value);
  }
  return Object.fromEntries(entries.map(([key, one]) => {
    if (key.startsWith("$") && !key.startsWith("$$")) throw malformed(`a value of the unknown kind ${key}`);
    return [key.startsWith("$") ? key.slice(1) : key, unpacked(one, bytes, depth + 1)];
  }));
}

function malformed(what: string): SyntaxError {
  return new SyntaxError(`the state has ${what}`);
}

/** Numbers as bytes, eight each, little-endian. */
export function numbersToBytes(numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * numbers.length), view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => view.setFloat64(8 * i, number, true));
  return bytes;
}

/** The numbers of `numbersToBytes`, in rows of `width`. Throws `SyntaxError` if they are not that. */
export function* rowsOfNumbers(bytes: Uint8Array, width: number, what: string): Generator<number[]> {
  if (bytes.length % (8 * width) !== 0) throw new SyntaxError(`${what} is not a table of ${width} columns`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 8 * width) {
    yield Array.from({ length: width }, (_, i) => view.getFloat64(at + 8 * i, true));
  }
}

/** The product of a sweep's parameters: its cells by number, their values, their order of work, and shards of them. */
import { didYouMean } from "../../emulator/isa/edit_distance.ts";
import { UserError } from "../errors.ts";
import type { CellValues, SweepParameters, SweepValue } from "./definition.ts";

/** So that a slip in a range is told and does not fill memory. */
const MOST_CELLS = 10_000_000;
const MOST_SHARDS = 1_000_000;

/** Part `index`, from 1, of `of` parts of a sweep. */
export interface Shard {
  /** Which part, from 1. */
  readonly index: number;
  /** How many parts there are. */
  readonly of: number;
}

export const WHOLE: Shard = { index: 1, of: 1 };

/** What a module gives as parameters, checked. Throws `UserError` that says which is wrong. */
export function checkParameters(given: unknown, where: string): SweepParameters {
  const wrong = (what: string) => new UserError(`${where}: ${what}`);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw wrong("parameters is an object of arrays, such as { size: [1, 8, 64] }");
  }
  const entries = Object.entries(given as Record<string, unknown>);
  if (entries.length === 0) throw wrong("there are no parameters");
  for (const [name, values] of entries) {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw wrong(`the parameter ${JSON.stringify(name)} is no name: letters, digits and _`);
    }
    if (!Array.isArray(values) || values.length === 0) {
      throw wrong(`the parameter ${name} is no array of one or more values`);
    }
    for (const value of values) {
      const fine = typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
      if (!fine) {
        throw wrong(
          `the parameter ${name} has the value ${value}: strings, numbers and booleans can be swept`,
        );
      }
    }
    const twice = values.find((value, i) => values.indexOf(value) !== i);
    if (twice !== undefined) {
      throw wrong(`the parameter ${name} has the value ${JSON.stringify(twice)} twice`);
    }
  }
  // Through JSON, so that it is what a journal gives back.
  const parameters: SweepParameters = JSON.parse(JSON.stringify(given));
  cellCount(parameters);
  return parameters;
}

/** How many cells there are. Throws `UserError` for more than memory is meant for. */
export function cellCount(parameters: SweepParameters): number {
  const count = Object.values(parameters).reduce((product, values) => product * values.length, 1);
  if (count > MOST_CELLS) {
    throw new UserError(`The parameters make ${count} cells; a sweep has ${MOST_CELLS} at most`);
  }
  return count;
}

/** The values of a cell. The last parameter changes fastest. */
export function valuesOf(parameters: SweepParameters, index: number): CellValues {
  const names = Object.keys(parameters);
  const values: SweepValue[] = [];
  let rest = index;
  for (const name of names.toReversed()) {
    const of = parameters[name];
    values.unshift(of[rest % of.length]);
    rest = Math.floor(rest / of.length);
  }
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}

/**
 * The cells of a shard in the order in which they are worked on: shuffled, always alike. Shards are then equally long
 * whatever a parameter costs, time left can be told early, and what is there after a stop is a sample of the whole.
 */
export function workOrder(count: number, shard: Shard = WHOLE): number[] {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const random = randomFrom(count);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return Array.from(order).filter((_, rank) => rank % shard.of === shard.index - 1);
}

/** 32 bits from the index of a cell. */
export function cellSeed(index: number): number {
  return mix(index + 1);
}

/** Numbers from 0 to below 1: a counter by the golden ratio, mixed, as SplitMix does it (Steele et al. 2014). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    return mix(state) / 2 ** 32;
  };
}

/** Each bit of the answer depends on each of `value`. */
function mix(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** `2/4`. Throws `UserError`. */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const shard = { index: Number(match?.[1]), of: Number(match?.[2]) };
  if (!match || shard.index < 1 || shard.index > shard.of || shard.of > MOST_SHARDS) {
    throw new UserError(`The shard "${text}" is not I/N with I from 1 to N, such as 1/4, 2/4, 3/4 and 4/4`);
  }
  return shard;
}

/** `size=1,8,64`, `size=1..64`, `size=0..64+8`, `size=1..4096*2`, `arch=x86,ppc`; later ones win. Throws `UserError`. */
export function parseSettings(settings: readonly string[]): Record<string, SweepValue[]> {
  return Object.fromEntries(settings.map((setting) => {
    const at = setting.indexOf("=");
    if (at < 1) throw new UserError(`"${setting}" is not NAME=VALUES, such as size=1,8,64 or size=1..64`);
    return [setting.slice(0, at), parseValues(setting.slice(at + 1))];
  }));
}

/** Values between commas. What looks like a number is one, `true` and `false` are booleans, the rest is text. */
export function parseValues(text: string): SweepValue[] {
  return text.split(",").flatMap((item): SweepValue[] => {
    if (item === "") throw new UserError(`A value is missing in "${text}"`);
    if (item === "true" || item === "false") return [item === "true"];
    const number = /^-?(\d+(\.\d+)?|0x[0-9a-f]+)$/i.test(item) ? Number(item) : Number.NaN;
    return Number.isFinite(number) ? [number] : parseRange(item) ?? [item];
  });
}

/** `1..64`, `0..64+8`, `1..4096*2`; undefined for what is no range. */
function parseRange(text: string): number[] | undefined {
  const match = /^(-?\d+)\.\.(-?\d+)(?:([+*])(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [from, to, by] = [Number(match[1]), Number(match[2]), Number(match[4] ?? 1)];
  const times = match[3] === "*";
  if (from > to || by < 1 || (times && (by < 2 || from < 1))) {
    throw new UserError(`The range "${text}" does not go up: write 1..64, 0..64+8 or 1..4096*2`);
  }
  if (!times && (to - from) / by > MOST_CELLS) throw new UserError(`The range "${text}" has too many values`);
  const values: number[] = [];
  for (let value = from; value <= to; value = times ? value * by : value + by) values.push(value);
  return values;
}

/** `parameters` with other values for some. Throws `UserError` for one that there is not. */
export function override(
  parameters: SweepParameters,
  settings: Readonly<Record<string, readonly SweepValue[]>>,
  where: string,
): SweepParameters {
  for (const name of Object.keys(settings)) {
    if (Object.hasOwn(parameters, name)) continue;
    const names = Object.keys(parameters);
    const hint = didYouMean(name, names) || `; there ${names.length > 1 ? "are" : "is"} ${names.join(", ")}`;
    throw new UserError(`${where} has no parameter ${JSON.stringify(name)}${hint}`);
  }
  return checkParameters({ ...parameters, ...settings }, where);
}

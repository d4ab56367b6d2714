/** Checks that JSON is a cost profile, and says which key is wrong, what was found and what would be right. */
import { CostProfile, type ProfileData, type PublishedRow } from "./profile.ts";
import { EXIT_REASONS } from "./reasons.ts";
import { PRICED_STAGES } from "./stages.ts";

/** Looks at one JSON value; throws `TypeError` or `RangeError` naming `path`. */
type Check = (value: unknown, path: string) => void;

interface Key {
  readonly check: Check;
  readonly optional?: boolean;
}

/** A value as an error shows it. */
function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

function wrong(path: string, value: unknown, right: string): TypeError {
  return new TypeError(`${path} is ${shown(value)}: give ${right}`);
}

const text: Check = (value, path) => {
  if (typeof value !== "string" || value === "") throw wrong(path, value, "a text");
};

const flag: Check = (value, path) => {
  if (typeof value !== "boolean") throw wrong(path, value, "true or false");
};

function integer(atLeast: number, atMost = Number.MAX_SAFE_INTEGER): Check {
  const right = atMost === Number.MAX_SAFE_INTEGER
    ? `an integer of at least ${atLeast}`
    : `an integer from ${atLeast} to ${atMost}`;
  return (value, path) => {
    if (typeof value !== "number") throw wrong(path, value, right);
    if (!Number.isSafeInteger(value) || value < atLeast || value > atMost) {
      throw new RangeError(`${path} is ${value}: give ${right}`);
    }
  };
}

function oneOf(...names: readonly string[]): Check {
  return (value, path) => {
    if (typeof value !== "string" || !names.includes(value)) {
      throw wrong(path, value, `one of ${names.join(", ")}`);
    }
  };
}

function list(item: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, value, "a list");
    value.forEach((one, i) => item(one, `${path}[${i}]`));
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object with these keys and no others. */
function object(keys: Readonly<Record<string, Key>>): Check {
  return (value, path) => {
    if (!isObject(value)) throw wrong(path, value, `an object with ${Object.keys(keys).join(", ")}`);
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(keys, key)) {
        throw new TypeError(`${path}.${key} is not a key: ${path} takes ${Object.keys(keys).join(", ")}`);
      }
    }
    for (const [key, { check, optional }] of Object.entries(keys)) {
      if (optional && value[key] === undefined) continue;
      check(value[key], `${path}.${key}`);
    }
  };
}

/** An object with a `default` and any other keys that `name` accepts. */
function withDefault(
  item: Check,
  defaultItem: Check,
  name: RegExp,
  what: string,
  known?: readonly string[],
): Check {
  return (value, path) => {
    if (!isObject(value)) throw wrong(path, value, `an object with default and ${what}`);
    if (value.default === undefined) {
      throw wrong(`${path}.default`, undefined, `what ${what} without an entry cost`);
    }
    for (const [key, one] of Object.entries(value)) {
      if (key !== "default" && (!name.test(key) || (known && !known.includes(key)))) {
        throw new TypeError(
          `${path}.${key} is not a key: ${path} takes default and ${what}${
            known ? ` (${known.join(", ")})` : ""
          }`,
        );
      }
      (key === "default" ? defaultItem : item)(one, `${path}.${key}`);
    }
  };
}

const required = (check: Check): Key => ({ check });
const optional = (check: Check): Key => ({ check, optional: true });

const provenance = oneOf("published", "assumed", "calibrated");
const direction = oneOf("in", "out", "none");
const handling = oneOf("kernel", "userspace", "kernel-fast");

/** Exits stay exact in sums of a billion; an instruction's cost has 16 bits in a decoded record. */
const EXIT_LIMIT = 1_000_000, INSTRUCTION_LIMIT = 65_535;

function figureUpTo(limit: number): Check {
  const shape = object({
    cycles: required(integer(0, limit)),
    provenance: required(provenance),
    unverified: optional(flag),
    note: optional(text),
    source: optional(text),
  });
  return (value, path) => {
    shape(value, path);
    const { provenance, source } = value as { provenance: string; source?: string };
    if (provenance === "published" && source === undefined) {
      throw wrong(`${path}.source`, undefined, "the place that published the figure, or another provenance");
    }
  };
}

const figure = figureUpTo(EXIT_LIMIT);
const instruction = figureUpTo(INSTRUCTION_LIMIT);

const frequency = object({
  hz: required(integer(1)),
  provenance: required(provenance),
  note: optional(text),
});

const stageKeys = Object.fromEntries(PRICED_STAGES.map((stage) => [stage, optional(figure)]));
const directions = { in: optional(object(stageKeys)), out: optional(object(stageKeys)) };
const reasonStages = object({ ...stageKeys, ...directions });
const defaultStages = object({
  ...Object.fromEntries(PRICED_STAGES.map((stage) => [stage, required(figure)])),
  ...directions,
});

const exit = object({
  reason: required(text),
  direction: required(direction),
  handledIn: required(handling),
});

const published = object({
  row: required(text),
  cycles: required(integer(0)),
  source: required(text),
  unverified: optional(flag),
  usedFor: required(oneOf("calibration", "prediction")),
  exit: required(exit),
  plus: optional(list(object({ stage: required(oneOf(...PRICED_STAGES)), of: required(exit) }))),
  note: optional(text),
});

const profile = object({
  name: required(text),
  title: required(text),
  arch: required(oneOf("x86", "ppc")),
  source: required(text),
  notes: optional(list(text)),
  tscHz: optional(frequency),
  timebaseHz: optional(frequency),
  coreHz: optional(frequency),
  instructions: required(
    withDefault(instruction, instruction, /^[a-z][a-z0-9-]*$/, "cycle classes in lower case"),
  ),
  stages: required(
    withDefault(reasonStages, defaultStages, /^[A-Z][A-Z0-9_]*$/, "exit reasons", Object.keys(EXIT_REASONS)),
  ),
  published: required(list(published)),
});

const CLOCKS = { x86: ["tscHz"], ppc: ["timebaseHz", "coreHz"] } as const;

/**
 * Checks parsed JSON and returns it as a profile. Throws `TypeError` for a key that is unknown, missing or of
 * the wrong kind, `RangeError` for a number out of range, and `Error` if a row that is said to have calibrated
 * the profile does not come out of its stages; each names `where`, the key, what was found and what would be right.
 */
export function checkProfile(value: unknown, where = "profile"): CostProfile {
  profile(value, where);
  const data = value as ProfileData;
  for (const clock of ["tscHz", "timebaseHz", "coreHz"] as const) {
    const wanted = (CLOCKS[data.arch] as readonly string[]).includes(clock);
    if (wanted && data[clock] === undefined) {
      throw wrong(`${where}.${clock}`, undefined, "{ hz, provenance }");
    }
    if (!wanted && data[clock] !== undefined) {
      throw new TypeError(
        `${where}.${clock} is not a key of ${data.arch}: it takes ${CLOCKS[data.arch].join(", ")}`,
      );
    }
  }
  const made = new CostProfile(data);
  data.published.forEach((row: PublishedRow, i) => {
    const sum = made.predict(row);
    if (row.usedFor === "calibration" && sum !== row.cycles) {
      throw new Error(
        `${where}.published[${i}] (${row.row}) says ${row.cycles} cycles and its stages sum to ${sum}: ` +
          `make them equal, or give it "usedFor": "prediction"`,
      );
    }
  });
  return made;
}

/** Reads a profile from JSON text. Throws as `checkProfile`, and `SyntaxError` if the text is not JSON. */
export function parseProfile(json: string, where = "profile"): CostProfile {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new SyntaxError(`${where} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  return checkProfile(value, where);
}

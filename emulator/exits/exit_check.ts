/** Assertions on exits, for tests of guests and devices: what was expected, what came, and where they part. */
import type { Direction, KeySpace } from "../engine/native_reason.ts";
import type { Aggregate } from "./aggregate.ts";
import { keyText } from "./key_text.ts";
import type { LedgerView } from "./ledger_view.ts";
import type { ExitRow } from "./row.ts";
import { type DiffLine, diffLines } from "./row_diff.ts";
import type { Handling } from "./stages.ts";
import { sumAggregates } from "./totals.ts";

/** Exits that differ from what was expected. `diff` is the difference alone, without the title. */
export class ExitMismatch extends Error {
  /** For messages and stacks. */
  override readonly name = "ExitMismatch";
  /** Lines with `-` for what was expected and is not there, `+` for what is there and was not expected. */
  readonly diff: string;

  /** The message is the title and, after an empty line, the difference. */
  constructor(title: string, diff: string) {
    super(`${title}\n\n${diff}`);
    this.diff = diff;
  }
}

/**
 * Exits that are expected, of one reason and, if given, one key, direction and handling. Only what is given is
 * compared: without `key`, the exits of all keys of the reason are expected together.
 */
export interface ExpectedExits {
  /** Canonical reason, e.g. `"IO"`. */
  readonly reason: string;
  /** The backend's own name, e.g. `"EPT_MISCONFIG"`. */
  readonly native?: string;
  /** Port, guest-physical address, hypercall number ... */
  readonly key?: number;
  /** Which way data goes, as the guest sees it. */
  readonly direction?: Direction;
  /** Who completes the first access. */
  readonly handledIn?: Handling;
  /** Exits. */
  readonly count?: number;
  /** Accesses: one instruction's exit may make several. */
  readonly accesses?: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns?: number;
  /** Cycles in total. */
  readonly cycles?: number;
}

/** How strictly exits are compared. */
export interface AssertExitsOptions {
  /** True if exits that nothing is expected of are no mismatch. */
  readonly allowOthers?: boolean;
  /** Said before the difference. */
  readonly message?: string;
}

const COUNTED = ["count", "accesses", "returns", "cycles"] as const;

function describe(exits: ExpectedExits, keySpace: KeySpace = "port"): string {
  const { reason, native, key, direction, handledIn } = exits;
  const parts = [native === undefined ? reason : `${reason}/${native}`];
  if (key !== undefined) parts.push(keyText(keySpace, key));
  if (direction !== undefined && direction !== "none") parts.push(direction);
  if (handledIn !== undefined) parts.push(`handledIn=${handledIn}`);
  for (const name of COUNTED) {
    if (exits[name] !== undefined) parts.push(`${name}=${exits[name]}`);
  }
  return parts.join(" ");
}

function matches(one: Aggregate, wanted: ExpectedExits): boolean {
  return one.reason === wanted.reason &&
    (wanted.native === undefined || one.native.name === wanted.native) &&
    (wanted.key === undefined || one.key === wanted.key) &&
    (wanted.direction === undefined || one.direction === wanted.direction) &&
    (wanted.handledIn === undefined || one.handledIn === wanted.handledIn);
}

const LEGEND = "  as expected\n- expected, not there\n+ there, not expected\n";

/** The lines of a difference, or undefined if there is none. */
function render(lines: readonly DiffLine[]): string | undefined {
  if (lines.every(({ mark }) => mark === " ")) return undefined;
  return `${LEGEND}\n${lines.map(({ mark, text }) => `${mark} ${text}`).join("\n")}`;
}

/**
 * How the ledger's exits differ from the expected ones, as text, or undefined if they do not. An exit is taken
 * by the first entry that it fits, so put `{ reason, key }` before `{ reason }`.
 */
export function diffExits(
  ledger: LedgerView,
  expected: readonly ExpectedExits[],
  options: AssertExitsOptions = {},
): string | undefined {
  const left = new Set(ledger.aggregates());
  const lines: DiffLine[] = [];
  for (const wanted of expected) {
    const taken = [...left].filter((one) => matches(one, wanted));
    for (const one of taken) left.delete(one);
    const sum = sumAggregates(taken);
    const found = {
      count: sum.count,
      accesses: sum.accesses,
      returns: sum.returns,
      cycles: sum.cycles.total,
    };
    // An entry without any number asks for at least one exit.
    const numbers = COUNTED.filter((name) => wanted[name] !== undefined);
    const same = numbers.length === 0 ? sum.count > 0 : numbers.every((name) => wanted[name] === found[name]);
    if (same) {
      lines.push({ mark: " ", text: describe(wanted) });
      continue;
    }
    lines.push({ mark: "-", text: describe(wanted) });
    if (sum.count === 0) continue;
    const { reason, native, key, direction, handledIn } = wanted;
    const shown = Object.fromEntries(
      (numbers.length === 0 ? COUNTED : numbers).map((name) => [name, found[name]]),
    );
    lines.push({ mark: "+", text: describe({ reason, native, key, direction, handledIn, ...shown }) });
  }
  if (!options.allowOthers) {
    for (const one of left) {
      const { reason, key, direction, handledIn, count, keySpace } = one;
      const shown = {
        reason,
        native: one.native.name,
        direction,
        handledIn,
        count,
        cycles: one.cycles.total,
      };
      lines.push({ mark: "+", text: describe(keySpace === "none" ? shown : { ...shown, key }, keySpace) });
    }
  }
  return render(lines);
}

/**
 * Throws `ExitMismatch` with a line for each entry unless the ledger holds the expected exits, and no others
 * unless `allowOthers` is set.
 *
 * @example
 * ```ts ignore
 * assertExits(vm.exits, [{ reason: "IO", key: 0x3f8, count: 3, cycles: 3 * 5287 }, { reason: "HLT", count: 1 }]);
 * ```
 */
export function assertExits(
  ledger: LedgerView,
  expected: readonly ExpectedExits[],
  options: AssertExitsOptions = {},
): void {
  const diff = diffExits(ledger, expected, options);
  if (diff !== undefined) {
    throw new ExitMismatch(options.message ?? "the exits are not the expected ones", diff);
  }
}

/** One exit that is expected in its place; only what is given is compared. */
export interface ExpectedRow {
  /** Canonical reason, e.g. `"IO"`. */
  readonly reason: string;
  /** The backend's own name, e.g. `"IO_INSTRUCTION"`. */
  readonly native?: string;
  /** Port, guest-physical address, hypercall number ... of the first access. */
  readonly key?: number;
  /** Which way its data goes, as the guest sees it. */
  readonly direction?: Direction;
  /** Bytes of the first access. */
  readonly size?: number;
  /** Who completes the first access. */
  readonly handledIn?: Handling;
  /** Address of the instruction that leaves the guest. */
  readonly pc?: bigint;
  /** Name for `pc`, e.g. `"loop+0x4"`. */
  readonly symbol?: string;
  /** Cycles in total. */
  readonly cycles?: number;
  /** Accesses of the instruction. */
  readonly accesses?: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns?: number;
}

const ROW_KEYS = [
  "native",
  "key",
  "direction",
  "size",
  "handledIn",
  "pc",
  "symbol",
  "cycles",
  "accesses",
  "returns",
];

/** What an unexpected row shows of itself. */
const SHOWN_KEYS = ["key", "direction", "size", "handledIn", "cycles"];

/** What a row has under a name of `ExpectedRow`. */
function rowValue(row: ExitRow, name: string): unknown {
  if (name === "native") return row.native.name;
  if (name === "cycles") return row.cycles.total;
  return row[name as keyof ExitRow];
}

function rowText(
  index: number,
  reason: string,
  names: readonly string[],
  valueOf: (name: string) => unknown,
): string {
  const parts = [String(index).padStart(4), reason];
  for (const name of names) {
    const value = valueOf(name);
    const hexadecimal = name === "key" || name === "pc";
    if (value === undefined) continue;
    parts.push(`${name}=${hexadecimal ? `0x${(value as number | bigint).toString(16)}` : value}`);
  }
  return parts.join(" ");
}

/**
 * Throws `ExitMismatch` unless the ledger's recorded rows are the expected ones, one for one and in order, and
 * `Error` if rows are missing because they were not recorded or had to make room.
 */
export function assertExitRows(
  ledger: LedgerView,
  expected: readonly ExpectedRow[],
  options: { readonly message?: string } = {},
): void {
  const { rows } = ledger;
  const { count } = ledger.totals();
  if (rows.length !== count) {
    throw new Error(
      `${rows.length} of ${count} exits have a row (${ledger.droppedRows} rows made room for others): ` +
        `call record(true) before the first exit and raise rowLimit if needed`,
    );
  }
  const wantedKeys = (wanted: ExpectedRow) =>
    ROW_KEYS.filter((name) => wanted[name as keyof ExpectedRow] !== undefined);
  const lines = diffLines(
    expected.length,
    rows.length,
    (i, j) =>
      expected[i].reason === rows[j].reason &&
      wantedKeys(expected[i]).every((name) =>
        expected[i][name as keyof ExpectedRow] === rowValue(rows[j], name)
      ),
    (i) =>
      rowText(
        i,
        expected[i].reason,
        wantedKeys(expected[i]),
        (name) => expected[i][name as keyof ExpectedRow],
      ),
    (j) => {
      // Whatever the entry of the same place compares is shown too, so that the reader sees what is wrong.
      const names = new Set([...SHOWN_KEYS, ...(j < expected.length ? wantedKeys(expected[j]) : [])]);
      return rowText(j, rows[j].reason, [...names], (name) => rowValue(rows[j], name));
    },
  );
  const diff = lines && render(lines);
  if (diff !== undefined) {
    throw new ExitMismatch(options.message ?? "the rows are not the expected ones", diff);
  }
}

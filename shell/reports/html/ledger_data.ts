/** The ledger's rows as a report carries them: small, and nothing in it that a page would take for markup. */
import { keyText } from "../../../emulator/exits/key_text.ts";
import type { LedgerView } from "../../../emulator/exits/ledger_view.ts";
import type { ExitRow } from "../../../emulator/exits/row.ts";
import { STAGES } from "../../../emulator/exits/stages.ts";
import { visible } from "../markup.ts";

/** What rows of a kind share, in the order in which `ledger.js` reads it. */
type Kind = readonly (string | number)[];

/** Rows by their kinds: a loop of a million exits has few of them, so that a row takes four numbers. */
export interface LedgerData {
  /** Cycles a second. */
  readonly hz: number;
  /** What rows share: see `kindOf`. */
  readonly kinds: readonly Kind[];
  /** Of each row, oldest first: kind, sequence number, clock, instructions. */
  readonly rows: readonly number[];
}

/** vCPU, pc, exit, reason, key, its number, direction, size, place, accesses, returns, and cycles by stage and in all. */
function kindOf(row: ExitRow): Kind {
  const { vcpu, pc, symbol, native, reason, keySpace, key, direction, size, handledIn, cycles } = row;
  return [
    vcpu,
    `0x${pc.toString(16)}${symbol === undefined ? "" : ` ${visible(symbol)}`}`,
    native.name,
    reason,
    keySpace === "none" ? "" : `${keySpace} ${keyText(keySpace, key)}`,
    key,
    direction === "none" ? "" : direction,
    size,
    handledIn,
    row.accesses,
    row.returns,
    ...STAGES.map((stage) => cycles[stage]),
    cycles.total,
  ];
}

/** The rows of a ledger for its report. */
export function ledgerData({ rows, profile }: LedgerView): LedgerData {
  const places = new Map<string, number>(), kinds: Kind[] = [], numbers: number[] = [];
  for (const row of rows) {
    const kind = kindOf(row), text = JSON.stringify(kind);
    let place = places.get(text);
    if (place === undefined) {
      places.set(text, place = kinds.length);
      kinds.push(kind);
    }
    numbers.push(place, row.seq, row.at, row.instructions);
  }
  return { hz: profile.cyclesHz, kinds, rows: numbers };
}

/** JSON for a `script` element: what could end the element, or open a comment in it, is written as an escape. */
export function scriptJson(data: unknown): string {
  return JSON.stringify(data).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

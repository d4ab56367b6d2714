/** Which instructions and exits a trace writes. */
import type { Session } from "../../session.ts";
import { addressOf } from "./numbers.ts";
import { symbolSize } from "./symbols.ts";

/** Kinds of filters are joined by "and", several of one kind by "or". */
export interface TraceFilter {
  /** Addresses of instructions, the last one included. */
  readonly ranges: readonly { readonly first: bigint; readonly last: bigint }[];
  /** Mnemonics in lower case, without prefixes. */
  readonly mnemonics: readonly string[];
  /** Reasons of exits, in upper case: canonical names, the backend's own, PIO and HYPERCALL. */
  readonly exits: readonly string[];
}

/** As `SymbolTable.nearest` has it. */
const MOST_OF_LABEL = 0x1_0000n;

const USAGE = 'a trace filter is "in SYMBOL", "in FIRST..LAST", "op MNEMONIC" or "exit KIND"';

/** Reads `in main op mov exit pio`. Throws `SyntaxError` for what is no filter, `RangeError` for an exit that there is not. */
export function parseTraceFilter(session: Session, words: readonly string[]): TraceFilter {
  const ranges: { first: bigint; last: bigint }[] = [], mnemonics: string[] = [], exits: string[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const [kind, value] = [words[i], words[i + 1]];
    if (value === undefined) throw new SyntaxError(`${kind} wants a word behind it: ${USAGE}`);
    if (kind === "in") ranges.push(rangeOf(session, value));
    else if (kind === "op") mnemonics.push(value.toLowerCase());
    else if (kind === "exit") exits.push(exitOf(session, value));
    else throw new SyntaxError(`"${kind}" is none: ${USAGE}`);
  }
  return { ranges, mnemonics, exits };
}

function rangeOf(session: Session, text: string): { first: bigint; last: bigint } {
  const [from, to] = text.split("..");
  const first = addressOf(session, from);
  if (to !== undefined) {
    const last = addressOf(session, to);
    if (last < first) throw new RangeError(`${text} ends before it begins`);
    return { first, last };
  }
  const size = symbolSize(session.vm, text) ?? sizeToNext(session, text, first);
  return { first, last: first + size - 1n };
}

/** Assembled labels have no size: up to the next one, as far as a label counts at all. A plain address is one instruction. */
function sizeToNext({ vm }: Session, text: string, first: bigint): bigint {
  if (vm.symbols.lookup(text) === undefined) return 1n;
  const next = vm.symbols.list().find(({ address }) => address > first);
  return next && next.address - first < MOST_OF_LABEL ? next.address - first : MOST_OF_LABEL;
}

function exitOf({ vm }: Session, text: string): string {
  const name = text.toUpperCase(), known = vm.catchpoints.reasons;
  if (known.some((one) => one.toUpperCase() === name)) return name;
  throw new RangeError(`there is no exit ${text}: there are ${known.join(", ").toLowerCase()}`);
}

/** The filter as it would be typed. */
export function filterText({ ranges, mnemonics, exits }: TraceFilter): string {
  return [
    ...ranges.map(({ first, last }) => `in 0x${first.toString(16)}..0x${last.toString(16)}`),
    ...mnemonics.map((name) => `op ${name}`),
    ...exits.map((name) => `exit ${name.toLowerCase()}`),
  ].join(" ");
}

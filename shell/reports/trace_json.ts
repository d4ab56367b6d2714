/**
 * A ledger in the Trace Event Format of Chrome, which Perfetto and chrome://tracing open: a track for each vCPU, an exit
 * as a slice ("X", a complete event), its stages as slices within it. Format: "Trace Event Format", the Chromium
 * project's document; ts and dur are microseconds.
 */
import { keyText } from "../../emulator/exits/key_text.ts";
import type { LedgerView } from "../../emulator/exits/ledger_view.ts";
import type { ExitRow } from "../../emulator/exits/row.ts";
import { usedFigures } from "../../emulator/exits/provenance.ts";
import { STAGES } from "../../emulator/exits/stages.ts";
import { STAGE_NAMES } from "../commands/support/measure.ts";
import type { Vm } from "../machine_types.ts";
import { type RunFacts, runFacts } from "./run_facts.ts";

/** The guest is one process of the trace. */
const PID = 1;

/**
 * The recorded rows as a trace. Throws `RangeError` if no exit has a row, as the trace would be empty though the guest left.
 * Sorted by vCPU and time; equal runs under the same versions give equal bytes.
 */
export function exitsTrace(vm: Vm, ledger: LedgerView = vm.exits): string {
  const facts = runFacts(vm, ledger);
  const { rows, profile } = ledger;
  if (rows.length === 0 && facts.exits.count > 0) {
    throw new RangeError(
      `none of the ${facts.exits.count} exits has a row to trace: record rows, and run again`,
    );
  }
  const micros = (cycles: number) => microseconds(cycles, profile.cyclesHz);
  const lines: string[] = [...metadata(facts).map((event) => JSON.stringify(event))];
  for (const { index } of facts.vcpus) {
    for (const row of rows) if (row.vcpu === index) lines.push(...slices(row, micros));
  }
  const other = { ...facts, figures: usedFigures(profile, ledger.aggregates()) };
  // A line for each event: a trace can then be looked at, cut and compared by line.
  return `{"displayTimeUnit":"ns","otherData":${JSON.stringify(other)},"traceEvents":[\n${
    lines.join(",\n")
  }\n]}\n`;
}

function metadata({ machine, vcpus, profile, clock }: RunFacts): object[] {
  const { arch, mode, backend, hypervisor } = machine;
  const about = `${arch} ${mode}-bit on ${backend} as ${hypervisor}; cycles by profile ${profile.name} at ` +
    `${clock.hz / 1e6} MHz (${clock.provenance})`;
  const named = (name: string, tid: number, args: object) => ({ ph: "M", pid: PID, tid, name, args });
  return [
    named("process_name", 0, { name: "trapsh guest" }),
    named("process_labels", 0, { labels: about }),
    ...vcpus.flatMap(({ index }) => [
      named("thread_name", index, { name: `vCPU ${index}` }),
      named("thread_sort_index", index, { sort_index: index }),
    ]),
  ];
}

/** An exit and its stages, the outer slice first: of slices that begin together the first one is the outer one. */
function* slices(row: ExitRow, micros: (cycles: number) => string): Iterable<string> {
  const { vcpu, reason, native, keySpace, key, cycles, at } = row;
  const slice = (name: string, from: number, to: number, more: object) => {
    const start = micros(from), dur = difference(start, micros(to));
    const head = JSON.stringify({ ph: "X", pid: PID, tid: vcpu, name, ...more });
    return `${head.slice(0, -1)},"ts":${start},"dur":${dur}}`;
  };
  const where = keyText(keySpace, key), pc = `0x${row.pc.toString(16)}`;
  yield slice(where === "" ? native.name : `${native.name} ${where}`, at, at + cycles.total, {
    cat: reason,
    args: {
      ...{ seq: row.seq, at, keySpace, direction: row.direction, size: row.size, handledIn: row.handledIn },
      pc: row.symbol === undefined ? pc : `${pc} ${row.symbol}`,
      ...{ instructions: row.instructions, accesses: row.accesses, returns: row.returns, cycles },
    },
  });
  let from = at;
  for (const stage of STAGES) {
    if (cycles[stage] === 0) continue;
    yield slice(STAGE_NAMES[stage], from, from + cycles[stage], {});
    from += cycles[stage];
  }
}

/**
 * Cycles as whole nanoseconds, written in microseconds. Perfetto keeps nanoseconds: slices whose ends it would round each
 * by itself could overlap by one, so the ends are rounded here, and lengths are differences of what was rounded.
 */
function microseconds(cycles: number, hz: number): string {
  return decimal(Math.round(cycles * 1e9 / hz));
}

/** Of two texts of `microseconds`. */
function difference(from: string, to: string): string {
  return decimal(Math.round(Number(to) * 1000) - Math.round(Number(from) * 1000));
}

/**
 * Nanoseconds as microseconds with three decimals, by text and not by division. Readers multiply by 1000 and cut off:
 * where that would lose one (1.001 * 1000 is less than 1001) a tenth of a nanosecond more keeps it.
 */
function decimal(nanoseconds: number): string {
  const digits = String(nanoseconds).padStart(4, "0");
  const text = `${digits.slice(0, -3)}.${digits.slice(-3)}`;
  return Math.trunc(Number(text) * 1000) === nanoseconds ? text : `${text}1`;
}

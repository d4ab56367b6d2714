/**
 * Events in the layout of `perf kvm stat report`, so that a reader or a script of its output reads ours: the columns
 * and their widths are those of Linux, tools/perf/builtin-kvm.c, print_result(). Times are cycles of the profile at
 * its frequency; where both are from stands below, which perf has no need to say.
 */
import type { EventKind, EventStats } from "../../emulator/exits/event_stats.ts";
import { originText } from "./exit_table.ts";
import { greatest } from "./numbers.ts";
import { wrap } from "./wrap.ts";

/** `kvm_events_ops.name` in tools/perf/arch/x86/util/kvm-stat.c and arch/powerpc/util/kvm-stat.c. */
const NAMES: Readonly<Record<EventKind, string>> = {
  vmexit: "VM-EXIT",
  mmio: "MMIO Access",
  ioport: "IO Port Access",
  hcall: "HCALL-EVENT",
};

/** perf's decode_str_len on x86; longer names, as PowerPC's, widen the column. */
const NAME = 20;

/** The lines of the report, without colour and without line ends; `width` is for the lines below it. */
export function perfStatLines(data: EventStats, width = 100): string[] {
  const { rows, samples, time, clock: { hz, provenance }, profile } = data;
  const us = (cycles: number | null) => cycles === null ? "?" : `${(cycles * 1e6 / hz).toFixed(2)}us`;
  const share = (part: number, whole: number) => `${(whole === 0 ? 0 : 100 * part / whole).toFixed(2)}%`;
  const column = greatest(rows.map(({ name }) => name.length), NAME);
  const heads = ["Samples", "Samples%", "Time%", "Min Time", "Max Time", "Avg time"];
  const widths = [10, 9, 9, 11, 11, 16];
  const put = (cells: readonly string[]) =>
    cells.map((cell, i) => cell.padStart(i === 0 ? column : widths[i - 1])).join(" ");
  const lines = rows.map((row) => {
    const cells = [String(row.samples), share(row.samples, samples), share(row.time, time)];
    const average = us(row.time / row.samples).padStart(11);
    const error = row.error === null ? "?".padStart(8) : `${row.error.toFixed(2).padStart(7)}%`;
    return put([row.name, ...cells, us(row.min), us(row.max), `${average} ( +-${error} )`]);
  });
  return [
    `Analyze events for all VMs, ${data.vcpu === null ? "all VCPUs" : `VCPU ${data.vcpu}`}:`,
    "",
    put([NAMES[data.event], ...heads]),
    "",
    ...lines,
    "",
    `Total Samples:${samples}, Total events handled time:${us(time)}.`,
    "",
    ...[
      `times: cycles at ${hz / 1e6} MHz (${provenance})`,
      `profile ${profile.name}: ${profile.title}`,
      `source: ${profile.source}`,
      `figures: ${originText(data.provenance, false)}`,
      ...data.notes,
    ].flatMap((line) => wrap(line, width)),
  ];
}

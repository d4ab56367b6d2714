/** The table of trapsh and its peers. */
import { table } from "../../../mod.ts";
import { digits, range } from "../report.ts";
import { noise, ratioOf, type Sample } from "../statistics.ts";
import type { PeerReport, PeerRow } from "./measure.ts";
import { OWN } from "./trapsh.ts";

/** How many times as fast as the row's engine ours is, where that is another one. */
function times(rows: readonly PeerRow[], row: PeerRow, ours: string): Sample | undefined {
  const own = rows.find(({ guest, bits, engine }) =>
    guest === row.guest && bits === row.bits && engine === ours
  );
  return own && !row.engine.startsWith("trapsh") ? ratioOf(own.rate, row.rate) : undefined;
}

const spread = (sample: Sample | undefined) => sample ? range(sample) : "";
const factor = (sample: Sample | undefined) => sample ? `${sample.median.toFixed(2)}x` : "";

function widths(rows: readonly PeerRow[]): string[] {
  const pairs = rows.filter(({ bits }) => bits === 64).flatMap((wide) => {
    const narrow = rows.find(({ guest, bits, engine }) =>
      guest === wide.guest && engine === wide.engine && bits === 32
    );
    return narrow ? [{ wide, narrow }] : [];
  });
  if (pairs.length === 0) return [];
  const right = true;
  return [
    "",
    "64-bit against 32-bit: instructions a second",
    ...table([
      { title: "program", value: ({ wide }) => wide.guest },
      { title: "engine", value: ({ wide }) => wide.engine },
      { title: "64-bit/32-bit", value: ({ wide, narrow }) => factor(ratioOf(wide.rate, narrow.rate)), right },
      { title: "min-max", value: ({ wide, narrow }) => spread(ratioOf(wide.rate, narrow.rate)), right },
    ], pairs),
  ];
}

export function peersAsLines({ engines, rows }: PeerReport): string[] {
  const right = true;
  const [interpreter, region] = OWN;
  return [
    "peers on the same bytes: guest instructions a second, millions, and how many times as fast trapsh is",
    ...table<PeerRow>([
      { title: "program", value: (row) => row.guest },
      { title: "bits", value: (row) => String(row.bits), right },
      { title: "engine", value: (row) => row.engine },
      { title: "median", value: (row) => digits(row.rate.median), right },
      { title: "min-max", value: ({ rate }) => `${digits(rate.min)}-${digits(rate.max)}`, right },
      { title: "noise", value: (row) => `${noise(row.rate).toFixed(0)}%`, right },
      { title: "interpreter/it", value: (row) => factor(times(rows, row, interpreter.name)), right },
      { title: "min-max", value: (row) => spread(times(rows, row, interpreter.name)), right },
      { title: "region/it", value: (row) => factor(times(rows, row, region.name)), right },
      { title: "min-max", value: (row) => spread(times(rows, row, region.name)), right },
    ], rows),
    ...widths(rows),
    "",
    ...engines.map(({ name, about, version, missing }) =>
      version === undefined ? `${name}: not measured, ${missing}` : `${name} (${version}): ${about}`
    ),
    "Each guest is one Multiboot image; a 64-bit one's stub enters long mode, in which trapsh starts.",
    "A ratio is the median of the runs' own: each run of one engine against the same turn's of the other.",
    "Timed from result to result as they leave the guest's serial port, after a warm-up: no start-up is in it.",
    "Instructions are counted by trapsh, a repeated string instruction as it does; every result was asserted.",
  ];
}

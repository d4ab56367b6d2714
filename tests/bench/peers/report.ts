/** The table of trapsh and its peers. */
import { table } from "../../../mod.ts";
import { digits, ratio } from "../report.ts";
import { noise } from "../statistics.ts";
import type { PeerReport, PeerRow } from "./measure.ts";
import { OWN } from "./trapsh.ts";

/** How many times as fast as the row's engine ours is, where that is another one. */
function times(rows: readonly PeerRow[], row: PeerRow, ours: string): string {
  const own = rows.find(({ guest, bits, engine }) =>
    guest === row.guest && bits === row.bits && engine === ours
  );
  return own && !row.engine.startsWith("trapsh") ? ratio(own.rate, row.rate) : "";
}

function widths(rows: readonly PeerRow[]): string[] {
  const pairs = rows.filter(({ bits }) => bits === 64).flatMap((wide) => {
    const narrow = rows.find(({ guest, bits, engine }) =>
      guest === wide.guest && engine === wide.engine && bits === 32
    );
    return narrow ? [{ wide, narrow }] : [];
  });
  if (pairs.length === 0) return [];
  return [
    "",
    "64-bit against 32-bit: instructions a second",
    ...table([
      { title: "program", value: ({ wide }) => wide.guest },
      { title: "engine", value: ({ wide }) => wide.engine },
      { title: "64-bit/32-bit", value: ({ wide, narrow }) => ratio(wide.rate, narrow.rate), right: true },
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
      { title: "interpreter/it", value: (row) => times(rows, row, interpreter.name), right },
      { title: "region/it", value: (row) => times(rows, row, region.name), right },
    ], rows),
    ...widths(rows),
    "",
    ...engines.map(({ name, about, version, missing }) =>
      version === undefined ? `${name}: not measured, ${missing}` : `${name} (${version}): ${about}`
    ),
    "Each guest is one Multiboot image; a 64-bit one's stub enters long mode, in which trapsh starts.",
    "Timed from result to result as they leave the guest's serial port, after a warm-up: no start-up is in it.",
    "Instructions are counted by trapsh, a repeated string instruction as it does; every result was asserted.",
  ];
}

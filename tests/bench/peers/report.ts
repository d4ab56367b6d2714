/** The table of trapsh and its peers. */
import { table } from "../../../mod.ts";
import { digits, range } from "../report.ts";
import { noise, ratioOf, type Sample } from "../statistics.ts";
import type { PeerReport, PeerRow } from "./measure.ts";
import { OWN } from "./trapsh.ts";

/** How many times as fast as the row's engine ours is, where that is another one. */
function times(rows: readonly PeerRow[], row: PeerRow, ours: string): Sample | undefined {
  const own = rows.find(({ guest, system, engine }) =>
    guest === row.guest && system === row.system && engine === ours
  );
  return own && !row.engine.startsWith("trapsh") ? ratioOf(own.rate, row.rate) : undefined;
}

const spread = (sample: Sample | undefined) => sample ? range(sample) : "";
const factor = (sample: Sample | undefined) => sample ? `${sample.median.toFixed(2)}x` : "";

/** 64-bit systems and their 32-bit sisters. */
const NARROW: Readonly<Partial<Record<PeerRow["system"], PeerRow["system"]>>> = {
  "x86-64": "x86-32",
  "ppc64": "ppc32",
  "ppc64le": "ppc32",
};

function widths(rows: readonly PeerRow[]): string[] {
  const pairs = rows.flatMap((wide) => {
    const narrow = rows.find(({ guest, system, engine }) =>
      guest === wide.guest && engine === wide.engine && system === NARROW[wide.system]
    );
    return narrow ? [{ wide, narrow }] : [];
  });
  if (pairs.length === 0) return [];
  const right = true;
  return [
    "",
    "64-bit against 32-bit: instructions or exits a second",
    ...table([
      { title: "program", value: ({ wide }) => wide.guest },
      { title: "system", value: ({ wide }) => `${wide.system}/${NARROW[wide.system]}` },
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
    "peers on the same bytes: guest instructions (of exit loops: exits) a second, millions, and how many times",
    "as fast trapsh is",
    ...table<PeerRow>([
      { title: "program", value: (row) => row.guest },
      { title: "system", value: (row) => row.system },
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
    "An x86 guest is one Multiboot image: its stub turns 4 KiB paging on or enters long mode (2 MiB pages), for us too.",
    "A PowerPC guest is a board's ROM (40p; pseries), whose stub brings it to where ours is loaded.",
    "Exits go to PCI's configuration address (out, in; ppc32 MMIO), a comparator of the HPET (x86 MMIO) and",
    "H_SET_SPRG0 (ppc64), doorbells to a virtio device's port (QEMU: virtio-rng without a ring); v86's and ours are handlers in JavaScript and TypeScript at these places.",
    "A ratio is the median of the runs' own: each run of one engine against the same turn's of the other.",
    "Timed from result to result as they leave the guest's console, after a warm-up: no start-up is in it.",
    "Instructions are counted by trapsh, a repeated string instruction as it does; every result was asserted.",
  ];
}

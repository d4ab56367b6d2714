/** One operation by every way to a device, side by side. */
import { STAGES } from "../../emulator/exits/stages.ts";
import type { Cost } from "../commands/support/measure.ts";
import { provenanceLine } from "./cost_lines.ts";
import { type Column, table } from "./table.ts";

/** One cell of the comparison: a guest on a backend, by a vehicle. */
export interface CompareRow {
  /** `x86-64`, `ppc32` ... */
  readonly guest: string;
  readonly backend: string;
  readonly asked: "hypercall" | "pio" | "mmio";
  /** The vehicle in words; undefined where it is not feasible. */
  readonly label?: string;
  /** Of the operation once the way is warm: the same call was made once before. */
  readonly cost?: Cost;
  /** Bytes that the operation moved, both ways. */
  readonly bytes?: number;
  /** Why it is not feasible, or failed. */
  readonly refused?: string;
}

const STAGE_TITLES = {
  worldSwitch: "switch",
  dispatch: "dispatch",
  decode: "decode",
  userspace: "userspace",
  device: "device",
};

export function compareLines(rows: readonly CompareRow[]): string[] {
  const columns: Column<CompareRow>[] = [
    { title: "guest", value: (row) => row.guest },
    { title: "backend", value: (row) => row.backend },
    { title: "vehicle", value: (row) => row.label ?? row.asked },
    { title: "exits", value: (row) => row.cost?.exits ?? "-", right: true },
    ...STAGES.map((stage): Column<CompareRow> => ({
      title: STAGE_TITLES[stage],
      value: (row) => row.cost?.cycles[stage] ?? "-",
      right: true,
    })),
    { title: "cycles", value: (row) => row.cost?.cycles.total ?? "-", right: true },
    { title: "in guest", value: (row) => row.cost?.guestCycles ?? "-", right: true },
    { title: "bytes/exit", value: perExit, right: true },
  ];
  if (rows.some((row) => row.refused !== undefined)) {
    columns.push({ title: "refused", value: (row) => row.refused });
  }
  const legend = "switch to cycles: charged for exits; in guest: cycles of the guest's own instructions";
  return [...table(columns, rows), legend, ...provenanceLines(rows)];
}

/** One line for each profile, with what any of its rows used. */
function provenanceLines(rows: readonly CompareRow[]): string[] {
  const byProfile = Map.groupBy(rows.flatMap(({ cost }) => cost ?? []), ({ profile }) => profile.name);
  return [...byProfile.values()].map((costs) => {
    const provenance: Record<string, string[]> = {};
    for (const [kind, names] of costs.flatMap((cost) => Object.entries(cost.provenance))) {
      provenance[kind] = [...new Set([...provenance[kind] ?? [], ...names])];
    }
    return provenanceLine({ profile: costs[0].profile, provenance });
  });
}

function perExit({ cost, bytes }: CompareRow): string {
  if (cost === undefined || bytes === undefined || cost.exits === 0) return "-";
  const ratio = bytes / cost.exits;
  return Number.isInteger(ratio) ? String(ratio) : ratio.toFixed(1);
}

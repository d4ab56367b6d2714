/** What became of a sweep, in a line or two. */
import type { MergedSweep } from "../sweeps/merge_sweeps.ts";
import type { SweepRun } from "../sweeps/run_sweep.ts";

/** `1 cell`, `2 cells`. */
export function amount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** `500 cells: 448 ok, 50 infeasible, 2 failed`, where they are, and how to go on with what is left. */
export function sweepSummary(sweep: SweepRun | MergedSweep): string[] {
  const { cells, total, left } = sweep;
  const kinds = ["ok", "infeasible", "failed"] as const;
  const counts = kinds.map((kind) => ({
    kind,
    count: cells.filter(({ outcome }) => outcome.kind === kind).length,
  }))
    .filter(({ kind, count }) => kind === "ok" || count > 0).map(({ kind, count }) => `${count} ${kind}`);
  const whole = cells.length === total;
  const lines = [
    `${whole ? amount(total, "cell") : `${cells.length} of ${amount(total, "cell")}`}: ${counts.join(", ")}`,
  ];
  if (sweep.out !== undefined) lines.push(`table in ${sweep.out}`);
  if ("files" in sweep) return lines;
  const { shard, journal } = sweep;
  const part = shard.of === 1 ? "" : `shard ${shard.index}/${shard.of} `;
  if (left > 0) {
    lines.push(
      `${part}stopped with ${amount(left, "cell")} left: ` +
        (journal === undefined
          ? "with --out FILE they could be resumed"
          : `--resume goes on from ${journal}`),
    );
  } else if (shard.of > 1) {
    lines.push(
      `${part}is done${journal === undefined ? "" : ` and kept in ${journal}: merge puts shards together`}`,
    );
  }
  return lines;
}

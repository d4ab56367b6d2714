/** Registers by group, several to a line; the ones that changed since the last stop are marked. */
import { hex } from "./hexdump.ts";

export interface RegisterRow {
  readonly name: string;
  readonly value: bigint;
  /** Bits. */
  readonly width: number;
  readonly group: string;
  /** True if the value differs from the one at the stop before. */
  readonly changed: boolean;
}

/** Columns that a line may take. */
const LINE = 100;

/** The lines: a blank line between groups, `*` before a changed register's name. */
export function registerTable(rows: readonly RegisterRow[]): string[] {
  const out: string[] = [];
  for (const [group, members] of Map.groupBy(rows, (row) => row.group)) {
    if (out.length > 0) out.push("");
    out.push(group);
    const names = Math.max(...members.map((row) => row.name.length));
    const cells = members.map((row) =>
      `${row.changed ? "*" : " "}${row.name.padEnd(names)} ${hex(row.value, Math.ceil(row.width / 4))}`
    );
    const width = Math.max(...cells.map((cell) => cell.length));
    const perLine = Math.max(1, Math.floor(LINE / (width + 2)));
    for (let i = 0; i < cells.length; i += perLine) {
      out.push(cells.slice(i, i + perLine).map((cell) => cell.padEnd(width)).join("  ").trimEnd());
    }
  }
  return out;
}

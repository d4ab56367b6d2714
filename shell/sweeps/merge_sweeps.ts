/** Puts the journals of a sweep's shards together. */
import { basename, dirname, join } from "node:path";
import { UserError } from "../errors.ts";
import { differences, identityHash, type SweepIdentity } from "./identity.ts";
import { parseJournal } from "./journal.ts";
import type { CellOutcome } from "./outcome.ts";
import { cellCount, workOrder } from "./product.ts";
import { type SweepTable, sweepTable } from "./sweep_table.ts";
import { checkFormat, writeTable } from "./write_table.ts";

/** What came of putting journals together. */
export interface MergedSweep extends SweepTable {
  /** The journals. */
  readonly files: readonly string[];
  /** Cells that are in none of them. */
  readonly left: number;
  /** Where the table is. */
  readonly out: string;
}

/**
 * Writes the table of a sweep, `.csv` or `.json`, from the journals of its shards: the bytes that an unsharded run writes. Without
 * `files`, those that lie beside `out` under its name. Journals of another sweep, cells that two of them have with different
 * results, and cells that are in none are errors that name them; with `partial`, cells may be missing.
 */
export async function mergeSweeps(
  out: string,
  files: readonly string[] = [],
  { partial = false }: { readonly partial?: boolean } = {},
): Promise<MergedSweep> {
  checkFormat(out);
  const names = files.length > 0 ? files : await journalsOf(out);
  const outcomes = new Map<number, CellOutcome>(), from = new Map<number, string>();
  let identity: SweepIdentity | undefined;
  const shards: { readonly file: string; readonly text: string; readonly cells: readonly number[] }[] = [];
  for (const file of names) {
    const content = parseJournal(await readJournal(file), file);
    if (content === undefined) continue;
    const { shard } = content;
    const changed = differences(identity ??= content.identity, content.identity);
    if (changed.length > 0) {
      throw new UserError(
        `${file} is of another sweep than ${names[0]}:\n${changed.map((line) => `  ${line}`).join("\n")}`,
      );
    }
    for (const [cell, outcome] of content.outcomes) {
      const other = outcomes.get(cell);
      if (other !== undefined && JSON.stringify(other) !== JSON.stringify(outcome)) {
        throw new UserError(
          `Cell ${cell} is not the same in ${
            from.get(cell)
          } and ${file}: a cell of this sweep depends on chance`,
        );
      }
      outcomes.set(cell, outcome);
      from.set(cell, file);
    }
    const cells = workOrder(cellCount(identity.parameters), shard);
    shards.push({ file, text: `${shard.index}/${shard.of}`, cells });
  }
  if (identity === undefined) {
    throw new UserError(`There is nothing to merge: no cell is done in ${names.join(", ")}`);
  }
  const total = cellCount(identity.parameters), left = total - outcomes.size;
  if (left > 0 && !partial) {
    const short = shards.flatMap(({ file, text, cells }) => {
      const open = cells.filter((cell) => !outcomes.has(cell)).length;
      return open === 0
        ? []
        : [`  ${file}, shard ${text}: ${open} of its ${cells.length} cells are not done`];
    });
    const given = `  shards given: ${shards.map(({ text }) => text).join(", ")}`;
    throw new UserError(
      `${left} of ${total} cells are missing:\n${[given, ...short].join("\n")}\n--partial writes the others`,
    );
  }
  const table = sweepTable(identity, await identityHash(identity), total, outcomes);
  await writeTable(out, table);
  return { ...table, files: names, left, out };
}

async function readJournal(file: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UserError(`There is no file ${file}`, { cause: error });
  }
}

/** `OUT.journal` and `OUT.2-of-4.journal`, whatever there is. */
async function journalsOf(out: string): Promise<string[]> {
  const folder = dirname(out), start = `${basename(out)}.`;
  const found: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith(start) && /^(\d+-of-\d+\.)?journal$/.test(name.slice(start.length))) {
      found.push(join(folder, name));
    }
  }
  if (found.length === 0) throw new UserError(`There are no journals ${out}.I-of-N.journal: name the files`);
  return found.sort();
}

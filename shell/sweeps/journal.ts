/**
 * A sweep's journal: a first line that says which sweep it is of, then a line for each cell that is done, in the order in
 * which they were done. Lines are only ever added, each by one write: whenever the process is killed, the file is a beginning
 * of what it would have become, and all that can be wrong with it is a last line without its end, which is cut off.
 */
import { UserError } from "../errors.ts";
import { checkIdentity, differences, type SweepIdentity } from "./identity.ts";
import { type CellOutcome, type Entry, entryLine, parseEntry } from "./outcome.ts";
import { cellCount, type Shard, workOrder } from "./product.ts";

/** Format of journals. */
const FORMAT = 1;
/** Every journal begins so. */
const MAGIC = `{"trapsh-sweep":${FORMAT},`;
/** Milliseconds of work that a crash of the whole machine may cost. */
const SYNC_EVERY = 1000;

/** What a journal holds. */
export interface JournalContent {
  readonly identity: SweepIdentity;
  readonly shard: Shard;
  readonly outcomes: ReadonlyMap<number, CellOutcome>;
  /** Bytes up to the end of the last whole line. */
  readonly length: number;
}

function headLine(identity: SweepIdentity, { index, of }: Shard): string {
  return `${JSON.stringify({ "trapsh-sweep": FORMAT, shard: [index, of], sweep: identity })}\n`;
}

/**
 * Reads a journal. Undefined for one that ends within its first line: nothing was done yet. Throws `UserError` for what is
 * none, and for a line that is damaged though others follow.
 */
export function parseJournal(bytes: Uint8Array, where: string): JournalContent | undefined {
  const end = bytes.lastIndexOf(10) + 1;
  const text = new TextDecoder().decode(bytes.subarray(0, end));
  const start = new TextDecoder().decode(bytes.subarray(0, MAGIC.length));
  if (!MAGIC.startsWith(start)) throw new UserError(`${where} is no journal of a sweep`);
  if (end === 0) return undefined;
  const lines = text.split("\n").slice(0, -1);
  const head = parseHead(lines[0], where);
  const count = cellCount(head.identity.parameters);
  const mine = new Set(workOrder(count, head.shard));
  const outcomes = new Map<number, CellOutcome>();
  let length = new TextEncoder().encode(`${lines[0]}\n`).length;
  for (const [i, line] of lines.slice(1).entries()) {
    const entry = parseEntry(line);
    const why = entry === undefined ? "is damaged" : take(entry, outcomes, mine);
    if (why !== undefined) {
      // What a crash of the machine leaves may have its length and not its bytes.
      if (entry === undefined && i === lines.length - 2) break;
      throw new UserError(
        `${where}:${i + 2} ${why}: no later line can be trusted; cut the file there, or begin again`,
      );
    }
    length += new TextEncoder().encode(`${line}\n`).length;
  }
  return { ...head, outcomes, length };
}

function parseHead(line: string, where: string): { identity: SweepIdentity; shard: Shard } {
  let data: { shard?: unknown; sweep?: unknown };
  try {
    data = JSON.parse(line);
  } catch {
    throw new UserError(`${where} is no journal of a sweep`);
  }
  const identity = checkIdentity(data.sweep, where);
  const [index, of] = Array.isArray(data.shard) ? data.shard : [];
  if (!Number.isInteger(index) || !Number.isInteger(of) || index < 1 || index > of) {
    throw new UserError(`${where} is no journal of a sweep`);
  }
  return { identity, shard: { index, of } };
}

/** Takes a line in, or says why not. */
function take(
  entry: Entry,
  outcomes: Map<number, CellOutcome>,
  mine: ReadonlySet<number>,
): string | undefined {
  if ("again" in entry) {
    const wrong = entry.again.find((cell) => outcomes.get(cell)?.kind !== "failed");
    if (wrong !== undefined) return `does cell ${wrong} again, which had not failed`;
    for (const cell of entry.again) outcomes.delete(cell);
    return undefined;
  }
  if (!mine.has(entry.cell)) return `has cell ${entry.cell}, which the shard has not`;
  if (outcomes.has(entry.cell)) return `has cell ${entry.cell} a second time`;
  outcomes.set(entry.cell, entry.outcome);
  return undefined;
}

/** How to open a journal that may be there. */
export type JournalMode =
  /** There must be none. */
  | "new"
  /** Go on with it, if there is one. */
  | "resume"
  /** Throw away what it holds. */
  | "restart";

/** A journal that is written to. Nobody else can open it meanwhile. */
export class Journal {
  /** What is done. */
  readonly outcomes: Map<number, CellOutcome>;
  readonly #file: Deno.FsFile;
  #synced = performance.now();

  private constructor(file: Deno.FsFile, outcomes: ReadonlyMap<number, CellOutcome>) {
    this.#file = file;
    this.outcomes = new Map(outcomes);
  }

  /** Throws `UserError` if it is in use, is there and should not be, or is of another sweep: that names what differs. */
  static async open(
    path: string,
    identity: SweepIdentity,
    shard: Shard,
    mode: JournalMode,
  ): Promise<Journal> {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    try {
      if (!lock(file)) throw new UserError(`${path} is in use: another sweep is writing to it`);
      const bytes = await readAll(file);
      const found = parseJournal(mode === "restart" ? bytes.subarray(0, MAGIC.length) : bytes, path);
      // Where nothing is done yet there is nothing to lose.
      const content = found?.outcomes.size === 0 ? undefined : found;
      if (content !== undefined) checkUse(content, identity, shard, mode, path);
      const journal = new Journal(file, content?.outcomes ?? new Map());
      file.truncateSync(content?.length ?? 0);
      file.seekSync(content?.length ?? 0, Deno.SeekMode.Start);
      if (content === undefined) journal.#write(headLine(identity, shard));
      return journal;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Keeps what became of a cell. Throws what writing throws: a full disk, say. */
  add(cell: number, outcome: CellOutcome): void {
    this.#write(entryLine({ cell, outcome }));
    this.outcomes.set(cell, outcome);
    const now = performance.now();
    if (now - this.#synced < SYNC_EVERY) return;
    this.#file.syncDataSync();
    this.#synced = now;
  }

  /** Forgets the cells that failed. */
  retry(): void {
    const again = [...this.outcomes].flatMap(([cell, { kind }]) => kind === "failed" ? [cell] : []);
    if (again.length === 0) return;
    this.#write(entryLine({ again }));
    for (const cell of again) this.outcomes.delete(cell);
  }

  #write(line: string): void {
    let bytes = new TextEncoder().encode(line);
    while (bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
  }

  close(): void {
    this.#file.syncDataSync();
    this.#file.close();
  }
}

/** False if another process has it. The lock ends with the process, however that ends. */
function lock(file: Deno.FsFile): boolean {
  try {
    return file.tryLockSync(true);
  } catch {
    // File systems of clusters may have no locks: shards do not share a journal, so that they can do without.
    return true;
  }
}

function checkUse(
  { identity: was, shard: had, outcomes }: JournalContent,
  identity: SweepIdentity,
  shard: Shard,
  mode: JournalMode,
  path: string,
): void {
  const changed = differences(was, identity);
  if (had.index !== shard.index || had.of !== shard.of) {
    changed.push(`the shard was ${had.index}/${had.of} and is ${shard.index}/${shard.of}`);
  }
  const held = `${path} holds ${outcomes.size} cells`;
  if (changed.length > 0) {
    throw new UserError(
      `${held} of another sweep:\n${changed.map((line) => `  ${line}\n`).join("")}` +
        "--restart throws them away; another --out keeps them",
    );
  }
  if (mode === "new") {
    throw new UserError(`${held} of this sweep: --resume goes on with them, --restart throws them away`);
  }
}

async function readAll(file: Deno.FsFile): Promise<Uint8Array> {
  const bytes = new Uint8Array((await file.stat()).size);
  let at = 0;
  while (at < bytes.length) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) break;
    at += read;
  }
  return bytes.subarray(0, at);
}

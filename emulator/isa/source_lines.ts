/** Source lines of addresses, as debug information of loaded images gives them. */

/** A place in a source file. */
export interface SourceLine {
  /** As the compiler named it, with its folder where that is known. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Code from `address` up to the next row's is of this line. */
export interface LineRow extends SourceLine {
  /** 64 bits. */
  readonly address: bigint;
  /** A good place for a breakpoint. */
  readonly isStatement: boolean;
}

/** Rows that follow each other, up to `end`. */
export interface LineSequence {
  /** By address. */
  readonly rows: readonly LineRow[];
  /** The first address behind them. */
  readonly end: bigint;
}

/** The source lines of a VM. */
export class SourceLines {
  #sequences: LineSequence[] = [];

  /** Adds what an image brought; what overlaps it was overwritten by the image, and goes. */
  add(sequences: readonly LineSequence[]): void {
    const added = sequences.filter(({ rows }) => rows.length > 0);
    const overlaps = (one: LineSequence) =>
      added.some(({ rows, end }) => one.rows[0].address < end && rows[0].address < one.end);
    this.#sequences = [...this.#sequences.filter((one) => !overlaps(one)), ...added]
      .sort((a, b) => a.rows[0].address < b.rows[0].address ? -1 : 1);
  }

  /** All of them, by address. */
  get sequences(): readonly LineSequence[] {
    return this.#sequences;
  }
  /** Names of all source files. */
  get files(): readonly string[] {
    return [...new Set(this.#sequences.flatMap(({ rows }) => rows.map(({ file }) => file)))];
  }

  /** The line that the code at an address is of. */
  at(address: bigint): LineRow | undefined {
    const sequence = this.#sequences.find(({ rows, end }) => rows[0].address <= address && address < end);
    if (!sequence) return undefined;
    const { rows } = sequence;
    let low = 0, high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    return rows[low - 1];
  }

  /** The files that a name may mean: the whole name, or its end behind a slash. */
  filesNamed(name: string): readonly string[] {
    return this.files.filter((file) => file === name || file.endsWith(`/${name}`));
  }

  /** The first address of a line, or of the next one that has code; undefined where the file has none from there on. */
  addressOf(file: string, line: number): bigint | undefined {
    let best: LineRow | undefined;
    for (const { rows } of this.#sequences) {
      for (const row of rows) {
        if (row.file !== file || row.line < line || !row.isStatement) continue;
        if (!best || row.line < best.line || row.line === best.line && row.address < best.address) best = row;
      }
    }
    return best?.address;
  }
}

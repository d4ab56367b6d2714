/** Text with replacements, and the way back from a place in the result to the place in the original. */

export interface Edit {
  /** Offset in the original. */
  readonly at: number;
  /** Characters of the original that go. */
  readonly remove: number;
  readonly insert: string;
}

export class EditedText {
  /** The result. */
  readonly code: string;
  readonly #original: string;
  readonly #edits: readonly Edit[];

  /** Edits at one offset apply in their order; they must not overlap. */
  constructor(original: string, edits: readonly Edit[]) {
    this.#original = original;
    this.#edits = edits.toSorted((a, b) => a.at - b.at);
    let code = "";
    let from = 0;
    for (const { at, remove, insert } of this.#edits) {
      code += original.slice(from, at) + insert;
      from = at + remove;
    }
    this.code = code + original.slice(from);
  }

  /** Line and column, both from 1, of the original, for those of the result. */
  locate(line: number, column: number): { line: number; column: number } {
    const before = this.code.split("\n").slice(0, line - 1);
    const offset = this.#back(before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1);
    const lines = this.#original.slice(0, offset).split("\n");
    return { line: lines.length, column: lines[lines.length - 1].length + 1 };
  }

  #back(offset: number): number {
    let shift = 0;
    for (const { at, remove, insert } of this.#edits) {
      const start = at + shift;
      if (offset < start) break;
      // Within an insertion: as far as it stands for what was there.
      if (offset < start + insert.length) return at + Math.min(offset - start, remove);
      shift += insert.length - remove;
    }
    return offset - shift;
  }
}

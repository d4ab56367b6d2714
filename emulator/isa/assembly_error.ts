/** What the assembler says about a source that it does not accept. */

/** One thing wrong with a source. */
export interface Diagnostic {
  /** What was wrong and what would be right. */
  readonly message: string;
  /** Line in the source, from 1. */
  readonly line: number;
  /** Column in that line, in UTF-16 code units, from 1. */
  readonly column: number;
  /** The line itself. */
  readonly text: string;
}

/** Longer lines are shown in part, around the place. */
const SHOWN = 160;

/** A message as compilers print it: place, message, the line, and a caret below the place. */
export function formatDiagnostic(file: string, diagnostic: Diagnostic): string {
  const { message, line, column } = diagnostic;
  const skipped = diagnostic.text.length <= SHOWN ? 0 : Math.max(0, column - 1 - SHOWN / 2);
  const text = diagnostic.text.slice(skipped, skipped + SHOWN);
  // Tabs stay tabs, so that the caret stands below its column whatever the terminal's tab width is.
  const indent = text.slice(0, column - 1 - skipped).replace(/[^\t]/g, " ");
  return `${file}:${line}:${column}: ${message}\n  ${text}\n  ${indent}^`;
}

/** Thrown by `assemble()`: everything that is wrong with a source, the first thing's place on top. */
export class AssemblyError extends SyntaxError {
  /** Name of the source, as given to `assemble()`. */
  readonly file: string;
  /** Line of the first diagnostic, from 1. */
  readonly line: number;
  /** Column of the first diagnostic, from 1. */
  readonly column: number;
  /** In the order of the source, 20 at most. */
  readonly diagnostics: readonly Diagnostic[];

  /**
   * `more`: how many further diagnostics were left out.
   *
   * @internal
   */
  constructor(file: string, diagnostics: readonly Diagnostic[], more: number = 0) {
    const texts = diagnostics.map((diagnostic) => formatDiagnostic(file, diagnostic));
    if (more > 0) texts.push(`and ${more} more`);
    super(texts.join("\n"));
    this.name = "AssemblyError";
    this.file = file;
    this.line = diagnostics[0]?.line ?? 1;
    this.column = diagnostics[0]?.column ?? 1;
    this.diagnostics = diagnostics;
  }
}

/** Lines of the source files that debug information names. */
import type { Session } from "../../session.ts";

/** More than a source file has. */
const LARGEST = 8 * 2 ** 20;

const bySession = new WeakMap<Session, Map<string, readonly string[] | undefined>>();

/** The lines of a file; undefined where it cannot be read, or is none that one reads (a device, a pipe). Read once. */
export function sourceText(session: Session, file: string): readonly string[] | undefined {
  let known = bySession.get(session);
  if (!known) bySession.set(session, known = new Map());
  if (!known.has(file)) known.set(file, read(file));
  return known.get(file);
}

function read(file: string): readonly string[] | undefined {
  try {
    const { isFile, size } = Deno.statSync(file);
    if (!isFile || size > LARGEST) return undefined;
    return Deno.readTextFileSync(file).split("\n");
  } catch {
    return undefined;
  }
}

/** A source line with its text, where that can be read. */
export interface SourceData {
  readonly file: string;
  readonly line: number;
  readonly text?: string;
}

/** The source line of the code at an address. */
export function sourceAt(session: Session, address: bigint): SourceData | undefined {
  const row = session.vm.lines.at(address);
  if (!row) return undefined;
  const text = sourceText(session, row.file)?.at(row.line - 1);
  return { file: row.file, line: row.line, ...(text !== undefined && { text: text.trimEnd() }) };
}

/** Whether `FILE:LINE` is meant: the file is one that debug information names. */
export function isSourcePlace(session: Session, text: string): boolean {
  const [file, line, more] = text.split(":");
  return more === undefined && /^\d+$/.test(line ?? "") && session.vm.lines.filesNamed(file).length > 0;
}

/** The file that is meant by a name. Throws `ReferenceError` where it may be several. */
export function fileNamed(session: Session, name: string): string {
  const files = session.vm.lines.filesNamed(name);
  if (files.length === 1 || files.includes(name)) return files.length === 1 ? files[0] : name;
  const there = session.vm.lines.files;
  throw new ReferenceError(
    files.length > 1
      ? `${name} may be ${files.join(", ")}`
      : `There are no lines of ${name}: ${there.length === 0 ? "nothing loaded has any" : there.join(", ")}`,
  );
}

/** The address of `FILE:LINE`, or of the next line that has code. Throws `ReferenceError` where there is none. */
export function addressOfLine(session: Session, text: string): bigint {
  const [name, line] = text.split(":"), file = fileNamed(session, name);
  const address = session.vm.lines.addressOf(file, Number(line));
  if (address === undefined) throw new ReferenceError(`${file} has no code from line ${line} on`);
  return address;
}

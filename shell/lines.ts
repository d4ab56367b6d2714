/** Lines from a file, from `-e` or from a pipe: one after the other, up to the first that fails. */
import { showError } from "./errors.ts";
import type { Session, Sink } from "./session.ts";

/** The exit status after Ctrl-C, as of a shell: 128 and the number of SIGINT. */
export const INTERRUPTED = 130;

export interface LineSource {
  /** For messages: a file's name, `standard input`; undefined for `-e`, whose lines need no place. */
  readonly name?: string;
  readonly lines: AsyncIterable<string> | Iterable<string>;
}

/**
 * Executes `source`'s lines on `session`. TypeScript may go on over several lines. Returns the exit
 * status: 0, 1 after the first failure (told on `err` with its place; the rest is not done), 130 after Ctrl-C, or what
 * `quit` asked for.
 */
export async function runLines(
  session: Session,
  source: LineSource,
  err: Sink,
  debug = false,
): Promise<number> {
  let pending = "";
  let number = 0;
  let begun = 0;
  const fail = (error: Error) => {
    const place = source.name === undefined ? "" : `${source.name}:${begun}: `;
    err.write(`${place}${showError(error, session.style, debug)}`);
    return 1;
  };
  for await (const line of source.lines) {
    number++;
    if (pending === "") begun = number;
    const text = pending === "" ? line : `${pending}\n${line}`;
    const outcome = await session.execute(text);
    if (!outcome.ok) return fail(outcome.error);
    pending = outcome.kind === "incomplete" ? text : "";
    if (session.quitStatus !== undefined) return session.quitStatus;
    // What was asked for so far was told; what follows was to come after all of it.
    if (session.signal.aborted) return INTERRUPTED;
  }
  return pending === ""
    ? 0
    : fail(new SyntaxError(`The input ends in the middle of:\n  ${pending.split("\n")[0]}`));
}

/** Decoded lines of a stream of bytes, without their line breaks. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncIterable<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

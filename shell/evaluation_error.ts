/** What a line of TypeScript threw. */

/** What TypeScript threw: `cause` is the thing itself, `place` the line with a caret, if it is known. */
export class EvaluationError extends Error {
  override name = "EvaluationError";
  constructor(override readonly cause: unknown, readonly place: string | undefined) {
    super(`${describe(cause)}${place ? `\n${place}` : ""}`);
  }
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : `thrown: ${Deno.inspect(thrown)}`;
}

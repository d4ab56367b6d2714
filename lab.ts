/** A session of trapsh 0.1.0. Do it again: trapsh run FILE. */
import { assertExits, type ScriptContext } from "trapsh";

const lines: readonly string[] = [];

export default async function replay({ session }: ScriptContext): Promise<void> {
  session.configure({});
  for (const line of lines) {
    const outcome = await session.execute(line);
    if (!outcome.ok) throw new Error(`${line}: ${outcome.error.message}`, { cause: outcome.error });
  }
  assertExits(session.exits, []);
}

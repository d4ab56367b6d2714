/** A session as a module that does it again. */
import { tabulateExitsForAssertion } from "./asserted_exits.ts";
import type { Session, Settings } from "../session.ts";

/** What of a session is saved. */
export interface SavedSession {
  readonly version: string;
  /** What the command line asked for. */
  readonly settings: Partial<Settings>;
  readonly lines: readonly string[];
  /** Where its exits have to be the same too. */
  readonly exits?: Session["exits"];
}

/** TypeScript that does the session's lines again, and fails where one of them does. */
export function savedSessionText({ version, settings, lines, exits }: SavedSession): string {
  const asserts = exits !== undefined;
  const text = [
    `/** A session of trapsh ${version}. Do it again: trapsh run FILE. */`,
    `import { ${asserts ? "assertExits, " : ""}type ScriptContext } from "trapsh";`,
    "",
    "const lines: readonly string[] = [",
    ...lines.map((line) => `  ${JSON.stringify(line)},`),
    "];",
    "",
    "export default async function replay({ session }: ScriptContext): Promise<void> {",
    `  session.configure(${JSON.stringify(settings)});`,
    "  for (const line of lines) {",
    "    const outcome = await session.execute(line);",
    "    if (!outcome.ok) throw new Error(`${line}: ${outcome.error.message}`, { cause: outcome.error });",
    "  }",
    ...(asserts
      ? [
        "  assertExits(session.exits, [",
        ...tabulateExitsForAssertion(exits).map((entry) => `    ${entry},`),
        "  ]);",
      ]
      : []),
    "}",
  ];
  return `${text.join("\n")}\n`;
}

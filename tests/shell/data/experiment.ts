import type { ScriptContext } from "trapsh";

export default async function experiment({ args, json, session, out }: ScriptContext): Promise<number> {
  const echo = await session.io.open("echo");
  await echo.call(1, 42);
  out.write(`${args.join(" ")}${json ? " json" : ""} ${session.exits.totals().count}\n`);
  return 9;
}

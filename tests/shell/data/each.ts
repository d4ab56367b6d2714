import type { ScriptContext } from "trapsh";

/** Goes on for minutes, and tells how far it came. */
export default async function slow({ each, out }: ScriptContext): Promise<void> {
  let done = 0;
  for await (const _ of each("naps", Array(6000).keys())) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (done++ === 0) out.write("begun\n");
  }
  out.write(`done: ${done > 0 && done < 6000}\n`);
}

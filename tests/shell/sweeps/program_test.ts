/** `trapsh sweep` as a program: Ctrl-C, loops that nothing stops, exit statuses, help. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { canRun, inFolder, TOY, trapsh, trapshWords } from "./folder.ts";

function program(name: string, test: (folder: string) => Promise<void>): void {
  Deno.test({ name: `sweep: ${name}`, ignore: !canRun, fn: () => inFolder(test) });
}

program("Ctrl-C ends it with what is done and a status of its own", async (folder) => {
  const child = new Deno.Command("deno", {
    args: trapshWords(folder, ["sweep", TOY, "--out", "o.csv", "--jobs", "1"]),
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const journal = join(folder, "o.csv.journal");
  while (await Deno.stat(journal).then(({ size }) => size < 3000, () => true)) {
    await new Promise((done) => setTimeout(done, 5));
  }
  // Once by the terminal, once handed on by deno task: not a second one of the user's.
  child.kill("SIGINT");
  child.kill("SIGINT");
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  assertEquals([code, new TextDecoder().decode(stderr)], [130, ""]);
  assertStringIncludes(text, " of 500 cells: ");
  assertStringIncludes(text, "cells left: --resume goes on from o.csv.journal\n");
});

program("a loop of JavaScript's own costs its cell, and the program ends", async (folder) => {
  await Deno.writeTextFile(
    join(folder, "loop.ts"),
    "export const parameters = { a: [1, 2, 3] };\n" +
      "export default ({ a }: { a: number }) => { while (a === 2); return { b: a }; };\n",
  );
  const { code, out } = await trapsh(folder, [
    "sweep",
    "loop.ts",
    "--patience",
    "3",
    "--jobs",
    "1",
    "--out",
    "o.csv",
  ]);
  assertEquals(code, 1);
  assertStringIncludes(out, "3 cells: 2 ok, 1 failed");
  assertEquals(
    await Deno.readTextFile(join(folder, "o.csv")),
    "a,b,outcome,why\n1,1,ok,\n" +
      '2,,failed,"no answer within 3 s: an endless loop, a wait without end, or a full memory"\n3,3,ok,\n',
  );
});

program("data, help and errors", async (folder) => {
  const json = await trapsh(folder, ["sweep", TOY, "--set", "step=1", "--json"]);
  assertEquals(json.code, 0);
  assertEquals(JSON.parse(json.out).cells.length, 10);
  assertEquals(
    JSON.parse((await trapsh(folder, ["--json", "sweep", TOY, "--set", "step=1"])).out),
    JSON.parse(json.out),
  );
  const help = await trapsh(folder, ["sweep", "--help"]);
  assertEquals(help.code, 0);
  assertStringIncludes(help.out, "--shard I/N");
  const wrong = await trapsh(folder, ["sweep", TOY, "--sett", "step=1"]);
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.err, "--set");
  const unwritable = await trapsh(folder, ["sweep", TOY, "--out", "/nowhere/o.csv"]);
  assertEquals([unwritable.code, unwritable.out], [1, ""]);
  assertStringIncludes(unwritable.err, "/nowhere/o.csv.journal");
});

program("what cells print goes to standard error, and the table alone to standard output", async (folder) => {
  await Deno.writeTextFile(
    join(folder, "loud.ts"),
    "export const parameters = { a: [1] };\nexport default () => { console.log('hello'); return { b: 1 }; };\n",
  );
  const { out, err } = await trapsh(folder, ["sweep", "loud.ts"]);
  assertEquals(err, "hello\n");
  assert(!out.includes("hello"));
});

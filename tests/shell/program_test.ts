/** The program itself, started as the README says, with its own permissions. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const canRun = Deno.permissions.querySync({ name: "run", command: "deno" }).state === "granted";

async function start(args: readonly string[], input = "") {
  const child = new Deno.Command("deno", {
    args: ["task", "--quiet", "start", ...args],
    env: { NO_COLOR: "1", XDG_STATE_HOME: "/nonexistent" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

function program(name: string, test: () => Promise<void>): void {
  Deno.test({ name: `program: ${name}`, ignore: !canRun, fn: test });
}

program("-e does lines in order and ends at the first failure", async () => {
  const { code, out, err } = await start(["-e", "echo one", "-e", "1 +", "-e", "echo two"]);
  assertEquals([code, out], [1, "one\n"]);
  assertStringIncludes(err, "The input ends in the middle");
});

program("--json prints data", async () => {
  const { code, out } = await start(["--json", "-e", "echo a b"]);
  assertEquals([code, out], [0, '"a b"\n']);
});

program("standard input is read without a prompt, and its first failure counts", async () => {
  const good = await start([], "echo a\nconst n = [1,\n2]\nn.length\n");
  assertEquals(good, { code: 0, out: "a\n2\n", err: "" });
  const bad = await start([], "echo a\nopen nothing\necho b\n");
  assertEquals([bad.code, bad.out], [1, "a\n"]);
  assertMatch(bad.err, /^standard input:2: error: /);
});

program("quit gives the exit status", async () => {
  assertEquals((await start(["-e", "quit 7", "-e", "echo no"])).code, 7);
});

program("run gives a module its arguments and takes its status", async () => {
  const { code, out } = await start(["run", "tests/shell/data/experiment.ts", "a", "--json"]);
  assertEquals([code, out], [9, "a --json 1\n"]);
});

program("run says what is wrong with a file", async () => {
  const { code, err } = await start(["run", "nowhere.ts"]);
  assertEquals([code, err], [1, "error: There is no file nowhere.ts\n"]);
});

program("unknown options are told", async () => {
  const { code, err } = await start(["--bogus"]);
  assertEquals(code, 1);
  assertStringIncludes(err, "--bogus");
});

/** The program itself, started as the README says, with its own permissions. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createVm } from "../../emulator/machine/vm.ts";
import { buildElf } from "../support/elf_builder.ts";

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
  // --json is trapsh's own and comes as `context.json`.
  assertEquals([code, out], [9, "a json 1\n"]);
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

/** Copies its input to its output, and ends with the number of bytes. */
const COPY = `
        lis r3, 0xfe00
        li r6, 0
poll:   lbz r4, 0x3fd(r3)
        andi. r5, r4, 1
        bne have
        lbz r4, 0x3fe(r3)
        andi. r5, r4, 0x80
        bne poll
        stb r6, 0x501(r3)
have:   lbz r4, 0x3f8(r3)
        stb r4, 0x3f8(r3)
        addi r6, r6, 1
        b poll
`;

program("exec finds the machine of an ELF file, gives it standard input and takes its status", async () => {
  const origin = 0x2000n;
  const { bytes } = createVm({ arch: "ppc", mode: 32 }).assemble(COPY, origin);
  const segments = [{ vaddr: origin, bytes }];
  const file = await Deno.makeTempFile({ suffix: ".elf" });
  try {
    await Deno.writeFile(file, buildElf({ width: 32, order: "be", machine: 20, entry: origin, segments }));
    assertEquals(await start(["exec", file], "Grüße\n"), { code: 8, out: "Grüße\n", err: "" });
    assertEquals(await start(["exec", file]), { code: 0, out: "", err: "" });
    const { code, err } = await start(["--arch", "x86", "exec", file]);
    assertEquals(code, 1);
    assertStringIncludes(err, "the image is for ppc 32-bit be, this VM is x86 64-bit le");
    const short = await start(["exec", "--budget", "10", file], "endless\n");
    assertEquals(short.code, 1);
    assertStringIncludes(short.err, "BUDGET: 10 instructions executed");
  } finally {
    await Deno.remove(file);
  }
});

program("exec is stopped by Ctrl-C, and the statistics are written", async () => {
  const folder = await Deno.makeTempDir();
  const [guest, stats] = [`${folder}/guest.bin`, `${folder}/stats.json`];
  try {
    // mov dx, 0x3f8; mov al, 'x'; out dx, al; jmp to itself
    await Deno.writeFile(guest, Uint8Array.fromHex("66baf803b078eeebfe"));
    const child = new Deno.Command("deno", {
      args: ["run", "--no-prompt", "--allow-read", "--allow-env", `--allow-write=${folder}`, "shell/main.ts"]
        .concat("exec", guest, "--stats", stats),
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "x");
    child.kill("SIGINT");
    assertEquals((await reader.read()).done, true);
    assertStringIncludes(await new Response(child.stderr).text(), "INTERRUPTED");
    assertEquals((await child.status).code, 1);
    assertEquals(JSON.parse(await Deno.readTextFile(stats)).stop.reason, "INTERRUPTED");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Starts the program, sends it a Ctrl-C once it has written `until`, and gives what it wrote and its exit status. */
async function interrupted(until: string, args: readonly string[]) {
  const child = new Deno.Command("deno", {
    args: ["run", "--no-prompt", "--allow-read", "--allow-env", "shell/main.ts", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const err = new Response(child.stderr).text();
  let out = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const before = out.includes(until);
    out += text;
    if (!before && out.includes(until)) child.kill("SIGINT");
  }
  return { out, err: await err, code: (await child.status).code };
}

program("a script that is stopped by Ctrl-C tells what is done so far", async () => {
  assertEquals(await interrupted("begun", ["run", "tests/shell/data/each.ts"]), {
    out: "begun\ndone: true\n",
    err: "",
    code: 130,
  });
});

program(
  "a line that is stopped by Ctrl-C tells what is done so far, and the others are left out",
  async () => {
    const guest = "asm mov edx, 0x3f8 ;; mov al, 0x78 ;; l: out dx, al ;; jmp l";
    const { out, code } = await interrupted("xxx", ["-e", guest, "-e", "run", "-e", "echo not done"]);
    assertMatch(out, /INTERRUPTED at 0x[0-9a-f]+ <l/);
    assertEquals([out.includes("not done"), code], [false, 130]);
  },
);

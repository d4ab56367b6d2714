/** Experiments and devices in a folder of the user's own: the files are the README's. */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { deno, inFolder, trapsh } from "../support/readme.ts";

const EXPERIMENT = ["deno.json", "adder.ts", "adder_test.ts"];
const TEST = ["test", "--cached-only", "--no-prompt"];
/** Checking the types of all of trapsh takes seconds, and once is enough. */
const FAST = [...TEST, "--no-check"];

Deno.test("an experiment outside the repository passes under deno test", () =>
  inFolder(EXPERIMENT, async (folder) => {
    const { code, stdout, stderr } = await deno(folder, TEST);
    assertEquals(code, 0, stdout + stderr);
    assertStringIncludes(stdout, "2 passed | 0 failed");
  }));

Deno.test("an experiment fails readably when an exit count is changed", () =>
  inFolder(EXPERIMENT, async (folder) => {
    const file = `${folder}/adder_test.ts`;
    const source = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, source.replace("count: 3,", "count: 4,"));
    const { code, stdout } = await deno(folder, FAST);
    assertNotEquals(code, 0);
    assertStringIncludes(stdout, "ExitMismatch: the exits are not the expected ones");
    assertMatch(stdout, /^\s*- IO 0x500 out count=4 cycles=15861$/m);
    assertMatch(stdout, /^\s*\+ IO 0x500 out count=3 cycles=15861$/m);
    assertMatch(stdout, /^ +IO 0x500 in count=1$/m);
    assertMatch(stdout, /^ +HLT count=1$/m);
  }));

Deno.test("an experiment fails row by row when a row is changed", () =>
  inFolder(EXPERIMENT, async (folder) => {
    const file = `${folder}/adder_test.ts`;
    const source = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, source.replace('reason: "PAPR_HCALL"', 'reason: "MMIO"'));
    const { code, stdout } = await deno(folder, FAST);
    assertNotEquals(code, 0);
    assertStringIncludes(stdout, "ExitMismatch: the rows are not the expected ones");
    assertMatch(stdout, /^\s*- +0 MMIO handledIn=userspace returns=1$/m);
    assertMatch(stdout, /^\s*\+ +0 PAPR_HCALL .*returns=1/m);
  }));

Deno.test("the README's difference is what a changed count gives", () =>
  inFolder(EXPERIMENT, async (folder) => {
    const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
    const shown = /^```console\n( {2}as expected\n[\s\S]*?)^```$/m.exec(readme)![1].trimEnd();
    const file = `${folder}/adder_test.ts`;
    const source = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, source.replace("count: 3,", "count: 4,"));
    const { stdout } = await deno(folder, FAST);
    assertStringIncludes(stdout, shown);
  }));

for (const arch of ["x86 16", "x86 32", "x86 64", "ppc 32", "ppc 64"]) {
  Deno.test(`a device outside the repository is reached by every vehicle on ${arch}`, () =>
    inFolder(["adder.ts"], async (folder) => {
      const lines = [`arch ${arch}`, "device add adder.ts"];
      for (const via of ["hypercall", "pio", "mmio"]) lines.push(`open adder via ${via}`, "call 1 0:2 7 8");
      const { code, stdout, stderr } = await trapsh(folder, lines.flatMap((line) => ["-e", line]));
      assertEquals(code, 0, stdout + stderr);
      assertEquals(stdout.match(/^reply: .*= 0xf /gm)?.length, 3, stdout);
    }));
}

Deno.test("a device outside the repository is edited and reloaded without losing the session", () =>
  inFolder(["adder.ts"], async (folder) => {
    const edit = `await Deno.writeTextFile("adder.ts", ` +
      `(await Deno.readTextFile("adder.ts")).replace("total + byte, 0", "total + byte, 100"))`;
    const file = `${folder}/lines.txt`;
    await Deno.writeTextFile(
      file,
      [
        "device add adder.ts",
        "set $n = 5",
        "open adder",
        "call 1 1",
        edit,
        "device reload adder",
        "call 1 1",
        "print $n",
      ]
        .join("\n"),
    );
    const { code, stdout, stderr } = await trapsh(folder, ["-x", file]);
    assertEquals(code, 0, stdout + stderr);
    assertMatch(stdout, /= 0x1 [\s\S]*= 0x65 [\s\S]*5 = 0x5/);
  }));

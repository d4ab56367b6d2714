/** Runs `tests/data/*.ins` on every executor. A file's name begins with its architecture: `ppc_shift.ins`. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseCaseLine } from "../emulator/isa/example.ts";
import {
  type CaseDriver,
  type CaseState,
  differences,
  type PlacedCase,
  readCases,
  runCase,
} from "./support/cases.ts";
import { type Arch, driversOf } from "./support/drivers.ts";

const DATA = new URL("./data/", import.meta.url);

for (const entry of [...Deno.readDirSync(DATA)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  if (!entry.name.endsWith(".ins")) continue;
  Deno.test(`every case of ${entry.name} holds on every executor`, async () => {
    const cases = readCases(await Deno.readTextFile(new URL(entry.name, DATA)), entry.name);
    const drivers = driversOf(entry.name.slice(0, 3) as Arch);
    const wrong: string[] = [];
    for (const { file, line, instruction } of cases) {
      for (const text of await runCase(instruction, drivers)) {
        wrong.push(`${file}:${line}: ${instruction.text}: ${text}`);
      }
    }
    assertEquals(wrong, []);
  });
}

/** Leaves a fixed state, whatever it is given. */
const fixed: CaseDriver = {
  name: "fixed",
  modes: ["32"],
  run: (): CaseState => ({
    order: "be",
    traps: [{ name: "out", args: [0x70n, 1n] }],
    register: (name) => name === "r3" ? { value: 0xffff_fffen, width: 32 } : undefined,
    memory: (_address, length) => Uint8Array.from({ length }, (_, i) => i),
  }),
};

Deno.test("runCase() finds what differs", async () => {
  const run = (after: string, mode = "32") =>
    runCase(parseCaseLine(`${mode} | 90 | nop | => ${after}`), [fixed]);
  assertEquals(await run("r3=-2 [0]=00 01 w[8]=1 trap=out(70,1) trap.out=70"), []);
  assertEquals(await run("r3=1"), ["fixed: r3: expected 0x1, found 0xfffffffe"]);
  assertEquals(await run("r4=1"), ["fixed: r4: no such register"]);
  assertEquals(await run("[10]=ff"), ["fixed: [0x10]: expected ff, found 00"]);
  assertEquals(await run("trap=out(71)"), ["fixed: expected trap out(71), found out(70,1)"]);
  assertEquals(await run("r3=1", "64"), ["no executor for mode 64"]);
});

Deno.test("differences() compares nothing for a case without effect", () => {
  assertEquals(
    differences(parseCaseLine("32 | 90 | nop"), fixed.run(parseCaseLine("32 | 90 | nop")) as CaseState),
    [],
  );
});

Deno.test("readCases() skips comments and names file and line", () => {
  const cases: PlacedCase[] = readCases("# comment\n\n32 | 90 | nop\n", "a.ins");
  assertEquals(cases.map(({ file, line, instruction }) => [file, line, instruction.text]), [[
    "a.ins",
    3,
    "nop",
  ]]);
  assertThrows(() => readCases("\n32 | zz | nop\n", "a.ins"), SyntaxError, "a.ins:2: expected bytes");
});

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../../../shell/errors.ts";
import { identify } from "../../../shell/sweeps/identity.ts";
import { mergeSweeps } from "../../../shell/sweeps/merge_sweeps.ts";
import { runOwnSweep, runSweep } from "../../../shell/sweeps/run_sweep.ts";
import { sweepCsv, sweepLines } from "../../../shell/sweeps/sweep_table.ts";
import { findTopic } from "../../../shell/topics.ts";
import { BAD_CELLS, inFolder, TOY } from "./folder.ts";

/** 40 of the toy's cells. */
const set = { step: [0, 13, 14, 15] };

Deno.test("runSweep(): the same bytes whatever the number of workers, and in shards", () =>
  inFolder(async (folder) => {
    const file = (name: string) => join(folder, name);
    const whole = await runSweep(TOY, { set, jobs: 1, out: file("whole.csv") });
    assertEquals([whole.total, whole.left, whole.cells.length], [40, 0, 40]);
    const csv = await Deno.readTextFile(file("whole.csv"));
    assertEquals(csv, sweepCsv(whole));
    assertEquals(csv.split("\n").slice(0, 3), [
      "shape,size,step,area,seed,random,odd,outcome,why",
      "round,1,0,0,1364076727,0.3140447095502168,,ok,",
      'round,1,13,,,,,failed,"TypeError: step 13, ""quoted"", with a comma"',
    ]);
    for (const jobs of [2, 5]) {
      await runSweep(new URL(`file://${TOY}`), { set, jobs, out: file(`${jobs}.json`) });
      assertEquals((await runSweep(TOY, { set, jobs })).cells, whole.cells);
    }
    assertEquals(await Deno.readTextFile(file("2.json")), await Deno.readTextFile(file("5.json")));
    for (const shard of ["3/3", "1/3", "2/3"]) {
      const part = await runSweep(TOY, { set, shard, jobs: 2, out: file("parts.csv") });
      assertEquals([part.left, part.out], [0, undefined]);
    }
    const merged = await mergeSweeps(file("parts.csv"));
    assertEquals([merged.files.length, merged.left], [3, 0]);
    assertEquals(await Deno.readTextFile(file("parts.csv")), csv);
    await mergeSweeps(file("parts.json"), merged.files);
    assertEquals(await Deno.readTextFile(file("parts.json")), await Deno.readTextFile(file("2.json")));
    JSON.parse(await Deno.readTextFile(file("parts.json")));
  }));

Deno.test("runSweep(): what goes wrong in a cell is that cell's result", () =>
  inFolder(async (folder) => {
    const out = join(folder, "o.csv");
    const ways = ["fine", "throw", "reject", "lost", "exit", "bigint", "column", "fine again"];
    const run = await runOwnSweep(BAD_CELLS, { set: { way: ways }, jobs: 2, out }, {});
    const cells = run.cells.map(({ values, outcome }) => [
      values.way,
      outcome.kind === "ok" ? outcome.result : outcome.kind === "failed" ? outcome.error : outcome.reason,
    ]);
    assertEquals(cells, [
      ["fine", { good: 0 }],
      ["throw", "RangeError: thrown"],
      ["reject", "a text"],
      ["lost", "not awaited: Error: nobody awaits this"],
      ["exit", "its worker ended with status 3"],
      [
        "bigint",
        "TypeError: the result cycles is the bigint 5: strings, finite numbers and booleans can be kept",
      ],
      ["column", 'TypeError: the result "way" has the name of another column'],
      ["fine again", { good: 0 }],
    ]);
    const text = sweepLines(run).join("\n");
    assertStringIncludes(text, "failed, 1 cell (way=exit): its worker ended with status 3");
    // Failed cells are results: they are done again on demand only.
    let worked = 0;
    const count = () => void worked++;
    await runSweep(BAD_CELLS, { set: { way: ways }, jobs: 1, out, resume: true, onProgress: count });
    assertEquals(worked, 1);
    await runSweep(BAD_CELLS, { set: { way: ways }, jobs: 1, out, retry: true, onProgress: count });
    assertEquals(worked, 1 + 1 + 6);
    assertEquals(await Deno.readTextFile(out), sweepCsv(run));
  }));

Deno.test("runSweep(): a cell that hangs or fills the memory costs itself alone", async () => {
  const hung = await runOwnSweep(BAD_CELLS, { set: { way: ["never", "fine"] }, patience: 3, jobs: 1 }, {});
  assertEquals(hung.cells.map(({ outcome }) => outcome.kind), ["failed", "ok"]);
  assertStringIncludes(JSON.stringify(hung.cells), "no answer within 3 s");
  const full = await runOwnSweep(BAD_CELLS, { set: { way: ["memory", "fine"] }, jobs: 1, patience: 60 }, {
    heap: 48,
  });
  assertEquals(full.cells.map(({ outcome }) => outcome.kind), ["failed", "ok"]);
  assertStringIncludes(JSON.stringify(full.cells), "out of memory");
});

Deno.test("runSweep(): a signal stops it with what is done, which is gone on with", () =>
  inFolder(async (folder) => {
    const out = join(folder, "o.csv"), stop = new AbortController();
    const stopped = await runSweep(TOY, {
      set,
      jobs: 2,
      out,
      signal: stop.signal,
      onProgress: ({ done }) => void (done === 7 && stop.abort()),
    });
    assertEquals([stopped.cells.length, stopped.left, stopped.out], [7, 33, undefined]);
    await assertRejects(() => Deno.stat(out), Deno.errors.NotFound);
    const error = await assertRejects(() => mergeSweeps(out), UserError);
    assertStringIncludes(error.message, "33 of 40 cells are missing");
    assertStringIncludes(error.message, "o.csv.journal, shard 1/1: 33 of its 40 cells are not done");
    const partial = await mergeSweeps(out, [], { partial: true });
    assertEquals([partial.cells, partial.left], [stopped.cells, 33]);
    let before = 0;
    const options = {
      set,
      out,
      resume: true,
      onProgress: (at: { before: number }) => void (before = at.before),
    };
    const whole = await runSweep(TOY, options);
    assertEquals([before, whole.left], [7, 0]);
    assertEquals(await Deno.readTextFile(out), sweepCsv(await runSweep(TOY, { set, jobs: 1 })));
  }));

Deno.test("mergeSweeps(): journals of other sweeps, cells that differ, and missing files are told", () =>
  inFolder(async (folder) => {
    const file = (name: string) => join(folder, name);
    const small = { step: [0, 1], size: [1, 64] };
    await runSweep(TOY, { set: small, out: file("a.csv"), shard: "1/2" });
    await runSweep(TOY, { set: { ...small, size: [1, 8] }, out: file("b.csv"), shard: "2/2" });
    const journals = [file("a.csv.1-of-2.journal"), file("b.csv.2-of-2.journal")];
    const other = await assertRejects(() => mergeSweeps(file("c.csv"), journals), UserError);
    assertStringIncludes(other.message, "the parameter size was 1,64 and is 1,8");
    const text = await Deno.readTextFile(journals[0]);
    await Deno.writeTextFile(file("changed.journal"), text.replaceAll('"seed":', '"seed":1'));
    const changed = [journals[0], file("changed.journal")];
    await assertRejects(() => mergeSweeps(file("c.csv"), changed), UserError, "is not the same in");
    await assertRejects(() => mergeSweeps(file("c.csv"), [file("none")]), UserError, "There is no file");
    await assertRejects(() => mergeSweeps(file("c.csv")), UserError, "There are no journals");
    await assertRejects(() => mergeSweeps(file("c.txt"), journals), UserError, "neither .csv nor .json");
    // The same shard twice is no harm.
    assertEquals((await mergeSweeps(file("c.csv"), [journals[0], journals[0]], { partial: true })).left, 4);
  }));

const MODULES: readonly (readonly [what: string, text: string, message: string])[] = [
  ["nothing", "export const x = 1;", "defines no sweep"],
  ["a function alone", "export default () => ({});", "defines no sweep"],
  ["no cell", "export default { parameters: { a: [1] } };", "has no function cell"],
  ["no parameters", "export default { cell: () => ({}) };", "parameters is an object of arrays"],
  [
    "a wrong budget",
    "export default { parameters: { a: [1] }, budget: 0, cell: () => ({}) };",
    "the budget 0",
  ],
  ["a syntax error", "export default {", "cannot be loaded: "],
  ["an error", "throw new Error('at import');", "cannot be loaded: Error: at import"],
];

for (const [what, text, message] of MODULES) {
  Deno.test(`runSweep(): a module with ${what}`, () =>
    inFolder(async (folder) => {
      const file = join(folder, "it.ts");
      await Deno.writeTextFile(file, text);
      await assertRejects(() => runSweep(file), UserError, message);
    }));
}

Deno.test("runSweep(): wrong options are told before any work", async () => {
  await assertRejects(() => runSweep("nowhere.ts"), UserError, "There is no file nowhere.ts");
  await assertRejects(() => runSweep(".", {}), UserError, "is no file");
  await assertRejects(() => runSweep(TOY, { jobs: 0 }), UserError, "0 jobs are not between");
  await assertRejects(() => runSweep(TOY, { patience: -1 }), UserError, "A patience of -1 s");
  await assertRejects(() => runSweep(TOY, { out: "table.xls" }), UserError, "neither .csv nor .json");
  await assertRejects(() => runSweep(TOY, { shard: "3" }), UserError, "is not I/N");
  await assertRejects(() => runSweep(TOY, { set: { stepp: [1] } }), UserError, 'did you mean "step"');
});

Deno.test("runSweep(): an edited module, or one that it imports, is another sweep; run again it is as edited", () =>
  inFolder(async (folder) => {
    const file = join(folder, "it.ts"),
      helper = join(folder, "lib", "helper.ts"),
      out = join(folder, "o.csv");
    await Deno.mkdir(join(folder, "lib"));
    const write = (step: number) => Deno.writeTextFile(helper, `export const step: number = ${step};`);
    await write(1);
    await Deno.writeTextFile(
      file,
      'import { step } from "./lib/helper.ts"; // from "./not_there.ts"\n' +
        "export const parameters = { a: [1, 2] };\n" +
        "export default ({ a }: { a: number }) => ({ sum: a + step });\n",
    );
    await runSweep(file, { out });
    assertEquals(await Deno.readTextFile(out), "a,sum,outcome,why\n1,2,ok,\n2,3,ok,\n");
    await write(10);
    const error = await assertRejects(() => runSweep(file, { out, resume: true }), UserError);
    assertStringIncludes(
      error.message,
      "o.csv.journal holds 2 cells of another sweep:\n  lib/helper.ts has changed\n",
    );
    await runSweep(file, { out, restart: true });
    assertEquals(await Deno.readTextFile(out), "a,sum,outcome,why\n1,11,ok,\n2,12,ok,\n");
    const { files } = await identify(file, { parameters: { a: [1] } });
    assertEquals(Object.keys(files), ["it.ts", "lib/helper.ts"]);
  }));

Deno.test("runSweep(): the module of help sweeps, and what it says of budgets", () =>
  inFolder(async (folder) => {
    const file = join(folder, "costs.ts"), { text } = findTopic("sweeps")!;
    await Deno.writeTextFile(
      file,
      text.slice(text.indexOf("import {"), text.indexOf("Cells run in workers")),
    );
    const exits = (await runSweep(file)).cells.map(({ outcome }) =>
      outcome.kind === "ok" && outcome.result.exits
    );
    assertEquals(exits.length, 8);
    assert(exits.every((count) => typeof count === "number" && count >= 1));
    await Deno.writeTextFile(
      file,
      'import { createVm, defineSweep } from "trapsh";\n' +
        "export default defineSweep({ parameters: { code: ['hlt', 'again: jmp again'] }, budget: 100_000,\n" +
        "  async cell({ code }, context) {\n" +
        "    const vm = createVm({ arch: 'x86' });\n" +
        "    vm.load(vm.assemble(code));\n" +
        "    const { reason } = await context.run(vm);\n" +
        "    return { reason, left: context.budget };\n" +
        "  } });\n",
    );
    assertEquals((await runSweep(file)).cells.map(({ outcome }) => outcome), [
      { kind: "ok", result: { reason: "HLT", left: 99_999 }, notes: [] },
      { kind: "failed", error: "RangeError: the cell's budget of 100000 guest instructions is spent" },
    ]);
  }));

Deno.test("runSweep(): defineSweep under the name sweep leaves the default export to a script", () =>
  inFolder(async (folder) => {
    const file = join(folder, "script.ts");
    await Deno.writeTextFile(
      file,
      'import { defineSweep } from "trapsh";\n' +
        "export const sweep = defineSweep({ title: 'by name', parameters: { a: [1] }, cell: ({ a }) => ({ b: a }) });\n" +
        "export default () => { throw new Error('not to be called'); };\n",
    );
    const { title, cells } = await runSweep(file);
    assertEquals([title, cells[0].outcome], ["by name", { kind: "ok", result: { b: 1 }, notes: [] }]);
    assert(cells.length === 1);
  }));

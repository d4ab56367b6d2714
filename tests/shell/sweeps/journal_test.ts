import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../../shell/errors.ts";
import { differences, type SweepIdentity } from "../../../shell/sweeps/identity.ts";
import { Journal, parseJournal } from "../../../shell/sweeps/journal.ts";
import type { CellOutcome } from "../../../shell/sweeps/outcome.ts";
import { WHOLE } from "../../../shell/sweeps/product.ts";

const IDENTITY: SweepIdentity = {
  name: "costs.ts",
  version: "0.1.0",
  sources: "00",
  files: { "costs.ts": "11", "device.ts": "22" },
  parameters: { arch: ["x86", "ppc"], größe: [1, 8, 64] },
};

function outcome(cell: number): CellOutcome {
  if (cell === 2) return { kind: "infeasible", reason: 'no "way"\nat all' };
  if (cell === 4) return { kind: "failed", error: "TypeError: ä" };
  return {
    kind: "ok",
    result: { cycles: cell * 1.1, label: "größer, €" },
    notes: cell === 1 ? ["a note"] : [],
  };
}

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(`${folder}/j.journal`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(path: string, cells: readonly number[]): Promise<Uint8Array> {
  const journal = await Journal.open(path, IDENTITY, WHOLE, "resume");
  for (const cell of cells) journal.add(cell, outcome(cell));
  journal.close();
  return await Deno.readFile(path);
}

Deno.test("Journal: cut at any byte, it holds the cells whose lines are whole, and goes on to the same bytes", () =>
  inFolder(async (path) => {
    const order = [3, 0, 4, 1, 5, 2];
    const whole = await write(path, order);
    const ends = [...whole.keys()].filter((at) => whole[at] === 10);
    for (let length = 0; length <= whole.length; length++) {
      await Deno.writeFile(path, whole.subarray(0, length));
      const done = Math.max(0, ends.filter((end) => end < length).length - 1);
      const journal = await Journal.open(path, IDENTITY, WHOLE, "resume");
      assertEquals([...journal.outcomes.keys()], order.slice(0, done), `${length} bytes`);
      for (const [cell, it] of journal.outcomes) assertEquals(it, outcome(cell));
      for (const cell of order.slice(done)) journal.add(cell, outcome(cell));
      journal.close();
      assertEquals(await Deno.readFile(path), whole, `${length} bytes`);
    }
  }));

Deno.test("Journal: the last line's bytes may be lost by a crash of the machine, no others", () =>
  inFolder(async (path) => {
    const whole = await write(path, [0, 1, 2]);
    const lost = whole.slice();
    lost.fill(0, lost.length - 20, lost.length - 1);
    assertEquals([...parseJournal(lost, "j")!.outcomes.keys()], [0, 1]);
    const damaged = whole.slice();
    damaged.fill(0, damaged.indexOf(10) + 1, damaged.indexOf(10) + 9);
    assertThrows(() => parseJournal(damaged, "j"), UserError, "j:2 is damaged");
  }));

Deno.test("Journal: what cannot be in one is an error with its line", () =>
  inFolder(async (path) => {
    const text = new TextDecoder().decode(await write(path, [0, 1]));
    const parse = (more: string) => parseJournal(new TextEncoder().encode(`${text}${more}\n`), "j");
    assertThrows(() => parse('{"cell":1,"ok":{}}'), UserError, "j:4 has cell 1 a second time");
    assertThrows(() => parse('{"cell":6,"ok":{}}'), UserError, "j:4 has cell 6, which the shard has not");
    assertThrows(() => parse('{"again":[1]}'), UserError, "j:4 does cell 1 again, which had not failed");
    assertThrows(
      () => parseJournal(new TextEncoder().encode("a,b\n1,2\n"), "j"),
      UserError,
      "j is no journal",
    );
    assertThrows(
      () => parseJournal(new TextEncoder().encode('{"trapsh-sweep":1,"x":2}\n'), "j"),
      UserError,
      "no journal",
    );
  }));

Deno.test("Journal.open(): modes, the lock, and files that are none", () =>
  inFolder(async (path) => {
    const first = await Journal.open(path, IDENTITY, WHOLE, "new");
    await assertRejects(() => Journal.open(path, IDENTITY, WHOLE, "resume"), UserError, "is in use");
    first.close();
    // Nothing is done yet: nothing can be lost.
    (await Journal.open(path, IDENTITY, WHOLE, "new")).close();
    await write(path, [0, 4]);
    await assertRejects(() => Journal.open(path, IDENTITY, WHOLE, "new"), UserError, "--resume goes on");
    const other = { ...IDENTITY, parameters: { ...IDENTITY.parameters, arch: ["x86"] } };
    const error = await assertRejects(() => Journal.open(path, other, WHOLE, "resume"), UserError);
    assertStringIncludes(
      error.message,
      "holds 2 cells of another sweep:\n  the parameter arch was x86,ppc and is x86\n",
    );
    await assertRejects(
      () => Journal.open(path, IDENTITY, { index: 1, of: 2 }, "resume"),
      UserError,
      "the shard was 1/1",
    );
    const again = await Journal.open(path, IDENTITY, WHOLE, "resume");
    again.retry();
    again.retry();
    assertEquals([...again.outcomes.keys()], [0]);
    again.add(4, outcome(1));
    again.close();
    assertEquals(parseJournal(await Deno.readFile(path), "j")!.outcomes.get(4), outcome(1));
    (await Journal.open(path, other, WHOLE, "restart")).close();
    await Deno.writeTextFile(path, "my own notes");
    for (const mode of ["new", "resume", "restart"] as const) {
      await assertRejects(
        () => Journal.open(path, IDENTITY, WHOLE, mode),
        UserError,
        "no journal of a sweep",
      );
    }
    assertEquals(await Deno.readTextFile(path), "my own notes");
  }));

Deno.test("differences() names what changed", () => {
  const cases: readonly (readonly [Partial<SweepIdentity>, string])[] = [
    [{ name: "other.ts" }, "the module was costs.ts and is other.ts"],
    [{ version: "0.2.0" }, "trapsh was 0.1.0 and is 0.2.0"],
    [{ sources: "01" }, "trapsh's own sources have changed"],
    [{ files: { "costs.ts": "1f", "device.ts": "22" } }, "costs.ts has changed"],
    [{ files: { "costs.ts": "11" } }, "device.ts is gone"],
    [{ files: { ...IDENTITY.files, "b.ts": "3" } }, "b.ts is new"],
    [
      { parameters: { größe: [1, 8, 64], arch: ["x86", "ppc"] } },
      "the order of parameters was arch,größe and is größe,arch",
    ],
    [
      { parameters: { arch: ["x86", "ppc"], größe: [1], new: [2] } },
      "the parameter größe was 1,8,64 and is 1",
    ],
    [{ input: { fn: 2 } }, "fn was not there and is 2"],
    [{ title: "t" }, "the title was not there and is t"],
  ];
  for (const [change, message] of cases) {
    const found = differences(IDENTITY, { ...IDENTITY, ...change });
    assert(found.includes(message), found.join("; "));
  }
  assertEquals(differences(IDENTITY, structuredClone(IDENTITY)), []);
});

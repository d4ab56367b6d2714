/** 500 cells whose process is killed again and again, in one piece, in shards, and under GNU parallel: the same bytes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { parseJournal } from "../../../shell/sweeps/journal.ts";
import { randomFrom } from "../../../shell/sweeps/product.ts";
import { runSweep } from "../../../shell/sweeps/run_sweep.ts";
import { canRun, inFolder, TOY, trapsh, trapshWords } from "./folder.ts";

const KILLS = 10;
/** `TRAPSH_SEED` tries other points. */
const SEED = Number(Deno.env.get("TRAPSH_SEED") ?? 1);

async function sizeOf(file: string): Promise<number> {
  return await Deno.stat(file).then(({ size }) => size, () => 0);
}

/** Starts `trapsh WORDS` and kills it when `journal` has grown by `bytes`. True if it was killed in the middle. */
async function killed(
  folder: string,
  words: readonly string[],
  journal: string,
  bytes: number,
): Promise<boolean> {
  const child = new Deno.Command("deno", {
    args: trapshWords(folder, words),
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const until = await sizeOf(journal) + bytes;
  let ended = false;
  const status = child.status.finally(() => ended = true);
  while (!ended && await sizeOf(journal) < until) await new Promise((done) => setTimeout(done, 1));
  if (!ended) child.kill("SIGKILL");
  return (await status).signal === "SIGKILL";
}

/** Cells that a journal holds; throws if one is there twice, or a line is torn that is not the last one. */
async function cellsIn(journal: string): Promise<number> {
  return parseJournal(await Deno.readFile(journal), journal)?.outcomes.size ?? 0;
}

/** Lines in one order: that in which they were done is chance. */
async function sorted(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  return texts.flatMap((text) => text.trimEnd().split("\n").slice(1)).sort();
}

Deno.test({
  name:
    `500 cells, killed ${KILLS} times at random points and resumed, equal those of an uninterrupted sweep`,
  ignore: !canRun,
  fn: () =>
    inFolder(async (folder) => {
      const out = join(folder, "killed.csv"), journal = `${out}.journal`, whole = join(folder, "whole.csv");
      await runSweep(TOY, { out: whole, jobs: 1 });
      const random = randomFrom(SEED),
        words = ["sweep", TOY, "--out", "killed.csv", "--resume", "--jobs", "2"];
      const held: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        // On average a fifteenth of the 53 KB, so that some is left for the end; now and then within the first line.
        assert(
          await killed(folder, words, journal, Math.ceil(random() * 7000)),
          "it was to be killed and ended by itself",
        );
        held.push(await cellsIn(journal));
      }
      assertEquals(held, held.toSorted((a, b) => a - b));
      assert(held.at(-1)! < 500 && new Set(held).size > KILLS / 2, held.join(" "));
      // Two cells of the toy fail, which is their result.
      const { code, out: text, err } = await trapsh(folder, words);
      assertEquals([code, err], [1, ""]);
      assertStringIncludes(text, "500 cells: 448 ok, 50 infeasible, 2 failed\ntable in killed.csv\n");
      assertEquals(await Deno.readTextFile(out), await Deno.readTextFile(whole));
      assertEquals(await sorted([journal]), await sorted([`${whole}.journal`]));
      // Once more, and nothing is left to do.
      assertEquals((await trapsh(folder, words)).code, 1);
      assertEquals(await sorted([journal]), await sorted([`${whole}.journal`]));
    }),
});

Deno.test({
  name: "500 cells in four shards, each killed and resumed, equal those of an unsharded sweep",
  ignore: !canRun,
  fn: () =>
    inFolder(async (folder) => {
      const random = randomFrom(SEED + 1), out = join(folder, "parts.csv"), whole = join(folder, "whole.csv");
      await runSweep(TOY, { out: whole });
      const journals = [1, 2, 3, 4].map((index) => `${out}.${index}-of-4.journal`);
      await Promise.all(journals.map(async (journal, i) => {
        const words = [
          "sweep",
          TOY,
          "--out",
          "parts.csv",
          "--resume",
          "--jobs",
          "1",
          "--shard",
          `${i + 1}/4`,
        ];
        assert(await killed(folder, words, journal, Math.ceil(random() * 12_000)));
        const { code, out, err } = await trapsh(folder, words);
        assertEquals([code <= 1, err], [true, ""]);
        assertStringIncludes(out, `shard ${i + 1}/4 is done`);
      }));
      const { code, out: text } = await trapsh(folder, ["merge", "parts.csv"]);
      assertEquals([code, text], [
        1,
        "4 journals merged\n500 cells: 448 ok, 50 infeasible, 2 failed\ntable in parts.csv\n",
      ]);
      assertEquals(await Deno.readTextFile(out), await Deno.readTextFile(whole));
      assertEquals(await sorted(journals), await sorted([`${whole}.journal`]));
    }),
});

/** Another program of this name, moreutils', takes other words. */
async function noParallel(): Promise<string | undefined> {
  if (!canRun) return "no permission to run programs";
  try {
    const { stdout } = await new Deno.Command("parallel", { args: ["--version"], stdin: "null" }).output();
    return new TextDecoder().decode(stdout).startsWith("GNU parallel") ? undefined : "parallel is not GNU's";
  } catch {
    return "GNU parallel is not installed";
  }
}

const why = await noParallel();

Deno.test({
  name: `GNU parallel spreads a sweep: equal to one in one piece${
    why === undefined ? "" : ` (skipped: ${why})`
  }`,
  ignore: why !== undefined,
  fn: () =>
    inFolder(async (folder) => {
      const set = ["--set", "step=0..50+5"], whole = join(folder, "whole.csv");
      await runSweep(TOY, { out: whole, set: { step: [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50] } });
      const words = trapshWords(folder, [
        "sweep",
        TOY,
        ...set,
        "--out",
        "table.csv",
        "--resume",
        "--jobs",
        "1",
      ]);
      const { code, stderr } = await new Deno.Command("parallel", {
        args: ["--will-cite", "-j2", "deno", ...words, "--shard", "{}/4", ":::", "1", "2", "3", "4"],
        cwd: folder,
        env: { NO_COLOR: "1", HOME: folder },
        stdin: "null",
      }).output();
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      assertEquals((await trapsh(folder, ["merge", "table.csv"])).code, 0);
      assertEquals(await Deno.readTextFile(join(folder, "table.csv")), await Deno.readTextFile(whole));
    }),
});

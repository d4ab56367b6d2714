import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { CompareRow } from "../../../shell/reports/compare_table.ts";
import { createStyle } from "../../../shell/style.ts";
import { exitTableLines } from "../../../shell/reports/exit_table.ts";
import { tabulateExits } from "../../../emulator/exits/tabulate.ts";
import { startSession, type Transcript } from "./session.ts";

async function inFolder(work: (folder: string, shell: Transcript) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const shell = startSession();
  try {
    await work(folder, shell);
  } finally {
    shell.session.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("export writes each format, and says what is wrong with a file", () =>
  inFolder(async (folder, { type }) => {
    await type("out.b 0x80 1");
    for (const name of ["a.html", "a.svg", "a.trace.json", "a.json", "a.csv"]) {
      assertStringIncludes(await type(`export ${join(folder, name)}`), `1 exit to ${join(folder, name)}, `);
    }
    const again = await type(`export ${join(folder, "a.html")} under pci-testdev`);
    assertStringIncludes(again, "open it in any browser");
    assertStringIncludes(await Deno.readTextFile(join(folder, "a.html")), "Priced again");
    assertStringIncludes(await type(`export ${join(folder, "b.html")} --rows`), "--rows is for .csv");
    const nowhere = join(folder, "none", "b.html");
    assertStringIncludes(
      await type(`export ${nowhere}`),
      `error: ${nowhere} cannot be written: its folder does not exist`,
    );
  }));

Deno.test("timeline writes a picture, and needs rows", () =>
  inFolder(async (folder, { type }) => {
    await type("out.b 0x80 1");
    const file = join(folder, "t.svg");
    assertStringIncludes(await type(`timeline by port --svg ${file}`), "1 of 1 exits in ");
    assertStringIncludes(await Deno.readTextFile(file), "0x80:POUT");
    assertStringIncludes(await type("timeline 5 --from 100 --to 50"), "error:");
    await type("exits record off");
    await type("exits reset");
    await type("out.b 0x80 1");
    assertStringIncludes(await type("timeline"), 'error: No rows are recorded: "exits record on"');
  }));

Deno.test("info exits draws bars where a terminal has room, and none elsewhere", async () => {
  const { session, type } = startSession();
  await type("out.b 0x80 1");
  assert(!(await type("info exits")).includes("█"));
  const { print } = session.table.get("info exits")!;
  const data = await session.invoke("info exits");
  const wide = print(data, createStyle(false, 120, "blocks"));
  assertStringIncludes(wide, "█".repeat(40));
  assertStringIncludes(wide, "█world ▓dispatch ▒decode ░userspace ■device");
  assertStringIncludes(print(data, createStyle(false, 120, "ascii")), "#".repeat(40));
  const widths = (width: number) =>
    Math.max(
      ...exitTableLines(tabulateExits(session.exits), { width, bars: "blocks" }).map(({ length }) => length),
    );
  for (const width of [75, 90, 120, 160]) assert(widths(width) <= width, `${width}`);
  session.close();
});

Deno.test("compare that is interrupted shows what is done so far, and names the rest", async () => {
  const { session } = startSession();
  const { progress } = session;
  // Ctrl-C while the first cell is shown.
  Object.defineProperty(session, "progress", {
    value: (...args: Parameters<typeof progress>) => {
      const shown = progress(...args);
      return { ...shown, update: () => session.interrupt() };
    },
  });
  const rows = await session.invoke("compare echo") as CompareRow[];
  assertEquals(rows.length, 12);
  assertEquals(rows.filter(({ cost }) => cost !== undefined).length, 1);
  assertEquals(rows.filter(({ refused }) => refused === "interrupted before it was measured").length, 11);
  session.close();
});

/** The report in a real browser: it runs without an error, its search works, and it is dark where the reader's system is. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { reportHtml } from "../../../../shell/reports/html/report.ts";
import { findChromium, visit } from "../../../support/chromium.ts";
import { brightness } from "../../../support/png.ts";
import { sampleRun } from "../run.ts";

const chromium = await findChromium();

/** Writes the report of a run whose symbol would like to be markup, and hands on where it is. */
async function withReport(work: (url: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "report.html");
    const vm = await sampleRun({ vcpus: 2, symbol: "</script><img src=x onerror=console.error(1)>" });
    await Deno.writeTextFile(file, reportHtml(vm));
    await work(pathToFileURL(file).href, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function inBrowser(name: string, test: (browser: string) => Promise<void>): void {
  const ignore = chromium === undefined;
  Deno.test({
    name: `report in Chromium: ${name}${ignore ? " (skipped: there is no chromium)" : ""}`,
    ignore,
    fn: () => test(chromium!),
  });
}

/** Cells of a column of the ledger, from the document after its scripts ran. */
function column(dom: string, index: number): string[] {
  const ledger = /<div id="ledger"[^]*?<tbody>([^]*?)<\/tbody>/.exec(dom)![1];
  return [...ledger.matchAll(/<tr aria-rowindex[^]*?<\/tr>/g)].map(([line]) =>
    [...line.matchAll(/<td[^>]*>([^<]*)<\/td>/g)][index][1]
  );
}

const SEQ = 0, EXIT = 5, WAY = 7;

inBrowser(
  "all rows are shown without an error, and the search filters and sorts them",
  (browser) =>
    withReport(async (url) => {
      const all = await visit(browser, url, ["--dump-dom", "--window-size=1280,2000"]);
      assertEquals(all.console, []);
      assertEquals(column(all.stdout, SEQ).length, 32);
      assertStringIncludes(all.stdout, "32 of 32 rows");
      assert(!all.stdout.includes("<img"));

      const found = await visit(browser, `${url}#q=ept_ in&sort=seq:down`, ["--dump-dom"]);
      assertEquals(found.console, []);
      const exits = column(found.stdout, EXIT), seqs = column(found.stdout, SEQ).map(Number);
      assertEquals(exits.length, 6);
      assert(exits.every((exit) => /^EPT_/.test(exit)));
      assertEquals(new Set(column(found.stdout, WAY)), new Set(["in"]));
      assertEquals(seqs, seqs.toSorted((a, b) => b - a));
      assertStringIncludes(found.stdout, "6 of 32 rows");
    }),
);

inBrowser("it is light, and dark where that is preferred", (browser) =>
  withReport(async (url, folder) => {
    const shots: number[] = [];
    for (const scheme of ["1", "0"]) {
      const file = join(folder, `${scheme}.png`);
      const flags = [`--blink-settings=preferredColorScheme=${scheme}`, `--screenshot=${file}`];
      const { console } = await visit(browser, url, [...flags, "--window-size=1280,1600"]);
      assertEquals(console, []);
      shots.push(await brightness(await Deno.readFile(file)));
    }
    const [light, dark] = shots;
    assert(light > 0.8, `light is ${light} bright`);
    assert(dark < 0.3, `dark is ${dark} bright`);
  }));

/**
 * The README's programs are run and its transcript is compared, so that both stay true. After a change that is
 * meant, this writes the transcript anew:
 *
 *     deno test --allow-read --allow-write --allow-run=deno --allow-env tests/readme_test.ts -- --update
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { whyNot } from "./support/guest_targets.ts";
import { blocksOf, deno, inFolder, README, trapsh } from "./support/readme.ts";

const PROMPT = /^trapsh (?:x86|ppc)> /;
/** Stands in the README for the folder that the reader is in. */
const FOLDER = "/home/you/lab";
const MARK = "END-OF-OUTPUT";

/** Lines that are typed, each with what it prints. */
async function typed(folder: string, lines: readonly string[]): Promise<string[]> {
  const args = lines.flatMap((line) => ["-e", line, "-e", `echo ${MARK}`]);
  const { code, stdout, stderr } = await trapsh(folder, args);
  assertEquals(code, 0, stderr);
  const parts = stdout.replaceAll(folder, FOLDER).split(`${MARK}\n`);
  assertEquals(parts.length, lines.length + 1);
  return parts;
}

/** A rule under a table's head is as long as the longest path above it, which differs. */
function withoutRules(text: string): string {
  return text.replaceAll(/-{3,}$/gm, "---");
}

Deno.test("README: the transcript is what the prompt says", () =>
  inFolder(["adder.ts"], async (folder) => {
    const markdown = await Deno.readTextFile(README);
    const block = blocksOf(markdown).find(({ language, text }) =>
      language === "console" && PROMPT.test(text)
    )!;
    const lines = block.text.split("\n").filter((line) => PROMPT.test(line));
    const outputs = await typed(folder, lines.map((line) => line.replace(PROMPT, "")));
    const real = lines.map((line, i) => `${line}\n${outputs[i]}`).join("");
    if (Deno.args.includes("--update")) {
      await Deno.writeTextFile(README, markdown.replace(block.text, () => real));
    } else {
      assertEquals(withoutRules(block.text), withoutRules(real));
    }
  }));

/** Commands of a shell: as typed, and as they are to be run in another folder than the repository. */
async function commanded(folder: string, command: string): Promise<string> {
  const root = new URL("../", import.meta.url).pathname;
  const line = command.replaceAll("\\\n", " ").replaceAll("scripts/guests/", `${root}scripts/guests/`);
  const start = /^deno task start (.*)$/.exec(line);
  // The shell in `deno task` knows `*` and `head`, and is there wherever the tests are.
  const { code, stdout, stderr } =
    await (start ? trapsh(folder, start[1].split(" ")) : deno(folder, ["task", "--quiet", "--eval", line]));
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, line);
  return stdout;
}

/** What differs from one version of a compiler to the next. */
function withoutCounts(text: string): string {
  return text.replaceAll(/("(?:pc|instructions|cycles|count)": )"?\w+"?/g, "$1-");
}

const guestBlock = blocksOf(await Deno.readTextFile(README)).find(({ text }) => text.startsWith("$ "))!;
const guestCommands = guestBlock.text.match(/^\$ (?:.*\\\n)*.*\n/gm)!;
const noCompiler = whyNot({ compiler: guestCommands[0].split(" ")[1] });

Deno.test({
  name: `README: a C guest is compiled and run as it says${noCompiler ? ` (skipped: ${noCompiler})` : ""}`,
  ignore: noCompiler !== undefined,
  fn: () =>
    inFolder([], async (folder) => {
      let real = "";
      for (const command of guestCommands) {
        real += command + await commanded(folder, command.slice(2).trimEnd());
      }
      if (Deno.args.includes("--update")) {
        const markdown = await Deno.readTextFile(README);
        await Deno.writeTextFile(README, markdown.replace(guestBlock.text, () => real));
      } else {
        assertEquals(withoutCounts(guestBlock.text), withoutCounts(real));
      }
    }),
});

Deno.test("README: the experiment runs and makes the exits of the transcript", () =>
  inFolder(["adder.ts", "experiment.ts"], async (folder) => {
    const { code, stdout, stderr } = await trapsh(folder, ["run", "experiment.ts"]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "HLT: the guest read 6\n");
    const markdown = await Deno.readTextFile(README);
    const table = stdout.slice(stdout.indexOf("VM-EXIT"));
    assertEquals(markdown.includes(table.trimEnd()), true, `the transcript has another table than\n${table}`);
  }));

Deno.test("README: a device is fifteen lines", async () => {
  const blocks = blocksOf(await Deno.readTextFile(README));
  const lines = blocks.find(({ file }) => file === "adder.ts")!.text.trimEnd().split("\n");
  assertEquals(lines.length <= 15, true, `${lines.length} lines`);
});

Deno.test("README: what it says is there is there", async () => {
  const markdown = await Deno.readTextFile(README);
  const root = new URL("../", import.meta.url);
  for (const [, script] of markdown.matchAll(/^\| `(\w+\.ts)` /gm)) {
    await Deno.stat(new URL(`scripts/${script}`, root));
  }
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const packages = Object.values<string>(config.imports).flatMap((specifier) =>
    /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(specifier)?.[1] ?? []
  );
  assertEquals(packages.filter((name) => !markdown.includes(`\`${name}\``)), []);
});

/** Imports point down only: the layers of the design, asserted on what Deno resolves. */
import { assert, assertEquals } from "@std/assert";
import { moduleGraph, ROOT, sourceFiles } from "./support/module_graph.ts";

/** From the bottom up. Folders of one row do not import each other. */
const LAYERS: readonly (readonly string[])[] = [
  ["emulator/wasm"],
  ["emulator/ir"],
  ["emulator/isa"],
  ["emulator/engine"],
  ["emulator/x86", "emulator/ppc"],
  ["emulator/exits"],
  ["emulator/machine"],
  ["transports"],
  ["shell"],
  ["mod.ts"],
  ["scripts"],
];

/** Packages for tests: users never load them. */
const TEST_ONLY =
  /^(npm:\/?)?(@std\/|deno-std|iced-x86|@alexaltea\/capstone-js|capstone|fast-check|@xterm\/headless)/;

/** What makes two runs differ. Guest time comes from instructions and charged cycles only. */
const NONDETERMINISTIC =
  /\b(Date\.now|new Date\b|performance\.now|Math\.random|getRandomValues|randomUUID)\b/;

function layerOf(path: string): { rank: number; folder: string } | undefined {
  for (const [rank, folders] of LAYERS.entries()) {
    const folder = folders.find((folder) => path === folder || path.startsWith(`${folder}/`));
    if (folder !== undefined) return { rank, folder };
  }
  return undefined;
}

/** Why the file at `path` may not import `target`, or undefined. */
function complaint(path: string, target: string): string | undefined {
  if (TEST_ONLY.test(target)) return "is for tests only";
  const from = layerOf(path);
  const to = layerOf(target);
  if (from === undefined) return "is imported by a file outside of the layers";
  // `npm:`, `node:` and data files are no layer of ours.
  if (to === undefined) {
    if (target.startsWith("tests/")) return "is a test's";
    return from.folder === "scripts" && target !== "mod.ts" ? "is not mod.ts" : undefined;
  }
  if (from.folder === "scripts") {
    return target === "mod.ts" || to.folder === "scripts" ? undefined : "is not mod.ts or of scripts/";
  }
  if (from.folder === to.folder || to.rank < from.rank) return undefined;
  return to.rank === from.rank ? `stands beside ${from.folder}` : `is above ${from.folder}`;
}

Deno.test("every import points down", async () => {
  const graph = await moduleGraph();
  const wrong: string[] = [];
  for (const [path, imports] of graph) {
    for (const { target, line } of imports) {
      const why = complaint(path, target);
      if (why !== undefined) wrong.push(`${path}:${line} imports ${target}, which ${why}`);
    }
  }
  assertEquals(wrong, []);
  assert(graph.size > 0);
});

Deno.test("every source file belongs to a layer", async () => {
  assertEquals((await sourceFiles()).filter((path) => layerOf(path) === undefined), []);
});

Deno.test("emulator and transports use no clock and no chance", async () => {
  const wrong: string[] = [];
  for (const path of await sourceFiles()) {
    if (!/^(emulator|transports)\//.test(path)) continue;
    const text = await Deno.readTextFile(new URL(path, ROOT));
    // Comments may name what code must not do; blanking them keeps the line numbers.
    const code = text.replace(
      /\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm,
      (comment) => comment.replace(/[^\n]/g, " "),
    );
    code.split("\n").forEach((line, index) => {
      const match = NONDETERMINISTIC.exec(line);
      if (match !== null) wrong.push(`${path}:${index + 1} uses ${match[0]}`);
    });
  }
  assertEquals(wrong, []);
});

Deno.test("complaint() knows the wrong directions", () => {
  const cases: [string, string, boolean][] = [
    ["emulator/x86/a.ts", "emulator/isa/isa.ts", true],
    ["emulator/x86/a.ts", "emulator/x86/b.ts", true],
    ["emulator/x86/a.ts", "emulator/ppc/b.ts", false],
    ["emulator/ppc/a.ts", "emulator/x86/b.ts", false],
    ["emulator/engine/a.ts", "emulator/x86/isa.ts", false],
    ["emulator/wasm/a.ts", "emulator/ir/ops.ts", false],
    ["shell/a.ts", "mod.ts", false],
    ["shell/a.ts", "npm:cli-table3@0.6.5", true],
    ["shell/a.ts", "npm:/fast-check@4.10.2", false],
    ["mod.ts", "npm:iced-x86@1.21.0", false],
    ["emulator/exits/a.ts", "emulator/exits/profiles/a.json", true],
    ["emulator/exits/a.ts", "tests/support/a.ts", false],
    ["scripts/a.ts", "mod.ts", true],
    ["scripts/a.ts", "scripts/support/b.ts", true],
    ["shell/a.ts", "scripts/support/b.ts", false],
    ["scripts/a.ts", "shell/main.ts", false],
    ["scripts/a.ts", "node:fs", false],
    ["elsewhere/a.ts", "mod.ts", false],
  ];
  for (const [path, target, fine] of cases) {
    assertEquals(complaint(path, target) === undefined, fine, `${path} -> ${target}`);
  }
});

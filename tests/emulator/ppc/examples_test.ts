/** Every record's examples: decoded, printed, assembled and executed. */
import { assertEquals } from "@std/assert";
import { parseExample } from "../../../emulator/isa/example.ts";
import { ppcEncoder } from "../../../emulator/ppc/encoder.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { DEFINITIONS } from "../../../emulator/ppc/table.ts";
import { runCase } from "../../support/cases.ts";
import { executorsOf } from "../../support/drivers.ts";
import { hexOf, lineOf, numbersOnly } from "./assembly_line.ts";

const CASES = DEFINITIONS.flatMap((definition) =>
  definition.examples.map((source) => ({ definition, example: parseExample(source) }))
).flatMap(({ definition, example }) =>
  ([32, 64] as const)
    .filter((mode) => definition.only === undefined || definition.only === mode)
    .filter((mode) => example.modes.length === 0 || example.modes.includes(`${mode}`))
    .map((mode) => ({ definition, example, mode }))
);

/** Where an example stands: its own `pc=`, or the driver's. */
function pcOf({ before }: (typeof CASES)[number]["example"]): bigint {
  const pc = before.find((assignment) => assignment.kind === "register" && assignment.name === "pc");
  return pc?.kind === "register" ? pc.value : 0x1000n;
}

Deno.test("every record has an example in each of its modes, and kinds and flags keep names apart", () => {
  for (const mode of [32, 64] as const) {
    const covered = new Set(CASES.filter((one) => one.mode === mode).map((one) => one.definition));
    const wanted = DEFINITIONS.filter(({ only }) => only === undefined || only === mode);
    assertEquals(wanted.filter((definition) => !covered.has(definition)).map(({ mnemonic }) => mnemonic), []);
    const names = ppcIsa(mode).forms.map(({ name }) => name);
    assertEquals(names.filter((name, index) => names.indexOf(name) !== index), []);
  }
});

Deno.test("every example is disassembled as it is written", () => {
  const wrong = CASES.flatMap(({ example, mode }) => {
    const text = ppcIsa(mode).disassemble(example.bytes, pcOf(example))?.text;
    return text === example.text ? [] : [`${mode}: ${example.source}: ${text}`];
  });
  assertEquals(wrong, []);
});

Deno.test("every example is assembled from its text", () => {
  const wrong = CASES.flatMap(({ example, mode }) => {
    const context = { pc: pcOf(example), atLeast: 0, evaluate: numbersOnly };
    const found = hexOf(ppcEncoder(mode).encode(lineOf(example.text), context));
    return found === hexOf(example.bytes) ? [] : [`${mode}: ${example.source}: ${found}`];
  });
  assertEquals(wrong, []);
});

Deno.test("every example does on oracle, interpreter and region what it says", async () => {
  const drivers = { 32: executorsOf(ppcIsa(32)), 64: executorsOf(ppcIsa(64)) };
  const wrong: string[] = [];
  for (const { example, mode } of CASES) {
    for (const line of await runCase(example, drivers[mode])) wrong.push(`${example.source}: ${line}`);
  }
  assertEquals(wrong, []);
});

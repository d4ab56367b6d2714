/** Every definition's examples: what the bytes decode to, how they are written, what they do. */
import { assertEquals } from "@std/assert";
import { parseExample } from "../../../emulator/isa/example.ts";
import { DEFINITIONS } from "../../../emulator/x86/definitions/all.ts";
import { x86Encoder } from "../../../emulator/x86/encoder.ts";
import { x86IsaOf } from "../../../emulator/x86/isa.ts";
import { VARIANT_NAMES, type VariantName, variantNamed } from "../../../emulator/x86/variant.ts";
import { runCase } from "../../support/cases.ts";
import { executorsOf } from "../../support/drivers.ts";
import { CASE_PC } from "../../support/oracle_driver.ts";
import { numberContext, splitLine } from "./assembly_text.ts";

/** An example without modes is for those where operand size is 32 and both ways to write it agree. */
function variantsOf(named: readonly string[]): readonly VariantName[] {
  if (named.length === 0) return ["x86-32", "x86-64"];
  const found = VARIANT_NAMES.filter((name) => named.includes(name.slice("x86-".length)));
  assertEquals(found.length, named.length, `one of ${named.join(" ")} is no variant`);
  return found;
}

/** XCHG and TEST may come back with their operands the other way round. */
function same(a: string | undefined, b: string): boolean {
  if (a === b || a === undefined || !/^(lock )?(xchg|test) /.test(b)) return a === b;
  const sorted = (text: string) => text.split(/ (.*)/)[1].split(", ").sort().join();
  return sorted(a) === sorted(b);
}

for (const definition of DEFINITIONS) {
  Deno.test(`x86 ${definition.mnemonic}: ${Object.keys(definition.encodings)[0]}: examples hold`, async () => {
    assertEquals(definition.examples.length > 0, true, "every definition has an example");
    const wrong: string[] = [];
    for (const source of definition.examples) {
      const example = parseExample(source);
      for (const name of variantsOf(example.modes)) {
        const isa = x86IsaOf(variantNamed(name)), { mode } = variantNamed(name);
        const pc = example.before.find((a) => a.kind === "register" && a.name === "pc");
        const at = pc?.kind === "register" ? pc.value : CASE_PC;
        const text = isa.disassemble(example.bytes, at)?.text ?? "(undecodable)";
        if (text !== example.text && example.modes.length > 0) {
          wrong.push(`${source}: ${name}: disassembled as ${text}`);
        }
        const bytes = x86Encoder(mode).encode(splitLine(text), { ...numberContext, pc: at, atLeast: 0 });
        const again = isa.disassemble(bytes, at)?.text;
        if (!same(again, text) || bytes.length > example.bytes.length) {
          wrong.push(`${source}: ${name}: assembled to ${again}, ${bytes.length} bytes`);
        }
        wrong.push(
          ...(await runCase({ ...example, modes: [] }, executorsOf(isa))).map((w) => `${source}: ${w}`),
        );
      }
    }
    assertEquals(wrong, []);
  });
}

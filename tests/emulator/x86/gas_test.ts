/** The assembler against GNU as, where it is installed: as long, and with the same meaning. */
import { assertEquals } from "@std/assert";
import { x86Encoder } from "../../../emulator/x86/encoder.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";
import type { Mode } from "../../../emulator/x86/registers.ts";
import { numberContext, splitLine } from "./assembly_text.ts";
import { opcodeSamples } from "./samples.ts";

const mayRun = Deno.permissions.querySync({ name: "run" }).state === "granted";

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    const { success, stderr } = await new Deno.Command(command, { args, stdout: "null" }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).slice(0, 2000));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Bytes of all lines by GNU as, one after the other, or undefined where it is not installed. */
async function assembleWithGnu(mode: Mode, lines: readonly string[]): Promise<Uint8Array | undefined> {
  const directory = await Deno.makeTempDir();
  try {
    const at = (name: string) => `${directory}/${name}`;
    const theirs = lines.map((line) => line.replace(/^((?:rep\w* )?)a(16|32) /, "$1addr$2 "));
    const source = [".intel_syntax noprefix", `.code${mode}`, ...theirs, ""].join("\n");
    await Deno.writeTextFile(at("a.s"), source);
    const is64 = mode === 64;
    const made = await run("as", [is64 ? "--64" : "--32", "-o", at("a.o"), at("a.s")]) &&
      await run("objcopy", ["-O", "binary", "-j", ".text", at("a.o"), at("a.bin")]);
    return made ? await Deno.readFile(at("a.bin")) : undefined;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Text that means something else to GNU as: addresses that depend on the place, suffixes, AH's kin. */
const EXCLUDED =
  /^(salc|l[fgs]s r|mov r\w\w, [c-gs]s|j|(a\d+ )?loop|call|ret|leave|push|pop|nop|xchg)|rel |\[0x|\[\d|^lock|^mov (al|ax|eax|rax), \w+ ptr|^bswap/;

/** Texts of our disassembler to try, each once. */
function texts(mode: Mode): string[] {
  const isa = x86Isa(mode), found = new Set<string>();
  let index = 0;
  for (const bytes of opcodeSamples(mode)) {
    if (index++ % 3 !== 0) continue;
    const text = isa.disassemble(bytes, 0x1000n)?.text;
    if (text !== undefined && !EXCLUDED.test(text)) found.add(text);
  }
  return [...found];
}

for (const mode of [16, 32, 64] as const) {
  Deno.test(`x86-${mode} assembles as GNU as does`, async () => {
    const lines = texts(mode);
    const theirs = mayRun ? await assembleWithGnu(mode, lines) : undefined;
    if (theirs === undefined) {
      console.log("GNU as: skipped, as or objcopy is not installed or may not be run");
      return;
    }
    const isa = x86Isa(mode), wrong: string[] = [];
    let at = 0;
    for (const line of lines) {
      const mine = x86Encoder(mode).encode(splitLine(line), numberContext);
      const his = isa.disassemble(theirs.subarray(at), 0x1000n);
      if (his === undefined) {
        wrong.push(`${line}: GNU as gives what we cannot decode: ${theirs.subarray(at, at + 8)}`);
        break;
      }
      if (his.text !== line) wrong.push(`${line}: GNU as gives ${his.text}`);
      if (his.length !== mine.length) wrong.push(`${line}: ${mine.length} bytes, GNU as ${his.length}`);
      at += his.length;
    }
    console.log(`x86-${mode}: ${lines.length} lines against GNU as`);
    assertEquals(wrong.slice(0, 20), [], `${wrong.length} differ`);
  });
}

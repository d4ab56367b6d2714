/**
 * Fixed-point vectors and disassembly of an outside emulator, where they are there: `../shared/vectors`
 * beside the repository. Data only; the tests are skipped, visibly, without it.
 */
import { assertEquals } from "@std/assert";
import { execute } from "../../../emulator/ir/execute.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { gpr, readCr, readXer, writeCr, writeXer } from "../../../emulator/ppc/state.ts";
import { createState } from "../../support/named_state.ts";
import { normalText } from "./normal_text.ts";

const FOLDER = new URL("../../../../shared/vectors/", import.meta.url);

function linesOf(name: string): string[] | undefined {
  try {
    return Deno.readTextFileSync(new URL(name, FOLDER)).split(/\r?\n/)
      .filter((line) => line !== "" && !line.startsWith("#"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function bytesOf(word: string): Uint8Array {
  const value = Number(word);
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

const isa = ppcIsa(32);

/** Runs one line, `name,word,rD=...,rA=...,XER=...,CR=...`; what differs, or undefined for no instruction. */
function runVector(line: string): string[] | undefined {
  const [name, word, ...assignments] = line.split(",");
  const given = new Map(assignments.map((text) => text.split("=") as [string, string]));
  const number = (key: string) => BigInt(given.get(key) ?? 0);
  const state = createState();
  // The results stand under rD, XER and CR; XER and CR start at 0, rA is r3 and rB is r4.
  writeCr(state, 0n);
  writeXer(state, 0n);
  state.set64(gpr(3), number("rA"));
  state.set64(gpr(4), number("rB"));
  const decoded = isa.decode(bytesOf(word), 0x1000n);
  if ("undecodable" in decoded) return undefined;
  const none = () => {
    throw new TypeError("a fixed-point instruction reaches outside");
  };
  execute(decoded, 0x1000n, { state, load: none, store: none, trap: none });
  const results = [["rD", state.get64(gpr(3))], ["XER", readXer(state)], ["CR", readCr(state)]] as const;
  return results.flatMap(([key, found]) => {
    const expected = given.get(key);
    return expected === undefined || BigInt(expected) === found
      ? []
      : [`${name} ${line}: ${key} is 0x${found.toString(16)}`];
  });
}

const integers = linesOf("ppc_integer.csv");

Deno.test({
  name: "the fixed-point vectors hold" + (integers ? "" : " (skipped: no vectors beside the repository)"),
  ignore: !integers,
  fn() {
    const results = (integers ?? []).map(runVector);
    const failed = results.filter((wrong) => wrong !== undefined && wrong.length > 0);
    const missing = results.filter((wrong) => wrong === undefined).length;
    const passed = results.length - failed.length - missing;
    console.log(`ppc_integer: ${passed} passed, ${failed.length} failed, ${missing} not implemented`);
    assertEquals(failed.flat(), []);
  },
});

const texts = linesOf("ppc_disassembly.csv");

/** Simplified mnemonics that only the outside disassembler prints, by what is printed here. */
const OTHER_SPELLING: Readonly<Record<string, readonly string[]>> = {
  rlwinm: ["clrlslwi", "clrrwi", "extlwi", "extrwi"],
  rlwimi: ["inslwi", "insrwi"],
  rotlwi: ["rotrwi"],
  srwi: ["extrwi"],
  slwi: ["extlwi"],
  bc: ["b"],
};

function isOtherSpelling(theirs: string, ours: string): boolean {
  const plain = (text: string) => text.split(" ")[0].replace(/\.$/, "");
  return OTHER_SPELLING[plain(ours)]?.includes(plain(theirs)) ?? false;
}

Deno.test({
  name: "the disassembly vectors hold" + (texts ? "" : " (skipped: no vectors beside the repository)"),
  ignore: !texts,
  fn() {
    const wrong: string[] = [];
    let passed = 0, missing = 0, spelling = 0;
    for (const line of texts ?? []) {
      const [address, word, mnemonic, ...operands] = line.split(",");
      const found = isa.disassemble(bytesOf(word), BigInt(address));
      if (!found) missing++;
      else if (normalText(found.text, "keep") === normalText(`${mnemonic} ${operands.join(", ")}`, "keep")) {
        passed++;
      } else if (isOtherSpelling(mnemonic, found.text)) spelling++;
      else wrong.push(`${line}: ${found.text}`);
    }
    console.log(
      `ppc_disassembly: ${passed} passed, ${wrong.length} failed, ${missing} not implemented, ` +
        `${spelling} under another mnemonic`,
    );
    assertEquals(wrong, []);
  },
});

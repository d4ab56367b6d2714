/**
 * The definitions against an outside processor: QEMU's user-mode emulation of a 750 and a POWER8, on random
 * registers. Skipped, visibly, where it is not installed (Debian: qemu-user) or `--allow-run` leaves it out.
 */
import { assertEquals } from "@std/assert";
import { execute } from "../../../emulator/ir/execute.ts";
import type { Definition } from "../../../emulator/ppc/definition.ts";
import { type FieldName, getField, setField } from "../../../emulator/ppc/fields.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { gpr, readCr, readXer, SLOT, writeCr, writeXer } from "../../../emulator/ppc/state.ts";
import { DEFINITIONS } from "../../../emulator/ppc/table.ts";
import { createState } from "../../support/named_state.ts";
import {
  buildProgram,
  FALL_THROUGH,
  MEMORY,
  memoryBase,
  parseOutput,
  type ProgramCase,
  type Trial,
} from "./qemu_program.ts";
import { randomNumbers, randomWord } from "./random_words.ts";

const QEMU = { 32: ["qemu-ppc", "-cpu", "750"], 64: ["qemu-ppc64", "-cpu", "POWER8"] } as const;

/** Instructions that leave the process, or whose result names an address of the program. */
const LEFT_OUT = new Set(
  ["sc", "mfmsr", "mtmsr", "mtmsrd", "rfi", "rfid", "tw", "twi", "td", "tdi", "mftb", "b"],
);
const CORNERS = [
  ...[0n, 1n, 2n, 31n, 32n, 63n, 64n, 127n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n],
  ...[(1n << 63n) - 1n, 1n << 63n, -1n, -2n],
];

/** Where r9 of a load or store points on the oracle. */
const ORACLE_MEMORY = 0x4040n;

type Next = () => number;

function randomValue(next: Next, mode: 32 | 64): bigint {
  const value = [
    () => CORNERS[next() % CORNERS.length],
    () => CORNERS[next() % CORNERS.length],
    () => BigInt(next()) << 32n | BigInt(next()),
    () => BigInt(next() % 200),
  ][next() % 4]();
  return BigInt.asUintN(mode, value);
}

function isMemory({ cycleClass }: Definition): boolean {
  return cycleClass === "load" || cycleClass === "store";
}

/** A word whose registers are r3 to r8, and whose memory and branch targets the program has prepared. */
function testWord(definition: Definition, next: Next): number {
  let word = randomWord(definition, next);
  const fix = (name: FieldName, value: number) => {
    if (definition.bits.fields.includes(name)) word = setField(word, name, value);
  };
  for (const name of ["RT", "RS", "RA", "RA0", "RB"] as const) fix(name, 3 + next() % 6);
  if (next() % 8 === 0) fix("RA0", 0);
  if (isMemory(definition)) {
    fix("RA0", 9);
    fix("RA", 9);
    fix("RB", 10);
    fix("D", next() % 80 - 40);
    fix("DS", (next() % 20 - 10) * 4);
  }
  fix("BD", 8);
  fix("AA", 0);
  fix("BH", 0);
  // XER and CTR; LR holds an address.
  fix("spr", [1, 9][next() % 2]);
  return word;
}

/** True where the manual leaves the quotient undefined. */
function undefinedQuotient(definition: Definition, word: number, registers: readonly bigint[]): boolean {
  const { mnemonic } = definition;
  if (!mnemonic.startsWith("div")) return false;
  const width = mnemonic.startsWith("divw") ? 32 : 64;
  const operand = (name: FieldName) => BigInt.asIntN(width, registers[getField(word, name) - 3]);
  const most = -(1n << BigInt(width - 1));
  return operand("RB") === 0n || (!mnemonic.endsWith("u") && operand("RA") === most && operand("RB") === -1n);
}

function randomCase(definitions: readonly Definition[], next: Next, mode: 32 | 64): ProgramCase | undefined {
  const definition = definitions[next() % definitions.length], word = testWord(definition, next);
  const registers = Array.from({ length: 8 }, () => randomValue(next, mode));
  if (isMemory(definition)) registers[7] = BigInt.asUintN(mode, BigInt(next() % 80 - 40));
  if (undefinedQuotient(definition, word, registers)) return undefined;
  if ("undecodable" in ppcIsa(mode).decode(bytesOf(word), 0n)) return undefined;
  return {
    word,
    preparation: isMemory(definition) ? "memory" : definition.branch === "ctr" ? "count" : "plain",
    before: {
      registers,
      xer: BigInt((next() & 7) * 2 ** 29 + (next() & 0x7f)),
      cr: BigInt(next()),
      ctr: next() % 2 ? BigInt(next() % 3) : randomValue(next, mode),
      memory: Uint8Array.from({ length: MEMORY }, () => next() & 255),
    },
  };
}

function bytesOf(word: number): Uint8Array {
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
}

/** What the oracle leaves, in the shape of the program's records. */
function runOracle({ word, preparation, before }: ProgramCase, mode: 32 | 64): Trial {
  const pc = 0x1000n,
    base = ORACLE_MEMORY - BigInt(MEMORY / 2),
    state = createState(),
    memory = before.memory.slice();
  before.registers.forEach((value, index) => state.set64(gpr(3 + index), value));
  writeCr(state, before.cr);
  writeXer(state, before.xer);
  state.set64(SLOT.lr, pc + 8n);
  state.set64(SLOT.ctr, preparation === "count" ? pc + 8n : before.ctr);
  if (preparation === "memory") state.set64(gpr(9), ORACLE_MEMORY);
  const decoded = ppcIsa(mode).decode(bytesOf(word), pc);
  if ("undecodable" in decoded) throw new TypeError(decoded.reason);
  // The memory's bytes of an access, the most significant first.
  const places = (address: bigint, size: number, order: "le" | "be" | undefined) => {
    const at = Array.from({ length: size }, (_, index) => Number(address - base) + index);
    return order === "be" ? at : at.reverse();
  };
  const target = execute(decoded, pc, {
    state,
    load: (address, size, { order }) =>
      places(address, size, order).reduce((value, at) => value << 8n | BigInt(memory[at]), 0n),
    store: (address, size, value, { order }) =>
      places(address, size, order).reverse().forEach((at, index) => {
        memory[at] = Number(value >> BigInt(8 * index) & 0xffn);
      }),
    trap: (name) => {
      throw new TypeError(`unexpected trap ${name}`);
    },
  });
  if (target === pc + 4n) state.set64(gpr(FALL_THROUGH.register), FALL_THROUGH.value);
  return {
    registers: before.registers.map((_, index) => state.get64(gpr(3 + index))),
    xer: readXer(state),
    cr: readCr(state),
    ctr: state.get64(SLOT.ctr),
    memory,
  };
}

/** What differs; r9 of a load or store is compared from `base` on, and a CTR that holds an address not at all. */
function differences(one: ProgramCase, ours: Trial, theirs: Trial, base: bigint): string[] {
  const wrong: string[] = [];
  const compare = (name: string, mine: bigint, other: bigint) => {
    if (mine !== other) wrong.push(`${name} is ${mine.toString(16)}, not ${other.toString(16)}`);
  };
  ours.registers.forEach((value, index) => {
    if (index === 6 && one.preparation === "memory") {
      return compare("r9", value - ORACLE_MEMORY, theirs.registers[index] - base);
    }
    compare(`r${3 + index}`, value, theirs.registers[index]);
  });
  compare("cr", ours.cr, theirs.cr);
  // QEMU keeps bits of the XER that the manual reserves.
  compare("xer", ours.xer, theirs.xer & 0xe000_007fn);
  if (one.preparation !== "count") compare("ctr", ours.ctr, theirs.ctr);
  if (ours.memory.some((byte, index) => byte !== theirs.memory[index])) wrong.push("memory differs");
  return wrong;
}

function installed(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

async function runProgram(cases: readonly ProgramCase[], mode: 32 | 64): Promise<Trial[]> {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/trials`;
    await Deno.writeFile(file, buildProgram(cases, mode), { mode: 0o755 });
    const [program, ...args] = QEMU[mode];
    const { stdout, code, stderr } = await new Deno.Command(program, { args: [...args, file] }).output();
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
    return parseOutput(stdout, cases.length);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const mode of [32, 64] as const) {
  const [program] = QEMU[mode], present = installed(program);
  Deno.test({
    name: `definitions of mode ${mode} agree with ${program}` +
      (present ? "" : " (skipped: it cannot be run)"),
    ignore: !present,
    async fn() {
      const next = randomNumbers(0x2065_0000 + mode);
      const definitions = DEFINITIONS.filter(({ mnemonic, only }) =>
        !LEFT_OUT.has(mnemonic) && (only === undefined || only === mode)
      );
      const cases: ProgramCase[] = [];
      while (cases.length < 3000) {
        const one = randomCase(definitions, next, mode);
        if (one) cases.push(one);
      }
      const theirs = await runProgram(cases, mode);
      const wrong = cases.flatMap((one, index) => {
        const text = ppcIsa(mode).disassemble(bytesOf(one.word), 0x1000n)?.text;
        return differences(one, runOracle(one, mode), theirs[index], memoryBase(index, mode)).map((line) =>
          `${text}: ${line}`
        );
      });
      assertEquals(wrong, []);
    },
  });
}

/**
 * The definitions against an outside processor: QEMU's user-mode emulation of a 750 and a POWER8, on random
 * registers. Skipped, visibly, where it is not installed (Debian: qemu-user) or `--allow-run` leaves it out.
 */
import { assertEquals } from "@std/assert";
import { execute } from "../../../emulator/ir/execute.ts";
import type { Definition } from "../../../emulator/ppc/definition.ts";
import { type FieldName, getField, setField } from "../../../emulator/ppc/fields.ts";
import { FPSCR, Status } from "../../../emulator/ppc/float/fpscr.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { fpr, gpr, readCr, readXer, SLOT, writeCr, writeXer } from "../../../emulator/ppc/state.ts";
import { DEFINITIONS } from "../../../emulator/ppc/table.ts";
import { createState } from "../../support/named_state.ts";
import {
  buildProgram,
  FALL_THROUGH,
  type Guest,
  MEMORY,
  memoryBase,
  parseOutput,
  type ProgramCase,
  type Trial,
} from "./qemu_program.ts";
import { near, randomFloat } from "./random_floats.ts";
import { randomNumbers, randomWord } from "./random_words.ts";
import { runHelper } from "../../support/oracle_driver.ts";
import { wordBytes } from "../../../emulator/ppc/word.ts";

const GUESTS: readonly (Guest & { readonly qemu: readonly [string, ...string[]] })[] = [
  { mode: 32, order: "be", qemu: ["qemu-ppc", "-cpu", "750"] },
  { mode: 64, order: "be", qemu: ["qemu-ppc64", "-cpu", "POWER8"] },
  { mode: 64, order: "le", qemu: ["qemu-ppc64le", "-cpu", "POWER8"] },
];

/** Instructions that leave the process, or whose result names an address of the program. */
const LEFT_OUT = new Set(
  [
    ...["sc", "mfmsr", "mtmsr", "mtmsrd", "rfi", "rfid", "tw", "twi", "td", "tdi", "mftb", "b"],
    // They reach r31, which names the record, or memory that the program has not.
    ...["mfsr", "mfsrin", "mtsr", "mtsrin", "tlbie", "tlbsync"],
    ...["lmw", "stmw", "dcbz", "dcbt", "dcbtst", "dcbst", "dcbf", "icbi"],
    // Estimates: how good they are is the implementation's business.
    ...["fre", "fres", "frsqrte", "frsqrtes"],
  ],
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
  return /^(load|store)/.test(cycleClass);
}

/** Operations on singles: the manual leaves the result undefined where an operand is none. */
function isSingle({ mnemonic, bits }: Definition): boolean {
  return bits.match >>> 26 === 59 && !mnemonic.startsWith("fcf") || mnemonic === "stfs";
}

/** A word whose registers are r3 to r8, and whose memory and branch targets the program has prepared. */
function testWord(definition: Definition, next: Next): number {
  let word = randomWord(definition, next);
  const fix = (name: FieldName, value: number) => {
    if (definition.bits.fields.includes(name)) word = setField(word, name, value);
  };
  for (const name of ["RT", "RS", "RA", "RA0", "RB"] as const) fix(name, 3 + next() % 6);
  if (next() % 8 === 0) fix("RA0", 0);
  for (const name of ["FRT", "FRS", "FRA", "FRB", "FRC"] as const) fix(name, 3 + next() % 4);
  if (isMemory(definition)) {
    fix("RA0", 9);
    fix("RA", 9);
    fix("RB", 10);
    fix("D", next() % 80 - 40);
    fix("DS", (next() % 20 - 10) * 4);
  }
  if (definition.cycleClass.endsWith("multiple")) {
    // At most r3 to r8.
    const first = 3 + next() % 3;
    fix("RT", first);
    fix("RS", first);
    fix("NB", 1 + next() % 13);
  }
  // divwe: the upper half is undefined, and so is the comparison of all with 0; mtfsb1: see QEMU_DIFFERS.
  if (definition.mnemonic === "divwe" || definition.mnemonic === "mtfsb1") fix("Rc", 0);
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
  if (!mnemonic.startsWith("div") || /e[u]?$/.test(mnemonic)) return false;
  const width = mnemonic.startsWith("divw") ? 32 : 64;
  const operand = (name: FieldName) => BigInt.asIntN(width, registers[getField(word, name) - 3]);
  const most = -(1n << BigInt(width - 1));
  return operand("RB") === 0n || (!mnemonic.endsWith("u") && operand("RA") === most && operand("RB") === -1n);
}

function randomCase(definitions: readonly Definition[], next: Next, guest: Guest): ProgramCase | undefined {
  const { mode, order } = guest;
  const definition = definitions[next() % definitions.length], word = testWord(definition, next);
  const registers = Array.from({ length: 8 }, () => randomValue(next, mode));
  const reserves = definition.bits.fields.includes("EH") || definition.mnemonic.endsWith("cx.");
  if (isMemory(definition)) {
    registers[7] = BigInt.asUintN(mode, BigInt(next() % 80 - 40) & (reserves ? -8n : -1n));
  }
  if (undefinedQuotient(definition, word, registers)) return undefined;
  if ("undecodable" in ppcIsa(mode, order).decode(wordBytes(word, order), 0n)) return undefined;
  const narrow = isSingle(definition), floats = Array.from({ length: 4 }, () => randomFloat(next, narrow));
  if (next() % 4 === 0 && !narrow) floats[next() % 4] = near(floats[next() % 4], next);
  const one: ProgramCase = {
    word,
    preparation: isMemory(definition) ? "memory" : definition.branch === "ctr" ? "count" : "plain",
    before: {
      registers,
      xer: BigInt((next() & 7) * 2 ** 29 + next() % (definition.cycleClass.endsWith("multiple") ? 13 : 128)),
      cr: BigInt(next()),
      ctr: next() % 2 ? BigInt(next() % 3) : randomValue(next, mode),
      // Exceptions that an earlier instruction left, now and then, and every rounding mode; none enabled.
      // With them goes FX: QEMU sets it at every exception, the manual (4.2.2) where a bit changes from 0 to 1.
      fpscr: BigInt(new Status((next() % 4 ? 0 : next() & 0x9ff9_f700 | FPSCR.FX) | next() % 4).summed()),
      floats,
      memory: Uint8Array.from({ length: MEMORY }, () => next() & 255),
    },
  };
  const { fpscr } = runOracle(one, guest);
  // An enabled exception would end the program; an extended quotient that overflows is undefined.
  const undefinedResult = /^div.e/.test(definition.mnemonic) && overflows(one, guest, definition);
  return (fpscr & 0xf8n) !== 0n || undefinedResult || negatesEarly(definition, fpscr) ? undefined : one;
}

/** Whether the same instruction with OE=1 sets OV. */
function overflows(one: ProgramCase, guest: Guest, { bits }: Definition): boolean {
  const word = bits.fields.includes("OE") ? setField(one.word, "OE", 1) : one.word;
  return (runOracle({ ...one, word }, guest).xer & 1n << 30n) !== 0n;
}

/**
 * Bits of the FPSCR that are not compared, with the instructions whose they are. QEMU 7.2 has no FR; it leaves FPRF of
 * a conversion from an integer alone, which the manual (4.6.7) sets, and sets that of a conversion to one, which the
 * manual leaves undefined; for mtfsb1 it sets no FX (4.2.2: only mtfsf and mtfsfi do not) and no NI; it takes a single's class
 * from its double format, in which nothing is denormal; it sets C for fcmpo, which alters FPCC alone.
 */
const QEMU_DIFFERS: readonly (readonly [RegExp, number])[] = [
  [/./, FPSCR.FR],
  [/^fct|^fcfid/, FPSCR.FPRF],
  [/^f.*s$|^frsp$|^fcmpo$/, FPSCR.FPRF & ~FPSCR.FPCC],
  [/^mtfsb1$/, FPSCR.FX | 4],
];

/** Instructions whose result's upper half the manual leaves undefined. */
const LOW_HALF = /^divwe$|^fctiw/;

/** QEMU 7.2 negates before it rounds; the manual (4.6.6.1) has the sum rounded first. */
function negatesEarly({ mnemonic }: Definition, fpscr: bigint): boolean {
  return mnemonic.startsWith("fnm") && (fpscr & 2n) !== 0n;
}

/** What the oracle leaves, in the shape of the program's records. */
function runOracle({ word, preparation, before }: ProgramCase, { mode, order }: Guest): Trial {
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
  state.set64(SLOT.msr, 0x2000n);
  state.set64(SLOT.fpscr, before.fpscr);
  before.floats.forEach((value, index) => state.set64(fpr(3 + index), value));
  const isa = ppcIsa(mode, order), decoded = isa.decode(wordBytes(word, order), pc);
  if ("undecodable" in decoded) throw new TypeError(decoded.reason);
  // The memory's bytes of an access, the most significant first.
  const places = (address: bigint, size: number, order: "le" | "be" | undefined) => {
    const at = Array.from({ length: size }, (_, index) => Number(address - base) + index);
    return order === "be" ? at : at.reverse();
  };
  const bytes = {
    read: (address: bigint, length: number) =>
      memory.slice(Number(address - base), Number(address - base) + length),
    write: (address: bigint, value: Uint8Array) => memory.set(value, Number(address - base)),
  };
  const target = execute(decoded, pc, {
    state,
    load: (address, size, { order }) =>
      places(address, size, order).reduce((value, at) => value << 8n | BigInt(memory[at]), 0n),
    store: (address, size, value, { order }) =>
      places(address, size, order).reverse().forEach((at, index) => {
        memory[at] = Number(value >> BigInt(8 * index) & 0xffn);
      }),
    trap: (name, args) => {
      const helper = isa.helpers?.[name];
      if (helper) return runHelper(helper, state, bytes, args);
      throw new TypeError(`unexpected trap ${name}`);
    },
  });
  if (target === pc + 4n) state.set64(gpr(FALL_THROUGH.register), FALL_THROUGH.value);
  return {
    registers: before.registers.map((_, index) => state.get64(gpr(3 + index))),
    xer: readXer(state),
    cr: readCr(state),
    ctr: state.get64(SLOT.ctr),
    fpscr: state.get64(SLOT.fpscr),
    floats: before.floats.map((_, index) => state.get64(fpr(3 + index))),
    memory,
  };
}

/** What differs; r9 of a load or store is compared from `base` on, and a CTR that holds an address not at all. */
function differences(one: ProgramCase, ours: Trial, theirs: Trial, base: bigint): string[] {
  const wrong: string[] = [];
  const { mnemonic } = DEFINITIONS.find(({ bits }) => (one.word & bits.mask) >>> 0 === bits.match)!;
  const compare = (name: string, mine: bigint, other: bigint) => {
    if (LOW_HALF.test(mnemonic) ? BigInt.asUintN(32, mine ^ other) !== 0n : mine !== other) {
      wrong.push(`${name} is ${mine.toString(16)}, not ${other.toString(16)}`);
    }
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
  ours.floats.forEach((value, index) => compare(`f${3 + index}`, value, theirs.floats[index]));
  const both = FPSCR.VXSNAN | FPSCR.VXIMZ;
  // A multiply-add of singles that is both infinity times zero and a signaling NaN: QEMU sets VXIMZ alone (4.4: both).
  const half = /^fn?m(add|sub)s$/.test(mnemonic) && (Number(ours.fpscr) & both) === both ? FPSCR.VXSNAN : 0;
  const ignored = QEMU_DIFFERS.reduce((all, [which, bits]) => which.test(mnemonic) ? all | bits : all, half);
  compare("fpscr", ours.fpscr & BigInt(~ignored >>> 0), theirs.fpscr & BigInt(~ignored >>> 0));
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

async function runProgram(
  cases: readonly ProgramCase[],
  guest: Guest,
  [program, ...args]: readonly [string, ...string[]],
): Promise<Trial[]> {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/trials`;
    await Deno.writeFile(file, buildProgram(cases, guest), { mode: 0o755 });
    const { stdout, code, stderr } = await new Deno.Command(program, { args: [...args, file] }).output();
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
    return parseOutput(stdout, cases.length, guest);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Cases of each guest; `TRAPSH_CASES` makes a longer run, in programs of this many. */
const CASES = 3000;

function wanted(): number {
  return Math.max(CASES, Number(Deno.env.get("TRAPSH_CASES") ?? 0));
}

for (const guest of GUESTS) {
  const { mode, order, qemu } = guest, present = installed(qemu[0]), isa = ppcIsa(mode, order);
  Deno.test({
    name: `definitions of ${isa.name} agree with ${qemu[0]}` +
      (present ? "" : " (skipped: it cannot be run)"),
    ignore: !present,
    async fn() {
      const next = randomNumbers(0x2065_0000 + mode + (order === "le" ? 1 : 0));
      const definitions = DEFINITIONS.filter(({ mnemonic, only, cycleClass }) =>
        !LEFT_OUT.has(mnemonic) && (only === undefined || only === mode) &&
        !(order === "le" && cycleClass.endsWith("multiple"))
      );
      for (let left = wanted(); left > 0; left -= CASES) {
        const cases: ProgramCase[] = [];
        while (cases.length < CASES) {
          const one = randomCase(definitions, next, guest);
          if (one) cases.push(one);
        }
        const theirs = await runProgram(cases, guest, qemu);
        const wrong = cases.flatMap((one, index) => {
          const text = isa.disassemble(wordBytes(one.word, order), 0x1000n)?.text;
          const base = memoryBase(index, mode);
          return differences(one, runOracle(one, guest), theirs[index], base).map((line) =>
            `${text}: ${line} | ${describe(one)}`
          );
        });
        assertEquals(wrong.slice(0, 40), []);
      }
    },
  });
}

/** What a floating-point case started from. */
function describe({ before }: ProgramCase): string {
  return `fpscr ${before.fpscr.toString(16)} f3.. ${before.floats.map((one) => one.toString(16)).join(" ")}`;
}

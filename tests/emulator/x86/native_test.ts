/**
 * The oracle's reading of the definitions against the processor itself: random registers and flags, many
 * instructions, compared but for the flags that the manual leaves undefined.
 */
import { assertEquals } from "@std/assert";
import { execute } from "../../../emulator/ir/execute.ts";
import { x86Encoder } from "../../../emulator/x86/encoder.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";
import { composeFlags, setFlags } from "../../../emulator/x86/flag_bits.ts";
import { gpr } from "../../../emulator/x86/slots.ts";
import { createState } from "../../support/named_state.ts";
import { numberContext, splitLine } from "./assembly_text.ts";
import { buildProgram, NAMES, type NativeCase, parseOutput, SCRATCH, type Values } from "./native_program.ts";
import { random } from "./samples.ts";

const CF = 1n, PF = 4n, AF = 0x10n, ZF = 0x40n, SF = 0x80n, OF = 0x800n;
const ALL = CF | PF | AF | ZF | SF | OF;

interface Kind {
  readonly text: string;
  /** Flags that the manual defines after it. */
  readonly defined: bigint;
}

const CONDITIONS = "o no b ae e ne be a s ns p np l ge le g".split(" ");
const SETS: readonly (readonly [a: string, b: string, memory: string, imm: string])[] = [
  ["al", "bh", "byte ptr [rdi]", "0x93"],
  ["cx", "dx", "word ptr [rdi+2]", "0x8193"],
  ["eax", "esi", "dword ptr [rdi+rbp*4]", "0x7fffff93"],
  ["rbx", "rax", "qword ptr [rdi]", "-0x12345678"],
];

function kinds(): Kind[] {
  const found: Kind[] = [];
  const add = (defined: bigint, ...texts: string[]) => texts.forEach((text) => found.push({ text, defined }));
  for (const [a, b, m, imm] of SETS) {
    for (const op of ["add", "adc", "sub", "sbb", "cmp"]) {
      add(
        ALL,
        `${op} ${a}, ${b}`,
        `${op} ${m}, ${b}`,
        `${op} ${a}, ${m}`,
        `${op} ${a}, ${imm}`,
        `${op} ${m}, 5`,
      );
    }
    for (const op of ["and", "or", "xor", "test"]) {
      add(ALL & ~AF, `${op} ${a}, ${b}`, `${op} ${m}, ${b}`, `${op} ${a}, ${imm}`, `${op} ${m}, -1`);
    }
    for (const op of ["inc", "dec", "neg", "not"]) add(ALL, `${op} ${a}`, `${op} ${m}`);
    add(ALL, `mov ${a}, ${b}`, `mov ${m}, ${imm}`, `mov ${b}, ${imm}`, `xchg ${a}, ${b}`, `xchg ${m}, ${a}`);
    add(ALL, `xadd ${a}, ${b}`, `xadd ${m}, ${b}`, `cmpxchg ${b}, ${a}`, `lock cmpxchg ${m}, ${b}`);
    for (const op of ["shl", "shr", "sar"]) {
      add(ALL & ~AF, `${op} ${a}, 1`, `${op} ${m}, 1`);
      add(ALL & ~AF & ~OF, `${op} ${a}, 5`, `${op} ${m}, cl`, `${op} ${b}, cl`);
    }
    for (const op of ["rol", "ror"]) {
      add(ALL, `${op} ${a}, 1`, `${op} ${m}, 1`);
      add(ALL & ~OF, `${op} ${a}, 5`, `${op} ${m}, cl`, `${op} ${b}, cl`, `${op} ${a}, 0x1f`);
    }
    add(CF | OF, `mul ${b}`, `mul ${m}`, `imul ${b}`, `imul ${m}`);
  }
  for (const [a, b, m, imm] of SETS.slice(1)) {
    add(CF | OF, `imul ${a}, ${b}`, `imul ${a}, ${m}`, `imul ${a}, ${b}, -7`, `imul ${a}, ${m}, ${imm}`);
    for (const cc of CONDITIONS) add(ALL, `cmov${cc} ${a}, ${b}`);
    add(ALL, `lea ${a}, [rbx+rcx*8-0x77]`, `movzx ${a}, bl`, `movsx ${a}, byte ptr [rdi]`);
  }
  for (const cc of CONDITIONS) add(ALL, `set${cc} bl`, `set${cc} byte ptr [rdi+1]`);
  add(ALL, "movzx rax, bx", "movsx esi, cx", "movsxd rdx, ebx", "bswap esi", "bswap rbx");
  add(ALL, "cbw", "cwde", "cdqe", "cwd", "cdq", "cqo", "clc", "stc", "cmc", "lahf", "sahf", "nop");
  return found;
}

const EDGES = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n];

function values(next: () => number): Values {
  const number = () => {
    const edge = EDGES[next() % EDGES.length];
    const spread = BigInt(next()) << 32n | BigInt(next());
    const kind = next() % 4;
    const value = kind === 0
      ? spread
      : kind === 1
      ? edge | edge << 32n
      : kind === 2
      ? -edge
      : spread >> 32n & 0xffn;
    return BigInt.asUintN(64, value);
  };
  const eflags = BigInt(next()) & ALL | 0x202n;
  // rbp is an index, of 0 or 1, and moves the memory operand within the scratch quadword.
  const rbp = BigInt(next() & 1);
  return {
    eflags,
    rax: number(),
    rbx: number(),
    rcx: number(),
    rdx: number(),
    rsi: number(),
    rbp,
    memory: number(),
  };
}

const SLOTS: Readonly<Record<string, number>> = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rbp: 5, rsi: 6 };

function onOracle({ bytes, values: before }: NativeCase): Values {
  const isa = x86Isa(64), state = createState(), memory = new DataView(new ArrayBuffer(8));
  setFlags(state, before.eflags);
  for (const [name, code] of Object.entries(SLOTS)) state.set64(gpr(code), before[name as keyof Values]);
  state.set64(gpr(7), SCRATCH);
  memory.setBigUint64(0, before.memory, true);
  const decoded = isa.decode(bytes, 0n);
  if ("undecodable" in decoded) throw new Error(decoded.reason);
  const at = (address: bigint, i: number) => Number(address - SCRATCH) + i;
  execute(decoded, 0n, {
    state,
    load: (address, size) => {
      let value = 0n;
      for (let i = size - 1; i >= 0; i--) value = value << 8n | BigInt(memory.getUint8(at(address, i)));
      return value;
    },
    store: (address, size, value) => {
      for (let i = 0; i < size; i++) memory.setUint8(at(address, i), Number(value >> BigInt(8 * i) & 0xffn));
    },
    trap: (name) => {
      throw new Error(`unexpected trap ${name}`);
    },
  });
  const registers = Object.fromEntries(
    Object.entries(SLOTS).map(([name, code]) => [name, state.get64(gpr(code))]),
  );
  return {
    ...registers,
    eflags: composeFlags(state),
    memory: memory.getBigUint64(0, true),
  } as unknown as Values;
}

const isHere = Deno.build.os === "linux" && Deno.build.arch === "x86_64" &&
  Deno.permissions.querySync({ name: "run" }).state === "granted";
if (!isHere) {
  console.log("x86 against the processor: skipped, this is not Linux on x86-64 or programs may not be run");
}

Deno.test({
  name: "x86-64 definitions agree with the processor",
  ignore: !isHere,
  async fn() {
    const next = random(0x1234567), cases: NativeCase[] = [], described: Kind[] = [];
    for (const kind of kinds()) {
      const bytes = x86Encoder(64).encode(splitLine(kind.text), numberContext);
      for (let i = 0; i < 12; i++) {
        cases.push({ bytes, values: values(next) });
        described.push(kind);
      }
    }
    const output = await runNatively(buildProgram(cases));
    const theirs = parseOutput(output), wrong: string[] = [];
    assertEquals(theirs.length, cases.length);
    cases.forEach((one, i) => {
      const ours = onOracle(one), { text, defined } = described[i];
      for (const name of NAMES) {
        const mask = name === "eflags" ? defined : -1n;
        if ((ours[name] & mask) === (theirs[i][name] & mask)) continue;
        const shown = NAMES.map((n) => `${n}=${one.values[n].toString(16)}`).join(" ");
        wrong.push(
          `${text} | ${shown} => ${name}: ours ${ours[name].toString(16)}, ${theirs[i][name].toString(16)}`,
        );
      }
    });
    console.log(`x86-64 against the processor: ${cases.length} cases of ${kinds().length} instructions`);
    assertEquals(wrong.slice(0, 20), [], `${wrong.length} differ`);
  },
});

async function runNatively(program: Uint8Array): Promise<Uint8Array> {
  const path = await Deno.makeTempFile({ prefix: "x86_cases_" });
  try {
    await Deno.writeFile(path, program);
    await Deno.chmod(path, 0o700);
    const { code, signal, stdout } = await new Deno.Command(path).output();
    assertEquals([code, signal], [0, null], "the test program failed");
    return stdout;
  } finally {
    await Deno.remove(path);
  }
}

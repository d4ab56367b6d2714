/**
 * The oracle's reading of the definitions against the processor itself: random registers and flags, many
 * instructions, compared but for the flags that the manual leaves undefined. `TRAPSH_CASES` makes a longer,
 * nightly run.
 */
import { assertEquals } from "@std/assert";
import { execute, type ExecuteHost } from "../../../emulator/ir/execute.ts";
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
  /** Makes values that the instruction does not fault on, and whose result is defined. */
  readonly adapt?: (values: Values) => Values;
}

const LOW = 0xffff_ffffn;

/** Divisor in memory: large. Dividend: its upper half less than half of that in every width, as is AH. */
const divides = (op: string) => (v: Values): Values => {
  const sign = op === "idiv" && (v.rbx & 1n) === 1n ? -1n : 0n;
  const magnitude = (value: bigint, mask: bigint) => BigInt.asUintN(64, value & mask ^ sign);
  return {
    ...v,
    rdx: magnitude(v.rdx ^ v.rsi, 0x1f1f_1f1f_1f1f_1f1fn),
    rax: magnitude(v.rax, 0xffff_ffff_ffff_1fffn),
    memory: v.memory & 0x3f3f_3f3f_3f3f_3f3fn | 0x4040_4040_4040_4040n,
  };
};

/** A bit offset in the register that stays within the quadword that the memory operand lies in. */
const reaches = (register: string) => (v: Values): Values => {
  const name = { ax: "rax", bx: "rbx", cx: "rcx", dx: "rdx", si: "rsi" }[register.slice(-2)] as "rax";
  return { ...v, [name]: v[name] & 0xffff_ffff_0000_000fn & LOW, rbp: 0n };
};

const notZero = (register: string) => (v: Values): Values => {
  const name = { ax: "rax", bx: "rbx", cx: "rcx", dx: "rdx", si: "rsi" }[register.slice(-2)] as "rax";
  return { ...v, [name]: v[name] | 0x0400n };
};

/** rsi where rdi points. */
const points = (v: Values): Values => ({ ...v, rsi: SCRATCH });

/** As many elements as the scratch quadword holds, or fewer; none too. */
const counts = (size: string) => (v: Values): Values => ({
  ...points(v),
  rcx: v.rcx % (BigInt({ b: 8, w: 4, d: 2, q: 1 }[size] ?? 0) + 1n),
});

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
    for (const op of ["rol", "ror", "rcl", "rcr"]) {
      add(ALL, `${op} ${a}, 1`, `${op} ${m}, 1`);
      add(ALL & ~OF, `${op} ${a}, 5`, `${op} ${m}, cl`, `${op} ${b}, cl`, `${op} ${a}, 0x1f`);
    }
    add(CF | OF, `mul ${b}`, `mul ${m}`, `imul ${b}`, `imul ${m}`);
    for (const op of ["div", "idiv"]) found.push({ text: `${op} ${m}`, defined: 0n, adapt: divides(op) });
  }
  for (const [a, b, m, imm] of SETS.slice(1)) {
    add(CF | OF, `imul ${a}, ${b}`, `imul ${a}, ${m}`, `imul ${a}, ${b}, -7`, `imul ${a}, ${m}, ${imm}`);
    for (const cc of CONDITIONS) add(ALL, `cmov${cc} ${a}, ${b}`);
    add(ALL, `lea ${a}, [rbx+rcx*8-0x77]`, `movzx ${a}, bl`, `movsx ${a}, byte ptr [rdi]`);
    for (const op of ["bt", "bts", "btr", "btc"]) {
      add(CF | ZF, `${op} ${a}, ${b}`, `${op} ${a}, 0x1d`, `${op} ${m}, 0x25`);
      found.push({ text: `${op} ${m}, ${b}`, defined: CF | ZF, adapt: reaches(b) });
    }
    for (const op of ["bsf", "bsr"]) {
      found.push({ text: `${op} ${a}, ${b}`, defined: ZF, adapt: notZero(b) }, {
        text: `${op} ${a}, ${m}`,
        defined: ZF,
        adapt: (v) => ({ ...v, memory: v.memory | 0x0080_0400_0010_0001n }),
      });
    }
    for (const op of ["shld", "shrd"]) {
      add(ALL & ~AF, `${op} ${a}, ${b}, 1`, `${op} ${m}, ${b}, 1`);
      add(ALL & ~AF & ~OF, `${op} ${a}, ${b}, 9`);
      // The count is below 16: of a larger one the result of 16 bits is undefined.
      found.push({
        text: `${op} ${m}, ${b}, cl`,
        defined: ALL & ~AF & ~OF,
        adapt: (v) => ({ ...v, rcx: v.rcx & ~0xf0n }),
      });
    }
  }
  for (const cc of CONDITIONS) add(ALL, `set${cc} bl`, `set${cc} byte ptr [rdi+1]`);
  add(ALL, "movzx rax, bx", "movsx esi, cx", "movsxd rdx, ebx", "bswap esi", "bswap rbx");
  for (const size of ["b", "w", "d", "q"]) {
    for (const op of ["movs", "cmps", "stos", "lods", "scas"]) {
      found.push({ text: `${op}${size}`, defined: ALL, adapt: points });
    }
    for (const op of ["rep movs", "repe cmps", "rep stos", "repne scas", "repe scas", "rep lods"]) {
      found.push({ text: `${op}${size}`, defined: ALL, adapt: counts(size) });
    }
  }
  found.push({ text: "cmpxchg8b qword ptr [rdi]", defined: ALL }, {
    text: "lock cmpxchg8b qword ptr [rdi]",
    defined: ALL,
    adapt: (v) => ({ ...v, memory: (v.rdx & LOW) << 32n | v.rax & LOW }),
  });
  found.push({ text: "xlatb", defined: ALL, adapt: (v) => ({ ...v, rbx: SCRATCH, rax: v.rax & ~0xf8n }) });
  add(
    ALL,
    "lea rax, [ebx+esi*4+5]",
    "lea ecx, [edx-1]",
    "endbr64",
    "mfence",
    "lfence",
    "sfence",
    "std",
    "cld",
  );
  add(ALL, "prefetcht0 byte ptr [rdi]", "nop dword ptr [rdi]");
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
  const host: ExecuteHost = {
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
  };
  // A repeated instruction branches to itself.
  while (execute(decoded, 0n, host) === 0n);
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
    const all = kinds(), next = random(0x1234567);
    const wanted = Number(Deno.env.get("TRAPSH_CASES") ?? 0);
    let count = 0;
    do count += await compare(all, next, wanted > 0 ? ROUND : 12); while (count < wanted);
    console.log(`x86-64 against the processor: ${count} cases of ${all.length} instructions`);
  },
});

/** Cases of an instruction in one program of a long run. */
const ROUND = 250;

/** Runs `each` cases of each kind in one program, of divisions more; answers how many. */
async function compare(all: readonly Kind[], next: () => number, each: number): Promise<number> {
  const cases: NativeCase[] = [], described: Kind[] = [];
  for (const kind of all) {
    const bytes = x86Encoder(64).encode(splitLine(kind.text), numberContext);
    for (let i = 0; i < (/div/.test(kind.text) ? each + 100 : each); i++) {
      cases.push({ bytes, values: kind.adapt?.(values(next)) ?? values(next) });
      described.push(kind);
    }
  }
  const theirs = parseOutput(await runNatively(buildProgram(cases))), wrong: string[] = [];
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
  assertEquals(wrong.slice(0, 20), [], `${wrong.length} differ`);
  return cases.length;
}

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

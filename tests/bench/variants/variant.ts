/** A program made anew from a seed: other registers, other addresses, another order of its blocks. Its result stays. */
import { Random } from "../../support/random.ts";
import { AT, type IsaName, type Outcome, type Places, type Workload } from "../guests/guest.ts";
import { ppcWorkloads } from "../guests/ppc.ts";
import { x86Workloads } from "../guests/x86.ts";
import { type BranchSyntax, shuffleBlocks } from "./blocks.ts";

interface Dialect {
  /** The programs with their data elsewhere. */
  workloads(at: Places): readonly Workload[];
  readonly syntax: BranchSyntax;
  /** Names of registers that stand for each other, and where they stand in a text: the parts around the name. */
  readonly registers: readonly string[];
  readonly used: readonly string[];
  rename(text: string, to: (register: string) => string): string;
  /** Bytes that code may be moved by, at the least. */
  readonly codeStep: number;
}

function bothWays(pairs: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.flatMap(([one, other]) => [[one, other], [other, one]]));
}

const X86_SYNTAX: BranchSyntax = {
  jump: "jmp",
  ends: new Set(["jmp", "ret"]),
  opposites: bothWays([["jz", "jnz"], ["je", "jne"], ["jb", "jae"], ["jc", "jnc"], ["jbe", "ja"]]),
};

const PPC_SYNTAX: BranchSyntax = {
  jump: "b",
  ends: new Set(["b", "blr", "bctr"]),
  opposites: bothWays([["beq", "bne"], ["blt", "bge"], ["bgt", "ble"], ["bdnz", "bdz"]]),
};

const LEGACY = ["ax", "bx", "cx", "dx", "si", "di"];

function x86(bits: 32 | 64): Dialect {
  const further = bits === 32 ? [] : ["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
  const spelled = (wide: boolean, register: string) =>
    register.startsWith("r") ? `${register}${wide ? "" : "d"}` : `${wide ? "r" : "e"}${register}`;
  return {
    workloads: (at) => x86Workloads(bits, at),
    syntax: X86_SYNTAX,
    registers: [...LEGACY, "bp", ...further],
    used: LEGACY,
    rename: (text, to) =>
      text.replace(
        /\b([er])([abcd]x|[sd]i)\b/g,
        (_, width, register) => spelled(width === "r", to(register)),
      ),
    codeStep: 1,
  };
}

function ppc(bits: 32 | 64): Dialect {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `r${from + i}`);
  return {
    workloads: (at) => ppcWorkloads(bits, at),
    syntax: PPC_SYNTAX,
    // r0 reads as 0 in addresses; r1 is the stack's.
    registers: [...range(3, 12), ...range(14, 31)],
    used: range(3, 10),
    rename: (text, to) => text.replace(/\br(?:[3-9]|10)\b/g, to),
    codeStep: 4,
  };
}

/** Instruction sets that have variants: those that the goals are for. */
export const DIALECTS: Readonly<Partial<Record<IsaName, Dialect>>> = {
  "x86-32": x86(32),
  "x86-64": x86(64),
  "ppc32": ppc(32),
  "ppc64": ppc(64),
};

/** The programs whose registers are free: no instruction of theirs implies one. */
export const VARIED = ["integer", "sieve", "crc32", "copy", "calls", "dispatch"] as const;

/** Distinct registers for those in use. */
function permutation({ registers, used }: Dialect, random: Random): (register: string) => string {
  const free = [...registers];
  const chosen = new Map(used.map((register) => [register, free.splice(random.below(free.length), 1)[0]]));
  return (register) => chosen.get(register) ?? register;
}

/** Bytes between the places, as `AT` has them: the same data fits. */
const ROOM: Readonly<Record<Exclude<keyof Places, "written">, number>> = {
  flags: 0x2800,
  source: 0x1800,
  target: 0x1800,
  stack: 0x1000,
};
/** Where data may go, and what it is aligned to: PowerPC's programs reach no further with 16 bits, ours need not. */
const DATA = { from: 0x1_0000, step: 16, slack: 0x1000 } as const;

/** The places in another order and elsewhere. */
function places(random: Random): Places {
  const names = Object.keys(ROOM) as (keyof typeof ROOM)[];
  const found = { ...AT };
  let at = DATA.from;
  while (names.length > 0) {
    const [name] = names.splice(random.below(names.length), 1);
    at += random.below(DATA.slack / DATA.step) * DATA.step;
    // A stack grows down from its end.
    const size = ROOM[name];
    Object.assign(found, { [name]: name === "stack" ? at + size - 16 : at });
    at += size;
  }
  return found;
}

/** The same outcome with the registers named anew. */
function renamed(outcome: Outcome, { rename }: Dialect, to: (register: string) => string): Outcome {
  if (!("register" in outcome)) return outcome;
  const register = rename(outcome.register, to);
  return { ...outcome, register };
}

/** Neighbouring seeds, and programs of one seed, have nothing in common. */
function seedOf(isa: IsaName, name: string, seed: number): number {
  return [...`${isa} ${name}`].reduce(
    (sum, c) => Math.imul(sum, 31) + c.charCodeAt(0),
    Math.imul(seed, 0x1_0001),
  );
}

/** The variant of a program that a seed stands for. Throws `RangeError` for a program that has none. */
export function variantOf(isa: IsaName, name: string, seed: number): Workload {
  const dialect = DIALECTS[isa];
  const random = new Random(seedOf(isa, name, seed));
  const plain = dialect?.workloads(places(random)).find((workload) => workload.name === name);
  if (dialect === undefined || plain === undefined) throw new RangeError(`${isa} has no variants of ${name}`);
  const to = permutation(dialect, random);
  const source = shuffleBlocks(dialect.rename(plain.source, to), random, dialect.syntax);
  const code = BigInt(0x2000 + random.below(0x1000 / dialect.codeStep) * dialect.codeStep);
  return { ...plain, source, code, outcome: renamed(plain.outcome, dialect, to) };
}

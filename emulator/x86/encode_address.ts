/** ModRM, SIB and displacement of a memory operand, in every length that fits. SDM vol. 2A, 2.1.5. */
import type { EncodeContext } from "../isa/assembly.ts";
import type { MemoryText } from "./operand_text.ts";
import type { Mode } from "./registers.ts";

export interface AddressChoice {
  /** ModRM with an empty reg field. */
  readonly modrm: number;
  readonly sib?: number;
  readonly rexX: boolean;
  readonly rexB: boolean;
  /** Displacement: how many bytes, and its value (or, if `fromEnd`, the address that it must lead to). */
  readonly bytes: 0 | 1 | 2 | 4;
  readonly value: bigint;
  readonly fromEnd: boolean;
  readonly known: boolean;
}

interface Displacement {
  readonly value: bigint;
  readonly known: boolean;
}

/** ModRM.rm by the register codes of a 16-bit address: bx 3, bp 5, si 6, di 7. */
const RM_16: Readonly<Record<string, number>> = {
  "3,6": 0,
  "3,7": 1,
  "5,6": 2,
  "5,7": 3,
  "6,-1": 4,
  "7,-1": 5,
  "5,-1": 6,
  "3,-1": 7,
};

const plain = { rexX: false, rexB: false, fromEnd: false } as const;

/** The lengths that a displacement can take beside a base register. */
function lengths(
  { value, known }: Displacement,
  isWritten: boolean,
  long: 2 | 4,
  needsOne: boolean,
): (0 | 1 | 2 | 4)[] {
  const found: (0 | 1 | 2 | 4)[] = [long];
  if (!known || value === BigInt.asIntN(8, value)) found.push(1);
  if (!needsOne && (!isWritten || (known && value === 0n))) found.push(0);
  return found;
}

const MOD: Readonly<Record<0 | 1 | 2 | 4, number>> = { 0: 0, 1: 0x40, 2: 0x80, 4: 0x80 };

function choices16(memory: MemoryText, disp: Displacement): readonly (AddressChoice | { problem: string })[] {
  if (memory.base < 0 && memory.index < 0) return [{ ...plain, modrm: 6, bytes: 2, ...disp }];
  const pairs = [`${memory.base},${memory.index}`, `${memory.index},${memory.base}`];
  const rm = pairs.map((pair) => RM_16[pair]).find((found) => found !== undefined);
  if (rm === undefined) return [{ problem: "a 16-bit address is one of bx, bp, plus one of si, di" }];
  const value = { value: BigInt.asIntN(16, disp.value), known: disp.known };
  return lengths(value, memory.displacement !== "", 2, rm === 6)
    .map((bytes) => ({ ...plain, modrm: MOD[bytes] | rm, bytes, ...value }));
}

/** All ways to encode `memory`, or one problem. */
export function addressChoices(
  mode: Mode,
  memory: MemoryText,
  context: EncodeContext,
): readonly (AddressChoice | { problem: string })[] {
  const given = memory.displacement === ""
    ? { value: 0n, known: true }
    : context.evaluate(memory.displacement);
  const limit = 1n << BigInt(mode);
  if (memory.relative !== undefined) {
    const isOffset = memory.relative === "offset";
    return [{ ...plain, modrm: 5, bytes: 4, value: given.value, known: given.known, fromEnd: !isOffset }];
  }
  if (given.known && (given.value >= limit || given.value < -limit / 2n)) {
    return [{ problem: `displacement ${memory.displacement} = ${given.value} does not fit in ${mode} bits` }];
  }
  if (mode === 16) return choices16(memory, given);
  const disp = { value: BigInt.asIntN(mode, given.value), known: given.known };
  if (disp.known && disp.value !== BigInt.asIntN(32, disp.value)) {
    const right = memory.base < 0 && memory.index < 0
      ? `write [rel ${memory.displacement}]`
      : "use a register";
    return [{
      problem: `displacement ${memory.displacement} does not fit in 32 bits with its sign: ${right}`,
    }];
  }
  const { base, index, scale } = memory;
  const rexX = index >= 8, rexB = base >= 8;
  const shared = { rexX, rexB, fromEnd: false, ...disp };
  const sib = (b: number) => scale << 6 | (index < 0 ? 4 : index & 7) << 3 | b & 7;
  if (base < 0) {
    // In 64-bit code ModRM alone would be relative to rip.
    if (index < 0 && mode === 32) return [{ ...shared, modrm: 5, bytes: 4 }];
    return [{ ...shared, modrm: 4, sib: sib(5), bytes: 4 }];
  }
  const needsSib = index >= 0 || (base & 7) === 4;
  return lengths(disp, memory.displacement !== "", 4, (base & 7) === 5).map((bytes) =>
    needsSib
      ? { ...shared, modrm: MOD[bytes] | 4, sib: sib(base), bytes }
      : { ...shared, modrm: MOD[bytes] | base & 7, bytes }
  );
}

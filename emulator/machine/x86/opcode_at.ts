/** The opcode of an instruction in memory, behind its prefixes: for what the decoder's records do not tell. */
import { is64 } from "./mode.ts";
import type { Vcpu } from "../vcpu.ts";

/** Segment, operand-size and address-size prefixes. */
const PREFIXES: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67]);
const POP_SS = 0x17, MOV_SREG = 0x8e, SS_FIELD = 2;
const MAX_LENGTH = 15;

/** One-byte opcode and the byte after it; undefined where there is no memory. */
export function opcodeAt(vcpu: Vcpu, address: bigint): { opcode: number; modrm: number } | undefined {
  const { memory } = vcpu.board, wide = is64(vcpu.state);
  for (let at = address; at < address + BigInt(MAX_LENGTH) && memory.holds(at, 1); at++) {
    const [opcode] = memory.read(at, 1);
    if (PREFIXES.has(opcode) || wide && opcode >> 4 === 4) continue;
    return { opcode, modrm: memory.holds(at + 1n, 1) ? memory.read(at + 1n, 1)[0] : 0 };
  }
  return undefined;
}

/** POP SS or MOV to SS: holds off interrupts and single steps for one instruction. SDM vol. 3A, 6.8.3. */
export function loadsStack(vcpu: Vcpu, { opcode, modrm }: { opcode: number; modrm: number }): boolean {
  return opcode === POP_SS && !is64(vcpu.state) || opcode === MOV_SREG && (modrm >> 3 & 7) === SS_FIELD;
}

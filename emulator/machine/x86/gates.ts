/** Gates of the interrupt descriptor table. SDM vol. 3A, 6.11 and 6.14.1; error codes: 6.13. */
import { FLAG } from "../../x86/flag_bits.ts";
import { IDT_BASE, IDT_LIMIT } from "../../x86/slots.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { readLinear } from "./linear.ts";
import { isLong, privilegeOf } from "./mode.ts";

export type Gate =
  | {
    readonly kind: "procedure";
    readonly selector: number;
    readonly offset: bigint;
    /** Bytes of each word that it pushes. */
    readonly size: 2 | 4 | 8;
    /** Flags that it clears beside TF, NT, RF and VM. */
    readonly clears: bigint;
    /** Index into the interrupt stack table, or 0. */
    readonly stack: number;
  }
  | { readonly kind: "task"; readonly selector: number };

/** By type: the size of what they push, and whether they clear IF. SDM vol. 3A, figures 6-2 and 6-8, table 3-2. */
const PROCEDURES: Readonly<Record<number, { readonly size: 2 | 4; readonly clears: bigint } | undefined>> = {
  6: { size: 2, clears: FLAG.IF },
  7: { size: 2, clears: 0n },
  14: { size: 4, clears: FLAG.IF },
  15: { size: 4, clears: 0n },
};
const TASK = 5;

/** The gate of a vector, which software reaches only if it is as privileged as the gate asks for. */
export function readGate(vcpu: Vcpu, vector: number, software: boolean): Gate {
  const { state } = vcpu, long = isLong(state), length = long ? 16 : 8;
  const limit = state.get32(IDT_LIMIT), code = vector * 8 + 2 + Number(!software);
  const bad = (why: string, exception: number = EXCEPTION.GP) =>
    new Fault(exception, code, `its gate ${why}`);
  if (vector * length + length - 1 > limit) throw bad(`lies beyond the IDT limit 0x${limit.toString(16)}`);
  const address = state.get64(IDT_BASE) + BigInt(vector * length);
  const low = readLinear(vcpu, address, 8);
  const first = Number(BigInt.asUintN(32, low)), second = Number(low >> 32n);
  // S is part of it: what is no system descriptor is no gate.
  const type = second >>> 8 & 31, procedure = PROCEDURES[type], task = type === TASK && !long;
  if (!task && (!procedure || long && procedure.size === 2)) {
    throw bad(`is of type ${type}, which is no gate of this table`);
  }
  const privilege = second >>> 13 & 3;
  if (software && privilege < privilegeOf(state)) throw bad(`has privilege level ${privilege}`);
  if ((second & 0x8000) === 0) throw bad("is not present", EXCEPTION.NP);
  const selector = first >>> 16;
  if (!procedure) return { kind: "task", selector };
  const half = first & 0xffff;
  const near = BigInt(procedure.size === 2 ? half : (second & 0xffff_0000 | half) >>> 0);
  const offset = long ? BigInt.asUintN(32, readLinear(vcpu, address + 8n, 8)) << 32n | near : near;
  return {
    kind: "procedure",
    selector,
    offset,
    size: long ? 8 : procedure.size,
    clears: procedure.clears,
    stack: long ? second & 7 : 0,
  };
}

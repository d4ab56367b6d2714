/** Which of its modes the processor is in. SDM vol. 3A, 2.2. */
import { CR, CS, EFER, EFLAGS_REST, segmentRights } from "../../x86/slots.ts";
import type { StateView } from "../../isa/isa.ts";
import type { Variant } from "../../x86/variant.ts";
import type { Vcpu } from "../vcpu.ts";
import { CR0, EFER_BIT } from "./control_bits.ts";

const VM = 0x2_0000;
/** Of a segment's access rights: L, and D or B. */
export const RIGHTS = { L: 0x2000, BIG: 0x4000 } as const;

/** What a selector means. */
export function selectorsOf(state: Pick<StateView, "get32">): Variant["selectors"] {
  if ((state.get32(CR) & CR0.PE) === 0) return "real";
  return state.get32(EFLAGS_REST) & VM ? "virtual-8086" : "protected";
}

/** Long mode is active: 64-bit and compatibility mode. Tables, gates and task state segments have its formats. */
export function isLong({ state }: Vcpu): boolean {
  return (state.get32(EFER) & EFER_BIT.LMA) !== 0;
}

/** Bits of the code that is executed: 64 in 64-bit mode, which is not all of long mode. */
export function codeSize({ state }: Vcpu): 16 | 32 | 64 {
  return codeSizeOf(state);
}

export function codeSizeOf(state: Pick<StateView, "get32">): 16 | 32 | 64 {
  if (selectorsOf(state) !== "protected") return 16;
  const rights = state.get32(segmentRights(CS));
  if (state.get32(EFER) & EFER_BIT.LMA && rights & RIGHTS.L) return 64;
  return rights & RIGHTS.BIG ? 32 : 16;
}

/** Which variant of the instruction set the state asks for. SDM vol. 3A, 2.2, 3.4.5 (D/B and L). */
import type { Isa, StateView } from "../../isa/isa.ts";
import { x86Isa } from "../../x86/isa.ts";
import { segmentRights, SS } from "../../x86/slots.ts";
import { isFlat } from "./flat.ts";
import { codeSizeOf, RIGHTS, type Selectors, selectorsOf } from "./processor_mode.ts";

export interface Variant {
  readonly mode: 16 | 32 | 64;
  /** Bits of the stack pointer. */
  readonly stack: 16 | 32 | 64;
  readonly selectors: Selectors;
  /** No base and no limit has to be looked at. */
  readonly flat: boolean;
}

export function variantOf(state: Pick<StateView, "get32">): Variant {
  const selectors = selectorsOf(state), mode = codeSizeOf(state);
  if (mode === 64) return { mode, stack: 64, selectors, flat: true };
  if (selectors !== "protected") return { mode, stack: 16, selectors, flat: false };
  const stack = state.get32(segmentRights(SS)) & RIGHTS.BIG ? 32 : 16;
  return { mode, stack, selectors, flat: mode === 32 && stack === 32 && isFlat(state) };
}

export function x86IsaOf({ mode }: Variant): Isa {
  return x86Isa(mode);
}

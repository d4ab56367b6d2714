/** Which variant of the instruction set the state asks for. SDM vol. 3A, 2.2, 3.4.5 (D/B and L). */
import type { StateView } from "../../isa/isa.ts";
import { segmentRights, SS } from "../../x86/slots.ts";
import type { Variant } from "../../x86/variant.ts";
import { isFlat } from "./flat.ts";
import { codeSizeOf, RIGHTS, selectorsOf } from "./mode.ts";

export function variantOf(state: StateView): Variant {
  const selectors = selectorsOf(state), mode = codeSizeOf(state);
  if (mode === 64) return { mode, stack: 64, selectors, flat: true };
  if (selectors !== "protected") return { mode, stack: 16, selectors, flat: false };
  const stack = state.get32(segmentRights(SS)) & RIGHTS.BIG ? 32 : 16;
  return { mode, stack, selectors, flat: mode === 32 && stack === 32 && isFlat(state) };
}

/** Floating-point comparison (Book I 4.6.8). */
import { CR_BIT } from "../state.ts";
import { FPSCR, type Status } from "./fpscr.ts";
import { numberOf, unpack } from "./number.ts";

/** The comparison as a condition register field, FPCC and exceptions set; `ordered` minds quiet NaNs too. */
export function compare(status: Status, aBits: bigint, bBits: bigint, ordered: boolean): number {
  const a = numberOf(aBits), b = numberOf(bBits);
  if (!Number.isNaN(a) && !Number.isNaN(b)) {
    const condition = a < b ? CR_BIT.lt : a > b ? CR_BIT.gt : CR_BIT.eq;
    status.compared(condition);
    return condition;
  }
  const nans = [unpack(aBits), unpack(bBits)].filter((one) => one.kind === "nan");
  status.compared(CR_BIT.so);
  if (nans.some((nan) => nan.signaling)) {
    const vxvc = ordered && !status.has(FPSCR.VE) ? FPSCR.VXVC : 0;
    status.raise(FPSCR.VXSNAN | vxvc);
  } else if (ordered) status.raise(FPSCR.VXVC);
  return CR_BIT.so;
}

/** Whether segments can be forgotten: the flat model. SDM vol. 3A, 3.2.1. */
import type { StateView } from "../../isa/isa.ts";
import { CODE_LAST, CS, DS, ES, segmentBase, segmentReadable, segmentWritable, SS } from "../../x86/slots.ts";

const LAST = 0xffff_ffff;

/**
 * Whether CS, DS, ES and SS all begin at 0 and have 4 GiB, to be read and, CS aside, written. Segments that are null or
 * read-only are not so: what is reached through them has to be checked.
 */
export function isFlat(state: StateView): boolean {
  return state.get32(CODE_LAST) === LAST &&
    [CS, DS, ES, SS].every((index) =>
      state.get32(segmentBase(index)) === 0 && isFull(state, segmentReadable(index)) &&
      (index === CS || isFull(state, segmentWritable(index)))
    );
}

/** Offsets 0 to 0xffffffff. */
function isFull(state: StateView, slot: number): boolean {
  return state.get32(slot) === 0 && state.get32(slot + 4) === LAST;
}

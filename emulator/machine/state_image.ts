/** A vCPU's state area as bytes: after reset, and between two runs. */
import { STATE } from "../ir/layout.ts";
import type { Isa } from "../isa/isa.ts";

/** What compiled code and its host tell each other: nothing of it is left between two instructions. */
// deno-fmt-ignore
const SCRATCH: readonly (readonly [from: number, to: number])[] = [
  [STATE.nextPc, STATE.cycles], [STATE.args, STATE.halted],
];

/** The state area right after reset. */
export function resetImage(isa: Isa): Uint8Array {
  const bytes = new Uint8Array(STATE.end);
  const view = new DataView(bytes.buffer);
  for (const [offset, value] of isa.reset) view.setBigUint64(offset, value, true);
  return bytes;
}

/** A state area as it is between two runs, whatever engine executed. */
export function atRest(state: Uint8Array): Uint8Array {
  for (const [from, to] of SCRATCH) state.fill(0, from, to);
  return state;
}

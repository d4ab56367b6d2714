/** Memory of the multiple and string instructions, big-endian: they do not exist in little-endian mode. */
import { STATE } from "../ir/layout.ts";
import type { HelperMemory, StateView } from "../isa/isa.ts";
import { gpr } from "./state.ts";

/** `ACCESS.bigEndian` of `engine/host.ts`, which lies above. */
const BIG_ENDIAN = 2;

interface Piece {
  readonly address: bigint;
  readonly size: 1 | 2 | 4;
  /** Where it goes: a register's slot, and how far its last byte is from the register's low end. */
  readonly slot: number;
  readonly shift: bigint;
}

/** The accesses: a word for each register, then what is left in a half-word and a byte. */
function pieces(state: StateView): Piece[] {
  const start = state.get64(STATE.args), first = state.get32(STATE.args + 8);
  const count = state.get32(STATE.args + 16), width = state.get32(STATE.args + 24), found: Piece[] = [];
  for (let at = 0; at < count;) {
    const within = at % 4, left = count - at;
    const size = within === 0 && left >= 4 ? 4 : within % 2 === 0 && left >= 2 ? 2 : 1;
    found.push({
      address: BigInt.asUintN(width, start + BigInt(at)),
      size,
      slot: gpr((first + (at >> 2)) & 31),
      shift: BigInt(8 * (4 - within - size)),
    });
    at += size;
  }
  return found;
}

/** Registers are written when all bytes are there, so that the instruction can be executed again until then. */
export function loadString(state: StateView, memory: HelperMemory): number {
  const found = pieces(state), values = new Map<number, bigint>();
  for (const { address, size, slot, shift } of found) {
    state.set64(STATE.args, address);
    const status = memory.load(0, size, BIG_ENDIAN);
    if (status !== 0) return status;
    const value = BigInt(state.get32(STATE.result)) << shift;
    values.set(slot, (values.get(slot) ?? 0n) | value);
  }
  for (const [slot, value] of values) state.set64(slot, value);
  return 0;
}

export function storeString(state: StateView, memory: HelperMemory): number {
  for (const { address, size, slot, shift } of pieces(state)) {
    state.set64(STATE.args, address);
    state.set64(STATE.args + 8, BigInt.asUintN(8 * size, BigInt(state.get32(slot)) >> shift));
    const status = memory.store(0, size, BIG_ENDIAN);
    if (status !== 0) return status;
  }
  return 0;
}

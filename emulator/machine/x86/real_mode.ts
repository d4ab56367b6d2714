/** Exceptions in real mode: through the table of far addresses. SDM vol. 3B, "Interrupt and Exception Handling". */
import type { Status } from "../../engine/host.ts";
import { composeFlags, FLAG } from "../../x86/flag_bits.ts";
import {
  CS,
  EFLAGS_REST,
  IDT_BASE,
  IDT_LIMIT,
  RSP,
  segmentBase,
  segmentSelector,
  SS,
} from "../../x86/slots.ts";
import type { Vcpu } from "../vcpu.ts";

/** Bytes that an exception pushes: FLAGS, CS, IP. */
const FRAME = 6;

/**
 * Raises `vector` at the instruction at hand: pushes FLAGS, CS and its own IP, clears IF and TF, and goes on at the
 * table's entry. Where that cannot be done the processor shuts down.
 */
export function raiseInRealMode(vcpu: Vcpu, vector: number, name: string): Status {
  const { state, board: { memory } } = vcpu;
  const entry = 4 * vector, table = state.getNumber(IDT_BASE);
  const sp = state.get32(RSP) & 0xffff, base = state.getNumber(segmentBase(SS));
  const frame = base + (sp - FRAME & 0xffff);
  // An odd stack pointer below 6 would put a word across the end of the segment: #SS within an exception.
  const fits = sp >= FRAME || sp % 2 === 0;
  if (
    entry + 3 > state.get32(IDT_LIMIT) || !fits || !memory.holds(table + entry, 4) || !memory.holds(frame, 2)
  ) {
    return vcpu.exits.stopAnew({
      reason: "SHUTDOWN",
      message: `shutdown: exception ${vector} (${name}) cannot be delivered: ${
        fits ? "its table entry or its stack is not there" : `the stack ends at sp 0x${sp.toString(16)}`
      }`,
    });
  }
  const words = [
    Number(composeFlags(state) & 0xffffn),
    state.get32(segmentSelector(CS)) & 0xffff,
    Number(vcpu.pc),
  ];
  words.forEach((word, i) => {
    const at = base + (sp - 2 * (i + 1) & 0xffff);
    vcpu.debug.access(at, 0, 2, "write");
    memory.write(at, Uint8Array.of(word, word >> 8));
  });
  vcpu.debug.access(table + entry, 0, 4, "read");
  const target = new DataView(memory.read(table + entry, 4).buffer);
  const selector = target.getUint16(2, true);
  state.set64(RSP, state.get64(RSP) & ~0xffffn | BigInt(sp - FRAME & 0xffff));
  state.set64(EFLAGS_REST, state.get64(EFLAGS_REST) & ~(FLAG.IF | FLAG.TF));
  state.set64(segmentSelector(CS), BigInt(selector));
  state.set64(segmentBase(CS), BigInt(selector) << 4n);
  return vcpu.fault(BigInt(target.getUint16(0, true)));
}

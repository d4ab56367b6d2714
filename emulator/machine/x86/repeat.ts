/**
 * Many iterations of REP MOVS and REP STOS at once, where they are plain copies within pages that compiled code may reach:
 * counts, cycles and registers come out as if each had been executed. SDM vol. 2B, REP, MOVS, STOS.
 */
import { STATUS, type Status } from "../../engine/host.ts";
import { findInTlb } from "../../engine/tlb.ts";
import { STATE } from "../../ir/layout.ts";
import { TLB } from "../../ir/tlb_layout.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { EFLAGS_REST, RAX, RCX, RDI, RSI } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";

const PAGE = 4096;
/** Arguments of the trap. */
const BYTES = 0, BITS = 1, STORES = 2, TO = 3, FROM = 4;

function repeat(vcpu: Vcpu): Status {
  const { state, engine } = vcpu;
  if (state.get64(EFLAGS_REST) & FLAG.DF) return STATUS.proceed;
  const bytes = vcpu.argument(BYTES), bits = vcpu.argument(BITS), stores = vcpu.argument(STORES) !== 0;
  const to = reach(vcpu, TO, RDI, bits, TLB.write),
    from = stores ? to : reach(vcpu, FROM, RSI, bits, TLB.read);
  if (!to || !from) return STATUS.proceed;
  const asked = BigInt.asUintN(bits, state.get64(RCX));
  const limit = Math.min(engine.room + 1, Math.floor(Math.min(to.room, from.room) / bytes));
  let count = asked < BigInt(limit) ? Number(asked) : limit;
  // What is written would be read again by a later iteration.
  const ahead = to.place - from.place;
  if (ahead > 0 && ahead < count * bytes) count = Math.floor(ahead / bytes);
  if (count < 2) return STATUS.proceed;
  const { u8 } = vcpu.board.arena, length = count * bytes;
  if (stores) fill(u8, to.place, length, state.copy(RAX, bytes));
  else {
    u8.copyWithin(to.place, from.place, from.place + length);
    move(vcpu, RSI, bits, length);
  }
  move(vcpu, RDI, bits, length);
  move(vcpu, RCX, bits, -count);
  engine.repeated(count - 1);
  if (asked === BigInt(count)) state.set64(STATE.pc, vcpu.nextPc);
  return STATUS.redirect;
}

/** Where an index register points to, and the bytes up to the end of the page or of the offsets; undefined if not plainly there. */
function reach(
  vcpu: Vcpu,
  argument: number,
  register: number,
  bits: number,
  tag: typeof TLB.read | typeof TLB.write,
) {
  const { state, isa } = vcpu,
    low = vcpu.argument(argument),
    high = state.get32(STATE.args + 8 * argument + 4);
  const offset = BigInt.asUintN(bits, state.get64(register)), isReal = isa.pcWidth === 16;
  // Elsewhere only fs and gs have a base, and what they are checked against.
  if (!isReal && offset !== (BigInt(high) << 32n | BigInt(low))) return undefined;
  const place = findInTlb(state, low, high, tag);
  if (place < 0) return undefined;
  const end = isReal ? 0x1_0000n : 1n << BigInt(bits);
  return { place, room: Math.min(PAGE - low % PAGE, Number(BigInt.asUintN(53, end - offset))) };
}

/** Moves an index register or the count by less than its range; 32 bits in 64-bit mode clear the upper half. */
function move({ state }: Vcpu, slot: number, bits: number, by: number): void {
  const before = state.get64(slot), after = BigInt.asUintN(bits, before + BigInt(by));
  state.set64(slot, bits === 16 ? before & ~0xffffn | after : after);
}

function fill(u8: Uint8Array, place: number, length: number, element: Uint8Array): void {
  u8.set(element, place);
  for (let done = element.length; done < length;) {
    const piece = Math.min(done, length - done);
    u8.copyWithin(place + done, place, place + piece);
    done += piece;
  }
}

export const repeatTraps: Readonly<Record<string, ArchTrap>> = { repeat };

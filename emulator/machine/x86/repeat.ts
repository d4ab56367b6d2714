/**
 * Many iterations of a repeated string instruction at once, where they are plain loads and stores within pages that
 * compiled code may reach: counts, cycles and registers come out as if each had been executed. The last iteration, which
 * sets the flags, is always left to be executed. SDM vol. 2B, REP.
 */
import { STATUS, type Status } from "../../engine/host.ts";
import type { CpuState } from "../../engine/state.ts";
import { findInTlb } from "../../engine/tlb.ts";
import { STATE } from "../../ir/layout.ts";
import { TLB } from "../../ir/tlb_layout.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { EFLAGS_REST, RAX, RCX, RDI, RSI } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";

const PAGE = 4096;
/** Arguments of the trap; the operands' addresses follow. */
const KIND = 0, BYTES = 1, BITS = 2, WANTED = 3, PLACES = 4;

type Tag = typeof TLB.read | typeof TLB.write;
type Memory = Uint8Array;

interface Kind {
  /** The operands in order: index register, and how it is reached. */
  readonly operands: readonly (readonly [register: number, tag: Tag])[];
  /** Does up to `count` iterations that the loop goes on after; answers how many. */
  run(u8: Memory, places: readonly number[], bytes: number, count: number, vcpu: Vcpu): number;
}

const KINDS: readonly Kind[] = [
  { // MOVS
    operands: [[RDI, TLB.write], [RSI, TLB.read]],
    run(u8, [to, from], bytes, count) {
      const ahead = to - from;
      // What is written would be read again by a later iteration.
      const plain = ahead > 0 && ahead < count * bytes ? Math.floor(ahead / bytes) : count;
      u8.copyWithin(to, from, from + plain * bytes);
      return plain;
    },
  },
  { // STOS
    operands: [[RDI, TLB.write]],
    run(u8, [to], bytes, count, { state }) {
      fill(u8, to, count * bytes, state.base + RAX, bytes);
      return count;
    },
  },
  { // CMPS
    operands: [[RSI, TLB.read], [RDI, TLB.read]],
    run: (u8, [first, second], bytes, count, vcpu) => compare(u8, first, second, bytes, bytes, count, vcpu),
  },
  { // SCAS
    operands: [[RDI, TLB.read]],
    run: (u8, [where], bytes, count, vcpu) =>
      compare(u8, where, vcpu.state.base + RAX, 0, bytes, count, vcpu),
  },
  { operands: [[RSI, TLB.read]], run: (_u8, _places, _bytes, count) => count }, // LODS
];

function repeat(vcpu: Vcpu): Status {
  const { state, engine } = vcpu, kind = KINDS[vcpu.argument(KIND)];
  const bytes = vcpu.argument(BYTES), bits = vcpu.argument(BITS);
  if (state.get32(EFLAGS_REST) & Number(FLAG.DF)) return STATUS.proceed;
  // More than there is room for need not be exact.
  let count = Math.min(low(state, RCX, bits) + high(state, RCX, bits) * 2 ** 32 - 1, engine.room);
  const places: number[] = [];
  for (let i = 0; i < kind.operands.length; i++) {
    const { place, room } = reach(vcpu, PLACES + i, kind.operands[i], bits, count * bytes);
    places.push(place);
    count = Math.min(count, Math.floor(room / bytes));
  }
  if (count < 2) return STATUS.proceed;
  const done = kind.run(vcpu.board.arena.u8, places, bytes, count, vcpu);
  for (const [register] of kind.operands) move(vcpu, register, bits, done * bytes);
  move(vcpu, RCX, bits, -done);
  engine.repeated(done);
  return STATUS.proceed;
}

const NOWHERE = { place: -1, room: 0 };

/**
 * Where an index register points to, and the bytes up to what is not plainly there, or up to the end of the offsets: as
 * many as are wanted, or some more.
 */
function reach(
  vcpu: Vcpu,
  argument: number,
  [register, tag]: Kind["operands"][number],
  bits: number,
  wanted: number,
): typeof NOWHERE {
  const { state, isa } = vcpu, at = STATE.args + 8 * argument;
  const first = state.get32(at), above = state.get32(at + 4), offset = low(state, register, bits);
  const isReal = isa.pcWidth === 16;
  // Elsewhere only fs and gs have a base, and what they are checked against.
  if (!isReal && (offset !== first || high(state, register, bits) !== above)) return NOWHERE;
  const { flat } = vcpu.board;
  const inRow = flat.room(state, first, above, tag === TLB.read ? "read" : "write", wanted);
  const place = inRow > 0 ? flat.place + first : findInTlb(state, first, above, tag);
  if (place < 0) return NOWHERE;
  // Offsets of 64 bits end with a page.
  const most = bits === 64 ? Infinity : (isReal ? 0x1_0000 : 2 ** bits) - offset;
  return { place, room: Math.min(inRow || PAGE - first % PAGE, most) };
}

/** The low 32 bits of an index register or the count, of as many as it has. */
function low(state: CpuState, slot: number, bits: number): number {
  return bits === 16 ? state.get32(slot) & 0xffff : state.get32(slot);
}
/** The bits above them. */
function high(state: CpuState, slot: number, bits: number): number {
  return bits === 64 ? state.get32(slot + 4) : 0;
}

/** Moves an index register or the count by less than its range; 32 bits in 64-bit mode clear the upper half. */
function move({ state }: Vcpu, slot: number, bits: number, by: number): void {
  if (bits === 64) return state.set64(slot, state.get64(slot) + BigInt(by));
  const before = state.get32(slot), after = before + by;
  state.set32(slot, bits === 16 ? before & ~0xffff | after & 0xffff : after);
  if (bits === 32) state.set32(slot + 4, 0);
}

/** Elements from `first` on that compare as wanted with those from `second` on, or with the one there if `step` is 0. */
function compare(
  u8: Memory,
  first: number,
  second: number,
  step: number,
  bytes: number,
  count: number,
  vcpu: Vcpu,
): number {
  const wanted = vcpu.argument(WANTED) !== 0;
  if (step === 0 && bytes === 1 && !wanted) {
    const found = u8.subarray(first, first + count).indexOf(u8[second]);
    return found < 0 ? count : found;
  }
  if (wanted) return equalBytes(u8, first, second, bytes, step, count);
  for (let i = 0; i < count; i++) {
    if (equalBytes(u8, first + i * bytes, second + i * step, bytes, step, 1) === 1) return i;
  }
  return count;
}

/** How many elements from the first one on are the same. */
function equalBytes(
  u8: Memory,
  first: number,
  second: number,
  bytes: number,
  step: number,
  count: number,
): number {
  const length = count * bytes;
  // Elements that follow each other on both sides are one run of bytes.
  if (step === bytes) {
    let same = 0;
    while (same < length && u8[first + same] === u8[second + same]) same++;
    return Math.floor(same / bytes);
  }
  for (let i = 0; i < length; i++) {
    if (u8[first + i] !== u8[second + i % bytes]) return Math.floor(i / bytes);
  }
  return count;
}

/** Repeats the `bytes` at `element`. */
function fill(u8: Memory, place: number, length: number, element: number, bytes: number): void {
  u8.copyWithin(place, element, element + bytes);
  for (let done = bytes; done < length;) {
    const piece = Math.min(done, length - done);
    u8.copyWithin(place + done, place, place + piece);
    done += piece;
  }
}

export const repeatTraps: Readonly<Record<string, ArchTrap>> = { repeat };

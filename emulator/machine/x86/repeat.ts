/**
 * Many iterations of a repeated string instruction at once, where they are plain loads and stores within pages that
 * compiled code may reach: counts, cycles and registers come out as if each had been executed. The last iteration, which
 * sets the flags, is always left to be executed. SDM vol. 2B, REP.
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
      fill(u8, to, count * bytes, state.copy(RAX, bytes));
      return count;
    },
  },
  { // CMPS
    operands: [[RSI, TLB.read], [RDI, TLB.read]],
    run: (u8, [first, second], bytes, count, vcpu) => compare(u8, first, u8, second, bytes, count, vcpu),
  },
  { // SCAS
    operands: [[RDI, TLB.read]],
    run: (u8, [where], bytes, count, vcpu) =>
      compare(u8, where, vcpu.state.copy(RAX, bytes), -1, bytes, count, vcpu),
  },
  { operands: [[RSI, TLB.read]], run: (_u8, _places, _bytes, count) => count }, // LODS
];

function repeat(vcpu: Vcpu): Status {
  const { state, engine } = vcpu, kind = KINDS[vcpu.argument(KIND)];
  const bytes = vcpu.argument(BYTES), bits = vcpu.argument(BITS);
  if (state.get64(EFLAGS_REST) & FLAG.DF) return STATUS.proceed;
  const asked = BigInt.asUintN(bits, state.get64(RCX)) - 1n;
  let count = asked < BigInt(engine.room) ? Number(asked) : engine.room;
  const places: number[] = [];
  for (const [i, [register, tag]] of kind.operands.entries()) {
    const { place, room } = reach(vcpu, PLACES + i, register, bits, tag);
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

/** Where an index register points to, and the bytes up to the end of the page or of the offsets: none if not plainly there. */
function reach(vcpu: Vcpu, argument: number, register: number, bits: number, tag: Tag): typeof NOWHERE {
  const { state, isa } = vcpu,
    low = vcpu.argument(argument),
    high = state.get32(STATE.args + 8 * argument + 4);
  const offset = BigInt.asUintN(bits, state.get64(register)), isReal = isa.pcWidth === 16;
  // Elsewhere only fs and gs have a base, and what they are checked against.
  if (!isReal && offset !== (BigInt(high) << 32n | BigInt(low))) return NOWHERE;
  const { flat } = vcpu.board, inRow = flat.room(state, low, high, tag === TLB.read ? "read" : "write");
  const place = inRow > 0 ? flat.place + low : findInTlb(state, low, high, tag);
  if (place < 0) return NOWHERE;
  const end = isReal ? 0x1_0000n : 1n << BigInt(bits), most = Number(BigInt.asUintN(53, end - offset));
  return { place, room: Math.min(inRow || PAGE - low % PAGE, most) };
}

/** Moves an index register or the count by less than its range; 32 bits in 64-bit mode clear the upper half. */
function move({ state }: Vcpu, slot: number, bits: number, by: number): void {
  const before = state.get64(slot), after = BigInt.asUintN(bits, before + BigInt(by));
  state.set64(slot, bits === 16 ? before & ~0xffffn | after : after);
}

/** Elements from `first` on that compare as wanted with those of `other` from `second` on, or all with its only one. */
function compare(
  u8: Memory,
  first: number,
  other: Memory,
  second: number,
  bytes: number,
  count: number,
  vcpu: Vcpu,
): number {
  const wanted = vcpu.argument(WANTED) !== 0;
  if (second < 0 && bytes === 1 && !wanted) {
    const found = u8.subarray(first, first + count).indexOf(other[0]);
    return found < 0 ? count : found;
  }
  const step = second < 0 ? 0 : bytes, from = Math.max(second, 0);
  if (wanted) return equalBytes(u8, first, other, from, bytes, step, count);
  for (let i = 0; i < count; i++) {
    if (equalBytes(u8, first + i * bytes, other, from + i * step, bytes, step, 1) === 1) return i;
  }
  return count;
}

/** How many elements from the first one on are the same. */
function equalBytes(
  u8: Memory,
  first: number,
  other: Memory,
  second: number,
  bytes: number,
  step: number,
  count: number,
): number {
  const length = count * bytes;
  // Elements that follow each other on both sides are one run of bytes.
  if (step === bytes) {
    let same = 0;
    while (same < length && u8[first + same] === other[second + same]) same++;
    return Math.floor(same / bytes);
  }
  for (let i = 0; i < length; i++) {
    if (u8[first + i] !== other[second + i % bytes]) return Math.floor(i / bytes);
  }
  return count;
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

/**
 * Random instructions in random segments: made here, executed by the oracle here, and put in the form that
 * `segments_program.c` takes and answers in.
 */
import { execute } from "../../../emulator/ir/execute.ts";
import type { Isa, StateView } from "../../../emulator/isa/isa.ts";
import { composeFlags, setFlags } from "../../../emulator/x86/flag_bits.ts";
import { x86IsaOf } from "../../../emulator/x86/isa.ts";
import {
  CODE_LAST,
  CPL,
  CS,
  FS,
  gpr,
  SEGMENT_NAMES,
  segmentBase,
  segmentReadable,
  segmentSelector,
  segmentWritable,
  SS,
} from "../../../emulator/x86/slots.ts";
import { NOWHERE } from "../../../emulator/x86/state.ts";
import { type VariantName, variantNamed } from "../../../emulator/x86/variant.ts";
import type { Random } from "../../support/random.ts";
import { createState } from "../../support/named_state.ts";

/** Areas of the program, in both executors. */
export const DATA = 0x2000_0000, CODE = 0x3000_0000, SIZE = 0x4_0000;
export const INT3 = 0xcc;
const CODE_BYTES = 16, CHANGES = 24;
const CASE_SIZE = 4 * (8 + 2 + 3 * 6 + 1) + CODE_BYTES, RESULT_SIZE = 4 * (13 + 2 * CHANGES);
const AC = 0x4_0000n;
/** Instructions, or iterations, until a case counts as endless. */
export const STEPS = 300;

/** A segment as `modify_ldt` takes it (`struct user_desc`). */
interface Segment {
  readonly base: number;
  /** In bytes, or pages. */
  readonly limit: number;
  readonly big: boolean;
  readonly kind: "data" | "expand-down" | "code";
  /** Data that is not writable, or code that is not readable. */
  readonly restricted: boolean;
  readonly pages: boolean;
}

export interface SegmentCase {
  readonly variant: VariantName;
  readonly code: Uint8Array;
  /** In the order of their codes. */
  readonly regs: readonly number[];
  readonly eflags: number;
  readonly eip: number;
  readonly segments: readonly Segment[];
  readonly seed: number;
}

/** How a case ends. */
export interface SegmentEnd {
  readonly regs: readonly number[];
  readonly eflags: number;
  readonly eip: number;
  /** The exception that ends it, 3 where nothing else does. */
  readonly vector: number;
  readonly error: number;
  /** Dwords of the data area that are not as they were, by offset. */
  readonly changed: readonly (readonly [offset: number, value: number])[];
}

/** What the data area holds before a case, by dword. */
export function pattern(seed: number, i: number): number {
  let h = seed + Math.imul(i, 0x9e37_79b1) | 0;
  h ^= h >>> 15;
  h = Math.imul(h, 0x85eb_ca77);
  return (h ^ h >>> 13) >>> 0;
}

function lastOf({ limit, pages }: Segment): number {
  return pages ? limit * 4096 + 4095 : limit;
}

/** What a segment register holds, as the machine fills it. */
function loadSegment(state: StateView, index: number, segment: Segment): void {
  const { kind, restricted, big } = segment, last = lastOf(segment);
  const isDown = kind === "expand-down";
  const top = isDown ? (big ? 0xffff_ffff : 0xffff) : last, first = isDown ? last + 1 : 0;
  const range = first > top ? NOWHERE : BigInt(top) << 32n | BigInt(first);
  state.set64(segmentSelector(index), BigInt(index << 3 | 7));
  state.set64(segmentBase(index), BigInt(segment.base));
  state.set64(segmentReadable(index), kind === "code" && restricted ? NOWHERE : range);
  state.set64(segmentWritable(index), kind === "code" || restricted ? NOWHERE : range);
  if (index === CS) state.set64(CODE_LAST, BigInt(last));
}

/** The case cannot be compared. */
class Skip extends Error {}
/** It ends in an exception. */
class Raised extends Error {
  constructor(readonly vector: number, readonly error: number) {
    super();
  }
}

/** The state that a case begins in, but for its pc. */
export function prepare(state: StateView, one: SegmentCase): void {
  one.segments.forEach((segment, index) => loadSegment(state, index, segment));
  one.regs.forEach((value, code) => state.set64(gpr(code), BigInt(value)));
  state.set64(CPL, 3n);
  setFlags(state, BigInt(one.eflags) | 0x202n);
}

/** What a case leaves: registers and flags of `state`. */
export function registersOf(state: StateView): Pick<SegmentEnd, "regs" | "eflags"> {
  return {
    regs: Array.from({ length: 8 }, (_, code) => Number(BigInt.asUintN(32, state.get64(gpr(code))))),
    eflags: Number(composeFlags(state) & 0xffff_ffffn),
  };
}

/** The case's end by the oracle; undefined where it leaves the areas, does not end, or asks the machine. */
export function runCase(one: SegmentCase): SegmentEnd | undefined {
  const isa = x86IsaOf(variantNamed(one.variant)), state = createState(), memory = new CaseMemory(one);
  prepare(state, one);
  let pc = BigInt(one.eip), end: Raised;
  try {
    end = new Raised(3, 0);
    for (let steps = 0;; steps++) {
      if (steps === STEPS) return undefined;
      const next = step(isa, state, memory, pc);
      if (next === undefined) {
        pc += 1n;
        break;
      }
      pc = next;
    }
  } catch (error) {
    if (error instanceof Skip) return undefined;
    if (!(error instanceof Raised)) throw error;
    end = error;
    pc = memory.pc;
  }
  return {
    ...registersOf(state),
    eip: Number(BigInt.asUintN(32, pc)),
    vector: end.vector,
    error: end.error,
    changed: memory.changed(),
  };
}

/** Executes one instruction; undefined at INT3. */
function step(isa: Isa, state: StateView, memory: CaseMemory, pc: bigint): bigint | undefined {
  memory.pc = pc;
  const limit = state.get64(CODE_LAST), base = state.get64(segmentBase(CS));
  // The end of the code segment is not looked at where code is fetched.
  if (pc + BigInt(CODE_BYTES) > limit + 1n && memory.byte(pc + base) !== INT3) throw new Skip();
  // Alignment checks are not there: they would catch the program's own handler.
  if (composeFlags(state) & AC) throw new Skip();
  if (memory.byte(pc + base) === INT3) return undefined;
  const bytes = Uint8Array.from({ length: CODE_BYTES }, (_, i) => memory.byte(pc + base + BigInt(i)));
  const decoded = isa.decode(bytes, pc);
  if ("undecodable" in decoded) throw new Skip();
  const next = execute(decoded, pc, {
    state,
    load: (address, size) => memory.load(address, size),
    store: (address, size, value) => memory.store(address, size, value),
    trap: (name, args) => {
      if (name !== "exception") throw new Skip();
      throw new Raised(Number(args[0]), Number(args[1]));
    },
  });
  return BigInt.asUintN(32, next);
}

class CaseMemory {
  /** Of the instruction at hand. */
  pc = 0n;
  readonly #one: SegmentCase;
  readonly #written = new Map<number, number>();
  readonly #codeAt: number;

  constructor(one: SegmentCase) {
    this.#one = one;
    this.#codeAt = one.segments[CS].base + one.eip;
  }

  byte(address: bigint): number {
    const at = Number(BigInt.asUintN(32, address));
    if (at >= DATA && at < DATA + SIZE) {
      return this.#written.get(at) ?? pattern(this.#one.seed, (at - DATA) >> 2) >>> 8 * (at & 3) & 0xff;
    }
    if (at < CODE || at >= CODE + SIZE) throw new Skip();
    return this.#one.code[at - this.#codeAt] ?? INT3;
  }
  load(address: bigint, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = value << 8n | BigInt(this.byte(address + BigInt(i)));
    return value;
  }
  store(address: bigint, size: number, value: bigint): void {
    const at = Number(BigInt.asUintN(32, address));
    if (at < DATA || at + size > DATA + SIZE) throw new Skip();
    for (let i = 0; i < size; i++) this.#written.set(at + i, Number(value >> BigInt(8 * i) & 0xffn));
  }
  changed(): (readonly [number, number])[] {
    const dwords = [...new Set([...this.#written.keys()].map((at) => (at - DATA) >> 2))].sort((a, b) =>
      a - b
    );
    return dwords
      .map((i) => [4 * i, Number(this.load(BigInt(DATA + 4 * i), 4)), pattern(this.#one.seed, i)] as const)
      .filter(([, value, before]) => value !== before).map(([offset, value]) => [offset, value] as const)
      .slice(0, CHANGES);
  }
}

const LAST = [0, 1, 0x7f, 0x100, 0xfff, 0x7fff, 0xfffe, 0xffff, 0x1_0000, 0x1_ffff];

function dataSegment(random: Random, big: boolean, canBeRestricted: boolean): Segment {
  const base = DATA + random.below(0x4000), roll = random.below(10);
  const common = { base, big, restricted: canBeRestricted && random.below(8) === 0 };
  if (roll === 0) return { ...common, kind: "data", pages: true, limit: 0xf_ffff };
  if (roll < 3) {
    const limit = random.below(3) === 0 ? 0xffff : random.below(0x9000);
    return { ...common, kind: "expand-down", pages: false, limit };
  }
  const limit = roll < 6 ? random.pick(LAST) : random.below(0x1000);
  return { ...common, kind: "data", pages: false, limit };
}

/** Offsets near what decides: 0, the ends of segments and of 64 KiB. */
function offset(random: Random, segments: readonly Segment[]): number {
  const edge = random.pick([0, 0xffff, 0x1_0000, ...segments.flatMap((s) => [lastOf(s), lastOf(s)])]);
  switch (random.below(5)) {
    case 0:
      return random.u32();
    case 1:
      return random.below(0x1000);
    default:
      return edge + random.below(24) - 12 >>> 0;
  }
}

const FLAT = { base: 0, limit: 0xf_ffff, pages: true, big: true, restricted: false } as const;

/** A case whose instructions are some of `pool`. In flat code addresses are those of the areas. */
export function randomCase(variant: VariantName, pool: readonly Uint8Array[], random: Random): SegmentCase {
  const { mode, stack, flat } = variantNamed(variant);
  const segments = SEGMENT_NAMES.map((_, index): Segment => {
    if (flat && index < FS) return { ...FLAT, kind: index === CS ? "code" : "data" };
    if (index !== CS) {
      return dataSegment(random, index === SS ? stack === 32 : random.below(2) === 0, index !== SS);
    }
    const limit = random.pick([0xfff, 0xffff, 0x1_ffff]);
    const base = CODE + random.below(0x1000);
    return { base, limit, big: mode === 32, kind: "code", restricted: random.below(4) === 0, pages: false };
  });
  const data = segments.filter(({ kind }) => kind !== "code");
  const code = new Uint8Array(CODE_BYTES).fill(INT3);
  let length = 0;
  for (let n = 1 + random.below(3); n > 0; n--) {
    const bytes = random.pick(pool);
    if (length + bytes.length >= CODE_BYTES) break;
    code.set(bytes, length);
    length += bytes.length;
  }
  const last = lastOf(segments[CS]);
  const eip = flat
    ? CODE + random.below(0xf000)
    : random.below(3) === 0
    ? last - 2 * CODE_BYTES - random.below(8)
    : random.below(0xf00);
  const regs = Array.from(
    { length: 8 },
    (_, code) => code === 4 ? offset(random, [segments[SS]]) : offset(random, data),
  );
  if (flat) {
    for (const code of [3, 4, 5, 6, 7]) {
      if (code === 4 || random.below(2) === 0) regs[code] = DATA + random.below(SIZE);
    }
  }
  // Counts of loops and string instructions, now and then small.
  if (random.below(2) === 0) regs[1] = random.below(5);
  return { variant, code, regs, eflags: random.u32() & 0xcd5, eip, segments, seed: random.u32() };
}

const KINDS = { data: 0, "expand-down": 1, code: 2 } as const;

function flagsOf({ big, kind, restricted, pages }: Segment): number {
  const usable = 0x40;
  return Number(big) | KINDS[kind] << 1 | Number(restricted) << 3 | Number(pages) << 4 | usable;
}

/** The program's input. */
export function encodeCases(cases: readonly SegmentCase[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(cases.length * CASE_SIZE), view = new DataView(bytes.buffer);
  cases.forEach((one, n) => {
    const segments = one.segments.flatMap((s) => [s.base, s.limit, flagsOf(s)]);
    const words = [...one.regs, one.eflags, one.eip, ...segments, one.seed];
    words.forEach((word, i) => view.setUint32(n * CASE_SIZE + 4 * i, word, true));
    bytes.set(one.code, n * CASE_SIZE + 4 * words.length);
  });
  return bytes;
}

/** The program's output. */
export function decodeEnds(output: Uint8Array): SegmentEnd[] {
  const view = new DataView(output.buffer, output.byteOffset);
  return Array.from({ length: Math.floor(output.length / RESULT_SIZE) }, (_, n) => {
    const word = (i: number) => view.getUint32(n * RESULT_SIZE + 4 * i, true);
    const regs = Array.from({ length: 8 }, (_, i) => word(i));
    const changed = Array.from(
      { length: Math.min(word(12), CHANGES) },
      (_, i) => [word(13 + 2 * i), word(14 + 2 * i)] as const,
    );
    return { regs, eflags: word(8), eip: word(9), vector: word(10), error: word(11), changed };
  });
}

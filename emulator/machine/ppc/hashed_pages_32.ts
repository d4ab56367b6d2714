/**
 * Segments and the hashed page table of 32-bit processors (PowerPC Programming Environments Manual, 7.5 and 7.6).
 * The referenced and changed bits are set as accesses are made.
 */
import { segment, SLOT } from "../../ppc/state.ts";
import { REACH, type Reach } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";

/** Segment register: T (direct-store), Ks, Kp, N (no execution), VSID. */
const DIRECT_STORE = 0x8000_0000, KEY_SUPERVISOR = 0x4000_0000, KEY_PROBLEM = 0x2000_0000;
const NO_EXECUTE = 0x1000_0000, VSID = 0xff_ffff;
/** Page table entry, first word: V, VSID, H (second hash), API. */
const VALID = 0x8000_0000, SECOND = 0x40;
/** Second word: RPN, R, C, WIMG, PP. */
const FRAME = 0xffff_f000, REFERENCED = 0x100, CHANGED = 0x80, GUARDED = 0x08;
/** Entries of a group, and bytes of each. */
const ENTRIES = 8, ENTRY = 8;

export type PageAddress =
  | { readonly physical: number; readonly storable: boolean; readonly at: number; readonly second: number }
  | { readonly why: "noPage" | "protected" | "noFetch"; readonly at?: number; readonly second?: number }
  /** What this version does not have. */
  | { readonly missing: string };

/** Where a page leads; without `effects` nothing is marked as referenced, and no table is watched. */
export function pageOf(
  vcpu: Vcpu,
  address: number,
  reach: Reach,
  problem: boolean,
  effects = true,
): PageAddress {
  const register = vcpu.state.get32(segment(address >>> 28));
  if (register & DIRECT_STORE) {
    return reach === REACH.fetch ? { why: "noFetch" } : { missing: "a direct-store segment (T=1)" };
  }
  // A segment without execution says so before the page is looked for (7.5.4).
  if (reach === REACH.fetch && register & NO_EXECUTE) return { why: "noFetch" };
  const found = entryOf(vcpu, register & VSID, address, effects);
  if (found === undefined) return { why: "noPage" };
  if ("missing" in found) return found;
  const { at, second } = found;
  if (reach === REACH.fetch && second & GUARDED) return { why: "noFetch", at, second };
  const key = (register & (problem ? KEY_PROBLEM : KEY_SUPERVISOR)) !== 0, rights = second & 3;
  // Key 0: PP 11 is read-only. Key 1: 00 nothing, x1 read-only, 10 everything (table 7-10).
  const readable = !key || rights !== 0, writable = key ? rights === 2 : rights !== 3;
  if (!readable || reach === REACH.store && !writable) return { why: "protected", at, second };
  const marked = second | REFERENCED | (reach === REACH.store ? CHANGED : 0);
  if (effects && marked !== second) writeWord(vcpu, at + 4, marked);
  return {
    physical: ((second & FRAME) | (address & 0xfff)) >>> 0,
    // The first store has to set the changed bit.
    storable: writable && (marked & CHANGED) !== 0,
    at,
    second,
  };
}

/** Guest-physical address that a page leads to, whatever its rights, without an effect; undefined if it has no entry. */
export function lookForPage(vcpu: Vcpu, address: number): number | undefined {
  const register = vcpu.state.get32(segment(address >>> 28));
  if (register & DIRECT_STORE) return undefined;
  const found = entryOf(vcpu, register & VSID, address, false);
  if (found === undefined || "missing" in found) return undefined;
  return ((found.second & FRAME) | (address & 0xfff)) >>> 0;
}

/** The two groups in which the entry of a page may be. */
export function groupsOf(sdr1: number, vsid: number, address: number): readonly [number, number] {
  const hash = vsid & 0x7_ffff ^ address >>> 12 & 0xffff;
  return [groupOf(sdr1, hash), groupOf(sdr1, ~hash)];
}

/** HTABORG, ORed with what HTABMASK leaves of the hash's upper bits; the lower ten always count (7.6.1.3). */
function groupOf(sdr1: number, hash: number): number {
  return (sdr1 & 0xffff_0000 | (hash & ((sdr1 & 0x1ff) << 10 | 0x3ff)) << 6) >>> 0;
}

/** A valid entry of the page table, with one of the addresses that it is for. */
export interface TableEntry {
  readonly address: number;
  readonly physical: number;
  readonly second: number;
}

/** The entries of the page table that some segment uses, in the table's order. Direct-store segments have none. */
export function* tableEntries(vcpu: Vcpu): Generator<TableEntry> {
  const { state, board: { memory } } = vcpu, sdr1 = state.get32(SLOT.sdr1);
  const groups = ((sdr1 & 0x1ff) + 1) * 0x400, segments = new Map<number, number[]>();
  for (let i = 0; i < 16; i++) {
    const register = state.get32(segment(i));
    if (register & DIRECT_STORE) continue;
    const vsid = register & VSID;
    segments.set(vsid, [...segments.get(vsid) ?? [], i]);
  }
  for (let i = 0; i < groups; i++) {
    const group = groupOf(sdr1, i);
    if (!memory.holds(group, ENTRIES * ENTRY)) return;
    const view = new DataView(memory.read(group, ENTRIES * ENTRY).buffer);
    for (let at = 0; at < ENTRIES * ENTRY; at += ENTRY) {
      const first = view.getUint32(at), second = view.getUint32(at + 4), vsid = first >>> 7 & VSID;
      if ((first & VALID) === 0) continue;
      // Of the page's number the hash has the lower bits, the entry the upper six.
      const hash = first & SECOND ? ~i : i, page = (first & 0x3f) << 10 | (hash ^ vsid) & 0x3ff;
      for (const number of segments.get(vsid) ?? []) {
        yield {
          address: (number << 28 | page << 12) >>> 0,
          physical: (second & FRAME) >>> 0,
          second,
        };
      }
    }
  }
}

/** The entry of a page: eight of the first hash's group, then eight of the second's. */
function entryOf(
  vcpu: Vcpu,
  vsid: number,
  address: number,
  watches = true,
): { readonly at: number; readonly second: number } | { readonly missing: string } | undefined {
  const sdr1 = vcpu.state.get32(SLOT.sdr1), page = address >>> 12 & 0xffff;
  for (const [i, group] of groupsOf(sdr1, vsid, address).entries()) {
    const h = i === 0 ? 0 : SECOND;
    if (!vcpu.board.memory.holds(group, ENTRIES * ENTRY)) {
      return { missing: `a page table at 0x${group.toString(16)}, where there is no memory` };
    }
    if (watches) vcpu.code.watchTable(group);
    const bytes = vcpu.board.memory.read(group, ENTRIES * ENTRY), view = new DataView(bytes.buffer);
    const wanted = (VALID | vsid << 7 | h | page >>> 10) >>> 0;
    for (let at = 0; at < ENTRIES * ENTRY; at += ENTRY) {
      if (view.getUint32(at) === wanted) return { at: group + at, second: view.getUint32(at + 4) };
    }
  }
  return undefined;
}

function writeWord(vcpu: Vcpu, at: number, value: number): void {
  const slot = vcpu.board.memory.find(at);
  // A table in ROM stays as it is.
  if (!slot || slot.readOnly) return;
  const place = slot.place + (at - slot.gpa);
  // Past whoever watches the table: what was translated by it stays right. It could be code all the same.
  vcpu.board.arena.view.setUint32(place, value);
  vcpu.board.watch.marked(place);
}

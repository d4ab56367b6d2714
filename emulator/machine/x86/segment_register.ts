/** What a segment register holds beside its selector, written all at once. SDM vol. 3A, 3.4.3; vol. 3B, 21.1 to 21.2. */
import type { StateView } from "../../isa/isa.ts";
import {
  CODE_LAST,
  CPL,
  CS,
  DS,
  ES,
  FS,
  GS,
  segmentBase,
  segmentReadable,
  segmentRights,
  segmentSelector,
  segmentWritable,
  SS,
} from "../../x86/slots.ts";
import { type Descriptor, isReadable, isWritable, NO_RANGE, rangeOf, rightsOf } from "./descriptors.ts";

/** "Segment unusable" of the access rights. SDM vol. 3C, table 25-2. */
const UNUSABLE = 0x1_0000n;
/** Present, DPL 3, writable and accessed data. SDM vol. 3C, 27.3.1.2 has these of virtual-8086 mode. */
const PLAIN_RIGHTS = 0xf3n;
const PLAIN_RANGE = 0xffffn << 32n;
const FLAT_RANGE = 0xffff_ffffn << 32n;
const FLAT_DATA = 0xc093n, CODE_32 = 0xc09bn, CODE_64 = 0xa09bn;
const S = 0x10n, CODE = 8n, CONFORMING = 4n;

interface Contents {
  readonly selector: number;
  readonly base: bigint;
  readonly readable: bigint;
  readonly writable: bigint;
  readonly rights: bigint;
}

function write(state: StateView, index: number, contents: Contents): void {
  state.set64(segmentSelector(index), BigInt(contents.selector));
  state.set64(segmentBase(index), contents.base);
  state.set64(segmentReadable(index), contents.readable);
  state.set64(segmentWritable(index), contents.writable);
  state.set64(segmentRights(index), contents.rights);
}

/** Holds a segment that was checked, and marked as accessed. */
export function fillSegment(
  state: StateView,
  index: number,
  found: Descriptor,
  selector = found.selector,
): void {
  const range = rangeOf(found);
  write(state, index, {
    selector,
    base: found.base,
    readable: isReadable(found) ? range : NO_RANGE,
    writable: isWritable(found) ? range : NO_RANGE,
    rights: rightsOf(found) | 1n,
  });
}

/** Nothing can be reached through a null selector; its base is 0, as Intel's is. */
export function nullSegment(state: StateView, index: number, selector: number): void {
  // The stack segment's privilege level is the current one. SDM vol. 3C, 24.4.1.
  const rights = UNUSABLE | (index === SS ? BigInt(selector & 3) << 5n : 0n);
  write(state, index, { selector, base: 0n, readable: NO_RANGE, writable: NO_RANGE, rights });
}

/** Virtual-8086 mode: the selector is the base. */
export function plainSegment(state: StateView, index: number, selector: number): void {
  write(state, index, {
    selector,
    base: BigInt(selector) << 4n,
    readable: PLAIN_RANGE,
    writable: PLAIN_RANGE,
    rights: PLAIN_RIGHTS,
  });
  if (index === CS) state.set64(CODE_LAST, PLAIN_RANGE >> 32n);
}

/** The segments of SYSCALL and SYSRET: flat data, or code of a width, and the privilege level with it. */
export function fillFlat(
  state: StateView,
  index: number,
  selector: number,
  { privilege, code }: { readonly privilege: number; readonly code?: 32 | 64 },
): void {
  const rights = code === undefined ? FLAT_DATA : code === 64 ? CODE_64 : CODE_32;
  write(state, index, {
    selector,
    base: 0n,
    readable: FLAT_RANGE,
    writable: code === undefined ? FLAT_RANGE : NO_RANGE,
    rights: rights | BigInt(privilege) << 5n,
  });
  if (code === undefined) return;
  state.set64(CODE_LAST, FLAT_RANGE >> 32n);
  state.set64(CPL, BigInt(privilege));
}

/** CS, and the privilege level with it. */
export function fillCode(state: StateView, found: Descriptor, privilege: number): void {
  fillSegment(state, CS, found, found.selector & 0xfffc | privilege);
  state.set64(CODE_LAST, BigInt(found.limit));
  state.set64(CPL, BigInt(privilege));
}

/** On the way to an outer privilege level: what must not be reached there is taken away. SDM vol. 3A, 5.8.6. */
export function dropInnerSegments(state: StateView, privilege: number): void {
  for (const index of [ES, DS, FS, GS]) {
    const rights = state.get64(segmentRights(index));
    const level = Number(rights >> 5n & 3n);
    const conforming = (rights & (S | CODE | CONFORMING)) === (S | CODE | CONFORMING);
    // A null selector stays as it was loaded.
    if (rights & UNUSABLE || conforming || level >= privilege) continue;
    nullSegment(state, index, 0);
  }
}

/**
 * Memory as the processor itself reads and writes it: descriptors, gates, task state segments, which are the
 * supervisor's whoever is at work, and stack frames, which belong to a privilege. SDM vol. 3A, 4.6.
 */
import { REACH, type Reach } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION, Fault, Halt } from "./fault.ts";
import { isLong } from "./mode.ts";
import { pagingOf } from "./paging.ts";

/** One write: `size` bytes, little-endian. */
export interface LinearWrite {
  readonly address: bigint;
  readonly size: number;
  readonly value: bigint;
}

/** Bytes within one page of guest-physical memory; the first of them is byte `from` of the access. */
interface Piece {
  readonly gpa: number;
  readonly from: number;
  readonly size: number;
}

const PAGE = 4096;

/** Whether bits 63 to 47 of an address are all the same. SDM vol. 1, 3.3.7.1. */
export function isCanonical(address: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, address)) === BigInt.asUintN(64, address);
}

const notCanonical = () => new Fault(EXCEPTION.GP, 0, "an address is not canonical");

/**
 * `size` bytes, at most 8, at a linear address, for a user (privilege level 3) or the supervisor. Addresses wrap at 32
 * bits outside of long mode; in it `fault` is what one raises that is not canonical. Where there is no memory the run
 * ends, as KVM's does with an internal error: hardware would go on with what an empty bus gives.
 */
export function readLinear(
  vcpu: Vcpu,
  address: bigint,
  size: number,
  fault = notCanonical,
  user = false,
): bigint {
  const pieces = new Locator(vcpu, REACH.load, fault, user).locate(address, size);
  let value = 0n;
  for (const { gpa, from, size: length } of pieces) {
    const slot = vcpu.board.memory.find(gpa);
    if (!slot) throw nowhere("read", gpa);
    value |= get(vcpu.board.arena.view, slot.place + (gpa - slot.gpa), length) << BigInt(8 * from);
  }
  notice(vcpu, address, size, "read");
  return value;
}

/** Writes all or, where one of them cannot be made, none. */
export function writeLinear(
  vcpu: Vcpu,
  writes: readonly LinearWrite[],
  fault = notCanonical,
  user = false,
): void {
  const { memory, arena, watch } = vcpu.board, locator = new Locator(vcpu, REACH.store, fault, user);
  const located = writes.map(({ address, size }) => locator.locate(address, size));
  const placed: { place: number; size: number; value: bigint }[] = [];
  located.forEach((pieces, i) => {
    for (const { gpa, from, size } of pieces) {
      const slot = memory.find(gpa);
      if (!slot || slot.readOnly) throw nowhere("write", gpa);
      placed.push({ place: slot.place + (gpa - slot.gpa), size, value: writes[i].value >> BigInt(8 * from) });
    }
  });
  for (const { address, size } of writes) notice(vcpu, address, size, "write");
  let start = Infinity, end = 0, sum = 0;
  for (const { place, size, value } of placed) {
    put(arena.view, place, size, value);
    start = Math.min(start, place);
    end = Math.max(end, place + size);
    sum += size;
  }
  // A frame is one write for those who watch, unless it lies on pages apart.
  if (end - start === sum) watch.written(start, sum);
  else for (const { place, size } of placed) watch.written(place, size);
}

/** Sets bits of a byte of a descriptor; one in read-only memory stays as it is. */
export function setBits(vcpu: Vcpu, address: bigint, bits: bigint): void {
  const before = readLinear(vcpu, address, 1);
  if ((before & bits) === bits) return;
  const [{ gpa }] = new Locator(vcpu, REACH.store, notCanonical, false).locate(address, 1);
  if (isReadOnly(vcpu, gpa)) return;
  notice(vcpu, address, 1, "write");
  vcpu.board.memory.write(gpa, Uint8Array.of(Number(before | bits)));
}

/** For watchpoints: what the processor does by itself meets them as what instructions do. SDM vol. 3B, 18.2.5. */
function notice(vcpu: Vcpu, address: bigint, size: number, access: "read" | "write"): void {
  const high = isLong(vcpu.state) ? Number(BigInt.asUintN(32, address >> 32n)) : 0;
  vcpu.debug.access(Number(BigInt.asUintN(32, address)), high, size, access);
}

/** Where the bytes of accesses of one kind are, page by page. */
class Locator {
  readonly #vcpu: Vcpu;
  readonly #reach: Reach;
  readonly #fault: () => Fault;
  readonly #user: boolean;
  readonly #wide: boolean;
  /** The page found last: nothing is written in between, so that it is where it was. */
  #low = -1;
  #high = -1;
  #gpa = 0;

  constructor(vcpu: Vcpu, reach: Reach, fault: () => Fault, user: boolean) {
    this.#vcpu = vcpu;
    this.#reach = reach;
    this.#fault = fault;
    this.#user = user;
    this.#wide = isLong(vcpu.state);
  }

  /** Throws what the translation raises. */
  locate(address: bigint, size: number): readonly Piece[] {
    const low = Number(BigInt.asUintN(32, address)), before = PAGE - low % PAGE;
    const high = this.#wide ? Number(BigInt.asUintN(32, address >> 32n)) : 0;
    if (size <= before) return [{ gpa: this.#find(low, high), from: 0, size }];
    const next = low + before >>> 0, above = next === 0 && this.#wide ? high + 1 >>> 0 : high;
    return [
      { gpa: this.#find(low, high), from: 0, size: before },
      { gpa: this.#find(next, above), from: before, size: size - before },
    ];
  }

  #find(low: number, high: number): number {
    const offset = low % PAGE, page = low - offset;
    if (page === this.#low && high === this.#high) return this.#gpa + offset;
    const paging = pagingOf(this.#vcpu);
    const gpa = paging.walk(low, high, this.#reach, this.#user);
    if (gpa === -1) throw paging.fault(this.#fault);
    this.#low = page;
    this.#high = high;
    this.#gpa = gpa - offset;
    return gpa;
  }
}

/** `size` little-endian bytes at a place in linear memory, at most 8. */
function get(view: DataView, place: number, size: number): bigint {
  switch (size) {
    case 1:
      return BigInt(view.getUint8(place));
    case 2:
      return BigInt(view.getUint16(place, true));
    case 4:
      return BigInt(view.getUint32(place, true));
    case 8:
      return view.getBigUint64(place, true);
  }
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = value << 8n | BigInt(view.getUint8(place + i));
  return value;
}

function put(view: DataView, place: number, size: number, value: bigint): void {
  switch (size) {
    case 2:
      return view.setUint16(place, Number(BigInt.asUintN(16, value)), true);
    case 4:
      return view.setUint32(place, Number(BigInt.asUintN(32, value)), true);
    case 8:
      return view.setBigUint64(place, value, true);
  }
  for (let i = 0; i < size; i++) view.setUint8(place + i, Number(value >> BigInt(8 * i) & 0xffn));
}

function isReadOnly(vcpu: Vcpu, gpa: number): boolean {
  return vcpu.board.memory.find(gpa)?.readOnly === true;
}

function nowhere(what: "read" | "write", gpa: number): Halt {
  return new Halt({
    reason: "INTERNAL_ERROR",
    address: BigInt(gpa),
    message: `the processor cannot ${what} a descriptor, a gate or its stack at 0x${
      gpa.toString(16)
    }: there is no ${what === "write" ? "writable " : ""}memory`,
  });
}

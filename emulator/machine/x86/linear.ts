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
  const { memory } = vcpu.board;
  let value = 0n;
  for (const { gpa, from, size: length } of locate(vcpu, address, size, REACH.load, fault, user)) {
    if (!memory.holds(gpa, length)) throw nowhere("read", gpa);
    const bytes = memory.read(gpa, length);
    value |= bytes.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n) << BigInt(8 * from);
  }
  return value;
}

/** Writes all or, where one of them cannot be made, none. */
export function writeLinear(
  vcpu: Vcpu,
  writes: readonly LinearWrite[],
  fault = notCanonical,
  user = false,
): void {
  const { memory } = vcpu.board;
  const placed = writes.flatMap(({ address, size, value }) =>
    locate(vcpu, address, size, REACH.store, fault, user).map((piece) => ({ ...piece, value }))
  );
  for (const { gpa, size } of placed) {
    if (!memory.holds(gpa, size) || isReadOnly(vcpu, gpa)) throw nowhere("write", gpa);
  }
  for (const { gpa, from, size, value } of placed) {
    const bytes = Uint8Array.from(
      { length: size },
      (_, i) => Number(value >> BigInt(8 * (from + i)) & 0xffn),
    );
    memory.write(gpa, bytes);
  }
}

/** Sets bits of a byte of a descriptor; one in read-only memory stays as it is. */
export function setBits(vcpu: Vcpu, address: bigint, bits: bigint): void {
  const before = readLinear(vcpu, address, 1);
  if ((before & bits) === bits) return;
  const [{ gpa }] = locate(vcpu, address, 1, REACH.store, notCanonical, false);
  if (isReadOnly(vcpu, gpa)) return;
  vcpu.board.memory.write(gpa, Uint8Array.of(Number(before | bits)));
}

/** Where the bytes are, page by page. Throws what the translation raises. */
function locate(
  vcpu: Vcpu,
  address: bigint,
  size: number,
  reach: Reach,
  fault: () => Fault,
  user: boolean,
): readonly Piece[] {
  const paging = pagingOf(vcpu), bits = isLong(vcpu.state) ? 64 : 32, pieces: Piece[] = [];
  for (let from = 0; from < size;) {
    const at = BigInt.asUintN(bits, address + BigInt(from));
    const length = Math.min(size - from, PAGE - Number(at % BigInt(PAGE)));
    const gpa = paging.walk(Number(BigInt.asUintN(32, at)), Number(at >> 32n), reach, user);
    if (gpa === -1) throw paging.fault(fault);
    pieces.push({ gpa, from, size: length });
    from += length;
  }
  return pieces;
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

/**
 * Memory as the processor itself reads and writes it: descriptors, gates, stack frames. Paging is not there, so a
 * linear address is guest-physical.
 */
import { EXCEPTION, Fault, Halt } from "./fault.ts";
import type { Vcpu } from "../vcpu.ts";

/** One write: `size` bytes, little-endian. */
export interface LinearWrite {
  readonly address: bigint;
  readonly size: number;
  readonly value: bigint;
}

/** The vCPU's mode by its width. */
export function modeOf(vcpu: Vcpu): 16 | 32 | 64 {
  const { name } = vcpu.isa;
  return name === "x86-64" ? 64 : name === "x86-32" ? 32 : 16;
}

/** Whether bits 63 to 47 of an address are all the same. SDM vol. 1, 3.3.7.1. */
export function isCanonical(address: bigint): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(48, address)) === BigInt.asUintN(64, address);
}

/** Addresses wrap at the mode's width; in 64-bit mode one that is not canonical raises `fault`. */
function checked(vcpu: Vcpu, address: bigint, size: number, fault: () => Fault): bigint {
  if (modeOf(vcpu) !== 64) return BigInt.asUintN(32, address);
  const first = BigInt.asUintN(64, address);
  if (!isCanonical(first) || !isCanonical(first + BigInt(size - 1))) throw fault();
  return first;
}

const notCanonical = () => new Fault(EXCEPTION.GP, 0, "an address is not canonical");

/**
 * `size` bytes, at most 8, at a linear address. Where there is no memory the run ends, as KVM's does with an internal
 * error: hardware would go on with what an empty bus gives.
 */
export function readLinear(vcpu: Vcpu, address: bigint, size: number, fault = notCanonical): bigint {
  const at = checked(vcpu, address, size, fault), { memory } = vcpu.board;
  if (!memory.holds(at, size)) throw nowhere("read", at);
  return memory.read(at, size).reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
}

/** Writes all or, where one of them cannot be made, none. */
export function writeLinear(vcpu: Vcpu, writes: readonly LinearWrite[], fault = notCanonical): void {
  const { memory } = vcpu.board;
  const placed = writes.map((write) => ({ ...write, at: checked(vcpu, write.address, write.size, fault) }));
  for (const { at, size } of placed) {
    if (!memory.holds(at, size) || isReadOnly(vcpu, at, size)) throw nowhere("write", at);
  }
  for (const { at, size, value } of placed) {
    memory.write(at, Uint8Array.from({ length: size }, (_, i) => Number(value >> BigInt(8 * i) & 0xffn)));
  }
}

/** Sets bits of a byte of a descriptor; one in read-only memory stays as it is. */
export function setBits(vcpu: Vcpu, address: bigint, bits: bigint): void {
  const before = readLinear(vcpu, address, 1);
  if ((before & bits) === bits || isReadOnly(vcpu, address, 1)) return;
  writeLinear(vcpu, [{ address, size: 1, value: before | bits }]);
}

function isReadOnly(vcpu: Vcpu, at: bigint, size: number): boolean {
  const { memory } = vcpu.board;
  return [at, at + BigInt(size - 1)].some((byte) => memory.find(Number(byte))?.readOnly);
}

function nowhere(what: "read" | "write", address: bigint): Halt {
  return new Halt({
    reason: "INTERNAL_ERROR",
    address,
    message: `the processor cannot ${what} a descriptor, a gate or its stack at 0x${
      address.toString(16)
    }: there is no ${what === "write" ? "writable " : ""}memory`,
  });
}

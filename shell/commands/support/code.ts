/** Code of the guest: where its program counter points, and disassembled lines ready for a listing. */
import type { VirtualCpu, Vm } from "../../machine_types.ts";
import type { ListingLine } from "../../reports/listing.ts";

/** Guest-physical address of the instruction at `pc`: in real mode the code segment's base is added. */
export function codeAddress(vcpu: VirtualCpu, pc?: bigint): bigint {
  return vcpu.codeAddress(pc);
}

/** `count` instructions from a guest-physical address on. */
export function codeAt(vm: Vm, address: bigint, count: number): ListingLine[] {
  return vm.disassemble(address, count).map(({ address, bytes, text, symbol }) => (
    { address, bytes, text, labels: symbol === undefined ? [] : [symbol] }
  ));
}

/** The address after the last of `lines`. */
export function after(lines: readonly ListingLine[], start: bigint): bigint {
  const last = lines.at(-1);
  return last === undefined ? start : last.address + BigInt(Math.max(1, last.bytes.length));
}

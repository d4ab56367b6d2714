/** Code of the guest: where its program counter points, and disassembled lines ready for a listing. */
import type { VirtualCpu, Vm } from "../../machine_types.ts";
import type { ListingLine } from "../../reports/listing.ts";

/** Address of the instruction at `pc` before translation: in real mode the code segment's base is added. */
export function codeAddress(vcpu: VirtualCpu, pc?: bigint): bigint {
  return vcpu.fetchAddress(pc);
}

/** `count` instructions from an address on, as the code of `vcpu` has it; a guest-physical one where none is given. */
export function codeAt(vm: Vm, address: bigint, count: number, vcpu?: VirtualCpu): ListingLine[] {
  return vm.disassemble(address, count, { vcpu }).map(({ address, bytes, text, symbol }) => (
    { address, bytes, text, labels: symbol === undefined ? [] : [symbol] }
  ));
}

/** The address after the last of `lines`. */
export function after(lines: readonly ListingLine[], start: bigint): bigint {
  const last = lines.at(-1);
  return last === undefined ? start : last.address + BigInt(Math.max(1, last.bytes.length));
}

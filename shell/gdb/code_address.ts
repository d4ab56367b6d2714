/**
 * The program counter as GDB has it. For GDB it is an address in the same space as memory, which is where it disassembles,
 * sets breakpoints and steps. On x86 that space is the linear one, and EIP an offset into the code segment: so GDB is told
 * the segment's base and EIP together. They are the same wherever the base is 0, as in 64-bit mode and in flat segments.
 */
import type { VirtualCpu } from "../machine_types.ts";

/** Only 32 bits count: 64-bit mode has no base. */
const BITS = 32;

/** What is to be added to the program counter; 0n where nothing is. */
export function codeBaseOf({ registers }: VirtualCpu): bigint {
  // In 64-bit mode the base of CS is ignored: SDM vol. 3A, 3.2.4.
  return registers.has("cs_base") && !registers.has("rax") ? registers.get("cs_base") : 0n;
}

/** Where the vCPU's next instruction is, for GDB. */
export function gdbPc(vcpu: VirtualCpu): bigint {
  const base = codeBaseOf(vcpu);
  return base === 0n ? vcpu.pc : BigInt.asUintN(BITS, base + vcpu.pc);
}

/** Sets the program counter to what GDB calls `address`. */
export function setGdbPc(vcpu: VirtualCpu, address: bigint): void {
  const base = codeBaseOf(vcpu);
  vcpu.pc = base === 0n ? address : BigInt.asUintN(BITS, address - base);
}

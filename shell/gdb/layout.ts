/** The registers of a guest as GDB numbers them: what its target description says, and what `g`, `p` and `P` carry. */
import type { Vm } from "../machine_types.ts";
import { ppcLayout } from "./ppc_layout.ts";
import { x86Layout } from "./x86_layout.ts";

/** A register in GDB's order: its number is its place in the layout. */
export interface GdbRegister {
  /** GDB's name. */
  readonly name: string;
  /** Bits that it takes in packets: a multiple of 8. */
  readonly bits: number;
  /** GDB's own type, or one that its feature defines; a whole number if not given. */
  readonly type?: string;
  /** Where `info registers` lists it; GDB decides if not given. */
  readonly group?: string;
  /**
   * The vCPU's names for it, in the order in which they are tried: a guest may be in a mode that has not all of them.
   * Without names it is a register that GDB wants and the guest has not.
   */
  readonly source: readonly string[];
  /**
   * It is the program counter. For GDB that is an address among those of memory, where it disassembles, sets breakpoints and
   * steps: on x86 a linear one, the code segment's base and the offset together (`VirtualCpu.linearPc`).
   */
  readonly isPc?: true;
}

/** A group of registers under a name that GDB looks for, or one of ours that it just shows. */
export interface GdbFeature {
  readonly name: string;
  /** Definitions of types, as XML. */
  readonly types?: string;
  readonly registers: readonly GdbRegister[];
}

/** All that GDB is told of a guest's registers. */
export interface GdbLayout {
  /** BFD's name, as `set architecture` takes it. */
  readonly architecture: string;
  /** GDB's name of an ABI, where it would guess one that it has not for this architecture; its guess if not given. */
  readonly osabi?: string;
  readonly features: readonly GdbFeature[];
  /** Byte order of registers in packets: the guest's. */
  readonly order: "le" | "be";
  /** Names of the registers that a stop brings along, so that GDB need not ask: program counter and stack pointer. */
  readonly expedited: readonly string[];
}

/** Widths of a guest that a layout can be for. */
export type LayoutWidth = 16 | 32 | 64;

/**
 * The layout for a VM. GDB asks once, when it connects: a guest that changes its mode later keeps its layout, so `width` may
 * ask for that of another mode than the first vCPU's present one.
 */
export function layoutOf(vm: Vm, width?: LayoutWidth): GdbLayout {
  if (vm.arch === "ppc") return ppcLayout(vm.mode === 32 ? 32 : 64, vm.isa.order);
  return x86Layout(width ?? widthNow(vm));
}

/** Of the code that the first vCPU is at. */
function widthNow(vm: Vm): LayoutWidth {
  const { registers } = vm.vcpu;
  if (registers.has("rax")) return 64;
  return registers.has("ip") ? 16 : 32;
}

/** All registers in their order. */
export function registersOf({ features }: GdbLayout): readonly GdbRegister[] {
  return features.flatMap(({ registers }) => registers);
}

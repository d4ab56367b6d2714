/** A vCPU as users of a VM meet it; the engine's side of it is `Vcpu`'s own business. */
import type { MappingList, PageWalk, WalkQuestion } from "./debug/page_walk.ts";
import type { Registers } from "./registers.ts";
import type { StopDetail } from "./stop.ts";

/** A virtual CPU: registers, counters, and what a hypercall's handler may do. */
export interface VirtualCpu {
  /** Position in `Vm.vcpus`. */
  readonly index: number;
  /** Its registers by name. */
  readonly registers: Registers;
  /**
   * Address of the next instruction (of the one that exits, during an exit): 64 bits, cut to the ISA's
   * address width when it is set. In x86 real mode an offset into the code segment: see `codeAddress`.
   */
  pc: bigint;
  /**
   * The same with the base of the code segment in it, before translation: where `pc` is among the addresses of data. On
   * PowerPC, and in x86's 64-bit mode and flat segments, it is `pc`.
   */
  linearPc: bigint;
  /** Instructions completed since the VM was made; during an exit, those before the one that exits. */
  readonly instructions: number;
  /** Virtual time: cycles of instructions, of exits and of `idle` since the VM was made. */
  readonly cycles: number;
  /** Cycles in which it was halted until an interrupt woke it, or parked until it was started; no exit is charged with them. */
  readonly idleCycles: number;
  /** True while it waits for an interrupt (HLT, nap), in a VM with an interrupt controller or several vCPUs. */
  readonly halted: boolean;
  /** True until it is started: every vCPU but the first begins so, and comes back to it on reset. */
  readonly parked: boolean;
  /**
   * Sets `pc`, and lets a parked vCPU run from there: its clock then shows what that of the vCPU shows that executed
   * last. Everything else is as after reset, or as it was set.
   */
  start(pc: bigint): void;
  /** True while an exit of this vCPU is being handled, or waits for its device. */
  readonly inExit: boolean;
  /** Settles when the asynchronous device does that the instruction at hand waits for; undefined if it waits for none. */
  readonly pending: Promise<void> | undefined;
  /** Guest-physical address of the code at `pc`, by default the vCPU's own: x86 real mode adds CS's base. */
  codeAddress(pc?: bigint): bigint;
  /** What code at `pc`, by default the vCPU's own, is fetched from, before translation: x86 adds CS's base. */
  fetchAddress(pc?: bigint): bigint;
  /**
   * Guest-physical address of data or code at an address (x86: linear, PowerPC: effective), without an effect and whatever
   * the privilege; undefined if nothing is mapped.
   */
  physicalAddress(address: bigint, reach?: "data" | "code"): bigint | undefined;
  /** How an address comes to memory, step by step, or why it does not; without an effect on the guest. */
  walk(address: bigint, question?: WalkQuestion): PageWalk;
  /** The first pages and blocks that are mapped, by address: `most` of them (200,000 if not given) at most. */
  mappings(most?: number): MappingList;
  /** Memory at such addresses, as a debugger reads it. Throws `RangeError` that names what is not mapped or no memory. */
  readMemory(address: bigint, length: number): Uint8Array<ArrayBuffer>;
  /** Writes there, to read-only memory too. Throws as `readMemory`, having written nothing. */
  writeMemory(address: bigint, bytes: Uint8Array): void;
  /** The symbol that `pc` belongs to, as `name` or `name+0x10`; undefined where none is near. */
  symbol(): string | undefined;
  /** Back to the ISA's reset values; time goes on. */
  reset(): void;
  /** A copy of all registers, in the engine's own layout; time (cycles, instructions) is not among them. */
  saveState(): Uint8Array;
  /** What `saveState` gives right after reset. */
  resetState(): Uint8Array;
  /** Puts registers back. An instruction that was left half-way is abandoned with its pending exit. */
  restoreState(bytes: Uint8Array): void;
  /**
   * Adds cycles of a handler's own work to the exit at hand. Throws `RangeError` unless it is a safe integer
   * of at least 0, `Error` before the first exit.
   */
  chargeDevice(cycles: number): void;
  /** Ends the run after the instruction at hand. */
  requestStop(stop: StopDetail): void;
}

/** How a cost grows: what is made greater, and what is timed at each size. */
import type { Vm } from "../../../mod.ts";
import { expectValue } from "../guests/guest.ts";

export interface Axis {
  readonly name: AxisName;
  /** What the time is of. */
  readonly per: "instruction" | "exit";
  readonly unit: "" | "B";
  readonly sizes: readonly number[];
  /** Further sizes that take minutes. */
  readonly long?: readonly number[];
  prepare(size: number): Promise<Timing>;
}

export type AxisName = "instructions" | "exits" | "RAM" | "RAM, all touched" | "code" | "vCPUs";

/** A size that is ready. */
export interface Timing {
  time(): Promise<Measured>;
}

export interface Measured {
  /** Of one instruction or exit. */
  readonly nanoseconds: number;
  /** Bytes of a process that does nothing else, the guest's RAM among them. */
  readonly resident?: number;
}

/** Runs exactly so many instructions of a guest that does not stop by itself; gives the milliseconds. */
export async function runFor(vm: Vm, instructions: number): Promise<number> {
  const executed = () => vm.vcpus.reduce((sum, vcpu) => sum + vcpu.instructions, 0);
  const before = executed(), start = performance.now();
  const stop = await vm.run({ instructions });
  const elapsed = performance.now() - start;
  if (stop.reason !== "BUDGET") throw new Error(`the guest stopped: ${stop.reason}, ${stop.message}`);
  expectValue("instructions executed", BigInt(executed() - before), BigInt(instructions));
  return elapsed;
}

/** What answers an exit: a handler on a bus, in the hypercall table, or one that waits for a write. */
import type { AccessSize, BusValue } from "./bus.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** A load's value, now or later; nothing for anything else. */
export type Answer = BusValue | void | Promise<BusValue | void>;

export interface Answerer {
  /** For messages. */
  readonly name: string;
  /** An access's `key` is an address of the bus; `value` goes out. Of the rest a hypercall wants the vCPU alone. */
  answer(
    key: number,
    direction: "in" | "out" | "none",
    size: AccessSize,
    value: BusValue,
    vcpu: VirtualCpu,
  ): Answer;
}

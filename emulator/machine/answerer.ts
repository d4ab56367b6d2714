/** What answers an exit: a handler on a bus, in the hypercall table, or one that waits for a write. */
import type { HandledIn } from "../engine/native_reason.ts";
import type { AccessSize, BusValue } from "./bus.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** A load's value, now or later; nothing for anything else. */
export type Answer = BusValue | void | Promise<BusValue | void>;

export interface Answerer {
  /** For messages. */
  readonly name: string;
  /** Who completes the exit. */
  handledIn(vcpu: VirtualCpu): HandledIn;
  /** An access's `offset` is from where the range begins; `value` goes out. Of the rest a hypercall wants the vCPU alone. */
  answer(
    offset: number,
    direction: "in" | "out" | "none",
    size: AccessSize,
    value: BusValue,
    vcpu: VirtualCpu,
  ): Answer;
}

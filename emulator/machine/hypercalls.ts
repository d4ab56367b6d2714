/** The hypercall table of a VM: what answers which number. */
import type { HandledIn } from "../engine/native_reason.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** Answers a hypercall: reads arguments and sets results in `vcpu.registers`, by the ABI of its backend. */
export interface Hypercall {
  /** For messages and lists. */
  readonly name: string;
  /** Who completes the call; userspace if not given. A function may look at the arguments. */
  readonly handledIn?: HandledIn | ((vcpu: VirtualCpu) => HandledIn);
  /** Time and every vCPU stand still until it settles; what it throws ends the run with DEVICE_ERROR. */
  call(vcpu: VirtualCpu): void | Promise<void>;
}

/** One key space per VM: the low 32 bits of the register that the backend's ABI keeps the number in. */
export class HypercallTable {
  readonly #calls = new Map<number, Hypercall>();

  /** Throws `RangeError` if `number` is no unsigned 32-bit number or taken. */
  register(number: number, call: Hypercall): void {
    if (!Number.isInteger(number) || number < 0 || number >= 2 ** 32) {
      throw new RangeError(`hypercall number ${number} is not an unsigned 32-bit number`);
    }
    const taken = this.#calls.get(number);
    if (taken) throw new RangeError(`hypercall 0x${number.toString(16)} is taken by ${taken.name}`);
    this.#calls.set(number, call);
  }

  /** Takes a number away; false if nobody answers it. */
  unregister(number: number): boolean {
    return this.#calls.delete(number);
  }

  /** What answers a number. */
  find(number: number): Hypercall | undefined {
    return this.#calls.get(number);
  }

  /** By number. */
  get list(): readonly { readonly number: number; readonly name: string }[] {
    return [...this.#calls].map(([number, { name }]) => ({ number, name })).sort((a, b) =>
      a.number - b.number
    );
  }
}

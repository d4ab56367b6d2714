/** The hypercall table of a VM: what answers which number. */
import type { HandledIn } from "../engine/native_reason.ts";
import type { Answer, Answerer } from "./answerer.ts";
import type { AccessSize, BusValue } from "./bus.ts";
import { Changes } from "./changes.ts";
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

/** A hypercall as what answers an exit. */
export class AnsweringCall implements Answerer {
  readonly number: number;
  readonly call: Hypercall;

  constructor(number: number, call: Hypercall) {
    this.number = number;
    this.call = call;
  }

  get name(): string {
    return this.call.name;
  }
  /** Whether the arguments tell who completes it. */
  get asksArguments(): boolean {
    return typeof this.call.handledIn === "function";
  }
  handledIn(vcpu: VirtualCpu): HandledIn {
    const { handledIn } = this.call;
    return (typeof handledIn === "function" ? handledIn(vcpu) : handledIn) ?? "userspace";
  }
  answer(_offset: number, _direction: string, _size: AccessSize, _value: BusValue, vcpu: VirtualCpu): Answer {
    return this.call.call(vcpu);
  }
}

/** One key space per VM: the low 32 bits of the register that the backend's ABI keeps the number in. */
export class HypercallTable {
  readonly #calls = new Map<number, AnsweringCall>();
  /** The one that was found last. */
  #last: AnsweringCall | undefined;
  readonly #changes: Changes;

  /** An empty table. */
  constructor(changes: Changes = new Changes()) {
    this.#changes = changes;
  }

  /** Throws `RangeError` if `number` is no unsigned 32-bit number or taken. */
  register(number: number, call: Hypercall): void {
    if (!Number.isInteger(number) || number < 0 || number >= 2 ** 32) {
      throw new RangeError(`hypercall number ${number} is not an unsigned 32-bit number`);
    }
    const taken = this.#calls.get(number);
    if (taken) throw new RangeError(`hypercall 0x${number.toString(16)} is taken by ${taken.name}`);
    this.#calls.set(number, new AnsweringCall(number, call));
    this.#changes.note();
  }

  /** Takes a number away; false if nobody answers it. */
  unregister(number: number): boolean {
    this.#last = undefined;
    this.#changes.note();
    return this.#calls.delete(number);
  }

  /** What answers a number. */
  find(number: number): Hypercall | undefined {
    return this.answering(number)?.call;
  }

  /** @internal */
  answering(number: number): AnsweringCall | undefined {
    const last = this.#last;
    if (last !== undefined && last.number === number) return last;
    const found = this.#calls.get(number);
    if (found !== undefined) this.#last = found;
    return found;
  }

  /** By number. */
  get list(): readonly { readonly number: number; readonly name: string }[] {
    return [...this.#calls].map(([number, { name }]) => ({ number, name })).sort((a, b) =>
      a.number - b.number
    );
  }
}

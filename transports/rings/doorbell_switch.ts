/** The hypercall that all rings of a machine are kicked by, and which ring one is for. */
import { registerValues } from "../../emulator/machine/hypervisors/abi.ts";
import type { Vm } from "../../emulator/machine/vm.ts";
import type { HypercallAbi } from "../abi.ts";
import type { RegisterFile } from "../hypercalls.ts";
import type { Bell } from "./doorbell.ts";
import { type DoorbellCall, doorbellCall } from "./doorbell_calls.ts";

export class DoorbellSwitch {
  readonly call: DoorbellCall;
  readonly #vm: Vm;
  readonly #abi: HypercallAbi;
  /** By what names them. */
  readonly #bells = new Map<number, Bell>();

  constructor(vm: Vm, abi: HypercallAbi) {
    this.#vm = vm;
    this.#abi = abi;
    this.call = doorbellCall(vm.hypervisor.name, abi);
  }

  /**
   * A ring's doorbell from now on, and what the guest names it by. Throws `RangeError` if the hypercall is somebody else's
   * on this machine.
   */
  add(number: number, bell: Bell): { readonly target: number; remove(): void } {
    const target = this.call.base + number, { hypercalls } = this.#vm;
    if (this.#bells.size === 0) this.#register();
    this.#bells.set(target, bell);
    return {
      target,
      remove: () => {
        if (this.#bells.delete(target) && this.#bells.size === 0) hypercalls.unregister(this.call.number);
      },
    };
  }

  #register(): void {
    const { hypercalls, hypervisor } = this.#vm;
    hypercalls.register(this.call.number, {
      name: `${hypervisor.name} doorbell of rings`,
      handledIn: ({ registers }) => {
        const found = this.#named(registers);
        return typeof found === "number" || found.kind === "userspace" ? "userspace" : "kernel";
      },
      call: ({ registers }) => {
        const found = this.#named(registers);
        const status = typeof found === "number" ? found : 0;
        const { width, status: register } = this.#abi;
        for (const [name, value] of registerValues(register, BigInt.asUintN(8 * width, BigInt(status)))) {
          registers.set(name, value);
        }
        if (typeof found !== "number") return found.rung();
      },
    });
  }

  /** The bell that a call is for, or the status that refuses it. */
  #named(registers: RegisterFile): Bell | number {
    const named = this.call.named(registers, this.#vm.memory);
    return named.ok ? this.#bells.get(named.target) ?? this.call.unknown : named.status;
  }
}

/** One run of a VM at a time: who has it, who looks on, and what userspace does when it comes back. */
import type { CoalescedZones } from "./coalesced.ts";
import type { Breakpoints } from "./debug/breakpoints.ts";
import { type RunOptions, runVcpus } from "./run.ts";
import type { Stop } from "./stop.ts";
import type { Turns } from "./turns.ts";
import type { Vcpu } from "./vcpu.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

export class Runner {
  readonly #vcpus: readonly Vcpu[];
  readonly #turns: Turns;
  readonly #breakpoints: Breakpoints;
  readonly #coalesced: CoalescedZones;
  readonly #observers = new Set<(vcpu: VirtualCpu) => void>();
  #by: string | undefined;

  constructor(vcpus: readonly Vcpu[], turns: Turns, breakpoints: Breakpoints, coalesced: CoalescedZones) {
    this.#vcpus = vcpus;
    this.#turns = turns;
    this.#breakpoints = breakpoints;
    this.#coalesced = coalesced;
  }

  /** Who runs the VM, empty for nobody in particular; undefined while it stands. */
  get by(): string | undefined {
    return this.#by;
  }

  /** Tells `observer` of each instruction before it is executed, until the function that is answered is called. */
  observe(observer: (vcpu: VirtualCpu) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Throws `Error` if a run is under way already, and as `runVcpus`. */
  async run(options: RunOptions): Promise<Stop> {
    if (this.#by !== undefined) {
      throw new Error(
        this.#by === ""
          ? "the VM is running: a run, step or call cannot start inside another one"
          : `the VM is running for ${this.#by}: it has to be stopped there before a run, step or call here`,
      );
    }
    this.#by = options.by ?? "";
    const hold = (on: boolean) => this.#vcpus.forEach((vcpu) => vcpu.holdsInterrupts = on);
    hold(options.holdInterrupts ?? false);
    try {
      const running = {
        vcpus: this.#vcpus,
        turns: this.#turns,
        breakpoints: this.#breakpoints,
        observers: this.#observers,
      };
      return await this.#deliver(await runVcpus(running, options));
    } finally {
      // What another stop came before counts as met all the same.
      for (const { debug, halfway } of this.#vcpus) if (!halfway) debug.stop();
      hold(false);
      this.#by = undefined;
    }
  }

  /** A run that ends is a return to userspace, which takes what was gathered, unless it may not wait or a device has failed. */
  async #deliver(stop: Stop): Promise<Stop> {
    const { reason } = stop;
    if (this.#coalesced.waiting === 0 || reason === "INTERRUPTED" || reason === "DEVICE_ERROR") return stop;
    try {
      await this.#coalesced.drain();
      return stop;
    } catch (error) {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      const message = `a device failed on a write that was gathered: ${text}`;
      return { reason: "DEVICE_ERROR", device: "coalesced", error, message, pc: stop.pc, vcpu: stop.vcpu };
    }
  }
}

/** The interrupt inputs of a VM as devices and scripts drive them, whichever vCPU the controller then asks. */
import type { Interrupts } from "./interrupts.ts";

export class InterruptLines {
  readonly #vcpus: readonly { readonly controller: Interrupts | undefined }[];

  constructor(vcpus: readonly { readonly controller: Interrupts | undefined }[]) {
    this.#vcpus = vcpus;
  }

  /** Drives a line. Throws `Error` where there is no controller, `RangeError` for a line that there is not. */
  set(line: number, level: boolean): void {
    const controller = this.#first;
    this.signal(() => controller.setLine(line, level));
  }

  /** Throws `Error` where there is no controller, `RangeError` for a vCPU that takes none. */
  raiseNmi(vcpu: number): void {
    void this.#first;
    const controller = this.#vcpus[vcpu]?.controller;
    if (!controller) throw new RangeError(`vCPU ${vcpu} takes no non-maskable interrupts`);
    controller.raiseNmi();
  }

  /** Does what may make the interrupt controller ask any vCPU. */
  signal<T>(act: () => T): T {
    const before = this.#vcpus.map(({ controller }) => controller?.asserted === true);
    const result = act();
    this.#vcpus.forEach(({ controller }, i) => controller?.look(before[i]));
    return result;
  }

  get #first(): Interrupts {
    const { controller } = this.#vcpus[0];
    if (controller) return controller;
    throw new Error("this VM has no interrupt controller: make it with interrupts: true");
  }
}

/** A hypercall on its way from an x86 guest: what a hypervisor's personality answers it with. */
import type { NativeReason } from "../../engine/native_reason.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import type { Hypercall } from "../hypercalls.ts";
import type { ExitSeen } from "../hypervisors/hypervisor.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION } from "./fault.ts";
import { deliver } from "./protected.ts";

export class HypercallTrap {
  readonly vcpu: Vcpu;
  readonly #native: NativeReason;
  readonly #seen: ExitSeen | undefined;

  constructor(vcpu: Vcpu, native: NativeReason, seen?: ExitSeen) {
    this.vcpu = vcpu;
    this.#native = native;
    this.#seen = seen;
  }

  /** One that is gone on with after its device was waited for: its registers are what the device made of them. */
  get replays(): boolean {
    return this.vcpu.exits.replays;
  }

  /** Whoever has the number answers it, else the hypervisor's `own` service, or `unknown` sets what it does. */
  serve(number: number, unknown: () => void, own?: Hypercall): Status {
    return this.vcpu.exits.hypercall(this.#native, number, unknown, this.#seen, own);
  }

  /** The hypervisor answers by itself, whatever the number. */
  refuse(number: number, set: () => void): Status {
    this.vcpu.exits.kernelExit(this.#native, this.#seen?.key ?? number);
    set();
    return STATUS.proceed;
  }

  /** The guest gets #UD for it. */
  invalid(number: number, why: string): Status {
    this.vcpu.exits.kernelExit(this.#native, this.#seen?.key ?? number);
    return deliver(this.vcpu, { vector: EXCEPTION.UD, code: 0, why, kind: "fault" });
  }
}

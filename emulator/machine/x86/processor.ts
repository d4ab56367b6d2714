/** What the machine knows of an x86 vCPU beside its traps. */
import type { Status } from "../../engine/host.ts";
import type { Isa } from "../../isa/isa.ts";
import { x86IsaOf } from "../../x86/isa.ts";
import { RSP } from "../../x86/slots.ts";
import { type Processor, REACH } from "../processor.ts";
import { offenderOf } from "../unimplemented.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { Paging } from "./paging.ts";
import { deliver } from "./protected.ts";
import { reachesStack } from "./stack_reach.ts";
import { raise } from "./raise.ts";
import { SingleStep } from "./single_step.ts";
import { variantOf } from "./variant.ts";

export class X86Processor implements Processor {
  readonly translation: Paging;
  readonly #vcpu: Vcpu;
  readonly #step: SingleStep;

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
    this.translation = new Paging(vcpu);
    this.#step = new SingleStep(vcpu);
  }

  isa(): Isa {
    return x86IsaOf(variantOf(this.#vcpu.state));
  }

  raise(): Status {
    const { vector, code, why } = this.translation.fault(() => this.#notCanonical());
    return deliver(this.#vcpu, { vector, code, why, kind: "fault" });
  }

  invalidInstruction(): Status {
    return raise(this.#vcpu, EXCEPTION.UD, 0);
  }

  stepping(): boolean {
    return this.#step.begins();
  }
  stepped(): Status {
    return this.#step.ends();
  }

  /** Of the instruction at hand. */
  #notCanonical(): Fault {
    const vector = this.#inStack() ? EXCEPTION.SS : EXCEPTION.GP;
    return new Fault(vector, 0, `address 0x${this.translation.failedAt.toString(16)} is not canonical`);
  }

  /** Whether what the instruction at hand could not reach is in the stack segment. */
  #inStack(): boolean {
    const { failedAt, failedReach } = this.translation;
    if (failedReach === REACH.fetch) return false;
    const { isa, state } = this.#vcpu, { bytes, pc } = offenderOf(this.#vcpu);
    const text = isa.disassemble(bytes, pc)?.text;
    return text !== undefined && reachesStack(text, failedAt, state.get64(RSP));
  }
}

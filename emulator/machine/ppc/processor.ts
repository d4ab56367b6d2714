/** What a PowerPC knows of its vCPU beside its traps. */
import type { Backend } from "../../engine/backend.ts";
import type { Status } from "../../engine/host.ts";
import type { Isa } from "../../isa/isa.ts";
import { ppcIsa } from "../../ppc/isa.ts";
import { MSR, type PpcMode, SLOT } from "../../ppc/state.ts";
import { type Processor, REACH } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";
import { illegal, reflect, VECTOR } from "./interrupt.ts";
import { missing } from "./trap_parts.ts";
import { Translation32 } from "./translation.ts";

export class PpcProcessor implements Processor {
  /** A 64-bit processor's is not implemented: MSR[IR] and MSR[DR] cannot be set. */
  readonly translation?: Translation32;
  readonly #vcpu: Vcpu;
  readonly #mode: PpcMode;
  readonly #backend: Backend;

  constructor(vcpu: Vcpu, mode: PpcMode) {
    this.#vcpu = vcpu;
    this.#mode = mode;
    this.#backend = vcpu.board.backend;
    if (mode === 32) this.translation = new Translation32(vcpu);
  }

  /** MSR[LE] chooses, between two instructions; MSR[SF] cannot change. */
  isa(): Isa {
    return ppcIsa(this.#mode, this.#vcpu.state.get32(SLOT.msr) & Number(MSR.LE) ? "le" : "be");
  }

  /** Instruction storage or data storage interrupt (Programming Environments Manual 6.4.3 and 6.4.4). */
  raise(): Status {
    const vcpu = this.#vcpu, failure = this.translation?.failure;
    if (!failure) throw new Error("no translation has failed");
    if ("missing" in failure) return missing(vcpu, failure.missing);
    const { reach, address, bits } = failure;
    if (reach === REACH.fetch) {
      return reflect(vcpu, this.#backend, VECTOR.instructionStorage, BigInt(bits));
    }
    vcpu.state.set64(SLOT.dar, BigInt(address));
    vcpu.state.set64(SLOT.dsisr, BigInt(bits));
    return reflect(vcpu, this.#backend, VECTOR.dataStorage);
  }

  invalidInstruction(): Status {
    return illegal(this.#vcpu, this.#backend);
  }
}

/** What a PowerPC knows of its vCPU beside its traps. */
import type { Backend } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import type { Isa } from "../../isa/isa.ts";
import { ppcIsa } from "../../ppc/isa.ts";
import { MSR, type PpcMode, SLOT } from "../../ppc/state.ts";
import { type Processor, REACH } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";
import { illegal, interrupt, reflect, reflectionExit, VECTOR, vectorAddress } from "./interrupt.ts";
import { missing } from "./trap_parts.ts";
import { Translation32 } from "./translation.ts";

const STEPS = Number(MSR.SE), TRACES = Number(MSR.SE | MSR.BE);

export class PpcProcessor implements Processor {
  /** A 64-bit processor's is not implemented: MSR[IR] and MSR[DR] cannot be set. */
  readonly translation?: Translation32;
  readonly #vcpu: Vcpu;
  readonly #mode: PpcMode;
  readonly #backend: Backend;
  /** A trace interrupt is to follow the instruction at hand. */
  #traced = false;

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
    this.#mode = vcpu.isa.addressWidth;
    this.#backend = vcpu.board.backend;
    if (this.#mode === 32) this.translation = new Translation32(vcpu);
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

  /** A guest without a handler would raise this for ever, from the handler's first word: it is stopped there. */
  invalidInstruction(): Status {
    const vcpu = this.#vcpu;
    if (vcpu.pc !== vectorAddress(vcpu, VECTOR.program)) return illegal(vcpu, this.#backend);
    const from = vcpu.state.get64(SLOT.srr0).toString(16), at = vcpu.pc.toString(16);
    const message = `no instruction at 0x${at}, where program interrupts are handled (SRR0 0x${from})`;
    return vcpu.exits.stops.again({ reason: "INTERNAL_ERROR", address: vcpu.pc, message });
  }

  /** Trace interrupts: after each instruction with MSR[SE]=1, after each branch with MSR[BE]=1 (2.07B 6.5.15). */
  stepping(): boolean {
    const vcpu = this.#vcpu, msr = vcpu.state.get32(SLOT.msr);
    if (!(msr & TRACES)) return false;
    // Within an instruction, what was found at its beginning counts.
    if (!vcpu.inExit) this.#traced = (msr & STEPS) !== 0 || this.#isBranch();
    return true;
  }
  stepped(): Status {
    const vcpu = this.#vcpu;
    const traced = this.#traced &&
      vcpu.state.getNumber(SLOT.untraced) !== vcpu.engine.instructions;
    if (!traced) return STATUS.proceed;
    reflectionExit(vcpu, this.#backend, VECTOR.trace);
    return interrupt(vcpu, VECTOR.trace, vcpu.pc, 0n);
  }

  /** b, bc, bclr, bcctr at `pc`, taken or not. */
  #isBranch(): boolean {
    const vcpu = this.#vcpu, place = vcpu.code.placeOf(vcpu.pc);
    if (place < 0) return false;
    const decoded = vcpu.isa.decode(vcpu.board.arena.u8.slice(place, place + 4), vcpu.pc);
    return "form" in decoded && decoded.form.cycleClass === "branch";
  }
}

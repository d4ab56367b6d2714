/** EFLAGS.TF: a #DB after each instruction. SDM vol. 3B, 17.3.1.4. */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import type { StateView } from "../../isa/isa.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { DR, EFLAGS_REST } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION } from "./fault.ts";
import { loadsStack, opcodeAt } from "./opcode_at.ts";
import { deliver } from "./protected.ts";

/** DR6.BS. */
const BS = 0x4000n;

/** Opcodes of INT1, INT3, INT n and INTO. */
const INTERRUPTS: ReadonlySet<number> = new Set([0xf1, 0xcc, 0xcd, 0xce]);

function isTracing(state: StateView): boolean {
  return (state.get64(EFLAGS_REST) & FLAG.TF) !== 0n;
}

export class SingleStep {
  readonly #vcpu: Vcpu;
  /** Of the instruction at hand: it is followed by a #DB always, if TF is set still, or never. */
  #follows: "always" | "if set" | "never" = "always";

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
  }

  /** Before an instruction: whether TF is set. */
  begins(): boolean {
    const vcpu = this.#vcpu;
    if (!isTracing(vcpu.state)) return false;
    // A trap asks as well, whether its instruction is the last one for now.
    if (vcpu.inExit) return true;
    const found = opcodeAt(vcpu, vcpu.codeAddress());
    // A software interrupt clears TF, and its handler is not stepped through; POPF and IRET may clear it too.
    this.#follows = found && INTERRUPTS.has(found.opcode)
      ? "if set"
      : found && loadsStack(vcpu, found)
      ? "never"
      : "always";
    return true;
  }

  /** After it: enters the handler of #DB. The address that it returns to is the next instruction's. */
  ends(): Status {
    const vcpu = this.#vcpu, { state } = vcpu, dr6 = DR + 8 * 6;
    if (this.#follows === "never" || this.#follows === "if set" && !isTracing(state)) return STATUS.redirect;
    state.set64(dr6, state.get64(dr6) | BS);
    return deliver(vcpu, { vector: EXCEPTION.DB, kind: "step" });
  }
}

export const singleStepTraps: Readonly<Record<string, ArchTrap>> = {
  /**
   * TF was set by an instruction that is done but for its branch: it is not followed by a #DB, the next one is. Or IF
   * was, and an interrupt waited: the run loop has to look.
   */
  flags_set(vcpu) {
    vcpu.state.set64(STATE.pc, vcpu.argument64(0));
    if (vcpu.argument(1) !== 0) vcpu.shadow = true;
    vcpu.engine.brake();
    return STATUS.redirect;
  },
};

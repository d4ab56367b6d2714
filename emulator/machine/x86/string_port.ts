/**
 * Repeated INS and OUTS: how many iterations KVM completes in one exit. Both VT-x and SVM hand string accesses to its
 * emulator (handle_io in arch/x86/kvm/vmx/vmx.c, io_interception in svm/svm.c), which goes on as long as it needs no
 * userspace (x86_emulate_insn in arch/x86/kvm/emulate.c). A processor that exits once more with rCX at 0, as a measured
 * KVM showed, is not modelled.
 */
import type { Status } from "../../engine/host.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { EFLAGS_REST, RDI } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { portAccess } from "./port_access.ts";

const PAGE = 4096;
/** pio_in_emulated reads ahead into a buffer of this many bytes (struct read_cache). */
const READ_AHEAD = 1024;
/** Without a read-ahead the emulator lets the guest in again when rCX is a multiple of this. */
const RESTARTS = 1024;

/** A trap of one iteration: it is an exit of its own, or one more access of the exit before. */
export function stringPort(direction: "in" | "out"): ArchTrap {
  const further = direction === "in" ? inputs : outputs;
  return (vcpu, rule): Status => {
    if (rule.do !== "exit") throw new TypeError("a hypervisor has to answer port accesses");
    const { stringDoor: door } = vcpu.board.hypervisor;
    if (door && vcpu.argument(0) === door.port) {
      const moved = door.move(vcpu, rule.reason, direction, left(vcpu));
      if (moved !== undefined) return moved;
    }
    return portAccess(vcpu, rule.reason, direction, { further: (inKernel) => further(vcpu, inKernel) });
  };
}

/** Userspace reads as many as fit into the read-ahead and the page of the destination, at once. */
function inputs(vcpu: Vcpu): number {
  const { state } = vcpu, size = vcpu.argument(1);
  const offset = state.get32(RDI) % PAGE;
  const down = (state.get64(EFLAGS_REST) & FLAG.DF) !== 0n;
  const room = Math.min(down ? offset : PAGE - offset, READ_AHEAD);
  const many = Math.max(1, Math.trunc(room / size));
  return Math.min(many - 1, left(vcpu) - 1);
}

/** Userspace is told of each by itself; the kernel goes on. */
function outputs(vcpu: Vcpu, inKernel: boolean): number {
  return inKernel ? (left(vcpu) - 1) % RESTARTS : 0;
}

/** Iterations that are left; beyond 2^32 of them it does not matter how many. */
function left(vcpu: Vcpu): number {
  return Number(vcpu.argument64(3));
}

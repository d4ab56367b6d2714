/**
 * KVM on PowerPC below a guest in user mode: ePAPR's hypercalls. Power ePAPR 1.1, chapter 6 and 2.8.4; Linux
 * Documentation/virt/kvm/ppc-pv.rst, asm/epapr_hcalls.h, arch/powerpc/kvm/book3s_pr.c and powerpc.c (`kvmppc_kvm_pv`).
 */
import { KVM_MAGIC_R0 } from "../../ppc/kvm_pr.ts";
import { gpr, SLOT } from "../../ppc/state.ts";
import { inProblemState } from "../ppc/trap_parts.ts";
import { type HypercallAbi, PRIVATE_NUMBERS } from "./abi.ts";
import { cells, strings } from "./device_tree.ts";
import { NO_CALL, type Personality } from "./hypervisor.ts";

/** What a number gets that nobody answers: EV_UNIMPLEMENTED (ePAPR 1.1, table 8-5). */
const EV_UNIMPLEMENTED = 12n;
/** KVM_HC_FEATURES with KVM's vendor code in the upper half. */
const FEATURES = 42 << 16 | 3;
/** EV_IDLE: until an interrupt can be taken. (KVM also goes on if one is pending while MSR[EE] is 0; here that waits.) */
const IDLE = epaprToken(16);

/** What r11 holds for a hypercall of ePAPR's own: its vendor code, 1, and the number. */
export function epaprToken(number: number): number {
  return 1 << 16 | number;
}

/** `lis r0; ori r0; sc; nop`: what the tree publishes, so that nobody has to patch anything. */
const INSTRUCTIONS = [
  0x3c00_0000 | KVM_MAGIC_R0 >>> 16,
  0x6000_0000 | KVM_MAGIC_R0 & 0xffff,
  0x4400_0002,
  0x6000_0000,
];

function abi(mode: 32 | 64): HypercallAbi {
  return {
    name: "ePAPR",
    trap: "lis r0,0x4b56; ori r0,r0,0x4d21; sc; nop",
    source: "Power ePAPR 1.1; Linux Documentation/virt/kvm/ppc-pv.rst",
    entry: { by: "instructions" },
    number: "r11",
    args: ["r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10"],
    status: "r3",
    length: "r4",
    outputs: ["r5", "r6", "r7", "r8", "r9", "r10", "r11"],
    width: mode === 64 ? 8 : 4,
    order: "be",
    errors: {
      EIO: 3,
      EAGAIN: 4,
      EFAULT: 6,
      ENODEV: 7,
      EINVAL: 8,
      EINPROGRESS: 11, // EV_INVALID_STATE
      ENOSYS: 12, // EV_UNIMPLEMENTED
      E2BIG: 13, // EV_BUFFER_OVERFLOW
    },
    numbers: PRIVATE_NUMBERS,
  };
}

export const epapr: Personality = {
  name: "epapr",
  title: "KVM on PowerPC, ePAPR",
  discovery:
    'device tree /hypervisor, compatible "linux,kvm"; its hypercall-instructions are what to execute',
  carriers: { "kvm-pr": [32, 64] },
  abi: (_backend, mode) => abi(mode === 64 ? 64 : 32),
  callWords: [gpr(0), gpr(11), SLOT.msr],
  systemCalls: {
    reason: "HYPERCALL",
    number(vcpu) {
      const { state } = vcpu;
      // From problem state it is a system call like any other.
      const isCall = state.get32(gpr(0)) === KVM_MAGIC_R0 && !inProblemState(vcpu);
      return isCall ? state.get32(gpr(11)) : NO_CALL;
    },
    unknown({ state }, number) {
      if (number === IDLE) return state.set64(gpr(3), 0n);
      if (number !== FEATURES) return state.set64(gpr(3), EV_UNIMPLEMENTED);
      // None: the magic page is not modelled.
      state.set64(gpr(3), 0n);
      state.set64(gpr(4), 0n);
    },
    idle: IDLE,
  },
  tree: () => [{
    name: "hypervisor",
    properties: {
      compatible: strings("linux,kvm", "epapr,hypervisor-1.1"),
      "hypercall-instructions": cells(...INSTRUCTIONS),
      // Linux arch/powerpc/kernel/epapr_paravirt.c idles by EV_IDLE where it finds this.
      "has-idle": new Uint8Array(),
    },
  }],
  // ePAPR 1.1, 5.4.1: r6 tells that the client is booted by it (0x45504150 on others than Book III-E).
  handOver: { r6: 0x4550_4150n },
};

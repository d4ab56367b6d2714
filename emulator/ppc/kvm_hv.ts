/**
 * KVM on a POWER processor's hypervisor mode: the guest runs in its own supervisor state, so that most of what
 * it does needs no exit. Interrupt vectors: Power ISA 2.07B Book III-S 6.5; what becomes of each: Linux
 * arch/powerpc/kvm/book3s_hv.c, `kvmppc_handle_exit_hv`.
 */
import type { Backend } from "../engine/backend.ts";
import type { NativeReason } from "../engine/native_reason.ts";

const HANDLER = "Linux arch/powerpc/kvm/book3s_hv.c, kvmppc_handle_exit_hv";

const SYSCALL: NativeReason = {
  id: 0,
  reason: "PAPR_HCALL",
  name: "SYSCALL",
  code: 0xc00,
  keySpace: "hypercall",
  source: `Power ISA 2.07B Book III-S 6.5.14; ${HANDLER}`,
};
const H_DATA_STORAGE: NativeReason = {
  id: 1,
  reason: "MMIO",
  name: "H_DATA_STORAGE",
  code: 0xe00,
  keySpace: "gpa",
  source: `Power ISA 2.07B Book III-S 6.5.16; ${HANDLER}`,
};
const HV_EMUL_ASSIST: NativeReason = {
  id: 2,
  reason: "SPR",
  name: "HV_EMUL_ASSIST",
  code: 0xe40,
  keySpace: "spr",
  source: `Power ISA 2.07B Book III-S 6.5.18; ${HANDLER}`,
};
const EXTERNAL: NativeReason = {
  id: 3,
  reason: "INTERRUPT",
  name: "EXTERNAL",
  code: 0x500,
  keySpace: "none",
  source: `Power ISA 2.07B Book III-S 6.5.7; ${HANDLER}`,
};

/** An instruction that the processor does not have: handed back as a program interrupt. */
const HV_EMUL_ASSIST_ILLEGAL: NativeReason = {
  ...HV_EMUL_ASSIST,
  id: 4,
  reason: "INSTRUCTION",
  keySpace: "none",
};

/** The hypervisor decrementer, which a guest cannot reach: the host's own time slice has ended. */
const HV_DECREMENTER: NativeReason = {
  id: 5,
  reason: "INTERRUPT",
  name: "HV_DECREMENTER",
  code: 0x980,
  keySpace: "none",
  source: `Power ISA 2.07B Book III-S 6.5.12; ${HANDLER}`,
};

export const kvmHv: Backend = {
  name: "kvm-hv",
  arch: "ppc",
  title: "KVM on POWER, hypervisor mode",
  modes: [64],
  reasons: [SYSCALL, H_DATA_STORAGE, HV_EMUL_ASSIST, EXTERNAL, HV_EMUL_ASSIST_ILLEGAL, HV_DECREMENTER],
  traps: {
    // LEV=1 only: LEV=0 is delivered to the guest's own vector 0xc00 and leaves nothing.
    sc: { do: "exit", reason: SYSCALL },
    // Hypervisor-privileged registers only; special_registers.ts tells which are the guest's own.
    mfspr: { do: "exit", reason: HV_EMUL_ASSIST },
    mtspr: { do: "exit", reason: HV_EMUL_ASSIST },
    mftb: { do: "native" },
    mfmsr: { do: "native" },
    mtmsr: { do: "native" },
    rfi: { do: "native" },
    trap: { do: "native" },
    exception: { do: "native" },
    floatException: { do: "native" },
    alignment: { do: "native" },
    mfsr: { do: "native" },
    mtsr: { do: "native" },
    tlbie: { do: "native" },
    touch: { do: "native" },
  },
  // The decrementer is the guest's own and interrupts it without the host; a waiting line is taken so as well (LPCR[MER]).
  interrupts: { line: EXTERNAL, host: HV_DECREMENTER },
  // kvmppc_hv_emulate_mmio asks the fast bus for every store (Linux 4.18).
  mmio: { first: H_DATA_STORAGE, later: H_DATA_STORAGE, fast: "every" },
};

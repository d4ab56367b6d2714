/**
 * KVM on a POWER processor's hypervisor mode: the guest runs in its own supervisor state, so that most of what
 * it does needs no exit. Interrupt vectors: Power ISA 2.07B Book III-S 6.5; what becomes of each: Linux
 * arch/powerpc/kvm/book3s_hv.c, `kvmppc_handle_exit_hv`.
 */
import type { Backend } from "../engine/backend.ts";
import { type NativeReason, reasonsOf } from "../engine/native_reason.ts";

const HANDLER = "Linux arch/powerpc/kvm/book3s_hv.c, kvmppc_handle_exit_hv";
/** A vector by the section that describes its interrupt. */
const vectorOf = (section: string) => reasonsOf(`Power ISA 2.07B Book III-S ${section}; ${HANDLER}`);

const SYSCALL = vectorOf("6.5.14")(0, "PAPR_HCALL", "SYSCALL", 0xc00, "hypercall");
const H_DATA_STORAGE = vectorOf("6.5.16")(1, "MMIO", "H_DATA_STORAGE", 0xe00, "gpa");
const HV_EMUL_ASSIST = vectorOf("6.5.18")(2, "SPR", "HV_EMUL_ASSIST", 0xe40, "spr");
const EXTERNAL = vectorOf("6.5.7")(3, "INTERRUPT", "EXTERNAL", 0x500, "none");

/** An instruction that the processor does not have: handed back as a program interrupt. */
const HV_EMUL_ASSIST_ILLEGAL: NativeReason = {
  ...HV_EMUL_ASSIST,
  id: 4,
  reason: "INSTRUCTION",
  keySpace: "none",
};

/** The hypervisor decrementer, which a guest cannot reach: the host's own time slice has ended. */
const HV_DECREMENTER = vectorOf("6.5.12")(5, "INTERRUPT", "HV_DECREMENTER", 0x980, "none");

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

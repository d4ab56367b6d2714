/**
 * KVM without a hypervisor mode below it: the guest's supervisor state runs in user mode, and every
 * privileged instruction and every interrupt reaches the host first. Interrupt vectors: Power ISA 2.07B Book
 * III-S 6.5, the same on the 603 and 750; what becomes of each: Linux arch/powerpc/kvm/book3s_pr.c,
 * `kvmppc_handle_exit_pr`, and book3s_emulate.c. The magic page, which spares a guest that knows of it
 * some of these exits, is not modelled.
 */
import type { Backend } from "../engine/backend.ts";
import { type NativeReason, reasonsOf } from "../engine/native_reason.ts";

const HANDLER = "Linux arch/powerpc/kvm/book3s_pr.c, kvmppc_handle_exit_pr";
/** A vector by the section that describes its interrupt. */
const vectorOf = (section: string) => reasonsOf(`Power ISA 2.07B Book III-S ${section}; ${HANDLER}`);

/** What r0 holds in a hypercall: "KVM!" (Linux arch/powerpc/include/uapi/asm/kvm_para.h, KVM_SC_MAGIC_R0). */
export const KVM_MAGIC_R0 = 0x4b56_4d21;

const HYPERCALL = vectorOf("6.5.14")(0, "HYPERCALL", "SYSCALL", 0xc00, "hypercall");
/** A system call of the guest's own, which the host hands back to the guest's vector. */
const REFLECTED_SYSCALL: NativeReason = { ...HYPERCALL, id: 1, reason: "SYSCALL", keySpace: "vector" };
const DATA_STORAGE = vectorOf("6.5.3")(2, "MMIO", "DATA_STORAGE", 0x300, "gpa");
const emulated = reasonsOf("Power ISA 2.07B Book III-S 6.5.9; Linux arch/powerpc/kvm/book3s_emulate.c");
const PROGRAM = emulated(3, "INSTRUCTION", "PROGRAM", 0x700, "none");
const PROGRAM_SPR: NativeReason = { ...PROGRAM, id: 4, keySpace: "spr" };
/** An exception of the guest's own making, which the host hands back to the guest's vector. */
const REFLECTED: NativeReason = {
  ...PROGRAM,
  id: 5,
  reason: "EXCEPTION",
  keySpace: "vector",
  source: HANDLER,
};
/** The same by the interrupts that have vectors of their own; names as in Linux arch/powerpc/kvm/trace_book3s.h. */
const REFLECTED_OTHERS: readonly NativeReason[] = ([
  ["DATA_STORAGE", 0x300, "6.5.3"],
  ["INST_STORAGE", 0x400, "6.5.5"],
  ["ALIGNMENT", 0x600, "6.5.8"],
  ["FP_UNAVAIL", 0x800, "6.5.10"],
  ["TRACE", 0xd00, "6.5.15"],
] as const).map(([name, code, section], index) => ({
  ...REFLECTED,
  id: 8 + index,
  name,
  code,
  source: `Power ISA 2.07B Book III-S ${section}; ${HANDLER}`,
}));
const EXTERNAL = vectorOf("6.5.7")(6, "INTERRUPT", "EXTERNAL", 0x500, "none");
const DECREMENTER = vectorOf("6.5.11")(7, "INTERRUPT", "DECREMENTER", 0x900, "none");

/** A pseries guest's, and one of Mac-on-Linux: userspace's to answer. */
const PAPR_HCALL: NativeReason = { ...HYPERCALL, id: 13, reason: "PAPR_HCALL" };
const OSI: NativeReason = { ...HYPERCALL, id: 14, reason: "OSI" };

export const kvmPr: Backend = {
  name: "kvm-pr",
  arch: "ppc",
  title: "KVM on PowerPC, guest in user mode",
  modes: [32, 64],
  reasons: [
    HYPERCALL,
    REFLECTED_SYSCALL,
    DATA_STORAGE,
    PROGRAM,
    PROGRAM_SPR,
    REFLECTED,
    EXTERNAL,
    DECREMENTER,
    ...REFLECTED_OTHERS,
    PAPR_HCALL,
    OSI,
  ],
  traps: {
    // What the hypervisor's personality takes for a call of its own is one; any other is reflected.
    sc: { do: "exit", reason: HYPERCALL },
    mfspr: { do: "exit", reason: PROGRAM_SPR },
    mtspr: { do: "exit", reason: PROGRAM_SPR },
    mftb: { do: "native" },
    mfmsr: { do: "exit", reason: PROGRAM },
    mtmsr: { do: "exit", reason: PROGRAM },
    rfi: { do: "exit", reason: PROGRAM },
    trap: { do: "exit", reason: REFLECTED },
    exception: { do: "exit", reason: REFLECTED },
    floatException: { do: "exit", reason: REFLECTED },
    alignment: { do: "exit", reason: REFLECTED },
    mfsr: { do: "exit", reason: PROGRAM },
    mtsr: { do: "exit", reason: PROGRAM },
    tlbie: { do: "exit", reason: PROGRAM },
    touch: { do: "native" },
  },
  interrupts: { line: EXTERNAL, timer: DECREMENTER },
  mmio: { first: DATA_STORAGE, later: DATA_STORAGE, fast: "none" },
};

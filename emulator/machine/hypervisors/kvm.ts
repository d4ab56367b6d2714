/**
 * KVM on x86. Linux Documentation/virt/kvm/x86/hypercalls.rst and cpuid.rst, arch/x86/kvm/x86.c
 * (`kvm_emulate_hypercall`, `emulator_fix_hypercall`).
 */
import { CPL, RAX } from "../../x86/slots.ts";
import type { UnknownCall } from "../exit_path.ts";
import type { Vcpu } from "../vcpu.ts";
import { refuse, serve } from "../x86/hypercall.ts";
import { is64, privilegeOf } from "../x86/mode.ts";
import { type HypercallAbi, NEGATED, PRIVATE_NUMBERS } from "./abi.ts";
import { hypercallMnemonic, type Personality, setStatus, signature, X86_MODES } from "./hypervisor.ts";

/** include/uapi/linux/kvm_para.h: what a number gets that KVM does not know, and any number above privilege level 0. */
const KVM_ENOSYS = 1000, KVM_EPERM = 1, KVM_EOPNOTSUPP = 95;

/**
 * What KVM answers itself. Kicks, IPIs and yields are refused, as leaf 0x40000001 offers none of them; the clock is not
 * paired where the host's is no TSC that guests share.
 */
const OWN: ReadonlyMap<number, number> = new Map([
  [1, 0], // KVM_HC_VAPIC_POLL_IRQ: that it left the guest is all there is to it
  [9, -KVM_EOPNOTSUPP], // KVM_HC_CLOCK_PAIRING
]);

/** KVM itself returns only rax; the reply in rcx, rdx, rsi is our extension. */
function abi(backend: "vmx" | "svm", mode: 16 | 32 | 64): HypercallAbi {
  const wide = (name: string) => (mode === 64 ? "r" : "e") + name;
  return {
    name: "KVM x86",
    trap: hypercallMnemonic(backend),
    source: "Linux Documentation/virt/kvm/x86/hypercalls.rst; reply registers are ours",
    entry: { by: "instructions" },
    number: wide("ax"),
    args: ["bx", "cx", "dx", "si"].map(wide),
    status: wide("ax"),
    length: "status",
    outputs: ["cx", "dx", "si"].map(wide),
    width: mode === 64 ? 8 : 4,
    order: "le",
    errors: { ...NEGATED, ENOSYS: -KVM_ENOSYS },
    numbers: PRIVATE_NUMBERS,
  };
}

const unknown: UnknownCall = (vcpu, number) => answer(vcpu, OWN.get(number) ?? -KVM_ENOSYS);

function answer({ state }: Vcpu, status: number): void {
  setStatus(state, RAX, status, is64(state));
}

export const kvm: Personality = {
  name: "kvm",
  title: "KVM on x86",
  discovery: 'CPUID 0x40000000 "KVMKVMKVM"; the guest executes its vendor\'s instruction, or KVM patches it',
  carriers: X86_MODES,
  abi: (backend, mode) => abi(backend as "vmx" | "svm", mode),
  wrongHypercall: "patch",
  cpuid(leaf) {
    if (leaf === 0x4000_0000) return [0x4000_0001, ...signature("KVMKVMKVM")];
    // No paravirtual feature of KVM's is offered.
    return [0, 0, 0, 0];
  },
  callWords: [RAX, CPL],
  call(vcpu, exit) {
    const { state } = vcpu, number = state.get32(RAX);
    if (privilegeOf(state) > 0) return refuse(vcpu, exit, number, () => answer(vcpu, -KVM_EPERM));
    return serve(vcpu, exit, number, unknown);
  },
};

/** The policies that are compared: how each guest reaches its device, and what of its image goes with that. */
import type { HypervisorName, WrongHypercall } from "../../mod.ts";
import { HYPERV_CALL, KVM_CALL, VMWARE_CALL, XEN_CALL } from "../support/calls.ts";
import { HV, type Machine, PR, SVM, VMX } from "../support/machines.ts";
import { copyFromTree } from "../support/tree_walk.ts";
import { GPA, NAME, PORT, STUBS } from "./image.ts";

/** A way to the device, and what of the guest's image goes with it. */
export interface Policy {
  readonly name: string;
  readonly hypervisor: HypervisorName;
  readonly wrongHypercall?: WrongHypercall;
  /** Once, before the first call. */
  readonly setup?: string;
  /** One call; the number of the call is in r12 (x86), r20 (PowerPC). `trap:` is the instruction that leaves the guest. */
  readonly call: string;
  /** After it, jumps to `end` unless it was answered. */
  readonly check: string;
  /** The page of text that is filled in later, as it is in the image. */
  readonly stubs?: string;
}

const STATUS_IS_0 = "test eax, eax\n jnz end";

const VMCALL = { call: `mov eax, ${KVM_CALL}\n mov ebx, r12d\ntrap: vmcall`, check: STATUS_IS_0 };

export const X86: readonly Policy[] = [
  { name: "vmcall, patched", hypervisor: "kvm", wrongHypercall: "patch", ...VMCALL },
  { name: "vmcall, emulated", hypervisor: "kvm", wrongHypercall: "emulate", ...VMCALL },
  { name: "vmcall, refused", hypervisor: "kvm", wrongHypercall: "reject", ...VMCALL },
  {
    name: "Xen's page",
    hypervisor: "xen",
    // Leaf +2 names the register that places the page.
    setup: `mov eax, 0x40000002\n cpuid\n mov ecx, ebx\n mov eax, ${STUBS}\n xor edx, edx\n wrmsr`,
    call: `mov edi, r12d\ntrap: call ${STUBS + 32 * XEN_CALL}`,
    check: STATUS_IS_0,
  },
  {
    name: "Hyper-V's page",
    hypervisor: "hyperv",
    // HV_X64_MSR_GUEST_OS_ID, then HV_X64_MSR_HYPERCALL.
    setup: `mov ecx, 0x40000000\n mov eax, 1\n xor edx, edx\n wrmsr
            mov ecx, 0x40000001\n mov eax, ${STUBS | 1}\n wrmsr`,
    call: `mov ecx, ${1 << 16 | HYPERV_CALL}\n mov edx, r12d\ntrap: call ${STUBS}`,
    check: STATUS_IS_0,
  },
  {
    name: "VMware's port",
    hypervisor: "vmware",
    call: `mov eax, 0x564d5868\n mov ecx, ${VMWARE_CALL}\n mov ebx, r12d\n mov edx, 0x5658\ntrap: in eax, dx`,
    check: STATUS_IS_0,
  },
  {
    name: "PIO",
    hypervisor: "none",
    call: `mov edx, ${PORT}\n mov eax, r12d\ntrap: out dx, eax`,
    check: "",
  },
  { name: "MMIO", hypervisor: "none", call: `mov ebx, ${GPA}\ntrap: mov [rbx], r12d`, check: "" },
];

const PPC_STATUS_IS_0 = "cmpwi r3, 0\n bne end";
const PPC_STORE = `lis r9, ${GPA >>> 16}\ntrap: stw r20, 0(r9)`;

export const PPC: readonly Policy[] = [
  {
    name: "opcode from the tree",
    hypervisor: "epapr",
    setup: copyFromTree(NAME, STUBS),
    call: `lis r11, ${KVM_CALL >>> 16}\n ori r11, r11, ${KVM_CALL & 0xffff}\n mr r3, r20\ntrap: bl ${STUBS}`,
    check: PPC_STATUS_IS_0,
    // As Linux has it until it knows better: EV_UNIMPLEMENTED.
    stubs: "li r3, 12\n nop\n nop\n nop\n blr",
  },
  {
    name: "sc 1 (PAPR)",
    hypervisor: "papr",
    call: `lis r3, ${KVM_CALL >>> 16}\n ori r3, r3, ${KVM_CALL & 0xffff}\n mr r4, r20\ntrap: sc 1`,
    check: PPC_STATUS_IS_0,
  },
  { name: "MMIO", hypervisor: "none", call: PPC_STORE, check: "" },
];

export interface Target extends Machine {
  /** What is tried on it. */
  readonly policies: readonly Policy[];
}

const named = (...names: string[]) => PPC.filter(({ name }) => names.includes(name));

export const MACHINES: readonly Target[] = [
  { name: "x86 vmx", options: VMX, policies: X86 },
  { name: "x86 svm", options: SVM, policies: X86 },
  {
    name: "ppc64 hv",
    options: HV,
    policies: named("sc 1 (PAPR)", "MMIO"),
  },
  {
    name: "ppc32 pr",
    options: PR,
    policies: named("opcode from the tree", "MMIO"),
  },
];

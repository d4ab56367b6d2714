/**
 * Xen HVM. CPUID leaves: xen/include/public/arch-x86/cpuid.h; the page: public/arch-x86/xen-x86_64.h and
 * xen/arch/x86/hvm, and KVM's own emulation of it (Linux arch/x86/kvm/xen.c, `kvm_xen_write_hypercall_page`).
 */
import { CPL, RAX, RBX, RDI } from "../../x86/slots.ts";
import type { UnknownCall } from "../exit_path.ts";
import type { Vcpu } from "../vcpu.ts";
import { refuse, serve } from "../x86/hypercall.ts";
import { is64, privilegeOf } from "../x86/mode.ts";
import { type HypercallAbi, NEGATED } from "./abi.ts";
import {
  hypercallBytes,
  hypercallMnemonic,
  type HypervisorHost,
  type Personality,
  setStatus,
  signature,
  X86_MODES,
} from "./hypervisor.ts";

const ENOSYS = 38, EPERM = 1;
const PAGE = 4096, SLOT = 32, SLOTS = PAGE / SLOT;
const MSR = 0x4000_0000;
/** 4.17: high half major, low half minor, in CPUID and by XENVER_version alike. */
const VERSION = 4 << 16 | 17;
/** __HYPERVISOR_iret, which HVM guests do not have: its slot is UD2. */
const IRET = 23;
/** __HYPERVISOR_xen_version, and its command XENVER_version. */
const XEN_VERSION = 17, XENVER_VERSION = 0n;

/** The page: in each of 128 slots `mov eax, n; vm(m)call; ret`, and INT3 behind it. */
export function xenPage(backend: "vmx" | "svm"): Uint8Array {
  const page = new Uint8Array(PAGE).fill(0xcc), view = new DataView(page.buffer);
  for (let n = 0; n < SLOTS; n++) {
    const at = n * SLOT;
    if (n === IRET) {
      page.set([0x0f, 0x0b], at);
      continue;
    }
    page[at] = 0xb8;
    view.setUint32(at + 1, n, true);
    page.set(hypercallBytes(backend), at + 5);
    page[at + 8] = 0xc3;
  }
  return page;
}

/** Address of the page in the upper bits; in the low 12 which page, of which there is one. */
function writePage({ memory, backend }: HypervisorHost, value: bigint): boolean {
  const gpa = value & ~0xfffn;
  if (value !== gpa || !isRam(memory, gpa)) return false;
  memory.write(gpa, xenPage(backend as "vmx" | "svm"));
  return true;
}

function isRam(memory: HypervisorHost["memory"], gpa: bigint): boolean {
  if (gpa >= 2n ** 52n) return false;
  const slot = memory.find(Number(gpa));
  return slot !== undefined && !slot.readOnly;
}

/** Arguments may be clobbered, says Xen; a reply in them is our extension. Xen has a sixth argument, not used here. */
function abi(backend: "vmx" | "svm", mode: 32 | 64): HypercallAbi {
  const args = mode === 64 ? ["rdi", "rsi", "rdx", "r10", "r8", "r9"] : ["ebx", "ecx", "edx", "esi", "edi"];
  const number = mode === 64 ? "rax" : "eax";
  return {
    name: "Xen HVM",
    trap: `call page + 32*n: mov eax, n; ${hypercallMnemonic(backend)}; ret`,
    source: "Xen public/arch-x86/xen-x86_64.h and xen-x86_32.h; reply registers are ours",
    entry: { by: "page", stride: SLOT },
    number,
    args,
    status: number,
    length: "status",
    outputs: args.slice(1),
    width: mode === 64 ? 8 : 4,
    order: "le",
    errors: NEGATED,
    // Slots 48 to 55 are the architecture's, above them none is assigned.
    numbers: { first: 0x70, step: 1 },
  };
}

const unknown: UnknownCall = (vcpu, number) => {
  if (number !== XEN_VERSION) return answer(vcpu, -ENOSYS);
  const { state } = vcpu, command = is64(state) ? state.get64(RDI) : BigInt(state.get32(RBX));
  // Other commands fill in structures in guest memory, which are not modelled.
  answer(vcpu, command === XENVER_VERSION ? VERSION : -ENOSYS);
};

function answer({ state }: Vcpu, status: number): void {
  setStatus(state, RAX, status, is64(state));
}

export const xen: Personality = {
  name: "xen",
  title: "Xen HVM",
  discovery: 'CPUID 0x40000000 "XenVMMXenVMM"; leaf +2 names the MSR that places the hypercall page',
  carriers: X86_MODES,
  abi: (backend, mode) =>
    mode === 16
      ? "Xen's hypercall page is 32-bit code, which real mode cannot call"
      : abi(backend as "vmx" | "svm", mode),
  cpuid(leaf) {
    switch (leaf) {
      case 0x4000_0000:
        return [0x4000_0002, ...signature("XenVMMXenVMM")];
      case 0x4000_0001:
        return [VERSION, 0, 0, 0];
      case 0x4000_0002:
        return [1, MSR, 0, 0];
      default:
        return [0, 0, 0, 0];
    }
  },
  msrs: new Map([[MSR, { read: () => 0n, write: writePage }]]),
  callWords: [RAX, CPL],
  call(vcpu, exit) {
    const { state } = vcpu, number = state.get32(RAX);
    if (privilegeOf(state) > 0) return refuse(vcpu, exit, number, () => answer(vcpu, -EPERM));
    return serve(vcpu, exit, number, unknown);
  },
};

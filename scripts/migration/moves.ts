/** What is moved: drivers of calls and of rings, from one host to another. A row of the table each. */
import type { HypervisorName, RingOptions, VehicleName, WrongHypercall } from "../../mod.ts";
import { HYPERV_CALL, KVM_CALL, VMWARE_CALL, XEN_CALL } from "../support/calls.ts";
import { copyFromTree } from "../support/tree_walk.ts";

/** Requests, and places in the driver that make them in turn: a patch is made at each of them. */
export const REQUESTS = 40, SITES = 4;
export const TEXT = 0x1000, PAGE = 0x2000, STACK = 0x8000, NAME = 0x4000, PORT = 0x500;
/** The same on PowerPC, whose `lis` extends the sign of what it loads. */
export const GPA = 0x7eb0_0000;
/** More instructions than a driver takes: one that goes on for longer is lost in its exception vectors. */
export const PATIENCE = 5_000, RING_PATIENCE = 40_000;
/** Instructions between two looks of a ring's device at what the kernel half matched. */
export const SLICE = 200;
/** Where a ring's requests and answers are, and bytes of each. */
export const BUFFERS = 0x6000, BUFFER = 64;

/** How the driver makes a request. Its number is in r12 (x86), r20 (PowerPC); the answer comes in eax, r3. */
export interface Call {
  readonly setup?: string;
  readonly request: string;
}

/** A ring, and what its doorbell rides on. */
export interface RingWay {
  readonly via: VehicleName;
  readonly ring: RingOptions;
}

export type Way = Call | RingWay;

export const X86 = {
  vmcall: { request: `mov eax, ${KVM_CALL}\n mov ebx, r12d\n vmcall\n mov eax, ecx` },
  vmmcall: { request: `mov eax, ${KVM_CALL}\n mov ebx, r12d\n vmmcall\n mov eax, ecx` },
  xen: {
    setup: `mov eax, 0x40000002\n cpuid\n mov ecx, ebx\n mov eax, ${PAGE}\n xor edx, edx\n wrmsr`,
    request: `mov edi, r12d\n call ${PAGE + 32 * XEN_CALL}\n mov eax, esi`,
  },
  hyperv: {
    setup: `mov ecx, 0x40000000\n mov eax, 1\n xor edx, edx\n wrmsr
            mov ecx, 0x40000001\n mov eax, ${PAGE | 1}\n wrmsr`,
    // Fast calls answer a status alone: the device's answer is in memory that the request names.
    request: `mov ecx, ${1 << 16 | HYPERV_CALL}\n mov edx, r12d\n call ${PAGE}\n mov eax, [${STACK}]`,
  },
  vmware: {
    request:
      `mov eax, 0x564d5868\n mov ecx, ${VMWARE_CALL}\n mov ebx, r12d\n mov edx, 0x5658\n in eax, dx\n mov eax, ebx`,
  },
  pio: { request: `mov edx, ${PORT}\n mov eax, r12d\n out dx, eax\n in eax, dx` },
  mmio: { request: `mov ebx, ${GPA}\n mov [rbx], r12d\n mov eax, [rbx]` },
} as const satisfies Record<string, Call>;

/** `lis` and `ori` of a 32-bit number. */
export const load = (register: string, n: number) =>
  `lis ${register}, ${n >>> 16}\n ori ${register}, ${register}, ${n & 0xffff}`;

export const PPC = {
  papr: { request: `${load("r3", KVM_CALL)}\n mr r4, r20\n sc 1\n mr r3, r5` },
  epapr: {
    setup: copyFromTree(NAME, PAGE),
    request: `${load("r11", KVM_CALL)}\n mr r3, r20\n bl ${PAGE}\n mr r3, r5`,
  },
  mmio: { request: `lis r9, ${GPA >>> 16}\n stwbrx r20, r0, r9\n lwbrx r3, r0, r9` },
} as const satisfies Record<string, Call>;

/** Where a guest runs. */
export interface Host {
  readonly backend: "vmx" | "svm" | "kvm-hv" | "kvm-pr";
  readonly hypervisor: HypervisorName;
}

export interface Move {
  readonly name: string;
  readonly way: Way;
  readonly from: Host;
  readonly to: Host;
  readonly wrongHypercall?: WrongHypercall;
}

export function x86(
  name: string,
  way: keyof typeof X86,
  from: Host,
  to: Host,
  wrongHypercall?: WrongHypercall,
): Move {
  return { name, way: X86[way], from, to, wrongHypercall };
}

/** Kicked by `via`, matched in userspace or in the kernel; the driver looks for answers. */
export function ring(name: string, via: VehicleName, options: RingOptions, from: Host, to: Host): Move {
  const way = { via, ring: { ...options, entries: 2 * SITES, bytes: BUFFER } };
  return { name: `${options.kind} by ${name}`, way, from, to };
}

export const on = (backend: Host["backend"], hypervisor: HypervisorName): Host => ({ backend, hypervisor });
export const between = (hypervisor: HypervisorName) =>
  [on("vmx", hypervisor), on("svm", hypervisor)] as const;

/** Every row of the table. */
export const MOVES: readonly Move[] = [
  x86("vmcall, KVM patches", "vmcall", ...between("kvm"), "patch"),
  x86("vmcall, KVM emulates", "vmcall", ...between("kvm"), "emulate"),
  x86("vmcall, KVM refuses", "vmcall", ...between("kvm"), "reject"),
  x86("vmmcall from svm, KVM patches", "vmmcall", on("svm", "kvm"), on("vmx", "kvm"), "patch"),
  x86("Xen's page, Xen refuses", "xen", ...between("xen"), "reject"),
  x86("Xen's page, host patches", "xen", ...between("xen"), "patch"),
  x86("Hyper-V's page", "hyperv", ...between("hyperv")),
  x86("VMware's port", "vmware", ...between("vmware")),
  x86("PIO", "pio", ...between("none")),
  x86("MMIO", "mmio", ...between("none")),
  x86("KVM's call", "vmcall", on("vmx", "kvm"), on("vmx", "xen")),
  x86("KVM's call", "vmcall", on("vmx", "kvm"), on("vmx", "hyperv")),
  x86("KVM's call", "vmcall", on("vmx", "kvm"), on("vmx", "vmware")),
  x86("Xen's page", "xen", on("vmx", "xen"), on("vmx", "kvm")),
  x86("Hyper-V's page", "hyperv", on("vmx", "hyperv"), on("vmx", "kvm")),
  x86("PIO", "pio", on("vmx", "kvm"), on("vmx", "xen")),
  x86("MMIO", "mmio", on("vmx", "kvm"), on("svm", "hyperv")),
  { name: "sc 1", way: PPC.papr, from: on("kvm-hv", "papr"), to: on("kvm-pr", "papr") },
  { name: "sc 1", way: PPC.papr, from: on("kvm-hv", "papr"), to: on("kvm-pr", "epapr") },
  { name: "the tree's opcode", way: PPC.epapr, from: on("kvm-pr", "epapr"), to: on("kvm-hv", "papr") },
  { name: "MMIO", way: PPC.mmio, from: on("kvm-hv", "papr"), to: on("kvm-pr", "papr") },
  ring("PIO, userspace", "pio", { kind: "ioq" }, ...between("none")),
  ring("PIO, kernel", "pio", { kind: "virtqueue", doorbell: "kernel" }, ...between("none")),
  ring("MMIO, kernel", "mmio", { kind: "ioq", doorbell: "kernel" }, on("vmx", "kvm"), on("svm", "hyperv")),
  ring("MMIO, fast", "mmio", { kind: "virtqueue", doorbell: "fast" }, on("vmx", "kvm"), on("svm", "xen")),
  ring("vmcall, patched", "hypercall", { kind: "virtqueue", doorbell: "kernel" }, ...between("kvm")),
  ring("event channel", "hypercall", { kind: "ioq" }, ...between("xen")),
  ring("HvSignalEvent", "hypercall", { kind: "virtqueue", eventIdx: false }, ...between("hyperv")),
  ring("HvSignalEvent", "hypercall", { kind: "ioq" }, on("vmx", "hyperv"), on("vmx", "kvm")),
  ring(
    "MMIO, kernel",
    "mmio",
    { kind: "virtqueue", doorbell: "kernel" },
    on("kvm-hv", "papr"),
    on("kvm-pr", "epapr"),
  ),
  ring(
    "H_SEND_CRQ",
    "hypercall",
    { kind: "ioq", doorbell: "kernel" },
    on("kvm-hv", "papr"),
    on("kvm-pr", "papr"),
  ),
  ring("H_SEND_CRQ", "hypercall", { kind: "virtqueue" }, on("kvm-hv", "papr"), on("kvm-pr", "epapr")),
];

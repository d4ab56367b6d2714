/**
 * A hypervisor's personality: how its guests find it, call it, and are refused. Which of their actions leave the guest
 * is the backend's business.
 */
import type { Backend } from "../../engine/backend.ts";
import type { Status } from "../../engine/host.ts";
import type { Direction, NativeReason } from "../../engine/native_reason.ts";
import type { CpuState } from "../../engine/state.ts";
import type { UnknownCall } from "../exit_path.ts";
import type { GuestMemory } from "../memory.ts";
import type { CallExit } from "../x86/hypercall.ts";
import type { Vcpu } from "../vcpu.ts";
import type { HypercallAbi } from "./abi.ts";
import type { TreeNode } from "./device_tree.ts";
import { MessageChannels } from "./vmware_messages.ts";

/** The personalities. */
export type HypervisorName = "kvm" | "xen" | "hyperv" | "vmware" | "epapr" | "papr" | "osi" | "none";

/** Name of a backend. */
export type BackendName = Backend["name"];

/**
 * What becomes of the other vendor's hypercall instruction on x86, which raises #UD, an exit: the guest's text is
 * rewritten and executed again; the call is emulated in that exit, each time; or the guest gets its #UD.
 */
export type WrongHypercall = "patch" | "emulate" | "reject";

/** All that a personality remembers of its guest, one per VM. */
export interface HypervisorState {
  /** Hyper-V: HV_X64_MSR_GUEST_OS_ID. */
  guestOsId: bigint;
  /** Hyper-V: HV_X64_MSR_HYPERCALL. */
  hypercallPage: bigint;
  /** Hyper-V: what is below the page that lies over guest memory. */
  covered: { gpa: number; bytes: Uint8Array } | undefined;
  /**
   * VMware: the message channels that the guest has opened.
   *
   * @internal
   */
  messages: MessageChannels;
}

/** The state of a guest that has just been reset. */
export function freshState(): HypervisorState {
  return { guestOsId: 0n, hypercallPage: 0n, covered: undefined, messages: new MessageChannels() };
}

/** What a synthetic MSR works on. */
export interface HypervisorHost {
  readonly state: HypervisorState;
  readonly memory: GuestMemory;
  readonly backend: BackendName;
  readonly vcpu: number;
}

/** A model-specific register that only guests of this hypervisor have. Undefined, or false, is #GP. */
export interface SyntheticMsr {
  read(host: HypervisorHost): bigint | undefined;
  write(host: HypervisorHost, value: bigint): boolean;
}

/** What CPUID may tell of the machine. */
export interface CpuidFacts {
  /** Frequency of the time-stamp counter in Hz, 0 if the profile does not tell. */
  readonly tscHz: number;
  readonly guestOsId: bigint;
}

/** How a hypercall's exit shows where it is not by the call's number. */
export interface ExitSeen {
  readonly key: number;
  readonly direction: Direction;
  readonly size: number;
}

/** eax, ebx, ecx, edx. */
export type HypervisorLeaf = readonly [number, number, number, number];

/** PowerPC's system call instruction as a hypercall of this hypervisor. */
export interface PpcCalls {
  /** Canonical reason of the exit. */
  readonly reason: "HYPERCALL" | "PAPR_HCALL" | "OSI";
  /** The number that an `sc` with this level asks for, or `NO_CALL`. */
  number(vcpu: Vcpu, level: number): number;
  /** Sets what this hypervisor answers to a number that no device has. */
  readonly unknown: UnknownCall;
  /** The number after which the vCPU waits for an interrupt, if no device has it. */
  readonly idle?: number;
}
/** An `sc` that is none of the hypervisor's. */
export const NO_CALL = -1;

/** A hypervisor as its guests see it. */
export interface Hypervisor {
  /** As `VmOptions.hypervisor` takes it. */
  readonly name: HypervisorName;
  /** For people, e.g. `"Xen HVM"`. */
  readonly title: string;
  /** How a guest finds it, in one line. */
  readonly discovery: string;
  /** Guest modes by the backends that can carry it. */
  readonly carriers: Readonly<Partial<Record<BackendName, readonly (16 | 32 | 64)[]>>>;
  /** How a guest calls it; a text says why it cannot. */
  abi(backend: BackendName, mode: 16 | 32 | 64): HypercallAbi | string;
}

/** A hypervisor with what it does when its guest comes out. */
export interface Personality extends Hypervisor {
  /** CPUID leaves from 0x40000000 on; a hypervisor without does not show itself in leaf 1 either. */
  cpuid?(leaf: number, facts: CpuidFacts): HypervisorLeaf;
  /** By number. */
  readonly msrs?: ReadonlyMap<number, SyntheticMsr>;
  /** What it does by itself about the other vendor's instruction. */
  readonly wrongHypercall?: WrongHypercall;
  /** The hardware's hypercall instruction. */
  call?(vcpu: Vcpu, exit: CallExit): Status;
  /** Words of state (their offsets) that decide what a call comes to; none if more than those do. */
  readonly callWords?: readonly number[];
  /** A port that carries registers, as VMware's backdoor: open at every privilege level. */
  readonly backdoor?: {
    readonly port: number;
    call(vcpu: Vcpu, exit: CallExit): Status;
  };
  /**
   * A port for repeated INS and OUTS of bytes that the hypervisor takes as a whole: one exit for the instruction, of which
   * `left` iterations are to come with the one at hand. Undefined if it is an access like any other.
   */
  readonly stringDoor?: {
    readonly port: number;
    move(vcpu: Vcpu, native: NativeReason, direction: "in" | "out", left: number): Status | undefined;
    /** Whether it is open to every privilege level for what the registers say. */
    opensTo(vcpu: Vcpu): boolean;
  };

  /** PowerPC: what `sc` asks for. */
  readonly systemCalls?: PpcCalls;
  /** PowerPC: what it adds to the device tree's root. */
  readonly tree?: (mode: 32 | 64) => readonly TreeNode[];
  /** PowerPC: registers beside r3 (the tree) that a guest is started with. */
  readonly handOver?: Readonly<Record<string, bigint>>;
}

/** Writes a status that may be negative to a slot, as wide as the code is. */
export function setStatus(state: CpuState, slot: number, value: number, wide: boolean): void {
  state.set64(slot, BigInt.asUintN(wide ? 64 : 32, BigInt(value)));
}

/** A signature of 12 bytes as CPUID gives it: ebx, ecx, edx. */
export function signature(text: string): [number, number, number] {
  const view = new DataView(new TextEncoder().encode(text.padEnd(12, "\0")).buffer);
  return [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
}

/** The three bytes of the hypercall instruction that a backend's processor has. */
export function hypercallBytes(backend: BackendName): Uint8Array {
  return Uint8Array.of(0x0f, 0x01, backend === "svm" ? 0xd9 : 0xc1);
}

/** Its mnemonic. */
export function hypercallMnemonic(backend: BackendName): "vmcall" | "vmmcall" {
  return backend === "svm" ? "vmmcall" : "vmcall";
}

/** Every mode of x86. */
export const X86_MODES = { vmx: [16, 32, 64], svm: [16, 32, 64] } as const;

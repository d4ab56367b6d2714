/** Model-specific registers: which there are, what they keep, which of them leave the guest. SDM vol. 4. */
import { STATUS, type Status } from "../../engine/host.ts";
import {
  CR,
  CSTAR,
  EFER,
  FMASK,
  FS,
  GS,
  KERNEL_GS_BASE,
  LSTAR,
  PAT_CHANGES,
  RAX,
  RCX,
  RDX,
  segmentBase,
  STAR,
  TSC_AUX,
  TSC_OFFSET,
} from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { CR0, EFER_BIT } from "./control_bits.ts";
import { EXCEPTION, Fault, lacking } from "./fault.ts";
import { isCanonical } from "./linear.ts";
import { guarded } from "./protected.ts";

interface Msr {
  readonly name: string;
  /** Backends that let the guest read and write it without an exit. */
  readonly native?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  read(vcpu: Vcpu): bigint;
  write(vcpu: Vcpu, value: bigint): Status;
}

const LME = BigInt(EFER_BIT.LME), LMA = BigInt(EFER_BIT.LMA), NXE = BigInt(EFER_BIT.NXE);
/** What may be written to EFER. */
const EFER_BITS = BigInt(EFER_BIT.SCE) | LME | LMA | NXE;
/** The local APIC's base as after reset, of the first processor; it is not enabled, for there is none. */
const APIC_BASE = 0xfee0_0100n;

const reserved = (name: string) => new Fault(EXCEPTION.GP, 0, `WRMSR sets reserved bits of ${name}`);

/** One that keeps what is written to it, if `allowed`: in its slot is how that differs from what it is `atReset`. */
function kept(
  name: string,
  slot: number,
  allowed: (value: bigint) => boolean,
  native?: Msr["native"],
  atReset = 0n,
): Msr {
  return {
    name,
    native,
    read: (vcpu) => vcpu.state.get64(slot) ^ atReset,
    write(vcpu, value) {
      if (!allowed(value)) throw reserved(name);
      vcpu.state.set64(slot, value ^ atReset);
      return STATUS.proceed;
    },
  };
}

const anything = () => true, half = (value: bigint) => value >> 32n === 0n;
/** KVM's `vmx_possible_passthrough_msrs` and `direct_access_msrs` (arch/x86/kvm/vmx/vmx.c, svm/svm.c). */
const both = { read: ["vmx", "svm"], write: ["vmx", "svm"] }, onSvm = { read: ["svm"], write: ["svm"] };

/** IA32_PAT: eight bytes, each of them a memory type. They mean nothing here. SDM vol. 3A, 11.12.2. */
const PAT_AT_RESET = 0x0007_0406_0007_0406n;
const PAT_TYPES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6, 7]);
const isPat = (value: bigint) =>
  Array.from({ length: 8 }, (_, i) => Number(value >> BigInt(8 * i) & 0xffn)).every((type) =>
    PAT_TYPES.has(type)
  );

const MSRS: ReadonlyMap<number, Msr> = new Map<number, Msr>([
  [0x10, {
    name: "TSC",
    native: { read: ["vmx"] },
    read: tsc,
    write(vcpu, value) {
      vcpu.state.set64(TSC_OFFSET, value - BigInt(vcpu.cycles));
      return STATUS.proceed;
    },
  }],
  [0x1b, {
    name: "APIC_BASE",
    read: () => APIC_BASE,
    write(vcpu, value) {
      if (value !== APIC_BASE) {
        throw lacking(vcpu, `wrmsr of 0x${value.toString(16)} to APIC_BASE (no local APIC)`);
      }
      return STATUS.proceed;
    },
  }],
  [0x277, kept("PAT", PAT_CHANGES, isPat, undefined, PAT_AT_RESET)],
  [0xc000_0080, { name: "EFER", read: (vcpu) => vcpu.state.get64(EFER), write: writeEfer }],
  [0xc000_0081, kept("STAR", STAR, anything, onSvm)],
  [0xc000_0082, kept("LSTAR", LSTAR, isCanonical, onSvm)],
  [0xc000_0083, kept("CSTAR", CSTAR, isCanonical, onSvm)],
  [0xc000_0084, kept("FMASK", FMASK, half, onSvm)],
  [0xc000_0100, kept("FS_BASE", segmentBase(FS), isCanonical, both)],
  [0xc000_0101, kept("GS_BASE", segmentBase(GS), isCanonical, both)],
  [0xc000_0102, kept("KERNEL_GS_BASE", KERNEL_GS_BASE, isCanonical, both)],
  [0xc000_0103, kept("TSC_AUX", TSC_AUX, half)],
]);

/** The time-stamp counter: cycles, and what the guest has added to them. Marks the clock as read. */
export function tsc(vcpu: Vcpu): bigint {
  vcpu.board.exits.markClockRead();
  return BigInt.asUintN(64, BigInt(vcpu.cycles) + vcpu.state.get64(TSC_OFFSET));
}

function writeEfer(vcpu: Vcpu, value: bigint): Status {
  const { state } = vcpu, old = state.get64(EFER);
  if (value & ~EFER_BITS) throw reserved("EFER");
  if ((value ^ old) & LME && state.get32(CR) & CR0.PG) {
    throw new Fault(EXCEPTION.GP, 0, "EFER.LME cannot change while paging is on");
  }
  // LMA is read-only: what is written to it is ignored.
  state.set64(EFER, value & ~LMA | old & LMA);
  if (((value ^ old) & NXE) === 0n) return STATUS.proceed;
  vcpu.translationChanged();
  return vcpu.completeOnce();
}

function access(direction: "read" | "write"): ArchTrap {
  return guarded((vcpu, rule, backend) => {
    const { state } = vcpu, number = state.get32(RCX), msr = MSRS.get(number);
    const native = msr?.native?.[direction]?.includes(backend.name);
    if (rule.do === "exit" && !native) vcpu.exits.kernelExit(rule.reason, number);
    const missing = () => new Fault(EXCEPTION.GP, 0, `there is no MSR 0x${number.toString(16)}`);
    const own = msr ? undefined : synthetic(vcpu, number);
    if (!msr && !own) throw missing();
    if (direction === "write") {
      const value = BigInt(state.get32(RDX)) << 32n | BigInt(state.get32(RAX));
      if (msr) return msr.write(vcpu, value);
      if (!own!.write(value)) throw reserved(`the hypervisor's MSR 0x${number.toString(16)}`);
      // A page may lie over what is executed next.
      return vcpu.completeOnce();
    }
    const value = msr ? msr.read(vcpu) : own!.read();
    if (value === undefined) throw missing();
    state.set64(RAX, BigInt.asUintN(32, value));
    state.set64(RDX, value >> 32n);
    return STATUS.proceed;
  });
}

/** A register that the hypervisor has made up. */
function synthetic(vcpu: Vcpu, number: number) {
  const { hypervisor, hypervisorState, memory, backend } = vcpu.board;
  const msr = hypervisor.msrs?.get(number);
  const host = { state: hypervisorState, memory, backend: backend.name, vcpu: vcpu.index };
  return msr && { read: () => msr.read(host), write: (value: bigint) => msr.write(host, value) };
}

function swapGs(vcpu: Vcpu): Status {
  const { state } = vcpu, base = state.get64(segmentBase(GS));
  state.set64(segmentBase(GS), state.get64(KERNEL_GS_BASE));
  state.set64(KERNEL_GS_BASE, base);
  return vcpu.completeOnce();
}

export const msrTraps: Readonly<Record<string, ArchTrap>> = {
  rdmsr: access("read"),
  wrmsr: access("write"),
  swapgs: swapGs,
};

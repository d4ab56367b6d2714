/**
 * Hyper-V. Microsoft's Hypervisor Top-Level Functional Specification (TLFS), "Hypercall Interface"; numbers as in Linux
 * include/asm-generic/hyperv-tlfs.h; refusals as in KVM's emulation of it (arch/x86/kvm/hyperv.c, `kvm_hv_hypercall`).
 */
import { gpr, RAX, RBX, RCX, RDI, RDX, RSI } from "../../x86/slots.ts";
import type { CpuState } from "../../engine/state.ts";
import type { UnknownCall } from "../exit_path.ts";
import { invalid, refuse, serve } from "../x86/hypercall.ts";
import { is64, isReal, privilegeOf } from "../x86/mode.ts";
import type { HypercallAbi } from "./abi.ts";
import {
  hypercallBytes,
  hypercallMnemonic,
  type HypervisorHost,
  type Personality,
  signature,
  X86_MODES,
} from "./hypervisor.ts";

const PAGE = 4096;
const R8 = gpr(8);
export const HV_MSR = { guestOsId: 0x4000_0000, hypercall: 0x4000_0001, vpIndex: 0x4000_0002 } as const;
const ENABLE = 1n, LOCKED = 2n;

/** Status codes of a hypercall's result. */
export const HV_STATUS = {
  SUCCESS: 0,
  INVALID_HYPERCALL_CODE: 2,
  INVALID_HYPERCALL_INPUT: 3,
  INVALID_ALIGNMENT: 4,
  INVALID_PARAMETER: 5,
  INVALID_PARTITION_STATE: 7,
  OPERATION_DENIED: 8,
  INSUFFICIENT_MEMORY: 11,
  INVALID_CONNECTION_ID: 18,
  INSUFFICIENT_BUFFERS: 19,
} as const;

/** The control word: call code, and whether the input is in registers. */
export const HV_FAST = 1n << 16n;
/** Bits that have to be 0: those that are reserved, and repetitions and variable headers, which no call here has. */
const REPEATS = 0xfffn << 32n | 0xfffn << 48n, VARIABLE_HEADER = 0x3ffn << 17n, NESTED = 1n << 31n;
const RESERVED = 0xfn << 27n | 0xfn << 44n | 0xfn << 60n;
const FORBIDDEN = REPEATS | VARIABLE_HEADER | NESTED | RESERVED;

/** HvCallNotifyLongSpinWait: nothing has to be done about it. */
const NOTIFY_LONG_SPIN_WAIT = 8;

/** The page: `vm(m)call; ret`, the rest zero. */
export function hypervPage(backend: "vmx" | "svm"): Uint8Array {
  const page = new Uint8Array(PAGE);
  page.set([...hypercallBytes(backend), 0xc3]);
  return page;
}

/** Takes the page away: what it lay over is there again. */
export function uncover({ state, memory }: Pick<HypervisorHost, "state" | "memory">): void {
  const { covered } = state;
  state.covered = undefined;
  if (covered && memory.holds(covered.gpa, PAGE)) memory.write(covered.gpa, covered.bytes);
}

function writeHypercall(host: HypervisorHost, value: bigint): boolean {
  const { state, memory, backend } = host;
  // From memory, as is that a locked page can be moved only by a reset: the TLFS calls the register immutable then.
  if (state.hypercallPage & LOCKED) return false;
  // Without a guest OS id the page stays disabled.
  if (state.guestOsId === 0n) return true;
  if (value & ENABLE) {
    const gpa = value & ~0xfffn;
    const slot = gpa < 2n ** 52n ? memory.find(Number(gpa)) : undefined;
    if (!slot || slot.readOnly) return false;
    uncover(host);
    state.covered = { gpa: Number(gpa), bytes: memory.read(gpa, PAGE) };
    memory.write(gpa, hypervPage(backend as "vmx" | "svm"));
  } else {
    uncover(host);
  }
  state.hypercallPage = value;
  return true;
}

function writeGuestOsId(host: HypervisorHost, value: bigint): boolean {
  host.state.guestOsId = value;
  if (value === 0n && host.state.hypercallPage & ENABLE) {
    uncover(host);
    host.state.hypercallPage &= ~ENABLE;
  }
  return true;
}

/** Whether guests can call. */
const enabled = ({ guestOsId, hypercallPage }: HypervisorHost["state"]) =>
  guestOsId !== 0n && (hypercallPage & ENABLE) !== 0n;

function pair(state: CpuState, high: number, low: number): bigint {
  return BigInt(state.get32(high)) << 32n | BigInt(state.get32(low));
}

/** Control word, input, output. */
function words(state: CpuState): readonly [bigint, bigint, bigint] {
  if (is64(state)) return [state.get64(RCX), state.get64(RDX), state.get64(R8)];
  return [pair(state, RDX, RAX), pair(state, RBX, RCX), pair(state, RDI, RSI)];
}

function setResult(state: CpuState, status: number): void {
  state.set64(RAX, BigInt(status));
  if (!is64(state)) state.set64(RDX, 0n);
}

/**
 * `fast` calls carry 16 bytes; others have input and output in guest memory, each 8-byte aligned and within one page. The
 * result is a status alone: what a device replies goes through memory.
 */
function abi(backend: "vmx" | "svm", mode: 32 | 64): HypercallAbi {
  const [number, args, status] = mode === 64
    ? ["rcx", ["rdx", "r8"], "rax"] as const
    : ["edx:eax", ["ebx:ecx", "edi:esi"], "edx:eax"] as const;
  return {
    name: "Hyper-V",
    trap: `call page: ${hypercallMnemonic(backend)}; ret`,
    source: "Microsoft Hypervisor Top-Level Functional Specification, hypercall interface",
    entry: { by: "page", stride: 0 },
    number,
    args,
    status,
    length: "status",
    outputs: [],
    memoryWords: PAGE / 8,
    width: 8,
    order: "le",
    errors: {
      EIO: HV_STATUS.OPERATION_DENIED,
      E2BIG: HV_STATUS.INSUFFICIENT_MEMORY,
      EAGAIN: HV_STATUS.INSUFFICIENT_BUFFERS,
      EFAULT: HV_STATUS.INVALID_PARAMETER,
      ENODEV: HV_STATUS.INVALID_CONNECTION_ID,
      EINVAL: HV_STATUS.INVALID_PARAMETER,
      ENOSYS: HV_STATUS.INVALID_HYPERCALL_CODE,
      EINPROGRESS: HV_STATUS.INVALID_PARTITION_STATE,
    },
    // Call codes have 16 bits; Microsoft's end far below, and its extended ones begin at 0x8001.
    numbers: { first: 0x7f01, step: 1 },
  };
}

const unknown: UnknownCall = ({ state }, code) =>
  setResult(state, code === NOTIFY_LONG_SPIN_WAIT ? HV_STATUS.SUCCESS : HV_STATUS.INVALID_HYPERCALL_CODE);

export const hyperv: Personality = {
  name: "hyperv",
  title: "Hyper-V",
  discovery:
    'CPUID 0x40000000 "Microsoft Hv", leaf +1 "Hv#1"; MSRs take a guest OS id, then place the hypercall page',
  carriers: X86_MODES,
  abi: (backend, mode) =>
    mode === 16 ? "Hyper-V raises #UD for hypercalls in real mode" : abi(backend as "vmx" | "svm", mode),
  cpuid(leaf, { guestOsId }) {
    switch (leaf) {
      case 0x4000_0000:
        return [0x4000_0005, ...signature("Microsoft Hv")];
      case 0x4000_0001:
        return [signature("Hv#1")[0], 0, 0, 0];
      case 0x4000_0002:
        // Known once the guest has said who it is. Version 10.0, as KVM's emulation says.
        return guestOsId === 0n ? [0, 0, 0, 0] : [0x3839, 10 << 16, 0, 0];
      case 0x4000_0003:
        // AccessHypercallMsrs and AccessVpIndex.
        return [1 << 5 | 1 << 6, 0, 0, 0];
      case 0x4000_0004:
        // Spin locks need not be told of.
        return [0, 0xffff_ffff, 0, 0];
      case 0x4000_0005:
        return [64, 64, 0, 0];
      default:
        return [0, 0, 0, 0];
    }
  },
  msrs: new Map([
    [HV_MSR.guestOsId, { read: ({ state }) => state.guestOsId, write: writeGuestOsId }],
    [HV_MSR.hypercall, { read: ({ state }) => state.hypercallPage, write: writeHypercall }],
    [HV_MSR.vpIndex, { read: ({ vcpu }) => BigInt(vcpu), write: () => false }],
  ]),
  call(vcpu, exit) {
    const { state } = vcpu, [control, input, output] = words(state);
    const code = Number(control & 0xffffn);
    if (privilegeOf(state) > 0 || isReal(state)) {
      return invalid(
        vcpu,
        exit,
        code,
        "Hyper-V takes hypercalls at privilege level 0 and outside of real mode only",
      );
    }
    if (!enabled(vcpu.board.hypervisorState)) {
      return invalid(vcpu, exit, code, "the hypercall page is not enabled");
    }
    const answer = (status: number) => () => setResult(state, status);
    if (control & FORBIDDEN) return refuse(vcpu, exit, code, answer(HV_STATUS.INVALID_HYPERCALL_INPUT));
    if (!(control & HV_FAST) && (input | output) & 7n) {
      return refuse(vcpu, exit, code, answer(HV_STATUS.INVALID_ALIGNMENT));
    }
    return serve(vcpu, exit, code, unknown);
  },
};

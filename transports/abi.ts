/** The hypercall ABIs: which instruction, which registers, and how each says that a call failed. */
import { ERRNO, type ErrnoName } from "./status.ts";

export interface HypercallAbi {
  readonly name: string;
  /** What its stubs are named after; `hypercall` if not given. */
  readonly stub?: string;
  /** The trap as text, for people. */
  readonly trap: string;
  readonly source: string;
  /** Register of the number. */
  readonly number: string;
  /** Registers of the arguments, in order. */
  readonly args: readonly string[];
  /** Register of the status. */
  readonly status: string;
  /** Where a success tells its length: as the status itself, or in a register beside a status of 0. */
  readonly length: string | "status";
  /** Registers of the reply, in order. */
  readonly outputs: readonly string[];
  /** Bytes of a register. */
  readonly width: 4 | 8;
  /** Order of a payload's bytes in a register: the guest's own. */
  readonly order: "le" | "be";
  /** Failures, as the status register shows them (signed). */
  readonly errors: Readonly<Record<ErrnoName, number>>;
}

const negated = Object.fromEntries(Object.entries(ERRNO).map(([name, value]) => [name, -value]));

/**
 * KVM's: arch/x86/include/asm/kvm_para.h, Documentation/virt/kvm/x86/hypercalls.rst. KVM itself returns
 * only rax; the reply in rcx, rdx, rsi is our extension. An unknown number gives -1000 (KVM_ENOSYS).
 */
function kvmX86(trap: "vmcall" | "vmmcall", mode: 16 | 32 | 64): HypercallAbi {
  const wide = (name: string) => (mode === 64 ? "r" : "e") + name;
  return {
    name: "KVM x86",
    trap,
    source: "Linux Documentation/virt/kvm/x86/hypercalls.rst; reply registers are ours",
    number: wide("ax"),
    args: ["bx", "cx", "dx", "si"].map(wide),
    status: wide("ax"),
    length: "status",
    outputs: ["cx", "dx", "si"].map(wide),
    width: mode === 64 ? 8 : 4,
    order: "le",
    errors: { ...negated, ENOSYS: -1000 } as Record<ErrnoName, number>,
  };
}

/** PAPR's `sc 1`: LoPAR, "Hypervisor Call Functions"; Linux asm/hvcall.h. Outputs from r4. */
const papr: HypercallAbi = {
  name: "PAPR",
  trap: "sc 1",
  source: "LoPAR, hypervisor call functions; Linux asm/hvcall.h",
  number: "r3",
  args: ["r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"],
  status: "r3",
  length: "r4",
  outputs: ["r5", "r6", "r7", "r8", "r9", "r10", "r11"],
  width: 8,
  order: "be",
  errors: {
    EIO: -1, // H_HARDWARE
    ENOSYS: -2, // H_FUNCTION
    EINVAL: -4, // H_PARAMETER
    EFAULT: -4,
    E2BIG: -4,
    ENODEV: -7, // H_NOT_FOUND
    EAGAIN: 1, // H_BUSY
    EINPROGRESS: 1,
  },
};

/**
 * ePAPR's under KVM PR: Power ePAPR 1.1, section 2.8.4; Linux asm/epapr_hcalls.h. The trap is the magic
 * sequence of KVM's Documentation/virt/kvm/ppc-pv.rst.
 */
function epapr(mode: 32 | 64): HypercallAbi {
  return {
    name: "ePAPR",
    trap: "lis r0,0x4b56; ori r0,r0,0x4d21; sc; nop",
    source: "Power ePAPR 1.1; Linux Documentation/virt/kvm/ppc-pv.rst",
    number: "r11",
    args: ["r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10"],
    status: "r3",
    length: "r4",
    outputs: ["r5", "r6", "r7", "r8", "r9", "r10", "r11"],
    width: mode === 64 ? 8 : 4,
    order: "be",
    errors: {
      EIO: 3,
      EAGAIN: 4,
      EFAULT: 6,
      ENODEV: 7,
      EINVAL: 8,
      EINPROGRESS: 11, // EV_INVALID_STATE
      ENOSYS: 12, // EV_UNIMPLEMENTED
      E2BIG: 13, // EV_BUFFER_OVERFLOW
    },
  };
}

/** The ABI that guests of a backend use. */
export function abiOf(backend: "vmx" | "svm" | "kvm-hv" | "kvm-pr", mode: 16 | 32 | 64): HypercallAbi {
  switch (backend) {
    case "vmx":
      return kvmX86("vmcall", mode);
    case "svm":
      return kvmX86("vmmcall", mode);
    case "kvm-hv":
      return papr;
    case "kvm-pr":
      return epapr(mode === 64 ? 64 : 32);
  }
}

/** Payload bytes that fit in a CALL's registers, beside handle and fn. */
export function callCapacity(abi: HypercallAbi): number {
  return (abi.args.length - 2) * abi.width;
}

/** Reply bytes that fit in the output registers. */
export function replyCapacity(abi: HypercallAbi): number {
  return abi.outputs.length * abi.width;
}

/** The ABI's words for up to `count` registers of bytes, the last one padded with zeros. */
export function toWords(abi: HypercallAbi, bytes: Uint8Array): bigint[] {
  const words: bigint[] = [];
  for (let at = 0; at < bytes.length; at += abi.width) {
    let word = 0n;
    for (let i = 0; i < abi.width; i++) {
      const byte = BigInt(bytes[at + i] ?? 0);
      word |= byte << BigInt(8 * (abi.order === "le" ? i : abi.width - 1 - i));
    }
    words.push(word);
  }
  return words;
}

/** The first `length` bytes of the words. */
export function fromWords(abi: HypercallAbi, words: readonly bigint[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const word = words[Math.trunc(i / abi.width)];
    const within = i % abi.width;
    bytes[i] = Number((word >> BigInt(8 * (abi.order === "le" ? within : abi.width - 1 - within))) & 0xffn);
  }
  return bytes;
}

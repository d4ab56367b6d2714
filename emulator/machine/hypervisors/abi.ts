/** The hypercall ABIs as data: which instruction, which registers, and how each says that a call failed. */

/** How a hypervisor refuses what a device's end may have to refuse, by Linux's names. */
export type ErrorName =
  | "EIO"
  | "E2BIG"
  | "EAGAIN"
  | "EFAULT"
  | "ENODEV"
  | "EINVAL"
  | "ENOSYS"
  | "EINPROGRESS";

/** Linux's numbers of them (include/uapi/asm-generic/errno-base.h and errno.h). */
export const ERROR_NUMBERS: Readonly<Record<ErrorName, number>> = {
  EIO: 5,
  E2BIG: 7,
  EAGAIN: 11,
  EFAULT: 14,
  ENODEV: 19,
  EINVAL: 22,
  ENOSYS: 38,
  EINPROGRESS: 115,
};

/** What a guest executes to make a call. */
export type HypercallEntry =
  /** These instructions, one after the other; the number is in its register. */
  | { readonly by: "instructions" }
  /** CALL of a page that the hypervisor filled: at `number * stride`, or at its beginning if that is 0. */
  | { readonly by: "page"; readonly stride: number };

/** A hypercall ABI as a guest of one mode meets it. A register may be a pair: `"edx:eax"`, high half first. */
export interface HypercallAbi {
  /** For people. */
  readonly name: string;
  /** What its stubs are named after; `hypercall` if not given. */
  readonly stub?: string;
  /** The trap as text, for people; assembler source where `entry` says instructions. */
  readonly trap: string;
  /** Where it is written down. */
  readonly source: string;
  /** What the guest executes. */
  readonly entry: HypercallEntry;
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
  /**
   * Words of 8 bytes in memory that stand for arguments and for the reply, where the ABI passes more than `args` by
   * guest-physical address (in `args[0]`, and in `args[1]` for the reply) and its registers return a status alone.
   */
  readonly memoryWords?: number;
  /** Bytes of a register. */
  readonly width: 4 | 8;
  /** Order of a payload's bytes in a register: the guest's own. */
  readonly order: "le" | "be";
  /** Failures, as the status register shows them (signed). */
  readonly errors: Readonly<Record<ErrorName, number>>;
  /** Numbers that nobody else uses under this hypervisor: the first one, and the step to the next. */
  readonly numbers: { readonly first: number; readonly step: number };
}

/** Failures as negative errno values. */
export const NEGATED: Readonly<Record<ErrorName, number>> = Object.fromEntries(
  Object.entries(ERROR_NUMBERS).map(([name, value]) => [name, -value]),
) as Record<ErrorName, number>;

/**
 * Where a number is all that tells calls apart: "TS" in the upper half, which as ePAPR's token is a vendor that nobody
 * registered, and as a PAPR function a multiple of 4 far above those that are assigned.
 */
export const PRIVATE_NUMBERS: HypercallAbi["numbers"] = { first: 0x5453_0004, step: 4 };

/** Reads a register, or a pair of them. */
export function readRegister(registers: { get(name: string): bigint }, name: string): bigint {
  const [high, low] = name.split(":");
  if (low === undefined) return registers.get(name);
  return BigInt.asUintN(32, registers.get(high)) << 32n | BigInt.asUintN(32, registers.get(low));
}

/** A value by register: one entry, or two for a pair. */
export function registerValues(name: string, value: bigint): [string, bigint][] {
  const [high, low] = name.split(":");
  if (low === undefined) return [[name, value]];
  return [[high, BigInt.asUintN(32, value >> 32n)], [low, BigInt.asUintN(32, value)]];
}

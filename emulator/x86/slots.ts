/** Byte offsets of x86 state within the state area; slots are 8 bytes. */
import { STATE } from "../ir/layout.ts";

/** Slot of general register 0..15: rax rcx rdx rbx rsp rbp rsi rdi r8..r15, the order of their codes. */
export function gpr(code: number): number {
  return STATE.isa + 8 * code;
}

export const RAX = gpr(0);
export const RCX = gpr(1);
export const RDX = gpr(2);
export const RBX = gpr(3);
export const RSP = gpr(4);
export const RBP = gpr(5);
export const RSI = gpr(6);
export const RDI = gpr(7);

/** Last flag result, sign-extended to 64 bits. */
export const RES = gpr(16);
/** Carries of the last flag result and corrections to what `RES` says; see `flags.ts`. */
export const AUX = RES + 8;
/** CF in the lowest of 32 bits, nothing else. */
export const CARRY = AUX + 8;
/** EFLAGS without CF PF AF ZF SF OF and without bit 1, at their own bit positions. */
export const EFLAGS_REST = CARRY + 8;

/** Segment registers in the order of their codes. */
export const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs"] as const;
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;

const SEGMENTS = EFLAGS_REST + 8;

/** Bytes of state per segment register. */
const SEGMENT_SIZE = 8 * 5;

/** Slot of a segment's selector (16 bits). */
export function segmentSelector(index: number): number {
  return SEGMENTS + SEGMENT_SIZE * index;
}

/** Slot of a segment's base address (32 bits in modes 16 and 32, 64 in mode 64). */
export function segmentBase(index: number): number {
  return segmentSelector(index) + 8;
}

/**
 * Slots of the offsets at which a segment may be read, and written: the first one in the low 32 bits, the last one in
 * the high 32 bits. First above last where none may: a null selector, a segment that is not writable.
 */
export function segmentReadable(index: number): number {
  return segmentSelector(index) + 16;
}
export function segmentWritable(index: number): number {
  return segmentSelector(index) + 24;
}

/**
 * Slot of a segment's access rights, in the format of VMX (SDM vol. 3C, table 25-2): type in bits 3 to 0, S in 4, DPL in
 * 6 to 5, P in 7, L in 13, D or B in 14, G in 15, and 16 for a segment that cannot be used.
 */
export function segmentRights(index: number): number {
  return segmentSelector(index) + 32;
}

/** Slot of CR0; CRn is 8 * n further on. */
export const CR = segmentSelector(6);
/** Slot of the EFER MSR. */
export const EFER = CR + 8 * 9;

/** Descriptor tables: linear base address, and limit (offset of the last byte). */
export const GDT_BASE = EFER + 8;
export const GDT_LIMIT = EFER + 16;
export const IDT_BASE = EFER + 24;
export const IDT_LIMIT = EFER + 32;
/** Selectors of the local descriptor table and the task state segment. */
export const LDTR = EFER + 40;
export const TR = EFER + 48;
/** Slot of DR0; DRn is 8 * n further on. */
export const DR = EFER + 56;
/** Slot of the TSC_AUX MSR, which RDTSCP gives. */
export const TSC_AUX = DR + 8 * 8;

/** What LLDT and LTR read of the descriptors: linear base address, and limit (offset of the last byte). */
export const LDTR_BASE = TSC_AUX + 8;
export const LDTR_LIMIT = TSC_AUX + 16;
export const TR_BASE = TSC_AUX + 24;
export const TR_LIMIT = TSC_AUX + 32;
/** MSRs that are kept. */
export const KERNEL_GS_BASE = TSC_AUX + 40;
export const STAR = TSC_AUX + 48;
export const LSTAR = TSC_AUX + 56;
export const CSTAR = TSC_AUX + 64;
export const FMASK = TSC_AUX + 72;
/** What WRMSR to the TSC made of the difference between it and the vCPU's cycles; wraps at 64 bits. */
export const TSC_OFFSET = TSC_AUX + 80;
/** Current privilege level, 0 to 3: 0 in real mode, 3 in virtual-8086 mode. SDM vol. 3A, 5.5. */
export const CPL = TSC_OFFSET + 8;
/**
 * Not 0 while linear addresses are guest-physical although CR0.PG is set: a VM made in 64-bit mode starts so, until the
 * guest loads CR3 with another value than it found there, or turns paging off.
 */
export const IDENTITY = TSC_OFFSET + 16;
/** Last offset of the code segment, 32 bits: what may be executed there need not be readable. */
export const CODE_LAST = TSC_OFFSET + 24;
/** Access rights of the task register, in the format of `segmentRights`: whether its segment is a 16-bit one. */
export const TR_RIGHTS = TSC_OFFSET + 32;
/** Not 0 while a loaded segment register asks for other code (`Vcpu.modeChanged`) as soon as its instruction is done. */
export const SEGMENTS_CHANGED = TSC_OFFSET + 40;
/** Slot of PDPTE 0 of PAE paging, loaded from memory with CR3; PDPTE n is 8 * n further on. SDM vol. 3A, 4.4.1. */
export const PDPTE = TSC_OFFSET + 8 * 8;
/** What the guest has made of the PAT MSR: its value, exclusive-or what it is at reset. */
export const PAT_CHANGES = PDPTE + 8 * 4;

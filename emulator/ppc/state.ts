/**
 * Where the PowerPC's registers live in a vCPU's state area, and how users see them.
 *
 * Every register has an 8-byte little-endian slot of its own. In mode 32 only the low half of a slot is
 * used and the upper half stays 0. The condition register is kept as eight slots of one 4-bit field
 * each, the XER as its parts, because the instructions read and write those parts and never the whole.
 */
import { STATE } from "../ir/layout.ts";
import type { ByteOrder } from "../ir/ops.ts";
import type { RegisterInfo, StateView } from "../isa/isa.ts";

/** Width of a general-purpose register and of an effective address. */
export type PpcMode = 32 | 64;

/**
 * Slots after the general-purpose registers, in order. `dec` is the decrementer as it was written last, `decBase`
 * the timebase of that time. `reserve` is the size in bytes of a reservation or 0, `reserveAddress` and
 * `reserveValue` where it is and what was loaded. `lpcr` is the hypervisor's, in mode 64. `untraced` is the count of
 * instructions after the last one that no trace interrupt follows. What comes after it is mode 32's.
 */
const SPECIAL = [
  ...["lr", "ctr", "cr0", "cr1", "cr2", "cr3", "cr4", "cr5", "cr6", "cr7"],
  ...["so", "ov", "ca", "xerCount"],
  ...["msr", "srr0", "srr1", "sprg0", "sprg1", "sprg2", "sprg3", "dec", "dar", "dsisr", "pvr"],
  ...["decBase", "reserve", "reserveAddress", "reserveValue", "fpscr", "lpcr", "untraced", "sdr1"],
  ...["ibat0u", "ibat0l", "ibat1u", "ibat1l", "ibat2u", "ibat2l", "ibat3u", "ibat3l"],
  ...["dbat0u", "dbat0l", "dbat1u", "dbat1l", "dbat2u", "dbat2l", "dbat3u", "dbat3l"],
  ...["sr0", "sr1", "sr2", "sr3", "sr4", "sr5", "sr6", "sr7", "sr8"],
  ...["sr9", "sr10", "sr11", "sr12", "sr13", "sr14", "sr15"],
] as const;

/** Byte offset of the general-purpose register `index` (0 to 31). */
export function gpr(index: number): number {
  return STATE.isa + 8 * index;
}

/** Byte offset of a slot by name; each is used by its low bits only, as its comment in `SPECIAL` tells. */
export const SLOT = Object.fromEntries(
  SPECIAL.map((name, index) => [name, gpr(32 + index)]),
) as Readonly<Record<typeof SPECIAL[number], number>>;

/** Byte offset of the floating-point register `index` (0 to 31): double format. */
export function fpr(index: number): number {
  return gpr(32 + SPECIAL.length + index);
}

/**
 * What a 32-bit processor's decrementer has done: bit 0, its interrupt waits; bit 1, it has passed 0 since it was
 * written with a positive value. Kept by the interrupt logic.
 */
export const DECREMENTER_EVENT = fpr(32);

/** Byte offset of condition register field `index` (0 to 7): a 4-bit value, see `CR_BIT`. */
export function crField(index: number): number {
  return SLOT.cr0 + 8 * index;
}

/** Bits of a condition register field, by the manual's names; `so` doubles as `un` (unordered). */
export const CR_BIT = { lt: 8, gt: 4, eq: 2, so: 1 } as const;

/** Byte offset of segment register `index` (0 to 15). */
export function segment(index: number): number {
  return SLOT.sr0 + 8 * index;
}

/**
 * Machine state register bits that the project names (ISA 2.07B Book III-S 3.2.1; bit 63 is the lowest). POW, ILE
 * and IP are 32-bit processors' (PowerPC 750 User's Manual 2.1.2.1).
 */
export const MSR = {
  SF: 1n << 63n,
  HV: 1n << 60n,
  TS: 3n << 33n,
  TM: 1n << 32n,
  VEC: 1n << 25n,
  VSX: 1n << 23n,
  POW: 1n << 18n,
  ILE: 1n << 16n,
  EE: 1n << 15n,
  PR: 1n << 14n,
  FP: 1n << 13n,
  ME: 1n << 12n,
  FE0: 1n << 11n,
  SE: 1n << 10n,
  BE: 1n << 9n,
  FE1: 1n << 8n,
  IP: 1n << 6n,
  IR: 1n << 5n,
  DR: 1n << 4n,
  PMM: 1n << 2n,
  RI: 1n << 1n,
  LE: 1n << 0n,
} as const;

/** LPCR[ILE]: the byte order in which a 64-bit processor's interrupt handlers run (2.07B Book III-S 2.2). */
export const LPCR_ILE = 1n << 25n;

/** Processor version register: a 750 for mode 32, a POWER8 for mode 64. */
const PVR = { 32: 0x0008_0301n, 64: 0x004d_0200n } as const;

/**
 * Reset values: real mode and supervisor state, floating point unavailable; SF in mode 64. Little-endian: LE, and
 * interrupts keep it so, in mode 64 by the hypervisor's grace (H_SET_MODE).
 */
export function resetState(mode: PpcMode, order: ByteOrder): ReadonlyMap<number, bigint> {
  const little = order === "le" ? MSR.LE | (mode === 32 ? MSR.ILE : 0n) : 0n;
  const msr = MSR.ME | MSR.RI | (mode === 64 ? MSR.SF : 0n) | little;
  return new Map([
    [SLOT.msr, msr],
    [SLOT.pvr, PVR[mode]],
    [SLOT.dec, 0x7fff_ffffn],
    [SLOT.lpcr, mode === 64 && order === "le" ? LPCR_ILE : 0n],
  ]);
}

/** The condition register as `mfcr` gives it: field 0 in the top four of 32 bits. */
export function readCr(state: StateView): bigint {
  let value = 0n;
  for (let field = 0; field < 8; field++) value = value << 4n | BigInt(state.get32(crField(field)) & 15);
  return value;
}

export function writeCr(state: StateView, value: bigint): void {
  for (let field = 0; field < 8; field++) {
    state.set64(crField(field), value >> BigInt(28 - 4 * field) & 15n);
  }
}

/** The XER: SO, OV, CA in bits 32 to 34, the string instructions' byte count in bits 57 to 63. */
export function readXer(state: StateView): bigint {
  const flags = state.get32(SLOT.so) << 2 | state.get32(SLOT.ov) << 1 | state.get32(SLOT.ca);
  return BigInt(flags) << 29n | BigInt(state.get32(SLOT.xerCount) & 0x7f);
}

export function writeXer(state: StateView, value: bigint): void {
  state.set64(SLOT.so, value >> 31n & 1n);
  state.set64(SLOT.ov, value >> 30n & 1n);
  state.set64(SLOT.ca, value >> 29n & 1n);
  state.set64(SLOT.xerCount, value & 0x7fn);
}

/** Of mode 32: `sdr1`, the block address translation registers, the segment registers. */
const TRANSLATION_REGISTERS = SPECIAL.slice(SPECIAL.indexOf("sdr1"));

/** The registers as users name them, in the order of `regs`. */
export function ppcRegisters(mode: PpcMode): readonly RegisterInfo[] {
  const plain = (name: keyof typeof SLOT, width: 32 | 64, group: string): RegisterInfo => ({
    name,
    offset: SLOT[name],
    width,
    group,
  });
  return [
    ...Array.from(
      { length: 32 },
      (_, index): RegisterInfo => ({ name: `r${index}`, offset: gpr(index), width: mode, group: "general" }),
    ),
    { name: "pc", offset: STATE.pc, width: mode, group: "special" },
    plain("lr", mode, "special"),
    plain("ctr", mode, "special"),
    { name: "cr", offset: SLOT.cr0, width: 32, group: "flags", get: readCr, set: writeCr },
    { name: "xer", offset: SLOT.so, width: 32, group: "flags", get: readXer, set: writeXer },
    plain("msr", mode, "system"),
    plain("srr0", mode, "system"),
    plain("srr1", mode, "system"),
    plain("sprg0", mode, "system"),
    plain("sprg1", mode, "system"),
    plain("sprg2", mode, "system"),
    plain("sprg3", mode, "system"),
    plain("dec", 32, "system"),
    plain("dar", mode, "system"),
    plain("dsisr", 32, "system"),
    plain("pvr", 32, "system"),
    ...mode === 64
      ? [plain("lpcr", 64, "system")]
      : TRANSLATION_REGISTERS.map((name) => plain(name, 32, "translation")),
    plain("reserve", 32, "system"),
    { ...plain("reserveAddress", mode, "system"), name: "reserve_address" },
    { ...plain("reserveValue", mode, "system"), name: "reserve_value" },
    plain("fpscr", 32, "float"),
    ...Array.from(
      { length: 32 },
      (_, index): RegisterInfo => ({ name: `f${index}`, offset: fpr(index), width: 64, group: "float" }),
    ),
  ];
}

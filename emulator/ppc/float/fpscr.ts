/** The floating-point status and control register (Power ISA 2.07B Book I 4.2.2), its low 32 bits. */

/** Bits by the manual's names; bit 0 of the manual's 32 is the top one here. */
export const FPSCR = {
  FX: 0x8000_0000,
  FEX: 0x4000_0000,
  VX: 0x2000_0000,
  OX: 0x1000_0000,
  UX: 0x0800_0000,
  ZX: 0x0400_0000,
  XX: 0x0200_0000,
  VXSNAN: 0x0100_0000,
  VXISI: 0x0080_0000,
  VXIDI: 0x0040_0000,
  VXZDZ: 0x0020_0000,
  VXIMZ: 0x0010_0000,
  VXVC: 0x0008_0000,
  FR: 0x0004_0000,
  FI: 0x0002_0000,
  FPRF: 0x0001_f000,
  FPCC: 0x0000_f000,
  VXSOFT: 0x0000_0400,
  VXSQRT: 0x0000_0200,
  VXCVI: 0x0000_0100,
  VE: 0x80,
  OE: 0x40,
  UE: 0x20,
  ZE: 0x10,
  XE: 0x08,
  RN: 0x03,
} as const;

/** The causes of an invalid operation, of which VX is the sum. */
export const VX_ALL = 0x01f8_0700;
/** The exception bits that set FX when they are set. */
export const EXCEPTIONS = 0x1e00_0000 | VX_ALL;
/** VX, OX, UX, ZX and XX lie this far above the bits that enable them, which are `ENABLES`. */
export const ENABLE_DISTANCE = 22;
export const ENABLES = 0xf8;
/** Bits that exist and that an instruction may write: not FEX and VX, which are sums, nor the reserved one. */
export const WRITABLE = 0x9fff_f7ff;

/** Rounding modes, the values of RN. */
export const ROUND = { nearest: 0, zero: 1, up: 2, down: 3 } as const;
export type Rounding = 0 | 1 | 2 | 3;

/** FPRF of a result (table 4-1), without its sign where that only tells positive from negative. */
export type ResultClass = "zero" | "denormal" | "normal" | "infinity" | "nan";

/** FPRF by class: positive, negative. */
const CLASS_BITS: Readonly<Record<ResultClass, readonly [number, number]>> = {
  nan: [0x1_1000, 0x1_1000],
  infinity: [0x0_5000, 0x0_9000],
  normal: [0x0_4000, 0x0_8000],
  denormal: [0x1_4000, 0x1_8000],
  zero: [0x0_2000, 0x1_2000],
};

/** The register while one instruction is executed. */
export class Status {
  /** Unsigned. */
  bits: number;

  constructor(bits: number) {
    this.bits = bits >>> 0;
  }

  get rounding(): Rounding {
    return (this.bits & FPSCR.RN) as Rounding;
  }

  has(bits: number): boolean {
    return (this.bits & bits) !== 0;
  }

  /** Sets exception bits, and FX if one of them was not set. */
  raise(exceptions: number): void {
    const fx = (exceptions & ~this.bits) !== 0 ? FPSCR.FX : 0;
    this.bits = (this.bits | exceptions | fx) >>> 0;
  }

  /** FR: the fraction was made larger by rounding; FI: the result is inexact. */
  rounded(up: boolean, inexact: boolean): void {
    this.bits = (this.bits & ~(FPSCR.FR | FPSCR.FI) | (up ? FPSCR.FR : 0) | (inexact ? FPSCR.FI : 0)) >>> 0;
  }

  classify(kind: ResultClass, sign: number): void {
    this.bits = (this.bits & ~FPSCR.FPRF | CLASS_BITS[kind][sign]) >>> 0;
  }

  /** The low four bits of FPRF: a comparison's result, with LT on top. */
  compared(condition: number): void {
    this.bits = (this.bits & ~FPSCR.FPCC | condition << 12) >>> 0;
  }

  /** With VX and FEX as the sums that they are. */
  summed(): number {
    const vx = this.bits & VX_ALL ? FPSCR.VX : 0;
    const bits = this.bits & ~(FPSCR.VX | FPSCR.FEX) | vx;
    return (bits | (bits >>> ENABLE_DISTANCE & bits & ENABLES ? FPSCR.FEX : 0)) >>> 0;
  }
}

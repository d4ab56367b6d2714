/** A vCPU's state by itself, with its registers, flags and fields by name. */
import { STATE } from "../../emulator/ir/layout.ts";
import type { Isa, StateView } from "../../emulator/isa/isa.ts";
import {
  CODE_LAST,
  CPL,
  CS,
  SEGMENT_NAMES,
  segmentReadable,
  segmentWritable,
} from "../../emulator/x86/slots.ts";
import { NOWHERE } from "../../emulator/x86/state.ts";

/** Names of bits and fields that cases use beside the ISA's registers: of which register, where, how wide. */
export type Parts = Readonly<Record<string, readonly [register: string, shift: number, width: number]>>;

const X86_FLAGS: Parts = {
  ...{ cf: ["eflags", 0, 1], pf: ["eflags", 2, 1], af: ["eflags", 4, 1], zf: ["eflags", 6, 1] },
  ...{ sf: ["eflags", 7, 1], tf: ["eflags", 8, 1], if: ["eflags", 9, 1], df: ["eflags", 10, 1] },
  of: ["eflags", 11, 1],
};

const PPC_PARTS: Parts = {
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`cr${i}`, ["cr", 28 - 4 * i, 4] as const])),
  ...{ so: ["xer", 31, 1], ov: ["xer", 30, 1], ca: ["xer", 29, 1] },
};

/** What cases may name of x86's segments that is no register: their last offset, and whether there is any to store at. */
const X86_LIMITS: Readonly<Record<string, (state: StateView, value: bigint) => void>> = Object.fromEntries([
  ...SEGMENT_NAMES.flatMap((name, index) => {
    const last = (state: StateView, slot: number, value: bigint) =>
      state.set64(slot, state.get64(slot) & 0xffff_ffffn | value << 32n);
    const first = (state: StateView, slot: number, value: bigint) =>
      state.set64(slot, state.get64(slot) & ~0xffff_ffffn | value);
    return [
      [`${name}_last`, (state: StateView, value: bigint) => {
        last(state, segmentReadable(index), value);
        last(state, segmentWritable(index), value);
        if (index === CS) state.set64(CODE_LAST, value);
      }],
      [`${name}_first`, (state: StateView, value: bigint) => {
        first(state, segmentReadable(index), value);
        first(state, segmentWritable(index), value);
      }],
      [`${name}_writable`, (state: StateView, value: bigint) => {
        state.set64(segmentWritable(index), value === 0n ? NOWHERE : state.get64(segmentReadable(index)));
      }],
    ] as const;
  }),
  ["cpl", (state: StateView, value: bigint) => state.set64(CPL, value)] as const,
]);

/** What cases of an ISA may name beside its registers. */
export function partsOf(isa: Isa): Parts {
  return isa.name.startsWith("x86") ? X86_FLAGS : PPC_PARTS;
}

/** What cases may call an ISA's mode: its name, or that without the architecture's. */
export function modesOf(isa: Isa): readonly string[] {
  return [isa.name, isa.name.replace(/^(x86|ppc)-?/, "")];
}

const mask = (width: number): bigint => (1n << BigInt(width)) - 1n;

/** The state area of one vCPU, by itself. */
export function createState(): StateView {
  const view = new DataView(new ArrayBuffer(STATE.end));
  return {
    get64: (offset) => view.getBigUint64(offset, true),
    set64: (offset, value) => view.setBigUint64(offset, value, true),
    get32: (offset) => view.getUint32(offset, true),
    set32: (offset, value) => view.setUint32(offset, value, true),
    get8: (offset) => view.getUint8(offset),
    set8: (offset, value) => view.setUint8(offset, value),
  };
}

/** Registers of a state by name, as `isa.registers` and `parts` say. */
export class NamedState {
  constructor(readonly isa: Isa, readonly parts: Parts, readonly state: StateView) {}

  get(name: string): { value: bigint; width: number } | undefined {
    if (name === "pc") return { value: this.state.get64(STATE.pc), width: this.isa.addressWidth };
    const info = this.isa.registers.find((register) => register.name === name);
    if (info !== undefined) {
      const value = info.get?.(this.state) ?? this.#bytes(info.offset, info.width);
      return { value: value & mask(info.width), width: info.width };
    }
    const part = this.#part(name);
    const whole = part && this.get(part[0]);
    return part && whole && { value: (whole.value >> BigInt(part[1])) & mask(part[2]), width: part[2] };
  }

  set(name: string, value: bigint): void {
    if (name === "pc") return this.state.set64(STATE.pc, value);
    const info = this.isa.registers.find((register) => register.name === name);
    if (info !== undefined) {
      const unsigned = BigInt.asUintN(info.width, value);
      if (value > 0n && unsigned !== value) throw new RangeError(`${name} has ${info.width} bits`);
      if (info.set !== undefined) return info.set(this.state, unsigned);
      for (let i = 0; i < info.width / 8; i++) {
        this.state.set8(info.offset + i, Number((unsigned >> BigInt(8 * i)) & 0xffn));
      }
      return;
    }
    if (Object.hasOwn(X86_LIMITS, name)) return X86_LIMITS[name](this.state, value);
    const part = this.#part(name);
    const whole = part && this.get(part[0]);
    if (part === undefined || whole === undefined) throw new SyntaxError(`${name}: no such register`);
    const [register, shift, width] = part;
    if (value < 0n || value > mask(width)) throw new RangeError(`${name} has ${width} bits`);
    this.set(register, (whole.value & ~(mask(width) << BigInt(shift))) | (value << BigInt(shift)));
  }

  #part(name: string): Parts[string] | undefined {
    return Object.hasOwn(this.parts, name) ? this.parts[name] : undefined;
  }

  #bytes(offset: number, width: number): bigint {
    let value = 0n;
    for (let i = width / 8 - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.state.get8(offset + i));
    return value;
  }
}

/** A vCPU's registers by name. */
import type { CpuState } from "../engine/state.ts";
import { STATE } from "../ir/layout.ts";
import type { Isa, RegisterInfo } from "../isa/isa.ts";

/** A register with what is in it. */
export interface RegisterValue {
  /** Lower case, e.g. `"rax"`. */
  readonly name: string;
  /** Unsigned. */
  readonly value: bigint;
  /** Bits. */
  readonly width: number;
  /** Where `regs` lists it: `"general"`, `"flags"`, `"segment"`, `"control"`, `"special"`; `"part"` for parts of others. */
  readonly group: string;
}

/** What is told when a register is set. */
export interface RegisterListener {
  /** The program counter is about to be. */
  moved(): void;
  /** One was that the mode or the translation of addresses may depend on. */
  changed(): void;
}

/** Groups with registers that the mode or the translation of addresses may depend on. */
const DECISIVE: ReadonlySet<string> = new Set(["control", "segment", "flags", "special"]);

/** A register, and what is to be done to read or set it: handlers of hypercalls do little else. */
interface Known {
  readonly info: RegisterInfo;
  /** It has a slot of its own, or half of one, and nobody has to be told: 32 or 64 bits. */
  readonly isPlain: boolean;
  /** Its greatest value. */
  readonly most: bigint;
}

function known(info: RegisterInfo): Known {
  const { offset, width, group, get, set } = info;
  const isWhole = offset % 8 === 0 && width >= 32 && get === undefined && set === undefined;
  return {
    info,
    isPlain: isWhole && offset !== STATE.pc && !DECISIVE.has(group),
    most: 2n ** BigInt(width) - 1n,
  };
}

/** A vCPU's registers. Names are those of the architecture's manual, in any case. */
export class Registers {
  readonly #state: CpuState;
  readonly #listener: RegisterListener;
  #byName!: ReadonlyMap<string, Known>;

  /** @internal */
  constructor(isa: Isa, state: CpuState, listener: RegisterListener) {
    this.#state = state;
    this.#listener = listener;
    this.isa = isa;
  }

  /**
   * The instruction set whose names they have.
   *
   * @internal
   */
  set isa(isa: Isa) {
    const pc: RegisterInfo = { name: "pc", offset: STATE.pc, width: isa.addressWidth, group: "part" };
    this.#byName = new Map([pc, ...isa.registers].map((info) => [info.name, known(info)]));
  }

  /** Every name, `pc` and parts such as `al` included. */
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** True if there is a register of that name. */
  has(name: string): boolean {
    return this.#byName.has(name.toLowerCase());
  }

  /** The value, unsigned. Throws `RangeError` for a name that is none. */
  get(name: string): bigint {
    const { info, isPlain } = this.#known(name);
    if (!isPlain) return this.#read(info);
    return info.width === 64 ? this.#state.get64(info.offset) : BigInt(this.#state.get32(info.offset));
  }

  /** Sets the register's own bits; a value that does not fit is a `RangeError` (negative ones count as signed). */
  set(name: string, value: bigint | number): void {
    const { info, isPlain, most } = this.#known(name);
    if (isPlain && typeof value === "bigint" && value >= 0n && value <= most) {
      this.#state.set64(info.offset, value);
      return;
    }
    if (isPlain && typeof value === "number" && value >= 0 && value < 2 ** 32 && Number.isInteger(value)) {
      this.#state.set32(info.offset, value);
      this.#state.set32(info.offset + 4, 0);
      return;
    }
    const wanted = BigInt(value);
    if (BigInt.asUintN(info.width, wanted) !== wanted && BigInt.asIntN(info.width, wanted) !== wanted) {
      throw new RangeError(
        `0x${wanted.toString(16)} does not fit ${info.name}, which has ${info.width} bits`,
      );
    }
    const bits = BigInt.asUintN(info.width, wanted);
    if (info.offset === STATE.pc) this.#listener.moved();
    this.#write(info, bits);
    if (DECISIVE.has(info.group)) this.#listener.changed();
  }

  #write(info: RegisterInfo, bits: bigint): void {
    if (info.set) return info.set(this.#state, bits);
    if (info.offset === STATE.pc) return this.#state.set64(STATE.pc, bits);
    const { offset, width } = info;
    if (width === 64) this.#state.set64(offset, bits);
    else if (width === 8) this.#state.set8(offset, Number(bits));
    else if (width === 32) this.#state.set64(offset, bits);
    else this.#state.set32(offset, (this.#state.get32(offset) & 0xffff0000 | Number(bits)) >>> 0);
  }

  /** Full registers first, parts last, in the ISA's order. */
  list(): readonly RegisterValue[] {
    return [...this.#byName.values()].slice(1).map(({ info }) => ({
      name: info.name,
      value: this.#read(info),
      width: info.width,
      group: info.group,
    }));
  }

  #read(info: RegisterInfo): bigint {
    const value = info.get
      ? info.get(this.#state)
      : this.#state.get64(info.offset & ~7) >> BigInt((info.offset & 7) * 8);
    return BigInt.asUintN(info.width, value);
  }

  #known(name: string): Known {
    const found = this.#byName.get(name) ?? this.#byName.get(name.toLowerCase());
    if (!found) throw new RangeError(`there is no register ${name}: there are ${this.names.join(", ")}`);
    return found;
  }
}

/**
 * A second reading of SDM vol. 3A, chapter 4, for tests: slow, and section by section as the manual has it. Physical
 * addresses have 40 bits.
 */
import type { Reach } from "../../../../emulator/machine/processor.ts";

export interface Registers {
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
  readonly cpl: number;
  readonly pdptes: readonly bigint[];
}

export type Translated =
  | { readonly kind: "page"; readonly address: bigint; readonly storable: boolean }
  | { readonly kind: "page fault"; readonly code: number }
  | { readonly kind: "not canonical" };

/** Bits `high` to `low`, in place. */
function mask(high: number, low: number): bigint {
  return (1n << BigInt(high + 1)) - (1n << BigInt(low));
}
const bits = (value: bigint, high: number, low: number) => (value & mask(high, low)) >> BigInt(low);
const bit = (value: bigint, n: number) => bits(value, n, n) === 1n;

interface Used {
  readonly at: bigint;
  readonly value: bigint;
}

/** A walk to its end: entries used, from the outermost, and the address; or the flags of a fault on the way. */
type Walk = { readonly used: readonly Used[]; readonly address: bigint } | {
  readonly present: boolean;
  readonly reserved: boolean;
};

const NOT_PRESENT: Walk = { present: false, reserved: false },
  RESERVED: Walk = { present: true, reserved: true };

/** Memory from 0 on; entries outside of it are not present. */
export class Model {
  constructor(readonly memory: Uint8Array) {}

  #read(at: bigint, size: 4 | 8): bigint {
    if (at + BigInt(size) > BigInt(this.memory.length)) return 0n;
    const view = new DataView(this.memory.buffer, this.memory.byteOffset);
    return size === 4 ? BigInt(view.getUint32(Number(at), true)) : view.getBigUint64(Number(at), true);
  }

  /** 4.3. */
  #walk32(linear: bigint, { cr3, cr4 }: Registers): Walk {
    const pdeAt = (cr3 & mask(31, 12)) | bits(linear, 31, 22) << 2n, pde = this.#read(pdeAt, 4);
    if (!bit(pde, 0)) return NOT_PRESENT;
    if (bit(pde, 7) && bit(cr4, 4)) {
      // Table 4-4: bits (M-20):13 are bits (M-1):32 of the address, bits 21:(M-19) are reserved.
      if (bit(pde, 21)) return RESERVED;
      const address = pde & mask(31, 22) | bits(pde, 20, 13) << 32n | linear & mask(21, 0);
      return { used: [{ at: pdeAt, value: pde }], address };
    }
    const pteAt = pde & mask(31, 12) | bits(linear, 21, 12) << 2n, pte = this.#read(pteAt, 4);
    if (!bit(pte, 0)) return NOT_PRESENT;
    return {
      used: [{ at: pdeAt, value: pde }, { at: pteAt, value: pte }],
      address: pte & mask(31, 12) | linear & mask(11, 0),
    };
  }

  /** 4.4. */
  #walkPae(linear: bigint, { pdptes, efer }: Registers): Walk {
    const nxe = bit(efer, 11), pdpte = pdptes[Number(bits(linear, 31, 30))];
    if (!bit(pdpte, 0)) return NOT_PRESENT;
    const pdeAt = pdpte & mask(39, 12) | bits(linear, 29, 21) << 3n, pde = this.#read(pdeAt, 8);
    if (!bit(pde, 0)) return NOT_PRESENT;
    if (bits(pde, 62, 40) || bit(pde, 63) && !nxe) return RESERVED;
    if (bit(pde, 7)) {
      if (bits(pde, 20, 13)) return RESERVED;
      return { used: [{ at: pdeAt, value: pde }], address: pde & mask(39, 21) | linear & mask(20, 0) };
    }
    const pteAt = pde & mask(39, 12) | bits(linear, 20, 12) << 3n, pte = this.#read(pteAt, 8);
    if (!bit(pte, 0)) return NOT_PRESENT;
    if (bits(pte, 62, 40) || bit(pte, 63) && !nxe) return RESERVED;
    return {
      used: [{ at: pdeAt, value: pde }, { at: pteAt, value: pte }],
      address: pte & mask(39, 12) | linear & mask(11, 0),
    };
  }

  /** 4.5. */
  #walk4(linear: bigint, { cr3, efer }: Registers): Walk {
    const wrong = (entry: bigint) => bits(entry, 51, 40) !== 0n || bit(entry, 63) && !bit(efer, 11);
    const used: Used[] = [];
    const next = (table: bigint, index: bigint) => {
      const at = table & mask(39, 12) | index << 3n, value = this.#read(at, 8);
      used.push({ at, value });
      return value;
    };
    const pml4e = next(cr3, bits(linear, 47, 39));
    if (!bit(pml4e, 0)) return NOT_PRESENT;
    if (wrong(pml4e) || bit(pml4e, 7)) return RESERVED;
    const pdpte = next(pml4e, bits(linear, 38, 30));
    if (!bit(pdpte, 0)) return NOT_PRESENT;
    if (wrong(pdpte)) return RESERVED;
    if (bit(pdpte, 7)) {
      if (bits(pdpte, 29, 13)) return RESERVED;
      return { used, address: pdpte & mask(39, 30) | linear & mask(29, 0) };
    }
    const pde = next(pdpte, bits(linear, 29, 21));
    if (!bit(pde, 0)) return NOT_PRESENT;
    if (wrong(pde)) return RESERVED;
    if (bit(pde, 7)) {
      if (bits(pde, 20, 13)) return RESERVED;
      return { used, address: pde & mask(39, 21) | linear & mask(20, 0) };
    }
    const pte = next(pde, bits(linear, 20, 12));
    if (!bit(pte, 0)) return NOT_PRESENT;
    if (wrong(pte)) return RESERVED;
    return { used, address: pte & mask(39, 12) | linear & mask(11, 0) };
  }

  /** 4.6 to 4.8: rights, error codes, accessed and dirty flags. */
  translate(linear: bigint, reach: Reach, registers: Registers): Translated {
    const { cr0, cr4, efer, cpl } = registers, long = bit(efer, 10), pae = bit(cr4, 5);
    if (long && BigInt.asUintN(64, BigInt.asIntN(48, linear)) !== linear) return { kind: "not canonical" };
    const user = cpl === 3, write = reach === 1, fetch = reach === 2, nxe = bit(efer, 11);
    const fault = (present: boolean, reserved: boolean): Translated => ({
      kind: "page fault",
      code: Number(present) + 2 * Number(write) + 4 * Number(user) + 8 * Number(reserved) +
        16 * Number(fetch && pae && nxe),
    });
    const walk = long
      ? this.#walk4(linear, registers)
      : pae
      ? this.#walkPae(linear, registers)
      : this.#walk32(linear, registers);
    if (!("used" in walk)) return fault(walk.present, walk.reserved);
    const { used, address } = walk;
    const isUser = used.every(({ value }) => bit(value, 2)),
      isWritable = used.every(({ value }) => bit(value, 1));
    const isDisabled = pae && nxe && used.some(({ value }) => bit(value, 63));
    let allowed: boolean, mayWrite: boolean;
    if (user) {
      mayWrite = isUser && isWritable;
      allowed = isUser && (!write || isWritable) && (!fetch || !isDisabled);
    } else {
      mayWrite = isWritable || !bit(cr0, 16);
      allowed = (!write || mayWrite) && (!fetch || !isDisabled);
    }
    if (!allowed) return fault(true, false);
    used.forEach(({ at }, i) => {
      this.memory[Number(at)] |= 0x20 | (write && i === used.length - 1 ? 0x40 : 0);
    });
    const dirty = (this.memory[Number(used[used.length - 1].at)] & 0x40) !== 0;
    return { kind: "page", address, storable: mayWrite && dirty };
  }
}

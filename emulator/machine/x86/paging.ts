/**
 * From linear addresses to guest-physical ones. SDM vol. 3A, chapter 4. A table outside of memory reads as one without
 * entries, as KVM's own walk of guest tables has it (arch/x86/kvm/mmu/paging_tmpl.h); in read-only memory its accessed
 * and dirty flags stay as they are.
 */
import { CPL, CR, EFER, IDENTITY, PDPTE } from "../../x86/slots.ts";
import type { MappingList, PageMapping, PageWalk, WalkQuestion, WalkStep } from "../debug/page_walk.ts";
import { REACH, type Reach, type Translation } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";
import { CR0, CR4, EFER_BIT } from "./control_bits.ts";
import { modeName, pageFaultText, type SeenEntry, stepsOf } from "./explain_paging.ts";
import type { Fault } from "./fault.ts";
import { PageFault, PF } from "./page_fault.ts";
import {
  ADDRESS_HIGH,
  ENTRY,
  LINEAR_BITS,
  PAGING_32,
  PAGING_32_PSE,
  PAGING_4_LEVEL,
  PAGING_PAE,
  type PagingFormat,
  XD,
} from "./paging_formats.ts";

const PAGE = 4096, HIGH = 2 ** 32;
const CR2 = CR + 8 * 2, CR3 = CR + 8 * 3, CR4_SLOT = CR + 8 * 4;
/** Walks for one list of what is mapped: a second or so, where tables of tables lead nowhere. */
const MOST_WALKS = 500_000;
/** What `#code` is for an address that is not canonical. */
const NOT_CANONICAL = -1;

export class Paging implements Translation {
  storable = false;
  readonly #vcpu: Vcpu;
  /** The entry at hand. */
  #low = 0;
  #high = 0;
  /** Addresses and low halves of the entries of the walk at hand, from the outermost one. */
  readonly #places = new Float64Array(4);
  readonly #entries = new Int32Array(4);
  readonly #highs = new Int32Array(4);
  /** How many entries it has read, and in which format. */
  #depth = 0;
  #format: PagingFormat | undefined;
  /** What all of them allow. */
  #rights = 0;
  #disabled = 0;
  /** Why the last walk failed, and for which address. */
  #code = 0;
  #failedLow = 0;
  #failedHigh = 0;
  #failedReach: Reach = REACH.load;

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
  }

  /** Data in long mode always: addresses have to be canonical even where they are guest-physical. */
  active(reach: Reach): boolean {
    const { state } = this.#vcpu;
    if ((state.get32(CR) & CR0.PG) === 0) return false;
    return state.get32(IDENTITY) === 0 || this.#long && reach !== REACH.fetch;
  }

  get maps(): boolean {
    return this.active(REACH.fetch);
  }

  translate(low: number, high: number, reach: Reach): number {
    return this.walk(low, high, reach, this.#vcpu.state.get32(CPL) === 3);
  }

  /** As `translate`, for a privilege: what the processor reaches itself is the supervisor's. SDM vol. 3A, 4.6. */
  walk(low: number, high: number, reach: Reach, user: boolean): number {
    return this.#walk(low >>> 0, high >>> 0, reach, user, true);
  }

  look(low: number, high: number): number {
    const { storable } = this, code = this.#code;
    // The supervisor may read whatever is there, so that nothing but a missing entry is in the way.
    const gpa = this.#walk(low >>> 0, high >>> 0, REACH.load, false, false);
    this.storable = storable;
    this.#code = code;
    return gpa;
  }

  /** The same as a walk for people, without an effect. */
  explain(address: bigint, { reach = "load", user }: WalkQuestion): PageWalk {
    const asked = {
      address,
      reach,
      user: user ?? this.#vcpu.state.get32(CPL) === 3,
    };
    const { gpa, code } = this.#try(address, REACH[reach], asked.user);
    const format = this.#format;
    if (code === NOT_CANONICAL && gpa < 0) {
      return { ...asked, mode: "4-level paging", steps: [], fault: "#GP: the address is not canonical" };
    }
    if (!format) {
      const mode = this.#vcpu.state.get32(IDENTITY) !== 0
        ? "long mode before the guest has loaded CR3: linear addresses are guest-physical"
        : "no paging: linear addresses are guest-physical";
      return { ...asked, mode, steps: [], physical: BigInt(gpa) };
    }
    const base: WalkStep[] = [];
    if (format === PAGING_PAE) {
      const index = Number(address >> 30n) & 3, value = this.#vcpu.state.get64(PDPTE + 8 * index);
      base.push({ name: `PDPTE${index}`, value, says: value & 1n ? "P" : "none" });
    } else {
      const value = this.#vcpu.state.get64(CR3);
      base.push({ name: "cr3", value, says: `table at 0x${(value & ~0xfffn).toString(16)}` });
    }
    const mode = modeName(format), steps = [...base, ...stepsOf(format, address, this.#seen(format))];
    if (gpa < 0) return { ...asked, mode, steps, fault: pageFaultText(code, steps, asked) };
    return { ...asked, mode, steps, physical: BigInt(gpa), size: this.#pageSize(format) };
  }

  mappings(most: number): MappingList {
    const mappings: PageMapping[] = [];
    const { addressWidth } = this.#vcpu.isa, end = 1n << BigInt(this.#long ? 64 : 32);
    let walks = 0;
    for (let address = 0n; address < end;) {
      if (mappings.length === most || walks++ === MOST_WALKS) return { mappings, complete: false };
      const { gpa, code } = this.#try(address, REACH.load, false);
      const format = this.#format;
      if (gpa < 0 && code === NOT_CANONICAL) {
        address = BigInt.asUintN(64, -(1n << BigInt(LINEAR_BITS - 1)));
        continue;
      }
      if (!format) {
        const size = 2 ** Math.min(52, addressWidth);
        mappings.push({ address, physical: BigInt(gpa), size, user: true, writable: true, executable: true });
        break;
      }
      const shift = this.#depth === 0 ? 30 : format.levels[this.#depth - 1].shift;
      const size = gpa < 0 ? 2 ** shift : this.#pageSize(format);
      if (gpa >= 0) {
        const leaf = this.#entries[this.#depth - 1];
        mappings.push({
          ...{ address, physical: BigInt(gpa), size },
          user: (this.#rights & ENTRY.US) !== 0,
          writable: (this.#rights & ENTRY.RW) !== 0,
          executable: (this.#disabled & XD) === 0 || format.entry === 4,
          accessed: (leaf & ENTRY.A) !== 0,
          dirty: (leaf & ENTRY.D) !== 0,
        });
      }
      address = (address / BigInt(size) + 1n) * BigInt(size);
    }
    return { mappings, complete: true };
  }

  #pageSize({ levels }: PagingFormat): number {
    return 2 ** levels[this.#depth - 1].shift;
  }
  #seen({ levels }: PagingFormat): SeenEntry[] {
    return Array.from({ length: this.#depth }, (_, i) => ({
      at: this.#places[i],
      value: BigInt(this.#highs[i] >>> 0) << 32n | BigInt(this.#entries[i] >>> 0),
      level: levels[i],
    }));
  }

  /** A walk without an effect, and what it would fail with. */
  #try(address: bigint, reach: Reach, user: boolean): { readonly gpa: number; readonly code: number } {
    const { storable } = this, before = this.#code;
    const low = Number(BigInt.asUintN(32, address)), high = Number(BigInt.asUintN(32, address >> 32n));
    this.#format = undefined;
    this.#depth = 0;
    const gpa = this.#walk(low, high, reach, user, false), code = this.#code;
    this.storable = storable;
    this.#code = before;
    return { gpa, code };
  }

  /** What the last walk failed with; a page fault has set CR2. */
  fault(notCanonical: () => Fault): Fault {
    if (this.#code === NOT_CANONICAL) return notCanonical();
    const address = this.failedAt;
    this.#vcpu.state.set64(CR2, address);
    return new PageFault(this.#code, address);
  }

  /** The address that the last walk failed for. */
  get failedAt(): bigint {
    return BigInt(this.#failedHigh) << 32n | BigInt(this.#failedLow);
  }

  /** Why the last walk was made. */
  get failedReach(): Reach {
    return this.#failedReach;
  }

  get #long(): boolean {
    return (this.#vcpu.state.get32(EFER) & EFER_BIT.LMA) !== 0;
  }

  #walk(low: number, high: number, reach: Reach, user: boolean, effects: boolean): number {
    const { state } = this.#vcpu,
      cr0 = state.get32(CR),
      cr4 = state.get32(CR4_SLOT),
      efer = state.get32(EFER);
    const long = (efer & EFER_BIT.LMA) !== 0;
    if (effects) {
      this.#failedLow = low;
      this.#failedHigh = high;
      this.#failedReach = reach;
    }
    // Bits 63 to 47 have to be alike. SDM vol. 1, 3.3.7.1.
    if (long && high >>> 15 !== 0 && high >>> 15 !== 0x1_ffff) return this.#fail(NOT_CANONICAL);
    if ((cr0 & CR0.PG) === 0 || state.get32(IDENTITY) !== 0) {
      this.storable = true;
      return high * HIGH + low;
    }

    const format = long
      ? PAGING_4_LEVEL
      : cr4 & CR4.PAE
      ? PAGING_PAE
      : cr4 & CR4.PSE
      ? PAGING_32_PSE
      : PAGING_32;
    this.#format = format;
    this.#depth = 0;
    const executeDisable = format.entry === 8 && (efer & EFER_BIT.NXE) !== 0;
    const asked = (reach === REACH.store ? PF.W : 0) | (user ? PF.U : 0) |
      // I/D is there with no-execute only, which 32-bit paging has not.
      (reach === REACH.fetch && executeDisable ? PF.I : 0);
    if (format === PAGING_PAE) {
      const register = PDPTE + 8 * (low >>> 30);
      this.#low = state.get32(register);
      this.#high = state.get32(register + 4);
      if ((this.#low & ENTRY.P) === 0) return this.#fail(asked);
    } else {
      this.#low = state.get32(CR3);
      this.#high = long ? state.get32(CR3 + 4) : 0;
    }
    const reservedHigh = format.reservedHigh | (executeDisable ? 0 : XD);
    const { levels } = format;
    let rights = ENTRY.RW | ENTRY.US, disabled = 0, depth = 0;
    for (;; depth++) {
      const { shift, mask, page, reserved } = levels[depth];
      const index = (shift < 32 ? low >>> shift | high << 32 - shift : high >>> shift - 32) & mask;
      const at = this.#address(12) + index * format.entry;
      this.#read(at, format);
      const entry = this.#low;
      this.#places[depth] = at;
      this.#entries[depth] = entry;
      this.#highs[depth] = this.#high;
      this.#depth = depth + 1;
      if ((entry & ENTRY.P) === 0) return this.#fail(asked);
      const large = (entry & ENTRY.PS) !== 0, isPage = page === "always" || large && page === "with PS";
      const wrong = isPage ? entry & reserved : large && page === "reserved";
      if (wrong || (this.#high & reservedHigh) !== 0) return this.#fail(asked | PF.P | PF.RSVD);
      rights &= entry;
      disabled |= this.#high;
      if (isPage) break;
    }
    this.#rights = rights;
    this.#disabled = disabled;

    const writable = (rights & ENTRY.RW) !== 0 || !user && (cr0 & CR0.WP) === 0;
    if (
      user && (rights & ENTRY.US) === 0 || reach === REACH.store && !writable ||
      reach === REACH.fetch && (disabled & XD) !== 0
    ) return this.#fail(asked | PF.P);
    if (effects) this.#use(depth, reach === REACH.store);
    this.storable = writable && (this.#entries[depth] & ENTRY.D) !== 0;
    const { shift, folded } = levels[depth];
    if (folded && shift > 12 && (this.#low & ENTRY.PS) !== 0) this.#high = this.#low >>> 13 & 0xff;
    return this.#address(shift) + low % 2 ** shift;
  }

  /** What the entry at hand leads to: an address whose lowest `shift` bits are clear. */
  #address(shift: number): number {
    return (this.#high & ADDRESS_HIGH) * HIGH + (this.#low >>> shift) * 2 ** shift;
  }

  #read(gpa: number, { entry }: PagingFormat): void {
    const { memory, arena } = this.#vcpu.board, slot = memory.find(gpa);
    if (!slot) {
      this.#low = 0;
      return;
    }
    const place = slot.place + (gpa - slot.gpa);
    this.#low = arena.view.getInt32(place, true);
    this.#high = entry === 8 ? arena.view.getInt32(place + 4, true) : 0;
  }

  /** A walk has come through: sets the flags of what it went by, and watches it. SDM vol. 3A, 4.8. */
  #use(depth: number, store: boolean): void {
    for (let i = 0; i <= depth; i++) {
      const at = this.#places[i], wanted = i === depth && store ? ENTRY.A | ENTRY.D : ENTRY.A;
      if ((this.#entries[i] & wanted) !== wanted && this.#vcpu.code.markTable(at, wanted)) {
        this.#entries[i] |= wanted;
      }
      this.#vcpu.code.watchTable(at - at % PAGE);
    }
  }

  #fail(code: number): -1 {
    this.#code = code;
    return -1;
  }
}

/** The vCPU's. */
export function pagingOf({ translation }: Vcpu): Paging {
  if (translation instanceof Paging) return translation;
  throw new TypeError("the vCPU is no x86");
}

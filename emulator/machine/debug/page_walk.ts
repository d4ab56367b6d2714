/** How an address comes to memory, step by step, for people: what a walk of the guest's tables saw, and why it failed. */

/** Why memory is reached, as people ask for it. */
export interface WalkQuestion {
  /** A load if not given. */
  readonly reach?: "load" | "store" | "fetch";
  /** As a user's program reaches it (x86: privilege level 3, PowerPC: problem state); as the vCPU is now if not given. */
  readonly user?: boolean;
}

/** Something that the walk looked at: a register, or an entry of a table. */
export interface WalkStep {
  /** E.g. `"PML4[511]"`, `"cr3"`, `"dbat0"`, `"primary PTEG"`. */
  readonly name: string;
  /** Guest-physical address of the entry; undefined for a register. */
  readonly at?: bigint;
  /** What was there; undefined where nothing was found. */
  readonly value?: bigint;
  /** What it says, e.g. `"P RW US A D"`. */
  readonly says: string;
}

/** The way of one address. */
export interface PageWalk {
  /** As the guest's instructions use it. */
  readonly address: bigint;
  /** Why it was reached. */
  readonly reach: "load" | "store" | "fetch";
  /** Whether a user's program reached it. */
  readonly user: boolean;
  /** How addresses are translated now, e.g. `"4-level paging"`. */
  readonly mode: string;
  /** In the order of the walk. */
  readonly steps: readonly WalkStep[];
  /** Guest-physical address; undefined where the access is refused. */
  readonly physical?: bigint;
  /** Bytes of the page or block that it lies on. */
  readonly size?: number;
  /** Why it is refused, and as which exception. */
  readonly fault?: string;
}

/** A page or block that is mapped. */
export interface PageMapping {
  /** The first address that the guest's instructions use. */
  readonly address: bigint;
  /** Where it is in guest-physical memory. */
  readonly physical: bigint;
  /** Bytes. */
  readonly size: number;
  /** Whether a user's program may reach it. */
  readonly user: boolean;
  /** Whether stores may go there: x86 by all entries of the walk, PowerPC the supervisor's. */
  readonly writable: boolean;
  /** Whether code may be fetched from there. */
  readonly executable: boolean;
  /** x86: accessed, PowerPC: referenced. */
  readonly accessed?: boolean;
  /** x86: dirty, PowerPC: changed. */
  readonly dirty?: boolean;
  /** What maps it where that is no page table: `"dbat0"`. */
  readonly via?: string;
}

/** What is mapped, as far as it was looked at. */
export interface MappingList {
  /** By address, blocks first. */
  readonly mappings: readonly PageMapping[];
  /** False where there may be more: tables can map more than can be looked at, and lead nowhere for as long. */
  readonly complete: boolean;
}

/** Names of the bits that are set, highest first as given. */
export function bitNames(value: bigint, bits: readonly (readonly [mask: bigint, name: string])[]): string {
  const names = bits.filter(([mask]) => (value & mask) !== 0n).map(([, name]) => name);
  return names.length === 0 ? "none" : names.join(" ");
}

/** The vCPU whose addresses they are. */
interface Walked {
  readonly isa: { readonly addressWidth: number };
  readonly translation: { explain(address: bigint, question: WalkQuestion): PageWalk } | undefined;
}

/** The way of an address, where nothing is translated too. Throws `RangeError` for what is no address. */
export function walkOf({ isa, translation }: Walked, address: bigint, question: WalkQuestion): PageWalk {
  if (address < 0n || address >> BigInt(isa.addressWidth) !== 0n) {
    throw new RangeError(`0x${address.toString(16)} is no address: they have ${isa.addressWidth} bits`);
  }
  if (translation) return translation.explain(address, question);
  const { reach = "load", user = false } = question, mode = "real mode: addresses are guest-physical";
  return { address, reach, user, mode, steps: [], physical: address };
}

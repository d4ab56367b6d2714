/** The regions of one ISA and vCPU: which there are, where their code lies, and when they are given up. */
import { STATE } from "../ir/layout.ts";
import { TLB } from "../ir/tlb_layout.ts";
import { WAY } from "../ir/way_layout.ts";
import type { CodeSource } from "./code_cache.ts";
import type { EngineSetup } from "./engine.ts";
import type { Isa } from "../isa/isa.ts";
import { LEFT } from "./interpreter_module.ts";
import { compileRegion, type Region } from "./region.ts";
import type { WayNumbers } from "./region_ways.ts";
import { MOST_REGIONS, RegionTable } from "./region_table.ts";

/** Stores to a page beside the regions' code, each of which the host has to look at, before they are given up for it. */
const SPARED_LIMIT = 256;

/** Addresses that a region is entered at as branches to computed ones lead there. */
const MOST_JOINED = 16;

/**
 * Instructions from which on a region is not made part of others: regions that are cut off, each where the next one begins, go
 * once round in a long loop, and do not cover it again and again.
 */
const LARGE = 48;

/** A region, its place in the table, and for which state of the translations it was last found to be where it was. */
export interface Known {
  readonly region: Region;
  readonly own: number;
  checked: number;
}

/** A page of linear memory that regions were compiled from. */
interface RegionPage {
  readonly regions: Set<Known>;
  /** Stores to it that changed no code. */
  spared: number;
}

export class Regions {
  readonly #isa: Isa;
  readonly #setup: EngineSetup;
  readonly #source: CodeSource;
  /** By the addresses of their entries. */
  readonly #entries = new Map<bigint, Known>();
  readonly #known = new Set<Known>();
  readonly #pages = new Map<number, RegionPage>();
  /** Made with the first region. */
  #table: RegionTable | undefined;
  /** Counts the times that translations were forgotten. */
  #mappings = 0;
  readonly #ways: WayNumbers | undefined;

  constructor(isa: Isa, setup: EngineSetup, source: CodeSource) {
    this.#isa = isa;
    this.#setup = setup;
    this.#source = source;
    const { wordsOf } = setup;
    // Places that share one disturb each other, no more: what is compared tells whose it is.
    let number = 0;
    this.#ways = wordsOf && { next: () => number = number % (WAY.entries - 1) + 1, wordsOf };
  }

  get isFull(): boolean {
    return this.#known.size === MOST_REGIONS;
  }

  get size(): number {
    return this.#known.size;
  }

  /**
   * Compiles the code at `pc`: `length` bytes, or what branches lead to. Throws `RangeError` if there is no code, or too much.
   */
  compile(pc: bigint, codeBase: bigint, length?: number, joined?: readonly bigint[]): Known {
    const { arena, host, state, translated, flat, flatBytes } = this.#setup;
    const table = this.#table ??= new RegionTable(this.#isa, arena);
    const before = this.#entries.get(pc);
    if (before?.region.pc === pc) this.#drop(before);
    const own = table.reserve();
    try {
      const region = compileRegion({
        ...{ isa: this.#isa, arena, host, source: this.#source, codeBase, pc, length, joined },
        samePage: translated?.() === true,
        isElsewhere: (at) => this.#beginsLargeAt(at, codeBase),
        links: { own },
        cpu: state.base,
        flat: flatBytes?.() ? flat : undefined,
        ways: this.#ways,
      });
      const known: Known = { region, own, checked: -1 };
      table.set(own, region.run);
      this.#known.add(known);
      for (const at of region.entries.keys()) {
        // An entry that another region has stays that one's, but for the address that was asked for.
        if (at === pc || !this.#entries.has(at)) this.#entries.set(at, known);
      }
      this.#watch(known);
      return known;
    } catch (error) {
      table.release(own);
      throw error;
    }
  }

  /**
   * Code that a region was left for by a computed branch becomes part of it. Undefined if there is no such region, or no
   * room in it.
   */
  join(own: number, pc: bigint, codeBase: bigint): Known | undefined {
    const known = [...this.#known].find((one) => one.own === own);
    if (!known || known.region.codeBase !== codeBase || known.region.length !== undefined) return undefined;
    const { joined, pc: first } = known.region;
    if (joined.length >= MOST_JOINED) return undefined;
    const larger = this.compile(first, codeBase, undefined, [...joined, pc]);
    return larger.region.entries.has(pc) ? larger : undefined;
  }

  /** The region that may be entered at `pc`, if its code still lies where it did. */
  at(pc: bigint, linear: bigint): Known | undefined {
    const known = this.#entries.get(pc);
    if (known === undefined || known.region.codeBase !== linear - pc) return undefined;
    if (known.checked === this.#mappings) return known;
    if (this.#source.codeAt(known.region.pc + known.region.codeBase) !== known.region.code[0].start) {
      return undefined;
    }
    known.checked = this.#mappings;
    // What begins at a stop is looked at each time, and by nobody else.
    const stops = this.#source.stops.from(known.region.codeBase);
    const entries = new Map([...known.region.entries].filter(([at]) => !stops.has(at)));
    this.#table!.show(known.own, { ...known.region, entries });
    return known;
  }

  /** From one region to the next, beginning with this one. */
  run({ region }: Known, pc: bigint, left: number): number {
    const { base } = this.#setup.state;
    const status = region.run(base, left, region.entries.get(pc)!);
    return status === LEFT.miss ? this.#table!.run(base) : status;
  }

  isCode(place: number): boolean {
    return this.#pages.has(pageOf(place));
  }

  /** Answers the addresses whose regions were given up. */
  invalidate(place: number, length: number): bigint[] {
    const gone = new Set<Known>(), end = place + length;
    for (let page = pageOf(place); page <= pageOf(end - 1); page++) {
      const found = this.#pages.get(page);
      if (!found) continue;
      const all = ++found.spared > SPARED_LIMIT;
      for (const known of found.regions) {
        if (all || known.region.code.some((range) => range.start < end && place < range.end)) gone.add(known);
      }
    }
    for (const known of gone) this.#drop(known);
    return [...gone].map(({ region }) => region.pc);
  }

  /** The same addresses may be elsewhere now: what runs stops before its next instruction, nothing is found unasked. */
  forgetMappings(): void {
    this.leave();
    for (const known of this.#known) {
      const [first] = known.region.code;
      if (known.region.code.some(({ end }) => pageOf(end - 1) !== pageOf(first.start))) this.#drop(known);
    }
  }

  /** What runs stops before its next instruction. */
  leave(): void {
    this.#mappings++;
    if (this.#known.size === 0) return;
    // Nor is one gone on in from another.
    this.#table!.hideAll();
    this.#tellRunning();
  }

  flush(): void {
    for (const known of this.#known) this.#drop(known);
  }

  /** Whether a region begins at an address that would fill another one up. */
  #beginsLargeAt(pc: bigint, codeBase: bigint): boolean {
    const region = this.#entries.get(pc)?.region;
    return region?.pc === pc && region.codeBase === codeBase && region.instructions >= LARGE;
  }

  /** Those that were asked for by length: address, base of the code segment, bytes. */
  asked(): { readonly pc: bigint; readonly codeBase: bigint; readonly length: number }[] {
    return [...this.#known].flatMap(({ region: { pc, codeBase, length } }) =>
      length === undefined ? [] : [{ pc, codeBase, length }]
    );
  }

  #watch(known: Known): void {
    for (const { start, end } of known.region.code) {
      for (let page = pageOf(start); page <= pageOf(end - 1); page++) {
        const found = this.#pages.get(page);
        if (found) found.regions.add(known);
        else this.#pages.set(page, { regions: new Set([known]), spared: 0 });
        const from = page << TLB.pageBits >>> 0, to = from + 2 ** TLB.pageBits;
        this.#source.codeRange(Math.max(start, from), Math.min(end, to), true);
      }
    }
  }

  #drop(known: Known): void {
    this.#known.delete(known);
    this.#table!.hide(known.own, known.region);
    this.#table!.release(known.own);
    const { map } = known.region;
    if (map) this.#setup.arena.free(map.place, map.bytes.length);
    for (const at of known.region.entries.keys()) {
      if (this.#entries.get(at) === known) this.#entries.delete(at);
    }
    for (const { start, end } of known.region.code) {
      for (let page = pageOf(start); page <= pageOf(end - 1); page++) {
        const found = this.#pages.get(page);
        if (found?.regions.delete(known) && found.regions.size === 0) this.#pages.delete(page);
      }
    }
    this.#tellRunning();
  }

  /** Whichever region is being executed leaves at its next chance. */
  #tellRunning(): void {
    if (this.#source.running) this.#setup.state.set32(STATE.stale, 1);
  }
}

function pageOf(place: number): number {
  return place >>> TLB.pageBits;
}

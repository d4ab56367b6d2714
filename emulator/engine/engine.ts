/** Runs one vCPU of any ISA: the loop around compiled code, exact to the instruction. */
import { STATE } from "../ir/layout.ts";
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa, Undecodable } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import { type Block, CodeCache, type CodeSource, type NoBlock } from "./code_cache.ts";
import { type EngineHost, STATUS } from "./host.ts";
import { interpreterModule } from "./interpreter_module.ts";
import { compileRegion, type Region } from "./region.ts";
import type { CpuState } from "./state.ts";
import { clearTlb, protectFromWrites } from "./tlb.ts";

/** Why `run` came back. */
export type EngineStop =
  /** All instructions asked for were executed. */
  | { readonly kind: "budget" }
  /** Not all were, but it took long: their code had to be looked up or decoded again and again. */
  | { readonly kind: "yield" }
  /** The host answered `again` or `done`: it knows why. */
  | { readonly kind: "host" }
  /** The program counter stands at a stop; the instruction there is not executed. */
  | { readonly kind: "stop" }
  /** No memory to fetch code from. */
  | { readonly kind: "fetch"; readonly address: bigint }
  | { readonly kind: "undecodable"; readonly bytes: Uint8Array; readonly why: Undecodable };

/** What an engine needs of the machine around it. */
export interface EngineSetup {
  readonly isa: Isa;
  readonly arena: Arena;
  readonly state: CpuState;
  readonly host: EngineHost;
  /** See `CodeSource`. */
  codeAt(address: bigint): number;
  costOf(cycleClass: string): number;
}

/** Executes instructions of one vCPU. Interpreter and oracle do it alike: same stops, counts and cycles. */
export interface Engine {
  /** Addresses before which `run` stops. Changing it takes `stopsChanged`. */
  readonly stops: Set<bigint>;
  stopsChanged(): void;
  /** Instructions that take a few milliseconds: what to ask of one `run` if a user may want to interrupt it. */
  readonly yieldEvery: number;
  /** Instructions executed since reset; precise in the host's calls too, where it counts the calling one. */
  readonly instructions: number;
  /** Executes up to `limit` instructions. A stop at the very first address is passed over if `resume`. */
  run(limit: number, resume: boolean): EngineStop;
  /** From a trap that answers `redirect` or `fault`: come back (as `yield`) before the next instruction. */
  brake(): void;
  /** Linear memory was changed from outside or by a store that missed the TLB. */
  invalidate(place: number, length: number): void;
  /** Whether a store to this place has to be told to `invalidate`. */
  isCode(place: number): boolean;
  /** Instruction costs, translation or everything else changed: forget all that was derived. */
  flush(): void;
}

/**
 * Instructions in one entry of compiled code. It has to come back now and then, or V8 never replaces the
 * baseline code that it started in by the optimised one (there is no replacement on the stack).
 */
const SLICE = 1_000_000;

/** Entries of compiled code in one `run`: some 10 ms if each has to decode its block. */
const ENTRIES = 1000;

type Run = (cpu: number, record: number, left: number, hash: number) => number;

export class InterpreterEngine implements Engine, CodeSource {
  readonly stops = new Set<bigint>();
  readonly yieldEvery = 400_000;
  readonly #setup: EngineSetup;
  readonly #cache: CodeCache;
  readonly #run: Run;
  readonly #regions = new Map<bigint, Region>();
  /** Instructions executed before the slice that is running. */
  #before = 0;
  /** What the running slice was given; `STATE.left` tells what remains. */
  #slice = 0;
  #entries = 0;
  #brake = false;

  constructor(setup: EngineSetup) {
    this.#setup = setup;
    this.#cache = new CodeCache(setup.isa, setup.arena, this);
    const { host, arena } = setup;
    const instance = new WebAssembly.Instance(interpreterModule(setup.isa), {
      env: { memory: arena.memory },
      host: {
        load: host.load.bind(host),
        store: host.store.bind(host),
        trap: host.trap.bind(host),
      },
    });
    this.#run = instance.exports.run as Run;
    clearTlb(setup.state);
  }

  get instructions(): number {
    return this.#before + this.#slice - this.#setup.state.get32(STATE.left);
  }

  codeAt(address: bigint): number {
    return this.#setup.codeAt(address);
  }
  costOf(cycleClass: string): number {
    return this.#setup.costOf(cycleClass);
  }
  codePage(place: number): void {
    protectFromWrites(this.#setup.state, place);
  }

  /** Regions that are there are compiled anew, to leave at the stops. */
  stopsChanged(): void {
    const regions = [...this.#regions];
    this.flush();
    for (const [pc, { codeBase, length }] of regions) {
      if (codeBase === this.#codeBase()) this.compile(pc, length);
    }
  }
  isCode(place: number): boolean {
    if (this.#cache.isCode(place)) return true;
    for (const { start, end } of this.#regions.values()) {
      if (pageOf(place) >= pageOf(start) && pageOf(place) <= pageOf(end - 1)) return true;
    }
    return false;
  }
  invalidate(place: number, length: number): void {
    this.#cache.invalidate(place, length);
    for (const [pc, region] of this.#regions) {
      if (place >= region.end || place + length <= region.start) continue;
      this.#regions.delete(pc);
      this.#setup.state.set32(STATE.stale, 1);
    }
  }
  flush(): void {
    this.#cache.flush();
    if (this.#regions.size > 0) this.#setup.state.set32(STATE.stale, 1);
    this.#regions.clear();
    clearTlb(this.#setup.state);
  }

  /**
   * Compiles the code at `pc` that is reached by direct branches within `length` bytes into a region, used
   * whenever execution arrives there. Answers how many instructions it holds.
   */
  compile(pc: bigint, length: number): number {
    const { isa, arena, host } = this.#setup;
    const region = compileRegion({ isa, arena, host, source: this, codeBase: this.#codeBase(), pc, length });
    // Stores to it have to be noticed, and compiled code must not find the interpreter's block.
    this.#cache.invalidate(region.start, region.end - region.start);
    protectFromWrites(this.#setup.state, region.start);
    protectFromWrites(this.#setup.state, region.end - 1);
    this.#regions.set(pc, region);
    return region.instructions;
  }

  brake(): void {
    this.#brake = true;
  }

  run(limit: number, resume: boolean): EngineStop {
    this.#entries = 0;
    this.#brake = false;
    for (let left = limit; left > 0;) {
      const size = Math.min(left, SLICE);
      this.#slice = size;
      this.#setup.state.set32(STATE.left, size);
      let executed = 0;
      try {
        const stop = this.#runSlice(resume);
        if (stop) return stop;
      } finally {
        executed = size - this.#setup.state.get32(STATE.left);
        this.#before += executed;
        this.#slice = 0;
        this.#setup.state.set32(STATE.left, 0);
      }
      resume = false;
      left -= executed;
    }
    return { kind: "budget" };
  }

  #runSlice(resume: boolean): EngineStop | undefined {
    const { state } = this.#setup;
    for (let first = resume;; first = false) {
      const left = state.get32(STATE.left);
      if (left === 0) return undefined;
      if (this.#brake) return { kind: "yield" };
      const pc = state.get64(STATE.pc);
      if (!first && this.stops.has(pc)) return { kind: "stop" };
      if (this.#entries++ === ENTRIES) return { kind: "yield" };
      const status = this.#enter(pc, left);
      if (typeof status !== "number") return status;
      if (status === STATUS.again || status === STATUS.fault) {
        state.set32(STATE.left, state.get32(STATE.left) + 1);
        state.setNumber(STATE.cycles, state.getNumber(STATE.cycles) - state.get32(STATE.cost));
        if (status === STATUS.again) return { kind: "host" };
      }
      if (status === STATUS.done) {
        state.set64(STATE.pc, state.get64(STATE.nextPc));
        return { kind: "host" };
      }
    }
  }

  /** Enters compiled code at `pc`: a region, a whole block, or as much of a block as the budget covers. */
  #enter(pc: bigint, left: number): number | NoBlock {
    const { state } = this.#setup;
    const codeBase = this.#codeBase();
    const known = this.#regions.get(pc), region = known?.codeBase === codeBase ? known : undefined;
    if (region && region.longest <= left) return region.run(state.base, left);
    const linear = pc + codeBase;
    // What starts at a region's head or at a stop is not for compiled code to find: it is looked at each time.
    const apart = region !== undefined || this.stops.has(pc);
    let block = apart ? this.#cache.shortBlock(pc, linear, left) : this.#cache.block(pc, linear);
    if ("kind" in block) return block;
    if (block.count > left) {
      const short = this.#cache.shortBlock(pc, linear, left);
      if ("kind" in short) return short;
      block = short;
    }
    return this.#enterBlock(block, left);
  }

  #enterBlock(block: Block, left: number): number {
    const { state } = this.#setup;
    state.setNumber(STATE.cycles, state.getNumber(STATE.cycles) + block.cycles);
    return this.#run(state.base, block.record, left - block.count, this.#cache.hash);
  }

  #codeBase(): bigint {
    const { isa, state } = this.#setup;
    return isa.codeBase === undefined ? 0n : state.get64(isa.codeBase);
  }
}

function pageOf(place: number): number {
  return place >>> TLB.pageBits;
}

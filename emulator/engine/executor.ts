/**
 * Compiled code of one ISA for one vCPU: the ISA's interpreter, the blocks decoded for it, the regions compiled for it.
 * A vCPU whose mode changes has one for each ISA that it has been in.
 */
import { STATE } from "../ir/layout.ts";
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa } from "../isa/isa.ts";
import { type Block, CodeCache, type CodeSource } from "./code_cache.ts";
import type { EngineSetup } from "./engine.ts";
import type { NoInstruction } from "./fetch.ts";
import { interpreterModule } from "./interpreter_module.ts";
import { compileRegion, type Region } from "./region.ts";

type Run = (cpu: number, record: number, left: number, hash: number) => number;

/** A region, and for which state of the translations it was last found to be where it was compiled from. */
interface Known extends Region {
  checked: number;
}

export class Executor {
  readonly isa: Isa;
  readonly #setup: EngineSetup;
  readonly #source: CodeSource;
  readonly #cache: CodeCache;
  readonly #run: Run;
  readonly #regions = new Map<bigint, Known>();
  /** Counts the times that translations were forgotten. */
  #mappings = 0;

  constructor(isa: Isa, setup: EngineSetup, source: CodeSource) {
    this.isa = isa;
    this.#setup = setup;
    this.#source = source;
    this.#cache = new CodeCache(isa, setup.arena, setup.state, source);
    const { host, arena } = setup;
    const instance = new WebAssembly.Instance(interpreterModule(isa), {
      env: { memory: arena.memory },
      host: {
        load: host.load.bind(host),
        store: host.store.bind(host),
        trap: host.trap.bind(host),
      },
    });
    this.#run = instance.exports.run as Run;
  }

  /** Enters compiled code at `pc`: a region, a whole block, or as much of a block as the budget covers. */
  enter(pc: bigint, left: number): number | NoInstruction {
    const { state } = this.#setup;
    state.set32(STATE.record, 0);
    const linear = this.#linear(pc);
    const region = this.#regions.size > 0 ? this.#region(pc, linear) : undefined;
    if (region && region.longest <= left) return region.run(state.base, left);
    // What starts at a region's head or at a stop is not for compiled code to find: it is looked at each time.
    const apart = region !== undefined || this.#source.stops.at(pc, linear - pc);
    let block = apart ? this.#cache.shortBlock(pc, linear, left) : this.#cache.block(pc, linear);
    if ("kind" in block) return block;
    if (block.count > left) {
      const short = this.#cache.shortBlock(pc, linear, left);
      if ("kind" in short) return short;
      block = short;
    }
    return this.#enterBlock(block, left);
  }

  /** Compiles a region: see `InterpreterEngine.compile`. */
  compile(pc: bigint, length: number): number {
    const { arena, host, translated } = this.#setup;
    const codeBase = this.#codeBase(), { isa } = this;
    const samePage = translated?.() === true;
    const region = compileRegion({
      isa,
      arena,
      host,
      source: this.#source,
      codeBase,
      pc,
      length,
      samePage,
    });
    // Stores to it have to be noticed, and compiled code must not find the interpreter's block.
    this.#cache.invalidate(region.start, region.end - region.start);
    this.#source.codePage(region.start);
    this.#source.codePage(region.end - 1);
    this.#regions.set(pc, { ...region, checked: this.#mappings });
    return region.instructions;
  }

  /** Regions that are there are compiled anew, to leave at the stops. */
  recompile(): void {
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

  /** The same addresses may be elsewhere now: what runs stops before its next instruction, nothing is found unasked. */
  forgetMappings(): void {
    this.#mappings++;
    this.#cache.forgetMappings();
    for (const [pc, region] of this.#regions) {
      if (pageOf(region.start) !== pageOf(region.end - 1)) this.#regions.delete(pc);
    }
    if (this.#regions.size > 0) this.#setup.state.set32(STATE.stale, 1);
  }

  /** What runs stops before its next instruction. */
  leave(): void {
    this.#cache.forgetMappings();
    if (this.#regions.size > 0) this.#setup.state.set32(STATE.stale, 1);
  }

  flush(): void {
    this.#cache.flush();
    if (this.#regions.size > 0) this.#setup.state.set32(STATE.stale, 1);
    this.#regions.clear();
  }

  /** The region that starts at `pc`, if its code still lies there. */
  #region(pc: bigint, linear: bigint): Region | undefined {
    const known = this.#regions.get(pc);
    if (known === undefined || known.codeBase !== linear - pc) return undefined;
    if (known.checked === this.#mappings) return known;
    if (this.#source.codeAt(linear) !== known.start) return undefined;
    known.checked = this.#mappings;
    return known;
  }

  #enterBlock(block: Block, left: number): number {
    const { state } = this.#setup;
    state.setNumber(STATE.cycles, state.getNumber(STATE.cycles) + block.cycles);
    return this.#run(state.base, block.record, left - block.count, this.#cache.hash);
  }

  #linear(pc: bigint): bigint {
    return pc + this.#codeBase();
  }
  #codeBase(): bigint {
    const { codeBase } = this.isa;
    return codeBase === undefined ? 0n : this.#setup.state.get64(codeBase);
  }
}

function pageOf(place: number): number {
  return place >>> TLB.pageBits;
}

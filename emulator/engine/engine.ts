/** Runs one vCPU of any ISA: the loop around compiled code, exact to the instruction. */
import type { FlatPlaces } from "../ir/flat_layout.ts";
import { STATE } from "../ir/layout.ts";
import type { Isa, Undecodable } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import type { CodeSource } from "./code_cache.ts";
import { Executor } from "./executor.ts";
import type { RegionPolicy } from "./hot_code.ts";
import { type EngineHost, STATUS } from "./host.ts";
import type { CpuState } from "./state.ts";
import { clearTlb, protectFromWrites } from "./tlb.ts";
import { Stops } from "./stops.ts";

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
  /** The one to begin with. */
  readonly isa: Isa;
  readonly arena: Arena;
  readonly state: CpuState;
  readonly host: EngineHost;
  /** Instructions executed before it was made, which count on; none if not given. */
  readonly executed?: number;
  /** See `CodeSource`. */
  codeAt(address: bigint): number;
  costOf(cycleClass: string): number;
  /** As `CodeSource` has it, for every vCPU whose stores compiled code does by itself; of this one if not given. */
  codeRange?(start: number, end: number, first: boolean): void;
  /** The memory that begins at address 0, and how much of it needs no translation now: nothing if not given. */
  readonly flat?: FlatPlaces;
  flatBytes?(): number;
  /**
   * Offsets of the words of state that decide where a trap's exit goes, where those are all: compiled code compares them
   * and calls `EngineHost.again`. Never if not given.
   */
  wordsOf?(trap: number): readonly number[] | undefined;
  /** Whether hot code is compiled into regions by itself; `off` if not given. */
  readonly regions?: RegionPolicy;
  /** Bytes that the decoded code of a mode may take; what some 10 million instructions do if not given. */
  readonly decodedBytes?: number;
  /** Whether addresses of code are translated now, so that each page of them may be anywhere; false if not given. */
  translated?(): boolean;
}

/** Executes instructions of one vCPU. Interpreter and oracle do it alike: same stops, counts and cycles. */
export interface Engine {
  /** Addresses before which `run` stops. Changing it takes `stopsChanged`. */
  readonly stops: Stops;
  stopsChanged(): void;
  /** Instructions that take a few milliseconds: what to ask of one `run` if a user may want to interrupt it. */
  readonly yieldEvery: number;
  /** Instructions executed since reset; precise in the host's calls too, where it counts the calling one. */
  readonly instructions: number;
  /** What is executed from the next instruction on. The trap that changes it answers `redirect` or `fault`. */
  isa: Isa;
  /** In a call of the host: executions of the calling instruction that may be added to the one that is counted. */
  readonly room: number;
  /** Adds executions of the calling instruction, at most `room`, that the host has done: counts and charges them. */
  repeated(count: number): void;
  /** Executes up to `limit` instructions. A stop at the very first address is passed over if `resume`. */
  run(limit: number, resume: boolean): EngineStop;
  /** From a trap that answers `redirect` or `fault`: come back (as `yield`) before the next instruction. */
  brake(): void;
  /** From any call of the host's: the same, whatever it answers. */
  leave(): void;
  /** From a call by a known way that answers `proceed`: the same, and the instruction is completed; costs little. */
  endBehind(): void;
  /** Linear memory was changed from outside or by a store that missed the TLB. */
  invalidate(place: number, length: number): void;
  /** Whether a store to this place has to be told to `invalidate`. */
  isCode(place: number): boolean;
  /** Translations changed: asks `codeAt` anew for all code, from the next instruction on, and for all data. */
  forgetMappings(): void;
  /** Instruction costs or everything else changed: forget all that was derived. */
  flush(): void;
}

/**
 * Instructions in one entry of compiled code. It has to come back now and then, or V8 never replaces the
 * baseline code that it started in by the optimised one (there is no replacement on the stack).
 */
const SLICE = 1_000_000;

const LEFT = STATE.left;

/** Instructions that the interpreter takes some milliseconds for; regions, which the interval tells of, do more. */
const YIELD_EVERY = 400_000;

/** Entries of compiled code in one `run`: some 10 ms if each has to decode its block. */
const ENTRIES = 1000;

export class InterpreterEngine implements Engine, CodeSource {
  readonly stops: Stops = new Stops();
  readonly #setup: EngineSetup;
  readonly #executors = new Map<Isa, Executor>();
  #current: Executor;
  /** What `instructions` is at the end of the running slice; `STATE.left` tells what remains of that. */
  #end = 0;
  readonly #state: CpuState;
  #entries = 0;
  #brake = false;
  #running = false;

  constructor(setup: EngineSetup) {
    this.#setup = setup;
    this.#state = setup.state;
    this.#end = setup.executed ?? 0;
    this.#current = this.#executor(setup.isa);
    this.#clearTlb();
  }

  get yieldEvery(): number {
    return Math.max(YIELD_EVERY, this.#current.interval);
  }

  get instructions(): number {
    return this.#end - this.#state.get32(LEFT);
  }

  get room(): number {
    const { state } = this.#setup;
    return this.#isStop(state.get64(STATE.pc)) ? 0 : state.get32(STATE.left);
  }
  repeated(count: number): void {
    const { state } = this.#setup;
    state.set32(STATE.left, state.get32(STATE.left) - count);
    state.setNumber(STATE.cycles, state.getNumber(STATE.cycles) + count * state.get32(STATE.cost));
  }

  get isa(): Isa {
    return this.#current.isa;
  }
  set isa(isa: Isa) {
    this.#current = this.#executor(isa);
  }

  get running(): boolean {
    return this.#running;
  }
  codeAt(address: bigint): number {
    return this.#setup.codeAt(address);
  }
  costOf(cycleClass: string): number {
    return this.#setup.costOf(cycleClass);
  }
  codeRange(start: number, end: number, first: boolean): void {
    const { codeRange, state } = this.#setup;
    if (codeRange) codeRange(start, end, first);
    else if (first) protectFromWrites(state, start);
  }

  stopsChanged(): void {
    for (const executor of this.#executors.values()) executor.recompile();
    this.#clearTlb();
  }
  isCode(place: number): boolean {
    for (const executor of this.#executors.values()) if (executor.isCode(place)) return true;
    return false;
  }
  invalidate(place: number, length: number): void {
    for (const executor of this.#executors.values()) executor.invalidate(place, length);
  }
  forgetMappings(): void {
    for (const executor of this.#executors.values()) executor.forgetMappings();
    this.#clearTlb();
  }
  flush(): void {
    for (const executor of this.#executors.values()) executor.flush();
    this.#clearTlb();
  }

  /**
   * Compiles the code at `pc` that is reached by direct branches within `length` bytes into a region, used
   * whenever execution arrives there. Answers how many instructions it holds.
   */
  compile(pc: bigint, length: number): number {
    return this.#current.compile(pc, length);
  }

  brake(): void {
    this.#brake = true;
  }
  leave(): void {
    for (const executor of this.#executors.values()) executor.leave();
    this.#brake = true;
  }
  endBehind(): void {
    const state = this.#state;
    // A region gives back the rest of its block where it is told that its code has changed: nothing is left then.
    state.set32(STATE.stale, 1);
    this.#end -= state.get32(LEFT);
    state.set32(LEFT, 0);
    this.#brake = true;
  }

  run(limit: number, resume: boolean): EngineStop {
    this.#entries = 0;
    this.#brake = false;
    this.#current.begin();
    for (let left = limit; left > 0;) {
      const size = Math.min(left, SLICE, this.#current.unseen), before = this.instructions;
      this.#end += size;
      this.#setup.state.set32(STATE.left, size);
      let executed = 0, stop: EngineStop | undefined;
      this.#running = true;
      try {
        stop = this.#runSlice(resume);
      } finally {
        this.#end -= this.#setup.state.get32(STATE.left);
        executed = this.#end - before;
        this.#setup.state.set32(STATE.left, 0);
        this.#setup.state.set32(STATE.stale, 0);
        this.#running = false;
      }
      this.#current.look(executed);
      if (stop) return stop;
      resume = false;
      left -= executed;
      if (this.#brake && left > 0) return { kind: "yield" };
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
      if (!first && this.#isStop(pc)) return { kind: "stop" };
      if (this.#entries++ === ENTRIES) return { kind: "yield" };
      const status = this.#current.enter(pc, left);
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

  #clearTlb(): void {
    const { state, flatBytes } = this.#setup;
    clearTlb(state, flatBytes?.() ?? 0);
  }

  #isStop(pc: bigint): boolean {
    const { codeBase } = this.isa;
    return this.stops.at(pc, codeBase === undefined ? 0n : this.#setup.state.get64(codeBase));
  }

  #executor(isa: Isa): Executor {
    let executor = this.#executors.get(isa);
    if (!executor) this.#executors.set(isa, executor = new Executor(isa, this.#setup, this));
    return executor;
  }
}

/**
 * Compiled code of one ISA for one vCPU: the ISA's interpreter, the blocks decoded for it, the regions compiled for it.
 * A vCPU whose mode changes has one for each ISA that it has been in.
 */
import { STATE } from "../ir/layout.ts";
import type { Isa } from "../isa/isa.ts";
import { type Block, CodeCache, type CodeSource, type SoughtLink } from "./code_cache.ts";
import type { EngineSetup } from "./engine.ts";
import type { NoInstruction } from "./fetch.ts";
import { HotCode } from "./hot_code.ts";
import { STATUS } from "./host.ts";
import { Interpreter } from "./interpreter.ts";
import { LEFT } from "./interpreter_module.ts";
import { HEAD } from "./record.ts";
import type { Region } from "./region.ts";
import { LEFT_REGION } from "./region_table.ts";
import { Regions } from "./regions.ts";

/** Instructions of regions that are compiled in one run of the engine, some 10 ms: what else is hot waits for the next. */
const COMPILED_AT_ONCE = 128;

export class Executor {
  readonly isa: Isa;
  readonly #setup: EngineSetup;
  readonly #source: CodeSource;
  readonly #cache: CodeCache;
  readonly #interpreter: Interpreter;
  readonly #regions: Regions;
  readonly #hot: HotCode;
  /** The link that the interpreter has just left for. */
  #sought: SoughtLink | undefined;
  /** A region was left for an address that no region has. */
  #leftRegion = false;
  /** Instructions executed since the last look. */
  #passed = 0;
  /** A region was left as the budget does not cover what comes next: what is executed of that is no sign of heat. */
  #leftForBudget = false;
  /** Instructions that may still be compiled in this run. */
  #room = COMPILED_AT_ONCE;
  /** Where the budget did not cover a block, and whose block that was. */
  #cut: { readonly pc: bigint; readonly inRegion: boolean } | undefined;
  /** The last exit ended a slice; and where the guest went on behind such a one. */
  #leftByExit = false;
  #behindExit: bigint | undefined;

  constructor(isa: Isa, setup: EngineSetup, source: CodeSource) {
    this.isa = isa;
    this.#setup = setup;
    this.#source = source;
    this.#cache = new CodeCache(isa, setup.arena, setup.state, source, setup.decodedBytes);
    this.#regions = new Regions(isa, setup, source);
    this.#hot = new HotCode(setup.regions ?? "off");
    this.#interpreter = new Interpreter(isa, setup);
  }

  /** The engine is about to run, for some milliseconds. */
  begin(): void {
    this.#room = COMPILED_AT_ONCE;
  }

  /** Instructions from one look to the next. */
  get interval(): number {
    return this.#hot.interval;
  }
  /** Instructions that may be executed before `look` is called again. */
  get unseen(): number {
    return Math.max(1, this.#hot.interval - this.#passed);
  }

  /**
   * So many instructions have been executed. If that makes an interval, whatever turns it was cut into, looks at what was
   * executed last, and compiles it if that is worth it.
   */
  look(executed: number): void {
    this.#leftForBudget = false;
    this.#passed += executed;
    if (this.#passed < this.#hot.interval) return;
    this.#passed = 0;
    // Where vCPUs take turns at exits, or devices answer late, slices hardly ever end by their length.
    const cut = this.#cut, pc = cut ? cut.pc : this.#behindExit;
    this.#cut = this.#behindExit = undefined;
    if (pc === undefined || this.#room <= 0) return;
    if (cut?.inRegion || this.#regions.at(pc, this.#linear(pc))) this.#hot.busy(pc);
    else if (this.#hot.look(pc)) this.#tryToCompile(pc);
  }

  /** Enters compiled code at `pc`: a region, a whole block, or as much of a block as the budget covers. */
  enter(pc: bigint, left: number): number | NoInstruction {
    const { state } = this.#setup;
    state.set32(STATE.record, 0);
    // An instruction that is completed alone is not where it goes on.
    if (this.#leftByExit && left > 1) {
      this.#leftByExit = false;
      this.#behindExit = pc;
    }
    const linear = this.#linear(pc), sought = this.#sought;
    this.#sought = undefined;
    let known = this.#regions.size > 0 ? this.#regions.at(pc, linear) : undefined;
    if (!known && this.#isWorthIt(pc) && this.#tryToCompile(pc, this.#leftRegion)) {
      known = this.#regions.at(pc, linear);
    }
    this.#leftRegion = false;
    if (known && known.region.longest <= left) {
      const status = this.#regions.run(known, pc, left);
      this.#leftRegion = status === LEFT.miss;
      return this.#noteCut(status, true);
    }
    // What starts at a region's entry or at a stop is not for compiled code to find: it is looked at each time.
    const apart = known !== undefined || this.#source.stops.at(pc, linear - pc);
    const block = apart ? this.#cache.shortBlock(pc, linear, left) : this.#cache.block(pc, linear);
    if ("kind" in block) return block;
    if (sought && !apart) this.#cache.fillLink(sought, block, { pc, linear });
    if (block.count > left) {
      const short = this.#cache.shortBlock(pc, linear, left);
      return "kind" in short ? short : this.#enterBlock(short, left);
    }
    // Where the last instructions end says nothing about what is hot: no branch goes there.
    if (apart && block.count === left) return this.#enterBlock(block, left);
    return this.#noteCut(this.#enterBlock(block, left), false);
  }

  /** Compiles a region: see `InterpreterEngine.compile`. */
  compile(pc: bigint, length: number): number {
    return this.#compile(pc, length);
  }

  /** Regions that were asked for are compiled anew, to leave at the stops. */
  recompile(): void {
    const asked = this.#regions.asked();
    this.flush();
    for (const { pc, codeBase, length } of asked) {
      if (codeBase === this.#codeBase()) this.compile(pc, length);
    }
  }

  isCode(place: number): boolean {
    return this.#cache.isCode(place) || this.#regions.isCode(place);
  }

  invalidate(place: number, length: number): void {
    this.#cache.invalidate(place, length);
    for (const pc of this.#regions.invalidate(place, length)) this.#hot.changed(pc);
  }

  /** The same addresses may be elsewhere now: what runs stops before its next instruction, nothing is found unasked. */
  forgetMappings(): void {
    this.#cache.forgetMappings();
    this.#regions.forgetMappings();
  }

  /** What runs stops before its next instruction. */
  leave(): void {
    this.#cache.forgetMappings();
    this.#regions.leave();
  }

  flush(): void {
    this.#cache.flush();
    this.#regions.flush();
    this.#hot.forget();
  }

  /** Whether an address that is about to be entered is to be compiled first. */
  #isWorthIt(pc: bigint): boolean {
    return this.#leftRegion && this.#room > 0 && this.#hot.leftFor(pc) || this.#hot.compilesAtOnce(pc);
  }

  #noteCut(status: number, inRegion: boolean): number {
    if (status === STATUS.again) this.#leftByExit = true;
    if (status === LEFT.budget && !this.#leftForBudget) {
      this.#cut = { pc: this.#setup.state.get64(STATE.pc), inRegion };
    }
    this.#leftForBudget ||= inRegion && status === LEFT.budget;
    return status;
  }

  /** Compiles what is at `pc`, with the region that was `left` for it if it was. */
  #tryToCompile(pc: bigint, left = false): boolean {
    try {
      if (!left || !this.#join(pc)) this.#compile(pc, undefined);
      return true;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#hot.refuse(pc);
      return false;
    }
  }

  #join(pc: bigint): boolean {
    const from = this.#setup.state.get32(LEFT_REGION);
    const known = from > 0 ? this.#regions.join(from - 1, pc, this.#codeBase()) : undefined;
    if (known) {
      this.#hide(known.region);
      this.#room -= known.region.instructions;
    }
    return known !== undefined;
  }

  #compile(pc: bigint, length: number | undefined): number {
    const codeBase = this.#codeBase();
    if (this.#regions.isFull) {
      this.#regions.flush();
      this.#hot.flooded();
    }
    const { region } = this.#regions.compile(pc, codeBase, length);
    this.#hide(region);
    this.#room -= region.instructions;
    return region.instructions;
  }

  /** Compiled code must not find the interpreter's blocks where it is to find the region. */
  #hide({ entries, codeBase }: Region): void {
    for (const at of entries.keys()) this.#cache.hide(at, at + codeBase);
  }

  #enterBlock(block: Block, left: number): number {
    const { state } = this.#setup;
    state.setNumber(STATE.cycles, state.getNumber(STATE.cycles) + block.cycles);
    const status = this.#interpreter.run(
      block.head + HEAD.size,
      left - block.count,
      this.#cache.lookup,
    );
    if (status === LEFT.miss) {
      const pc = state.get64(STATE.pc);
      this.#sought = this.#cache.soughtLink(pc, this.#linear(pc));
    }
    return status;
  }

  #linear(pc: bigint): bigint {
    return pc + this.#codeBase();
  }
  #codeBase(): bigint {
    const { codeBase } = this.isa;
    return codeBase === undefined ? 0n : this.#setup.state.get64(codeBase);
  }
}

/**
 * One vCPU: where compiled code comes out. `load` and `store` go the way of memory (`memory_path.ts`), `trap`
 * to the backend's table; whatever leaves the guest then passes `exit_path.ts`.
 */
import type { Engine } from "../engine/engine.ts";
import { type EngineHost, STATUS, type Status, UNKNOWN_WAY } from "../engine/host.ts";
import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import { CpuState } from "../engine/state.ts";
import { linearAddress } from "../engine/stops.ts";
import { STATE } from "../ir/layout.ts";
import { NO_WAY, trapTag } from "../ir/way_layout.ts";
import type { Isa } from "../isa/isa.ts";
import type { Board } from "./board.ts";
import { CodePath } from "./code_path.ts";
import { type MappingList, type PageWalk, walkOf, type WalkQuestion } from "./debug/page_walk.ts";
import { DebugUnit } from "./debug/debug_unit.ts";
import { readVirtual, writeVirtual } from "./debug/virtual_memory.ts";
import { ExitPath } from "./exit_path.ts";
import type { ExitSite } from "../exits/row.ts";
import { type TrapLane, TrapLanes } from "./exit_lane.ts";
import { KnownWays } from "./known_ways.ts";
import { FaultStreak } from "./fault_streak.ts";
import { MemoryPath } from "./memory_path.ts";
import type { Interrupts } from "./interrupts/interrupts.ts";
import { type Processor, REACH, type Translation } from "./processor.ts";
import { Registers } from "./registers.ts";
import { atRest, resetImage } from "./state_image.ts";
import type { StopDetail } from "./stop.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** Offset of a trap's arguments. */
const ARGS = STATE.args;

/** The message of a stop for HLT. */
export const ASLEEP = "the guest halted, and no interrupt can wake it";

/** A virtual CPU with its engine. */
export class Vcpu implements EngineHost, ExitSite, VirtualCpu {
  readonly index: number;
  readonly state: CpuState;
  readonly registers: Registers;
  /** Set by the VM: makes the engine around this vCPU, when it is needed first. */
  makeEngine!: () => Engine;
  /** Set by the VM if it has an interrupt controller. */
  controller: Interrupts | undefined;
  /** The run takes no interrupts: what asks for one is kept for the next. */
  holdsInterrupts = false;
  /** Whether there are other vCPUs that want their turns: an exit then ends this one's. */
  sharesTime = false;
  /** It does nothing until it is started. */
  parked: boolean;
  /** What `instructions` was when a run stopped before an instruction: the next one executes it. */
  stoppedAt = -1;
  readonly processor: Processor;
  readonly debug: DebugUnit;
  /** Where every exit of it passes: what trap handlers call, and what the run loop asks afterwards. */
  readonly exits: ExitPath;
  /** Where its code is, and the tables that say so. */
  readonly code: CodePath;
  readonly #board: Board;
  readonly #memory: MemoryPath;
  readonly #resetIsa: Isa;
  #isa: Isa;
  #engine: Engine | undefined;
  /** Instructions that were completed before the engine was made. */
  #executed = 0;
  readonly #lanes = new TrapLanes();
  readonly #ways: KnownWays;
  readonly #faults = new FaultStreak();
  #idle = 0;
  /** What `engine.instructions` is at the end of the slice. */
  #sliceEnd = 0;
  #halfway = false;

  constructor(index: number, board: Board, isa: Isa, processor: (vcpu: Vcpu) => Processor) {
    this.index = index;
    this.#board = board;
    this.#resetIsa = this.#isa = isa;
    this.state = new CpuState(board.arena);
    this.debug = new DebugUnit(this, board.debug);
    this.#ways = new KnownWays(this.state, board);
    this.exits = new ExitPath(board, this.state, this, this.#ways);
    this.#memory = new MemoryPath(board, this.state, this.exits, this, this.#ways);
    this.code = new CodePath(board, this.state, this);
    this.registers = new Registers(isa, this.state, {
      moved: () => this.#abandon(),
      changed: () => this.modeChanged(),
    });
    this.processor = processor(this);
    this.parked = index > 0;
    this.reset();
  }

  get engine(): Engine {
    return this.#engine ??= this.makeEngine();
  }
  set engine(engine: Engine) {
    this.#engine = engine;
  }
  /** The engine, if the vCPU ever had something to execute. */
  get engineSoFar(): Engine | undefined {
    return this.#engine;
  }

  /** The instruction set of its mode. */
  get isa(): Isa {
    return this.#isa;
  }
  get translation(): Translation | undefined {
    return this.processor.translation;
  }

  /**
   * State that the instruction set or the translation of addresses depends on has changed. A trap that did it answers
   * anything but `proceed`.
   */
  modeChanged(): void {
    this.#selectIsa();
    this.translationChanged();
  }
  #selectIsa(): void {
    const isa = this.processor.isa();
    if (isa === this.#isa) return;
    this.#isa = isa;
    this.registers.isa = isa;
    if (this.#engine) this.#engine.isa = isa;
  }

  /** What addresses are translated by has changed: see `Translation`. */
  translationChanged(): void {
    this.code.forgetTables();
    this.#engine?.forgetMappings();
  }

  codeAddress(pc: bigint = this.pc): bigint {
    return this.code.addressOf(pc);
  }
  fetchAddress(pc: bigint = this.pc): bigint {
    return this.code.linearOf(pc);
  }
  physicalAddress(address: bigint, reach: "data" | "code" = "data"): bigint | undefined {
    return this.code.look(address, reach === "code" ? REACH.fetch : REACH.load);
  }
  walk(address: bigint, question: WalkQuestion = {}): PageWalk {
    return walkOf(this, address, question);
  }
  mappings(most = 200_000): MappingList {
    return this.translation?.mappings(most) ?? { mappings: [], complete: true };
  }
  readMemory(address: bigint, length: number): Uint8Array<ArrayBuffer> {
    return readVirtual(this.#board.memory, (at) => this.physicalAddress(at), address, length);
  }
  writeMemory(address: bigint, bytes: Uint8Array): void {
    writeVirtual(this.#board.memory, (at) => this.physicalAddress(at), address, bytes);
  }
  leave(): void {
    this.#engine?.leave();
  }

  /** There is no code at an address: raises what its translation fails with; undefined if only memory is missing. */
  fetchFailed(address: bigint): Status | undefined {
    if (!this.code.isRefused(address)) return undefined;
    return this.#betweenInstructions(() => this.processor.raise());
  }
  /** Bytes at `pc` that the architecture knows as no instruction; undefined if it has no exception for them. */
  invalidInstruction(): Status | undefined {
    return this.#betweenInstructions(() => this.processor.invalidInstruction());
  }
  /** An instruction begun while `stepping` has been executed. */
  stepped(): Status | undefined {
    return this.#betweenInstructions(() => this.processor.stepped?.());
  }
  /** Exits of an exception before an instruction are not that instruction's. */
  #betweenInstructions<T>(raise: () => T): T {
    this.exits.leaveInstruction();
    const status = raise();
    this.exits.leaveInstruction();
    return status;
  }
  get stepping(): boolean {
    return this.processor.stepping?.() === true;
  }

  /** From `MemoryPath`, within an instruction. */
  raise(): Status {
    this.exits.enterHandler();
    try {
      const status = this.processor.raise();
      if (status === STATUS.fault && this.exits.looks(1)) this.engine.brake();
      return status;
    } finally {
      this.exits.leaveHandler();
    }
  }

  /** Back to the ISA's reset values; time goes on. */
  reset(): void {
    this.parked = this.index > 0;
    this.restoreState(this.resetState());
  }
  start(pc: bigint): void {
    if (this.parked) {
      this.parked = false;
      this.idle(Math.max(0, this.#board.now() - this.cycles));
    }
    this.pc = pc;
  }

  get vcpu(): number {
    return this.index;
  }
  get pc(): bigint {
    return this.state.get64(STATE.pc);
  }
  set pc(address: bigint) {
    this.state.set64(STATE.pc, BigInt.asUintN(this.#isa.addressWidth, address));
    this.halted = this.shadow = false;
    this.#abandon();
  }
  get codeBase(): bigint {
    const { codeBase } = this.#isa;
    return codeBase === undefined ? 0n : this.state.get64(codeBase);
  }
  get linearPc(): bigint {
    return linearAddress(this.pc, this.codeBase);
  }
  set linearPc(address: bigint) {
    this.pc = linearAddress(address, -this.codeBase);
  }
  /** Instructions completed since the VM was made; during an exit, those before the one that exits. */
  get instructions(): number {
    return (this.#engine?.instructions ?? this.#executed) - (this.exits.inHandler ? 1 : 0);
  }
  /** Virtual time: cycles of instructions and of exits since the VM was made. */
  get cycles(): number {
    // While a device is waited for, its instruction's own cost is taken back; time stands still all the same.
    const waiting = this.exits.pending ? this.state.get32(STATE.cost) : 0;
    return this.state.getNumber(STATE.cycles) + this.exits.charged + waiting + this.#idle;
  }
  get idleCycles(): number {
    return this.#idle;
  }
  idle(cycles: number): void {
    this.#idle += cycles;
  }
  /** It executes nothing for now. */
  get asleep(): boolean {
    return this.parked || this.halted;
  }
  /** Virtual time at which it goes on, as far as can be told; `Infinity` if nothing can wake it. */
  get readyAt(): number {
    if (this.parked) return Infinity;
    return this.halted ? this.interrupts?.wakesAt ?? Infinity : this.cycles;
  }
  /** Lets it sleep until then; false if nothing can wake it. */
  wake(): boolean {
    const time = this.readyAt;
    if (time === Infinity) return false;
    this.idle(Math.max(0, time - this.cycles));
    return true;
  }
  get halted(): boolean {
    return this.state.get32(STATE.halted) !== 0;
  }
  set halted(on: boolean) {
    this.state.set32(STATE.halted, on ? 1 : 0);
  }
  /** The next instruction is executed before an interrupt is taken. */
  get shadow(): boolean {
    return this.state.get32(STATE.shadow) !== 0;
  }
  set shadow(on: boolean) {
    this.state.set32(STATE.shadow, on ? 1 : 0);
  }
  /** An interrupt waits for the guest to enable it. */
  set window(on: boolean) {
    this.state.set32(STATE.window, on ? 1 : 0);
  }
  symbol(): string | undefined {
    const near = this.#board.symbols.nearest(this.pc);
    return near && (near.offset === 0n ? near.name : `${near.name}+0x${near.offset.toString(16)}`);
  }
  /** True while an exit of this vCPU is being handled, or waits for its device. */
  get inExit(): boolean {
    return this.exits.inHandler || this.exits.pending !== undefined;
  }

  /** A copy of all registers; time (cycles, instructions) is not among them. */
  saveState(): Uint8Array {
    return this.state.copy(0, STATE.end);
  }
  /** Puts registers back. An instruction that was left half-way is abandoned with its pending exit. */
  restoreState(bytes: Uint8Array): void {
    const cycles = this.state.get64(STATE.cycles), mapped = this.translation?.maps;
    this.state.paste(0, bytes);
    this.state.set64(STATE.cycles, cycles);
    this.state.set32(STATE.left, 0);
    this.#abandon();
    this.#selectIsa();
    if (mapped || this.translation?.maps) this.translationChanged();
  }
  /** What `saveState` gives right after reset. */
  resetState(): Uint8Array {
    return resetImage(this.#resetIsa);
  }

  /** Everything, time too, for a snapshot: between two runs, while no device is waited for. */
  saveAll(): SavedState {
    return {
      state: atRest(this.state.copy(0, STATE.end)),
      instructions: this.instructions,
      idle: this.#idle,
      parked: this.parked,
      stoppedAt: this.stoppedAt,
      ...this.#faults.save(),
      halfway: this.#halfway,
      exits: this.exits.save(),
    };
  }
  /** Puts back what `saveAll` gave, into a vCPU that has executed nothing yet. Throws `SyntaxError` for what is none. */
  loadAll(saved: SavedFields): void {
    this.state.paste(0, atRest(saved.bytes("state", STATE.end).slice()));
    if (this.state.get64(STATE.cycles) > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new SyntaxError("the snapshot is malformed: a clock that no vCPU can have");
    }
    this.#executed = saved.whole("instructions");
    this.#idle = saved.whole("idle");
    this.parked = saved.flag("parked");
    this.stoppedAt = saved.whole("stoppedAt", Number.MAX_SAFE_INTEGER, -1);
    this.#faults.load(saved);
    this.#halfway = saved.flag("halfway");
    this.exits.load(saved.fields("exits"));
    this.modeChanged();
  }

  // --- A slice of a run.

  /** What a run looks at for interrupts, if it takes any. */
  get interrupts(): Interrupts | undefined {
    return this.holdsInterrupts ? undefined : this.controller;
  }
  get pending(): Promise<void> | undefined {
    return this.exits.pending;
  }
  beginSlice(limit: number): void {
    this.#sliceEnd = this.engine.instructions + limit;
    this.#halfway = false;
    this.exits.beginSlice();
  }
  endSlice(): void {
    this.#sliceEnd = 0;
  }
  /** The instruction at `pc` was begun: it is executed again, and no interrupt comes before it. */
  get halfway(): boolean {
    return this.#halfway;
  }
  /** Whether it has made an exit, which further accesses of it are part of. */
  get hasBegun(): boolean {
    return this.#halfway && this.exits.begun;
  }
  /** Instructions that the slice may execute after the one at hand. */
  get sliceLeft(): number {
    return this.#sliceEnd - this.engine.instructions;
  }

  // --- EngineHost: where compiled code comes out.

  load(_cpu: number, size: number, flags: number, way: number = NO_WAY): Status {
    return this.#left(this.#memory.load(size, flags, way));
  }
  store(_cpu: number, size: number, flags: number, way: number = NO_WAY): Status {
    return this.#left(this.#memory.store(size, flags, way));
  }
  get again(): EngineHost["again"] {
    return this.exits.again;
  }
  /** An exit by a known way leaves its instruction half-way. */
  leaveHalfway(): Status {
    return this.#left(STATUS.again);
  }
  trap(_cpu: number, trap: number, way: number = NO_WAY): Status {
    // Before anything is done: not every trap can be handled twice.
    if (this.exits.overdue) return this.#left(STATUS.again);
    this.exits.enterHandler();
    try {
      const lane = this.#lanes.of(trap, this.state.get32(ARGS));
      if (lane.trap === trap && this.state.isAsSeen(lane.seen)) {
        const status = this.exits.repeat(lane.way, this.state.get32(ARGS + 16));
        if (status !== UNKNOWN_WAY) {
          this.#keepWay(way, lane);
          return status === STATUS.proceed ? status : this.#trapped(status);
        }
      }
      const status = this.#handle(trap, lane);
      if (lane.trap === trap) this.#keepWay(way, lane);
      return this.#trapped(status);
    } finally {
      this.exits.leaveHandler();
    }
  }

  #trapped(status: Status): Status {
    if (status === STATUS.proceed) return this.exits.due ? this.#left(STATUS.again) : status;
    // An instruction that raises an exception is not counted: the slice has one more.
    const looks = this.halted || this.stepping || this.exits.looks(status === STATUS.fault ? 1 : 0);
    if (looks) this.engine.brake();
    return this.#left(status);
  }

  /** The place in compiled code where a trap comes from goes this way by itself, if it has a number. */
  #keepWay(number: number, { trap, seen, way }: TrapLane): void {
    if (number === NO_WAY || !this.#ways.wants(number, way)) return;
    const words = [seen.word0, seen.word1, seen.word2, seen.word3, seen.word4];
    this.#ways.keep(number, way, trapTag(trap), words);
  }

  /** Handles a trap, and remembers the way of its exit for the next one like it. */
  #handle(trap: number, lane: TrapLane): Status {
    const handler = this.#board.traps[trap], { dependsOn } = handler;
    const { state, exits } = this;
    // An exit that was made already has no way.
    if (dependsOn === undefined || exits.replays) return handler.handle(this);
    lane.trap = -1;
    state.see(lane.seen, dependsOn);
    exits.ways.expect();
    const status = handler.handle(this), way = exits.ways.found;
    // Where the run loop has to look, the instruction is left half-way behind its exit.
    if ((status === STATUS.proceed || status === STATUS.again) && way !== undefined) {
      lane.trap = trap;
      lane.way.copy(way);
    }
    return status;
  }

  #left(status: Status): Status {
    if (status === STATUS.again) this.#halfway = true;
    return status;
  }
  #abandon(): void {
    this.#halfway = false;
    this.debug.clear();
    this.exits.abandon();
  }

  // --- What trap handlers are made of.

  /** Argument of the trap at hand: its low 32 bits, unsigned. */
  argument(index: number): number {
    return this.state.get32(STATE.args + 8 * index);
  }
  argument64(index: number): bigint {
    return this.state.get64(STATE.args + 8 * index);
  }
  /** Gives the trap at hand its result. */
  answer(value: bigint): void {
    this.state.set64(STATE.result, value);
  }
  get board(): Board {
    return this.#board;
  }
  /** Address of the instruction after the one that traps. */
  get nextPc(): bigint {
    return this.state.get64(STATE.nextPc);
  }
  /** The trap at hand has done its instruction, which could not be executed a second time. */
  completeOnce(): Status {
    this.state.set64(STATE.pc, this.nextPc);
    return STATUS.redirect;
  }

  /** The instruction is complete, and the vCPU waits for an interrupt; a stop where there is nothing else in the VM to do. */
  halt(): Status {
    if (!this.interrupts && this.#board.vcpus === 1) {
      return this.exits.stops.done({ reason: "HLT", message: ASLEEP });
    }
    this.halted = true;
    this.state.set64(STATE.pc, this.nextPc);
    return STATUS.redirect;
  }
  /**
   * The instruction at hand raises an exception whose handler is at `pc`. A guest that does nothing but
   * raise exceptions is stopped: it would never use up a budget.
   */
  fault(pc: bigint): Status {
    const problem = this.#faults.add(this.instructions);
    if (problem !== undefined) return this.exits.stops.again({ reason: "INTERNAL_ERROR", message: problem });
    this.state.set64(STATE.pc, pc);
    this.exits.leaveInstruction();
    if (this.debug.any) this.engine.brake();
    return STATUS.fault;
  }
  requestStop(stop: StopDetail): void {
    this.exits.stops.request(stop);
  }
  chargeDevice(cycles: number): void {
    this.exits.chargeDevice(cycles);
  }
}

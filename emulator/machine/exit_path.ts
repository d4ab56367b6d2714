/**
 * The one place that every exit passes: it writes the ledger, finds the handler on the bus or in the hypercall
 * table, and brings the handler's answer, now or later, into the instruction.
 */
import { type EngineHost, STATUS, type Status, UNKNOWN_WAY } from "../engine/host.ts";
import type { Direction, HandledIn, NativeReason } from "../engine/native_reason.ts";
import type { CpuState } from "../engine/state.ts";
import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import type { Handling } from "../exits/stages.ts";
import type { Answerer } from "./answerer.ts";
import type { Board } from "./board.ts";
import { type AccessSize, type Bus, type BusHandler, type BusValue, Mapped } from "./bus.ts";
import { type ExitWay, LastWay } from "./exit_lane.ts";
import { ExitAnswers } from "./exit_answers.ts";
import { ExitProgress } from "./exit_progress.ts";
import { KnownExits } from "./known_exits.ts";
import type { KnownWays } from "./known_ways.ts";
import { AnsweringCall, type Hypercall } from "./hypercalls.ts";
import type { ExitSeen } from "./hypervisors/hypervisor.ts";
import type { Journal } from "./journal.ts";
import { setResult } from "./result.ts";
import type { RunStops } from "./run_stops.ts";
import type { StopDetail } from "./stop.ts";
import type { Vcpu } from "./vcpu.ts";

/** Sets the registers that tell that nobody answers a hypercall. */
export type UnknownCall = (vcpu: Vcpu, number: number) => void;

/** What is particular about an access. */
export interface AccessWay {
  /** A store's exit asks for a match by address before anything else. */
  readonly fast?: boolean;
  /** Takes it whatever stands on the bus. */
  readonly own?: BusHandler;
  /** For an iteration of a repeated access: how many more are completed in the exit that it begins. */
  readonly further?: (inKernel: boolean) => number;
}

/** Nothing; one object, as there is an access for each exit. */
const PLAIN: AccessWay = {};

export class ExitPath {
  readonly #board: Board;
  readonly #state: CpuState;
  readonly #vcpu: Vcpu;
  readonly #progress: ExitProgress;
  readonly #journal: Journal;
  readonly #answers: ExitAnswers;
  readonly #known: KnownWays;
  #charged = 0;
  /** Of the exit made last. */
  readonly ways: LastWay = new LastWay();
  /** See `KnownExits`. */
  readonly again: EngineHost["again"];

  constructor(board: Board, state: CpuState, vcpu: Vcpu, known: KnownWays) {
    this.#progress = new ExitProgress(board, state, vcpu);
    this.#answers = new ExitAnswers(this.#progress);
    this.#known = known;
    this.again = new KnownExits(this.#progress, this.#answers, known).again;
    this.#journal = this.#progress.journal;
    this.#board = board;
    this.#state = state;
    this.#vcpu = vcpu;
  }

  /** Cycles that exits were charged since the vCPU was made. */
  get charged(): number {
    return this.#charged + this.#known.charged;
  }
  /** What ends the run. */
  get stops(): RunStops {
    return this.#progress.stops;
  }
  /** The device that the instruction at hand waits for. */
  get pending(): Promise<void> | undefined {
    return this.#progress.pending;
  }
  /** True while compiled code waits for a handler: the instruction that called it counts as executed there. */
  get inHandler(): boolean {
    return this.#progress.inHandler;
  }
  /** Whether there was an exit since this was last set to false: a turn ends with one. */
  get exited(): boolean {
    return this.#progress.exited;
  }
  set exited(on: boolean) {
    this.#progress.exited = on;
  }
  /** Between two runs: whether an instruction was left half-way that has made its exit. */
  get begun(): boolean {
    return this.#journal.started && this.#journal.isOf(this.#vcpu.engine.instructions + 1);
  }
  /** Whether the instruction at hand was left half-way, and its next access is done already. */
  get replays(): boolean {
    this.#progress.turn();
    return this.#journal.replays;
  }
  /** The same, and what is done was no load: a hypercall, whose registers may have changed since. */
  get replaysCall(): boolean {
    this.#progress.turn();
    return this.#journal.replaysCall;
  }
  /** The slice of the run has had its exits. */
  get overdue(): boolean {
    return this.#progress.overdue;
  }
  /** The run loop has to look before more instructions: see `looks`, or as a slice has had its exits. */
  get due(): boolean {
    return this.overdue || this.looks();
  }
  /** See `ExitProgress.looks`. */
  looks(more = 0): boolean {
    return this.#progress.looks(more);
  }

  // --- Exits.

  /** One that the hypervisor's kernel half completes by itself. */
  kernelExit(native: NativeReason, key: number): void {
    this.#progress.turn();
    if (this.#journal.replays) {
      this.#journal.take();
      return;
    }
    this.#charge(native, key, "none", 0, "kernel");
    this.#journal.complete(undefined);
    this.#progress.completed++;
  }

  /** One that belongs to no instruction: the vCPU was interrupted between two. */
  boundaryExit(native: NativeReason): void {
    this.exited = true;
    this.#progress.series.end();
    this.#charged += this.#board.exits.charge(native, 0, "none", 0, "kernel", this.#vcpu);
    this.#vcpu.debug.exit(native, 0, "none", 0);
  }

  /** An access on a bus; `value` goes out. A load's answer goes to `STATE.result`. */
  access(
    bus: Bus,
    native: NativeReason,
    key: number,
    direction: "in" | "out",
    size: AccessSize,
    value: BusValue,
    way: AccessWay = PLAIN,
  ): Status {
    this.#progress.turn();
    if (this.#journal.replays) {
      const seen = this.#journal.take();
      if (direction === "in") setResult(this.#state, seen!, size);
      return STATUS.proceed;
    }
    const { own, further } = way, { ioevents, coalesced, unclaimed } = this.#board;
    const range = own === undefined ? bus.mapped(key, size) : ownRange(bus, key, own);
    if (direction === "out" && own === undefined && !(ioevents.isEmpty && coalesced.isEmpty)) {
      const done = this.#inKernel(bus, native, key, size, value, range !== undefined, way);
      if (done !== undefined) return done;
    }
    if (range === undefined && unclaimed === "stop") {
      this.#charge(native, key, direction, size, "userspace", further);
      return this.#nobody(bus, key, direction, size);
    }
    const answerer = range ?? bus.nobody, handledIn = answerer.handledIn();
    const isNew = this.#charge(native, key, direction, size, handledIn, further);
    if (isNew && own === undefined && further === undefined && coalesced.isEmpty && ioevents.isEmpty) {
      this.#note(answerer, key, key - answerer.base, direction, size, handledIn);
    }
    return this.#answers.ask(
      answerer,
      key - answerer.base,
      direction,
      size,
      value,
      handledIn === "userspace",
    );
  }

  /** A write that the kernel half completes by itself: matched, or gathered. Undefined if it does not. */
  #inKernel(
    bus: Bus,
    native: NativeReason,
    key: number,
    size: AccessSize,
    value: BusValue,
    claimed: boolean,
    { fast = false, further }: AccessWay,
  ): Status | undefined {
    const { ports, ioevents, coalesced, unclaimed } = this.#board;
    const name = bus === ports ? "pio" : "mmio";
    const event = ioevents.match(name, key, size, value);
    const byAddress = fast && event?.length === 0;
    // Devices of KVM's buses are asked by their first addresses; its fast bus comes before them all.
    const zone = byAddress ? undefined : coalesced.find(name, key, size);
    if (zone && !(event && zone.address >= key) && (claimed || unclaimed === "ones")) {
      this.#charge(native, key, "out", size, "kernel", further);
      coalesced.push(bus, key, size, size === 8 ? BigInt(value) : value);
      this.#journal.complete(undefined);
      return this.#answers.done();
    }
    if (!event) return undefined;
    this.#charge(native, key, "out", size, byAddress ? "kernel-fast" : "kernel", further);
    return this.#answers.ask(event, 0, "out", size, value, false);
  }

  /**
   * A hypercall; `unknown` sets the result that the ABI gives for a number that nobody answers, unless the hypervisor has a
   * service of its `own`. `seen` is how the exit shows where it is not by the number.
   */
  hypercall(
    native: NativeReason,
    number: number,
    unknown: UnknownCall,
    seen?: ExitSeen,
    own?: Hypercall,
  ): Status {
    this.#progress.turn();
    if (this.#journal.replays) {
      this.#journal.take();
      return STATUS.proceed;
    }
    const call = this.#board.hypercalls.answering(number) ?? (own && new AnsweringCall(number, own));
    let handledIn: HandledIn = "kernel";
    if (call !== undefined) {
      try {
        handledIn = call.handledIn(this.#vcpu);
      } catch (error) {
        return this.#answers.fail(call.name, error);
      }
    }
    const isNew = seen === undefined
      ? this.#charge(native, number, "none", 0, handledIn)
      : this.#charge(native, seen.key, seen.direction, seen.size, handledIn);
    if (call === undefined) {
      unknown(this.#vcpu, number);
      this.#journal.complete(undefined);
      return this.#answers.done();
    }
    if (isNew && seen === undefined && !call.asksArguments) {
      this.#note(call, number, 0, "none", 8, handledIn);
    }
    return this.#answers.ask(call, 0, "none", 8, 0, handledIn === "userspace");
  }

  /** Remembers the way of the exit at hand, for the next one like it; not where what was gathered may have to be taken first. */
  #note(
    answerer: Answerer,
    key: number,
    offset: number,
    direction: "in" | "out" | "none",
    size: AccessSize,
    handledIn: HandledIn,
  ): void {
    const { coalesced, changes, debug, exits: { charged } } = this.#board;
    if (
      !coalesced.isEmpty || coalesced.waiting > 0 || debug.catchpoints.active.length > 0 ||
      charged === undefined
    ) return;
    const way = this.ways.note();
    way.answerer = answerer;
    way.charged = charged;
    way.key = key;
    way.offset = offset < 2 ** 31 ? offset | 0 : offset;
    way.direction = direction;
    way.size = size;
    way.handledIn = handledIn;
    way.changes = changes.count;
  }

  /** Makes an exit by the way of an earlier one like it, or answers `UNKNOWN_WAY`. `value` goes out. */
  repeat(way: ExitWay, value: BusValue): Status | typeof UNKNOWN_WAY {
    const { answerer, direction, handledIn } = way, vcpu = this.#vcpu;
    if (way.changes !== this.#board.changes.count || answerer === undefined || this.overdue) {
      return UNKNOWN_WAY;
    }
    if (answerer.handledIn(vcpu) !== handledIn || !this.#journal.begins(vcpu.engine.instructions)) {
      return UNKNOWN_WAY;
    }
    const progress = this.#progress, outer = progress.inHandler, { exits } = this.#board;
    progress.inHandler = progress.exited = true;
    progress.series.end();
    this.#charged += exits.chargeAgain(way.charged!);
    way.charged = exits.charged;
    const status = this.#answers.ask(answerer, way.offset, direction, way.size, value, false);
    progress.inHandler = outer;
    return status;
  }

  /** Adds a device's own cycles to the exit at hand. */
  chargeDevice(cycles: number): void {
    this.#board.exits.chargeDevice(cycles, this.#vcpu.vcpu);
    this.#charged += cycles;
  }

  /** Compiled code calls a trap's handler, which sees the calling instruction as not yet completed. */
  enterHandler(): void {
    this.#progress.inHandler = true;
  }
  leaveHandler(): void {
    this.#progress.inHandler = false;
  }

  // --- Stops.

  /** As `stops.again`, and the exits that the instruction made are made again when it is tried again. */
  stopAnew(stop: StopDetail): Status {
    this.#journal.abandon();
    return this.stops.again(stop);
  }

  // --- The instruction at hand.

  /** The engine is about to run; an instruction that was left half-way is executed again from its start. */
  beginSlice(): void {
    this.#progress.beginSlice();
  }
  /** The instruction at hand has raised an exception: another one comes, under the same number. */
  leaveInstruction(): void {
    this.#journal.abandon();
  }
  /** The instruction at hand will not be gone on with, nor what it waits for. */
  abandon(): void {
    this.#progress.abandon();
  }

  /** Between two runs, while no device is waited for. */
  save(): SavedState {
    return {
      charged: this.charged,
      ...this.stops.save(),
      exited: this.exited,
      journal: this.#journal.save(),
      series: this.#progress.series.save(),
    };
  }
  load(saved: SavedFields): void {
    this.#charged = saved.whole("charged") - this.#known.charged;
    this.stops.load(saved);
    this.exited = saved.flag("exited");
    this.#journal.load(saved.fields("journal"));
    this.#progress.series.load(saved.fields("series"));
  }

  /** Whether it is an exit of its own. */
  #charge(
    native: NativeReason,
    key: number,
    direction: Direction,
    size: number,
    handledIn: Handling,
    further?: AccessWay["further"],
  ): boolean {
    const outer = this.#progress.inHandler;
    this.#progress.inHandler = this.exited = true;
    let isNew = false;
    const { exits } = this.#board, now = this.#journal.instruction;
    // A ledger that was reset meanwhile knows of no exit.
    if (this.#journal.started && exits.isOpen(this.#vcpu.vcpu)) {
      this.#charged += exits.accessAgain(key, direction, size, handledIn, this.#vcpu);
    } else if (
      further && this.#progress.series.takes(now, key, direction, size) && exits.isOpen(this.#vcpu.vcpu)
    ) {
      // What goes in was read ahead, of what goes out userspace is told.
      const handling = direction === "out" ? handledIn : "kernel";
      if (handling === "userspace") this.#progress.series.end();
      this.#charged += exits.accessAgain(key, direction, size, handling, this.#vcpu);
    } else {
      isNew = true;
      this.#charged += exits.charge(native, key, direction, size, handledIn, this.#vcpu);
      this.#vcpu.debug.exit(native, key, direction, size);
      this.#progress.isQuick = false;
      if (further) this.#progress.series.begin(now, key, direction, size, further(handledIn !== "userspace"));
      else this.#progress.series.end();
    }
    this.#progress.inHandler = outer;
    return isNew;
  }

  #nobody(bus: Bus, key: number, direction: "in" | "out", size: AccessSize): Status {
    const what = `${direction === "in" ? "load from" : "store to"} ${bus.name} 0x${key.toString(16)}`;
    return this.stops.again({
      reason: "INTERNAL_ERROR",
      address: BigInt(key),
      message: `${what} (${size} bytes), which nothing claims`,
    });
  }
}

/** All of a bus from an address on, for a handler that is not on it. */
function ownRange(bus: Bus, base: number, handler: BusHandler): Mapped {
  return new Mapped({ base, size: bus.limit - base, name: bus.name }, handler);
}

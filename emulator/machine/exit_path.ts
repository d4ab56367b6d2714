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
import { fits, swapValue } from "./access.ts";
import type { Answer, Answerer } from "./answerer.ts";
import type { Board } from "./board.ts";
import { type AccessSize, type Bus, type BusHandler, type BusValue, Mapped } from "./bus.ts";
import { type ExitWay, LastWay } from "./exit_lane.ts";
import type { KnownWay, KnownWays } from "./known_ways.ts";
import { AnsweringCall, type Hypercall } from "./hypercalls.ts";
import type { ExitSeen } from "./hypervisors/hypervisor.ts";
import type { Interrupts } from "./interrupts/interrupts.ts";
import { Journal } from "./journal.ts";
import { STATE } from "../ir/layout.ts";
import { setResult } from "./result.ts";
import { RunStops } from "./run_stops.ts";
import { Series } from "./series.ts";
import type { StopDetail } from "./stop.ts";
import type { Vcpu } from "./vcpu.ts";

/** Exits between two turns of the event loop: handlers are users' code, and Ctrl-C has to stay prompt. */
const EXITS_PER_SLICE = 10_000;

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

/** A constant of this file is none to look up. */
const PROCEED = STATUS.proceed;

/** Nothing; one object, as there is an access for each exit. */
const PLAIN: AccessWay = {};

export class ExitPath {
  readonly #board: Board;
  readonly #state: CpuState;
  readonly #vcpu: Vcpu;
  readonly #known: KnownWays;
  readonly #journal = new Journal();
  #charged = 0;
  #pending: Promise<void> | undefined;
  #inHandler = false;
  /** Exits completed in this slice of the run. */
  #completed = 0;
  readonly #series = new Series();
  /** What ends the run. */
  readonly stops: RunStops = new RunStops();
  /** Of the exit made last. */
  readonly ways: LastWay = new LastWay();
  /** Whether there was an exit since this was last set to false: a turn ends with one. */
  exited = false;
  /** Of the slice at hand. */
  #interrupts: Interrupts | undefined;
  /** See `#lookIfQuick`; not where a series may go on. */
  #isQuick = false;
  /** The instruction at hand is completed even where the run loop has to look then. */
  #endsBehind = false;

  constructor(board: Board, state: CpuState, vcpu: Vcpu, known: KnownWays) {
    this.#known = known;
    board.changes.onChange(() => {
      known.forget();
      this.#isQuick = false;
    });
    this.#board = board;
    this.#state = state;
    this.#vcpu = vcpu;
  }

  /** Cycles that exits were charged since the vCPU was made. */
  get charged(): number {
    return this.#charged + this.#known.charged;
  }
  /** The device that the instruction at hand waits for. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }
  /** True while compiled code waits for a handler: the instruction that called it counts as executed there. */
  get inHandler(): boolean {
    return this.#inHandler;
  }
  /** Between two runs: whether an instruction was left half-way that has made its exit. */
  get begun(): boolean {
    return this.#journal.started && this.#journal.isOf(this.#vcpu.engine.instructions + 1);
  }
  /** Whether the instruction at hand was left half-way, and its next access is done already. */
  get replays(): boolean {
    this.#turn();
    return this.#journal.replays;
  }
  /** The same, and what is done was no load: a hypercall, whose registers may have changed since. */
  get replaysCall(): boolean {
    this.#turn();
    return this.#journal.replaysCall;
  }
  /** The slice of the run has had its exits. */
  get overdue(): boolean {
    return this.#completed > EXITS_PER_SLICE;
  }
  /** The run loop has to look before more instructions: see `looks`, or as a slice has had its exits. */
  get due(): boolean {
    return this.overdue || this.looks();
  }
  /**
   * The same for an interrupt, or another vCPU's turn, in a slice that is `more` instructions longer than it says;
   * where it ends with this instruction anyway there is no need.
   */
  looks(more = 0): boolean {
    const vcpu = this.#vcpu;
    if (vcpu.sharesTime && this.exited && vcpu.sliceLeft + more > 0) return true;
    return vcpu.interrupts?.due(more) === true;
  }

  // --- Exits.

  /** One that the hypervisor's kernel half completes by itself. */
  kernelExit(native: NativeReason, key: number): void {
    this.#turn();
    if (this.#journal.replays) {
      this.#journal.take();
      return;
    }
    this.#charge(native, key, "none", 0, "kernel");
    this.#journal.complete(undefined);
    this.#completed++;
  }

  /** One that belongs to no instruction: the vCPU was interrupted between two. */
  boundaryExit(native: NativeReason): void {
    this.exited = true;
    this.#series.end();
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
    this.#turn();
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
    return this.#handle(answerer, key - answerer.base, direction, size, value, handledIn === "userspace");
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
      return this.#accessDone();
    }
    if (!event) return undefined;
    this.#charge(native, key, "out", size, byAddress ? "kernel-fast" : "kernel", further);
    return this.#handle(event, 0, "out", size, value, false);
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
    this.#turn();
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
        return this.#fail(call.name, error);
      }
    }
    const isNew = seen === undefined
      ? this.#charge(native, number, "none", 0, handledIn)
      : this.#charge(native, seen.key, seen.direction, seen.size, handledIn);
    if (call === undefined) {
      unknown(this.#vcpu, number);
      this.#journal.complete(undefined);
      return this.#accessDone();
    }
    if (isNew && seen === undefined && !call.asksArguments) {
      this.#note(call, number, 0, "none", 8, handledIn);
    }
    return this.#handle(call, 0, "none", 8, 0, handledIn === "userspace");
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
    const outer = this.#inHandler;
    this.#inHandler = this.exited = true;
    this.#series.end();
    const { exits } = this.#board;
    this.#charged += exits.chargeAgain(way.charged!);
    way.charged = exits.charged;
    let answer: Answer;
    try {
      answer = answerer.answer(way.offset, direction, way.size, value, vcpu);
    } catch (error) {
      return this.#fail(answerer.name, error);
    } finally {
      this.#inHandler = outer;
    }
    return this.#settle(answerer.name, answer, direction, way.size);
  }

  /**
   * The same of an exit by a known way, which is all that its instruction asks of the host, and which is counted and charged
   * already.
   */
  readonly again: EngineHost["again"] = (number, value) => {
    const known = this.#known.of(number), answerer = known.answerer!, vcpu = this.#vcpu;
    if (!this.#isQuick || answerer.handledIn(vcpu) !== known.handledIn) {
      {
        return this.#leftHalfway(this.#againSlowly(number, value));
      }
    }
    this.#inHandler = this.exited = true;
    let answer: Answer;
    try {
      // A call for each: V8 then knows what `answer` is asked.
      if (known.isLoad) answer = answerer.answer(known.offset, "in", known.size, 0, vcpu);
      else if (known.isStore) {
        const out = known.swaps ? swapValue(value, known.size) : value >>> 0;
        answer = answerer.answer(known.offset, "out", known.size, out, vcpu);
      } else answer = answerer.answer(0, "none", 8, 0, vcpu);
    } catch (error) {
      return this.#leftHalfway(this.#fail(answerer.name, error));
    } finally {
      this.#inHandler = false;
    }
    if (answer !== undefined || known.isLoad) {
      if (typeof answer !== "number" || !known.isLoad || !Number.isSafeInteger(answer)) {
        return this.#leftHalfway(this.#settleKnown(known, answer));
      }
      setResult(this.#state, answer, known.size);
      if (known.swaps) this.#swapResult(known);
    }
    if (
      ++this.#completed <= EXITS_PER_SLICE && this.#isQuick && this.stops.after === undefined &&
      (this.#interrupts === undefined || !this.#interrupts.due())
    ) {
      return PROCEED;
    }
    return this.#leftHalfway(this.#endKnown(known, answer as BusValue | undefined));
  };

  #leftHalfway(status: Status | typeof UNKNOWN_WAY): Status | typeof UNKNOWN_WAY {
    return status === STATUS.again ? this.#vcpu.leaveHalfway() : status;
  }
  /** The same where there is more to look at than what the exit comes to. */
  #againSlowly(number: number, value: number): Status | typeof UNKNOWN_WAY {
    const known = this.#known.of(number), { answerer } = known;
    if (this.overdue || this.#journal.held || answerer!.handledIn(this.#vcpu) !== known.handledIn) {
      this.#known.takeBack(number);
      return UNKNOWN_WAY;
    }
    this.exited = true;
    this.#series.end();
    this.#lookIfQuick();
    this.#turn();
    const out = known.swaps ? swapValue(value, known.size) : value >>> 0;
    this.#endsBehind = this.#mayEndBehind(known);
    const status = this.#handle(answerer!, known.offset, known.direction, known.size, out, false);
    this.#endsBehind = false;
    return status === PROCEED ? this.#loaded(known) : status;
  }

  /** Any answer of a known way. */
  #settleKnown(known: KnownWay, answer: Answer): Status {
    this.#turn();
    const status = this.#settle(known.answerer!.name, answer, known.direction, known.size);
    return status === PROCEED ? this.#loaded(known) : status;
  }
  #loaded(known: KnownWay): Status {
    if (known.swaps && known.isLoad) this.#swapResult(known);
    return this.#toldOf(known);
  }
  #swapResult({ size }: KnownWay): void {
    setResult(this.#state, swapValue(this.#state.get32(STATE.result), size), size);
  }
  /** A watchpoint that its own handler has set sees a load. */
  #toldOf({ isLoad, isMemory, size }: KnownWay): Status {
    const { args } = STATE, state = this.#state;
    if (isLoad && isMemory) this.#vcpu.debug.access(state.get32(args), state.get32(args + 4), size, "read");
    return PROCEED;
  }
  /** The exit is complete, the instruction may be left half-way: the journal has to be told only then. */
  #endKnown(known: KnownWay, answer: BusValue | undefined): Status {
    this.#turn();
    this.#journal.complete(answer);
    if (this.stops.after !== undefined || this.overdue) return STATUS.again;
    if (this.looks()) {
      if (!this.#mayEndBehind(known)) return STATUS.again;
      this.#vcpu.engine.endBehind();
    }
    return this.#toldOf(known);
  }
  /** A load might be one of SS, which holds off an interrupt: the run loop has to see that instruction alone. */
  #mayEndBehind({ isMemory, isLoad }: KnownWay): boolean {
    return !(isMemory && isLoad) || this.#interrupts === undefined;
  }
  /** Whether nothing has to be looked at before an exit, nor after it but what its handler does and interrupts. */
  #lookIfQuick(): void {
    this.#isQuick = !this.#vcpu.sharesTime && !this.#journal.held && !this.overdue;
  }

  /** Asks for an answer, in userspace after that has taken what was gathered for it. */
  #handle(
    answerer: Answerer,
    offset: number,
    direction: "in" | "out" | "none",
    size: AccessSize,
    value: BusValue,
    inUserspace: boolean,
  ): Status {
    let answer: Answer;
    const outer = this.#inHandler, { coalesced } = this.#board;
    this.#inHandler = true;
    try {
      const drained = inUserspace && coalesced.waiting > 0 ? coalesced.drain() : undefined;
      answer = drained === undefined
        ? answerer.answer(offset, direction, size, value, this.#vcpu)
        : drained.then(() => answerer.answer(offset, direction, size, value, this.#vcpu));
    } catch (error) {
      return this.#fail(answerer.name, error);
    } finally {
      this.#inHandler = outer;
    }
    return this.#settle(answerer.name, answer, direction, size);
  }

  /** Adds a device's own cycles to the exit at hand. */
  chargeDevice(cycles: number): void {
    this.#board.exits.chargeDevice(cycles, this.#vcpu.vcpu);
    this.#charged += cycles;
  }

  /** Compiled code calls a trap's handler, which sees the calling instruction as not yet completed. */
  enterHandler(): void {
    this.#inHandler = true;
  }
  leaveHandler(): void {
    this.#inHandler = false;
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
    this.#journal.rewind(this.#vcpu.engine.instructions + 1);
    this.#completed = 0;
    this.#isQuick = false;
    this.#interrupts = this.#vcpu.interrupts;
  }
  /** The instruction at hand has raised an exception: another one comes, under the same number. */
  leaveInstruction(): void {
    this.#journal.abandon();
  }
  /** The instruction at hand will not be gone on with, nor what it waits for. */
  abandon(): void {
    this.#series.end();
    this.#journal.abandon();
    this.stops.abandon();
    this.#pending = undefined;
    this.#completed = 0;
  }

  /** Between two runs, while no device is waited for. */
  save(): SavedState {
    return {
      charged: this.charged,
      ...this.stops.save(),
      exited: this.exited,
      journal: this.#journal.save(),
      series: this.#series.save(),
    };
  }
  load(saved: SavedFields): void {
    this.#charged = saved.whole("charged") - this.#known.charged;
    this.stops.load(saved);
    this.exited = saved.flag("exited");
    this.#journal.load(saved.fields("journal"));
    this.#series.load(saved.fields("series"));
  }

  /** Opens the journal at the instruction at hand. */
  #turn(): void {
    this.#journal.turnTo(this.#vcpu.engine.instructions);
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
    const outer = this.#inHandler;
    this.#inHandler = this.exited = true;
    let isNew = false;
    const { exits } = this.#board, now = this.#journal.instruction;
    // A ledger that was reset meanwhile knows of no exit.
    if (this.#journal.started && exits.isOpen(this.#vcpu.vcpu)) {
      this.#charged += exits.accessAgain(key, direction, size, handledIn, this.#vcpu);
    } else if (further && this.#series.takes(now, key, direction, size) && exits.isOpen(this.#vcpu.vcpu)) {
      // What goes in was read ahead, of what goes out userspace is told.
      const handling = direction === "out" ? handledIn : "kernel";
      if (handling === "userspace") this.#series.end();
      this.#charged += exits.accessAgain(key, direction, size, handling, this.#vcpu);
    } else {
      isNew = true;
      this.#charged += exits.charge(native, key, direction, size, handledIn, this.#vcpu);
      this.#vcpu.debug.exit(native, key, direction, size);
      this.#isQuick = false;
      if (further) this.#series.begin(now, key, direction, size, further(handledIn !== "userspace"));
      else this.#series.end();
    }
    this.#inHandler = outer;
    return isNew;
  }

  /** Brings a handler's answer, now or later, into the instruction. */
  #settle(device: string, answer: Answer, direction: Direction, size: AccessSize): Status {
    if (typeof answer === "object" && answer instanceof Promise) {
      this.#await(device, answer, direction);
      return STATUS.again;
    }
    if (direction === "in") {
      if (!fits(answer)) return this.#fail(device, badAnswer(device, answer));
      setResult(this.#state, answer, size);
    }
    this.#journal.complete(answer as BusValue | undefined);
    return this.#accessDone();
  }

  #await(device: string, answer: Promise<BusValue | void>, direction: Direction): void {
    const wait = answer.then((value) => {
      if (this.#pending !== wait) return;
      this.#pending = undefined;
      const bad = direction === "in" && !fits(value);
      if (bad) this.#fail(device, badAnswer(device, value));
      else this.#journal.completeLater(value as BusValue | undefined);
    }, (error) => {
      if (this.#pending !== wait) return;
      this.#pending = undefined;
      this.#fail(device, error);
    });
    this.#pending = wait;
  }

  #fail(device: string, error: unknown): Status {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return this.stops.again({
      reason: "DEVICE_ERROR",
      device,
      error,
      message: `device ${device} failed: ${text}`,
    });
  }

  #nobody(bus: Bus, key: number, direction: "in" | "out", size: AccessSize): Status {
    const what = `${direction === "in" ? "load from" : "store to"} ${bus.name} 0x${key.toString(16)}`;
    return this.stops.again({
      reason: "INTERNAL_ERROR",
      address: BigInt(key),
      message: `${what} (${size} bytes), which nothing claims`,
    });
  }

  /**
   * On after a completed access, unless the run is to stop after its instruction, or the event loop is due a
   * turn: then the instruction is executed again, its accesses taken from the journal.
   */
  #accessDone(): Status {
    this.#completed++;
    if (this.stops.after !== undefined || this.overdue) return STATUS.again;
    if (!this.looks()) return PROCEED;
    if (!this.#endsBehind) return STATUS.again;
    this.#vcpu.engine.endBehind();
    return PROCEED;
  }
}

/** All of a bus from an address on, for a handler that is not on it. */
function ownRange(bus: Bus, base: number, handler: BusHandler): Mapped {
  return new Mapped({ base, size: bus.limit - base, name: bus.name }, handler);
}

function badAnswer(device: string, value: unknown): TypeError {
  const what = value === null ? "null" : typeof value;
  return new TypeError(`${device} answered a load with ${what}: give a whole number or a bigint`);
}

/**
 * When an interrupt is taken: at the first boundary between two instructions at which it is asked for and
 * enabled, whatever engine executes them and however the run is cut into slices.
 *
 * Three things can ask. An exit's handler raises a line: the exiting instruction is completed alone, then the run
 * loop looks. A timer comes due: slices are so short that no instruction before the last can reach it, the last one
 * is executed alone. A script raises a line between two runs: the next run begins with a look.
 */
import type { NativeReason } from "../../engine/native_reason.ts";
import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";
import type { CostProfile } from "../../exits/profile.ts";
import type { InterruptUnit } from "./unit.ts";

/** What is asked of the vCPU. */
export interface InterruptedCpu {
  readonly cycles: number;
  readonly inExit: boolean;
  /** Waits for an interrupt (HLT, nap). */
  halted: boolean;
  /** The next instruction is executed before an interrupt is taken. */
  shadow: boolean;
  /** One waits to be enabled: the guest's enabling it has to come out. */
  set window(on: boolean);
  /** Instructions that the slice may still execute after the one at hand. */
  readonly sliceLeft: number;
  readonly board: {
    readonly exits: { readonly profile: CostProfile; markClockRead(): void };
    now(): number;
  };
  readonly exits: {
    /** Charges an exit between two instructions. */
    boundaryExit(native: NativeReason): void;
  };
}

/** Slices of more instructions than this leave half of the time to the deadline to the exits among them. */
const EXACT_SLICE = 64;

/** The host's own timer, which takes the vCPU out of the guest and is none of the guest's business. */
export interface HostTick {
  /** Cycles of virtual time from one to the next. */
  readonly every: number;
  readonly native: NativeReason;
}

export class Interrupts {
  readonly #cpu: InterruptedCpu;
  readonly #unit: InterruptUnit;
  /** What has asked while the guest ran, its exit not yet charged. */
  #arrived: "line" | "timer" | undefined;
  /** When a line asked last. */
  #arrivedAt = 0;
  /** One was asked for at an earlier boundary, and not enabled there. */
  #waited = false;
  /** A non-maskable interrupt waits; and the handler of one is at work, which holds off the next. */
  #nmi: "none" | "arrived" | "waits" = "none";
  #nmiHeld = false;
  #profile: CostProfile | undefined;
  #dearest = 0;
  readonly #tick: HostTick | undefined;
  /** Virtual time of the host's next tick. */
  #nextTick = Infinity;

  constructor(cpu: InterruptedCpu, unit: InterruptUnit, tick?: HostTick) {
    this.#cpu = cpu;
    this.#unit = unit;
    this.#tick = tick;
    if (tick) this.#nextTick = tick.every;
  }

  /** Drives a line. Throws `RangeError` for one that the controller does not have. */
  setLine(line: number, level: boolean): void {
    const { lines } = this.#unit;
    if (!Number.isInteger(line) || line < 0 || line >= lines) {
      throw new RangeError(`no interrupt line ${line}: the controller has lines 0 to ${lines - 1}`);
    }
    this.#unit.setLine(line, level);
  }
  /** One that the guest cannot disable; one more than is waiting already is lost. */
  raiseNmi(): void {
    if (this.#nmi !== "none") return;
    this.#nmi = this.#cpu.inExit ? "waits" : "arrived";
    this.#arrivedAt = this.#cpu.board.now();
  }
  /** Whether something asks for an interrupt. */
  get asserted(): boolean {
    return this.#unit.asserted;
  }
  /** Something has been done that may make the controller ask, which it did `before` or not. */
  look(before: boolean): void {
    if (before || !this.#unit.asserted) return;
    this.#arrivedAt = this.#cpu.board.now();
    if (!this.#cpu.inExit) this.#arrived = "line";
  }
  /** Of a halted vCPU: virtual time at which it takes an interrupt, `Infinity` if none can come. */
  get wakesAt(): number {
    const unit = this.#unit;
    if (this.#takesNmi) return this.#arrivedAt;
    if (!unit.enabled) return Infinity;
    const timer = unit.deadlineWakes ? unit.deadline : Infinity;
    return unit.asserted ? Math.min(timer, this.#arrivedAt) : timer;
  }

  save(): SavedState {
    return {
      arrived: this.#arrived ?? "nothing",
      arrivedAt: this.#arrivedAt,
      waited: this.#waited,
      nextTick: this.#nextTick,
      nmi: this.#nmi,
      nmiHeld: this.#nmiHeld,
      unit: this.#unit.save(),
    };
  }
  load(saved: SavedFields): void {
    const arrived = saved.oneOf("arrived", ["nothing", "line", "timer"]);
    this.#arrived = arrived === "nothing" ? undefined : arrived;
    this.#arrivedAt = saved.whole("arrivedAt");
    this.#waited = saved.flag("waited");
    this.#nextTick = saved.time("nextTick");
    this.#nmi = saved.has("nmi") ? saved.oneOf("nmi", ["none", "arrived", "waits"]) : "none";
    this.#nmiHeld = saved.has("nmiHeld") && saved.flag("nmiHeld");
    this.#unit.load(saved.fields("unit"));
  }

  reset(): void {
    this.#unit.reset();
    this.#arrived = undefined;
    this.#waited = false;
    this.#nmi = "none";
    this.#nmiHeld = false;
  }

  /**
   * Between two instructions: takes what is to be taken. `halted` if the vCPU waits on (until `wakesAt`),
   * `stop` if the interrupt could not be delivered. Coming twice to the same boundary changes nothing.
   */
  atBoundary(): "run" | "halted" | "stop" {
    const cpu = this.#cpu, unit = this.#unit, { exits } = unit;
    for (;;) {
      this.#takeTick();
      this.#advance();
      cpu.window = false;
      if (this.#takesNmi && !cpu.shadow) {
        const kick = this.#nmi === "arrived" ? exits.line : undefined;
        this.#nmi = "waits";
        // As a line that was raised while the guest ran.
        if (kick && !cpu.halted) cpu.exits.boundaryExit(kick);
        this.#nmi = "none";
        this.#nmiHeld = unit.endsNmi !== undefined;
        if (!unit.deliverNmi()) return "stop";
        cpu.halted = false;
        continue;
      }
      if (!unit.asserted) {
        this.#waited = false;
        this.#arrived = undefined;
        return cpu.halted ? "halted" : "run";
      }
      const native = this.#arrived && exits[this.#arrived];
      this.#arrived = undefined;
      // A halted vCPU has left the guest already.
      if (native && !cpu.halted) {
        cpu.exits.boundaryExit(native);
        continue;
      }
      if (cpu.shadow) return "run";
      if (!unit.enabled) {
        this.#wait();
        return cpu.halted ? "halted" : "run";
      }
      if (this.#waited && exits.window) cpu.exits.boundaryExit(exits.window);
      this.#waited = false;
      if (!unit.deliver()) return "stop";
      cpu.halted = false;
    }
  }

  get #takesNmi(): boolean {
    return this.#nmi !== "none" && !this.#nmiHeld;
  }

  #wait(): void {
    this.#waited = true;
    this.#cpu.window = true;
  }

  /** Instructions that the next slice may execute, from a boundary. */
  get limit(): number {
    if (this.#cpu.shadow || this.#nmiHeld) return 1;
    const cycles = Math.min(this.#unit.deadline, this.#nextTick) - this.#cpu.cycles;
    const before = Math.floor((cycles - 1) / this.#dearestInstruction());
    return Math.max(1, before > EXACT_SLICE ? Math.floor(before / 2) : before);
  }

  /** During an exit: whether the slice, `more` instructions longer than it says, has to end with this instruction. */
  due(more = 0): boolean {
    const left = this.#cpu.sliceLeft + more;
    if (left <= 0) return false;
    const unit = this.#unit;
    if (this.#takesNmi) return true;
    if (unit.asserted) {
      if (unit.enabled) return true;
      this.#wait();
    }
    return this.#cpu.cycles + left * this.#dearestInstruction() >= Math.min(unit.deadline, this.#nextTick);
  }

  /** One instruction, the one at `address`, was executed: notes whether it holds off what is to come after it. */
  executed(address: bigint, wasEnabled: boolean): void {
    const unit = this.#unit;
    if (this.#nmiHeld && unit.endsNmi?.(address)) this.#nmiHeld = false;
    const asked = unit.asserted || this.#cpu.cycles >= unit.deadline;
    this.#cpu.shadow = asked && unit.enabled && !this.#cpu.halted && unit.castsShadow(address, wasEnabled);
  }
  get enabled(): boolean {
    return this.#unit.enabled;
  }
  /** Around a write to a timer register of the processor. */
  writeTimer(write: () => void): void {
    this.#unit.advance();
    write();
    this.#unit.retime?.();
  }
  /** Whether single instructions have to be told to `executed`. */
  get polled(): boolean {
    return this.#unit.polled;
  }

  /** Ticks that come while the host is at work anyway, or the vCPU halted, take it out of nothing. */
  #takeTick(): void {
    const cpu = this.#cpu, tick = this.#tick;
    if (!tick || cpu.cycles < this.#nextTick) return;
    if (!cpu.halted) cpu.exits.boundaryExit(tick.native);
    this.#nextTick = (Math.floor(cpu.cycles / tick.every) + 1) * tick.every;
    // Where it came depends on what exits cost.
    cpu.board.exits.markClockRead();
  }

  #advance(): void {
    const before = this.#unit.asserted;
    this.#unit.advance();
    if (before || !this.#unit.asserted) return;
    this.#arrived ??= "timer";
    this.#arrivedAt = this.#cpu.cycles;
    // When it came depends on what exits cost.
    this.#cpu.board.exits.markClockRead();
  }

  #dearestInstruction(): number {
    const { profile } = this.#cpu.board.exits;
    if (profile !== this.#profile) {
      this.#profile = profile;
      this.#dearest = Math.max(1, ...Object.values(profile.data.instructions).map(({ cycles }) => cycles));
    }
    return this.#dearest;
  }
}

/** How far a vCPU is with its exits: what the parts of its exit path share. */
import type { CpuState } from "../engine/state.ts";
import type { Board } from "./board.ts";
import type { Interrupts } from "./interrupts/interrupts.ts";
import { Journal } from "./journal.ts";
import { RunStops } from "./run_stops.ts";
import { Series } from "./series.ts";
import type { Vcpu } from "./vcpu.ts";

/** Exits between two turns of the event loop: handlers are users' code, and Ctrl-C has to stay prompt. */
const EXITS_PER_SLICE = 10_000;

export class ExitProgress {
  readonly board: Board;
  readonly state: CpuState;
  readonly vcpu: Vcpu;
  /** Of the instruction at hand. */
  readonly journal = new Journal();
  readonly series = new Series();
  /** What ends the run. */
  readonly stops = new RunStops();
  /** The device that the instruction at hand waits for. */
  pending: Promise<void> | undefined;
  /** True while compiled code waits for a handler: the instruction that called it counts as executed there. */
  inHandler = false;
  /** Whether there was an exit since this was last set to false: a turn ends with one. */
  exited = false;
  /** Exits completed in this slice of the run. */
  completed = 0;
  /** Of the slice at hand. */
  interrupts: Interrupts | undefined;
  /** Nothing has to be looked at before an exit by a known way, nor after it but what its handler does and interrupts. */
  isQuick = false;
  /** The instruction at hand is completed even where the run loop has to look then. */
  endsBehind = false;

  constructor(board: Board, state: CpuState, vcpu: Vcpu) {
    this.board = board;
    this.state = state;
    this.vcpu = vcpu;
  }

  /** Opens the journal at the instruction at hand. */
  turn(): void {
    this.journal.turnTo(this.vcpu.engine.instructions);
  }
  /** The slice of the run has had its exits. */
  get overdue(): boolean {
    return this.completed > EXITS_PER_SLICE;
  }
  /**
   * The run loop has to look before more instructions, for an interrupt or another vCPU's turn, in a slice that is `more`
   * instructions longer than it says; where it ends with this instruction anyway there is no need.
   */
  looks(more = 0): boolean {
    const { vcpu } = this;
    if (vcpu.sharesTime && this.exited && vcpu.sliceLeft + more > 0) return true;
    return vcpu.interrupts?.due(more) === true;
  }

  /** The engine is about to run; an instruction that was left half-way is executed again from its start. */
  beginSlice(): void {
    this.journal.rewind(this.vcpu.engine.instructions + 1);
    this.completed = 0;
    this.isQuick = false;
    this.interrupts = this.vcpu.interrupts;
  }
  /** See `isQuick`; a series has ended. */
  lookIfQuick(): void {
    this.isQuick = !this.vcpu.sharesTime && !this.journal.held && !this.overdue;
  }
  /** The instruction at hand will not be gone on with, nor what it waits for. */
  abandon(): void {
    this.series.end();
    this.journal.abandon();
    this.stops.abandon();
    this.pending = undefined;
    this.completed = 0;
  }
}

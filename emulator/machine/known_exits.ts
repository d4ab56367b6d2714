/**
 * Exits by known ways (`known_ways.ts`): compiled code has compared what decides on them, and counted and charged them. What is
 * left is to ask who answers. This is the path of a driver's loop on a device, so it is spelled out.
 */
import { type EngineHost, STATUS, type Status, UNKNOWN_WAY } from "../engine/host.ts";
import { STATE } from "../ir/layout.ts";
import { swapValue } from "./access.ts";
import type { Answer } from "./answerer.ts";
import type { BusValue } from "./bus.ts";
import type { ExitAnswers } from "./exit_answers.ts";
import type { ExitProgress } from "./exit_progress.ts";
import type { KnownWay, KnownWays } from "./known_ways.ts";
import { setResult } from "./result.ts";

/** A constant of this file is none to look up. */
const PROCEED = STATUS.proceed;

export class KnownExits {
  readonly #progress: ExitProgress;
  readonly #answers: ExitAnswers;
  readonly #ways: KnownWays;

  constructor(progress: ExitProgress, answers: ExitAnswers, ways: KnownWays) {
    this.#progress = progress;
    this.#answers = answers;
    this.#ways = ways;
    progress.board.changes.onChange(() => {
      ways.forget();
      progress.isQuick = false;
    });
  }

  /** As `EngineHost` has it: the exit is all that its instruction asks of the host. */
  readonly again: EngineHost["again"] = (number, value) => {
    const progress = this.#progress, known = this.#ways.of(number), answerer = known.answerer!;
    const { vcpu } = progress;
    if (!progress.isQuick || answerer.handledIn(vcpu) !== known.handledIn) {
      return this.#left(this.#lookAt(number, value));
    }
    progress.inHandler = progress.exited = true;
    let answer: Answer;
    try {
      // A call for each: V8 then knows what `answer` is asked.
      if (known.isLoad) answer = answerer.answer(known.offset, "in", known.size, 0, vcpu);
      else if (known.isStore) {
        const out = known.swaps ? swapValue(value, known.size) : value >>> 0;
        answer = answerer.answer(known.offset, "out", known.size, out, vcpu);
      } else answer = answerer.answer(0, "none", 8, 0, vcpu);
    } catch (error) {
      return this.#left(this.#answers.fail(answerer.name, error));
    } finally {
      progress.inHandler = false;
    }
    if (answer !== undefined || known.isLoad) {
      if (typeof answer !== "number" || !known.isLoad || !Number.isSafeInteger(answer)) {
        return this.#left(this.#settle(known, answer));
      }
      setResult(progress.state, answer, known.size);
      if (known.swaps) this.#swapResult(known);
    }
    const { interrupts } = progress;
    if (progress.isQuick && progress.stops.after === undefined && !interrupts?.due()) {
      progress.completed++;
      if (!progress.overdue) return PROCEED;
      progress.completed--;
    }
    return this.#left(this.#end(known, answer as BusValue | undefined));
  };

  /** The same where there is more to look at than what the exit comes to. */
  #lookAt(number: number, value: number): Status | typeof UNKNOWN_WAY {
    const progress = this.#progress, known = this.#ways.of(number), answerer = known.answerer!;
    if (progress.overdue || progress.journal.held || answerer.handledIn(progress.vcpu) !== known.handledIn) {
      this.#ways.takeBack(number);
      return UNKNOWN_WAY;
    }
    progress.exited = true;
    progress.series.end();
    progress.lookIfQuick();
    progress.turn();
    const out = known.swaps ? swapValue(value, known.size) : value >>> 0;
    progress.endsBehind = this.#mayEndBehind(known);
    const status = this.#answers.ask(answerer, known.offset, known.direction, known.size, out, false);
    progress.endsBehind = false;
    return status === PROCEED ? this.#loaded(known) : status;
  }

  /** Any answer. */
  #settle(known: KnownWay, answer: Answer): Status {
    this.#progress.turn();
    const status = this.#answers.settle(known.answerer!.name, answer, known.direction, known.size);
    return status === PROCEED ? this.#loaded(known) : status;
  }
  /** The exit is complete, the instruction may be left half-way: the journal has to be told only then. */
  #end(known: KnownWay, answer: BusValue | undefined): Status {
    const progress = this.#progress;
    progress.turn();
    progress.journal.complete(answer);
    progress.endsBehind = this.#mayEndBehind(known);
    const status = this.#answers.done();
    progress.endsBehind = false;
    return status === PROCEED ? this.#toldOf(known) : status;
  }
  /** A load might be one of SS, which holds off an interrupt: the run loop has to see that instruction alone. */
  #mayEndBehind({ isMemory, isLoad }: KnownWay): boolean {
    return !(isMemory && isLoad) || this.#progress.interrupts === undefined;
  }

  #loaded(known: KnownWay): Status {
    if (known.swaps && known.isLoad) this.#swapResult(known);
    return this.#toldOf(known);
  }
  #swapResult({ size }: KnownWay): void {
    const { state } = this.#progress;
    setResult(state, swapValue(state.get32(STATE.result), size), size);
  }
  /** A watchpoint that its own handler has set sees a load. */
  #toldOf({ isLoad, isMemory, size }: KnownWay): Status {
    const { args } = STATE, { state, vcpu } = this.#progress;
    if (isLoad && isMemory) vcpu.debug.access(state.get32(args), state.get32(args + 4), size, "read");
    return PROCEED;
  }

  #left(status: Status | typeof UNKNOWN_WAY): Status | typeof UNKNOWN_WAY {
    return status === STATUS.again ? this.#progress.vcpu.leaveHalfway() : status;
  }
}

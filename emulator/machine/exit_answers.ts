/** Asks who answers an exit, and brings the answer, now or later, into the instruction. */
import { STATUS, type Status } from "../engine/host.ts";
import type { Direction } from "../engine/native_reason.ts";
import { fits } from "./access.ts";
import type { Answer, Answerer } from "./answerer.ts";
import type { AccessSize, BusValue } from "./bus.ts";
import type { ExitProgress } from "./exit_progress.ts";
import { setResult } from "./result.ts";

export class ExitAnswers {
  readonly #progress: ExitProgress;

  constructor(progress: ExitProgress) {
    this.#progress = progress;
  }

  /** Asks for an answer, in userspace after that has taken what was gathered for it. */
  ask(
    answerer: Answerer,
    offset: number,
    direction: Direction,
    size: AccessSize,
    value: BusValue,
    inUserspace: boolean,
  ): Status {
    let answer: Answer;
    const progress = this.#progress, outer = progress.inHandler, { vcpu, board: { coalesced } } = progress;
    progress.inHandler = true;
    try {
      const drained = inUserspace && coalesced.waiting > 0 ? coalesced.drain() : undefined;
      answer = drained === undefined
        ? answerer.answer(offset, direction, size, value, vcpu)
        : drained.then(() => answerer.answer(offset, direction, size, value, vcpu));
    } catch (error) {
      return this.fail(answerer.name, error);
    } finally {
      progress.inHandler = outer;
    }
    return this.settle(answerer.name, answer, direction, size);
  }

  /** Brings an answer into the instruction. */
  settle(device: string, answer: Answer, direction: Direction, size: AccessSize): Status {
    if (typeof answer === "object" && answer instanceof Promise) {
      this.#await(device, answer, direction);
      return STATUS.again;
    }
    const { state, journal } = this.#progress;
    if (direction === "in") {
      if (!fits(answer)) return this.fail(device, badAnswer(device, answer));
      setResult(state, answer, size);
    }
    journal.complete(answer as BusValue | undefined);
    return this.done();
  }

  #await(device: string, answer: Promise<BusValue | void>, direction: Direction): void {
    const progress = this.#progress;
    const wait = answer.then((value) => {
      if (progress.pending !== wait) return;
      progress.pending = undefined;
      const bad = direction === "in" && !fits(value);
      if (bad) this.fail(device, badAnswer(device, value));
      else progress.journal.completeLater(value as BusValue | undefined);
    }, (error) => {
      if (progress.pending !== wait) return;
      progress.pending = undefined;
      this.fail(device, error);
    });
    progress.pending = wait;
  }

  /** The device has failed: the instruction is not executed. */
  fail(device: string, error: unknown): Status {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return this.#progress.stops.again({
      reason: "DEVICE_ERROR",
      device,
      error,
      message: `device ${device} failed: ${text}`,
    });
  }

  /**
   * On after an access that the journal has as completed, unless the run is to stop after its instruction, or the event
   * loop is due a turn: then the instruction is executed again, its accesses taken from the journal. What the run loop
   * has to look at can wait for the instruction's end where that is known to come.
   */
  done(): Status {
    const progress = this.#progress;
    progress.completed++;
    if (progress.stops.after !== undefined || progress.overdue) return STATUS.again;
    if (!progress.looks()) return STATUS.proceed;
    if (!progress.endsBehind) return STATUS.again;
    progress.vcpu.engine.endBehind();
    return STATUS.proceed;
  }
}

function badAnswer(device: string, value: unknown): TypeError {
  const what = value === null ? "null" : typeof value;
  return new TypeError(`${device} answered a load with ${what}: give a whole number or a bigint`);
}

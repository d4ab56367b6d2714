/** What ends the run of a vCPU: in the middle of an instruction, or after it. */
import { STATUS, type Status } from "../engine/host.ts";
import type { SavedFields } from "../engine/saved_fields.ts";
import { loadStop, saveStop, type StopDetail } from "./stop.ts";

type SavedStop = ReturnType<typeof saveStop> | null;

export class RunStops {
  #stop: StopDetail | undefined;
  #after: StopDetail | undefined;

  /** Ends the run; the instruction is complete. */
  done(stop: StopDetail): Status {
    this.#stop = stop;
    return STATUS.done;
  }
  /** Ends the run; the instruction is not executed. */
  again(stop: StopDetail): Status {
    this.#stop = stop;
    return STATUS.again;
  }
  /** Ends the run after the instruction at hand. */
  request(stop: StopDetail): void {
    this.#after = stop;
  }

  /** Why the host stopped the engine, taken once; what was to end the run later is void then. */
  take(): StopDetail | undefined {
    const stop = this.#stop;
    if (stop) this.#stop = this.#after = undefined;
    return stop;
  }
  /** What ends the run when the instruction at hand is complete. */
  get after(): StopDetail | undefined {
    return this.#after;
  }
  /** That instruction is complete. */
  clearAfter(): void {
    this.#after = undefined;
  }
  abandon(): void {
    this.#stop = this.#after = undefined;
  }

  save(): { stop: SavedStop; stopAfter: SavedStop } {
    return {
      stop: this.#stop ? saveStop(this.#stop) : null,
      stopAfter: this.#after ? saveStop(this.#after) : null,
    };
  }
  load(saved: SavedFields): void {
    this.#stop = saved.has("stop") ? loadStop(saved.fields("stop")) : undefined;
    this.#after = saved.has("stopAfter") ? loadStop(saved.fields("stopAfter")) : undefined;
  }
}

/** A line at work: what its user's wish to stop it comes to. */
import { UserError } from "./errors.ts";

/** One line, with those that it does in turn. */
export class LineWork {
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();

  /** Fires when it is to stop: what runs or waits heeds it. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }
  /** Fires when it is no longer waited for. */
  get abandoned(): AbortSignal {
    return this.#abandon.signal;
  }
  /** Asks it to stop; the second time, gives it up. */
  interrupt(): void {
    if (this.signal.aborted) this.#abandon.abort(new UserError("Abandoned: it may still go on behind"));
    this.#stop.abort(new UserError("Interrupted"));
  }
}

/** The device's end of one ring: answers what is in it when it is kicked, and tells the driver as often as it must. */
import type { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import { RingError } from "./ring_memory.ts";
import type { DeviceRing, RingRequest } from "./ring_sides.ts";

/** How a ring is served. */
export interface ServiceOptions {
  /** Answers a request, with at most as many bytes as its capacity; `RingError` is the guest's doing. */
  readonly serve: (request: RingRequest) => MaybePromise<Uint8Array>;
  /** False while there is nothing to answer with: requests stay in the ring. True if not given. */
  readonly ready?: () => boolean;
  /** Interrupts the driver; not called if it did not ask for it. */
  readonly interrupt?: () => void;
  /** Answers that one interrupt stands for; 1 if not given. */
  readonly coalesce?: number;
}

/** What a ring's device end did. */
export interface ServiceStats {
  /** Requests that were answered. */
  completed: number;
  /** Interrupts that were raised, and those that the driver did not want or coalescing kept. */
  interrupts: number;
  /** See `interrupts`. */
  suppressedInterrupts: number;
}

export class RingService {
  readonly stats: ServiceStats = { completed: 0, interrupts: 0, suppressedInterrupts: 0 };
  readonly #ring: DeviceRing;
  readonly #options: ServiceOptions;
  #sinceInterrupt = 0;
  #broken: RingError | undefined;
  #serving = false;

  /** Begins by asking for kicks, or goes on from what was saved. Throws `SyntaxError` for what is none. */
  constructor(ring: DeviceRing, options: ServiceOptions, saved?: SavedFields) {
    this.#ring = ring;
    this.#options = options;
    if (saved) this.#load(saved);
    else this.#guard(() => void ring.wantKicks(true));
  }

  /** For snapshots. Throws `Error` while a handler is waited for. */
  save(): SavedState {
    if (this.#serving) {
      throw new Error("the device is in the middle of answering a ring's request: let it come to its end");
    }
    return { ...this.stats, sinceInterrupt: this.#sinceInterrupt, broken: this.#broken?.message ?? null };
  }
  #load(saved: SavedFields): void {
    this.stats.completed = saved.whole("completed");
    this.stats.interrupts = saved.whole("interrupts");
    this.stats.suppressedInterrupts = saved.whole("suppressedInterrupts");
    this.#sinceInterrupt = saved.whole("sinceInterrupt");
    if (saved.has("broken")) this.#broken = new RingError(saved.text("broken"));
  }

  /** What the guest did to the ring, which is not served any more. */
  get broken(): RingError | undefined {
    return this.#broken;
  }

  /**
   * Serves all that is in the ring, without kicks in between. While this waits for a handler nobody else is let in. A
   * guest that keeps the ring from ever being empty breaks it: no more than it holds can have come before this.
   */
  kick(): MaybePromise<void> {
    if (this.#broken || this.#serving) return;
    this.#serving = true;
    this.#guard(() => void this.#ring.wantKicks(false));
    return this.#next(this.#ring.entries);
  }

  #next(left: number): MaybePromise<void> {
    for (let rest = left; !this.#broken; rest--) {
      if (this.#options.ready?.() === false) {
        this.#guard(() => void this.#ring.wantKicks(true));
        break;
      }
      const request = this.#guard(() => this.#ring.take());
      if (request === undefined) {
        // What came before kicks were wanted again is waiting without one.
        if (this.#guard(() => this.#ring.wantKicks(true)) !== true) break;
        if (rest > 0) continue;
      }
      if (rest <= 0 || request === undefined) {
        this.#broken = new RingError(
          `the ring is refilled while it is served: it has ${this.#ring.entries} entries`,
        );
        break;
      }
      let reply: MaybePromise<Uint8Array>;
      try {
        reply = this.#options.serve(request);
      } catch (error) {
        this.#failed(error);
        break;
      }
      if (reply instanceof Uint8Array) this.#answer(request, reply);
      else {
        return reply.then((bytes) => {
          this.#answer(request, bytes);
          return this.#next(rest - 1);
        }, (error) => this.#failed(error));
      }
    }
    this.#serving = false;
  }

  /** What a request asked was no sane driver's, or the handler failed. */
  #failed(error: unknown): void {
    this.#serving = false;
    if (!(error instanceof RingError)) throw error;
    this.#broken = error;
  }

  #answer(request: RingRequest, reply: Uint8Array): void {
    this.#guard(() => {
      this.#ring.complete(request, reply.subarray(0, request.capacity));
      this.stats.completed++;
      const { interrupt, coalesce = 1 } = this.#options;
      if (++this.#sinceInterrupt < coalesce) {
        this.stats.suppressedInterrupts++;
        return;
      }
      this.#sinceInterrupt = 0;
      if (interrupt === undefined || !this.#ring.wantsInterrupt()) this.stats.suppressedInterrupts++;
      else {
        this.stats.interrupts++;
        interrupt();
      }
    });
  }

  #guard<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof RingError)) throw error;
      this.#broken = error;
      return undefined;
    }
  }
}

/**
 * Whose turn it is. The vCPUs of a VM are cores of one clock rate, each with a clock of its own that instructions, exits
 * and waits move on; what they do is interleaved by these clocks alone. The vCPU that is furthest behind goes next. Its
 * turn ends after a fixed number of instructions, with an instruction that exits, or when it halts, so that no
 * clock is ahead of another's by more than one turn without an exit, or by one exit. Turns change between two
 * instructions only: each instruction is atomic.
 */
import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import type { Vcpu } from "./vcpu.ts";

/** Who has to know. */
export interface TurnListener {
  /** Another vCPU executes after this one. */
  left(vcpu: Vcpu): void;
  /** Which vCPU goes next was told from clocks: it depends on what exits cost. */
  clocksCompared(): void;
}

/** Long enough that taking turns costs little beside the instructions, short enough that a spinning vCPU loses little. */
export const DEFAULT_TURN = 1_000;
/** A load-and-reserve and its store conditional have to fit into one turn, or neither of two vCPUs would ever get on. */
const SHORTEST_TURN = 100;
const LONGEST_TURN = 1_000_000;

export class Turns {
  readonly #vcpus: readonly Vcpu[];
  readonly #length: number;
  readonly #listener: TurnListener;
  /** Whose turn it is, and what its count of instructions is when it ends. */
  #owner: Vcpu;
  #end: number;
  /** Its clock when the turn began. */
  #began = 0;
  /** By vCPU, instructions of turns that cost nothing: or a vCPU that waits in a loop would be behind for ever. */
  readonly #free: number[];
  #acting: Vcpu;
  #only: Vcpu | undefined;
  /** Whether another than the acting one may wait for a device since an earlier run: none can begin to meanwhile. */
  #mayWait = true;

  /** Turns of `length` instructions at most. Throws `RangeError` for a bad length. */
  constructor(vcpus: readonly Vcpu[], length: number, listener: TurnListener) {
    if (!Number.isInteger(length) || length < SHORTEST_TURN || length > LONGEST_TURN) {
      throw new RangeError(
        `a turn of ${length} instructions: give a whole number from ${SHORTEST_TURN} to ${LONGEST_TURN}`,
      );
    }
    this.#vcpus = vcpus;
    this.#length = length;
    this.#listener = listener;
    this.#owner = this.#acting = vcpus[0];
    this.#end = length;
    this.#free = vcpus.map(() => 0);
  }

  /** The vCPU that executed last: whose exit it is, during one. */
  get acting(): Vcpu {
    return this.#acting;
  }

  /** A run begins, of all vCPUs or of one alone. */
  begin(only: Vcpu | undefined): void {
    this.#only = only;
    this.#mayWait = true;
    for (const vcpu of this.#vcpus) vcpu.sharesTime = only === undefined && this.#vcpus.length > 1;
  }

  /** What any vCPU waits for: then all of them do. */
  get pending(): Promise<void> | undefined {
    if (this.#acting.pending || !this.#mayWait) return this.#acting.pending;
    for (const vcpu of this.#vcpus) if (vcpu.pending) return vcpu.pending;
    this.#mayWait = false;
    return undefined;
  }

  /** The vCPU to go on with, its clock at the time at which it does; undefined if all wait for what cannot come. */
  next(): Vcpu | undefined {
    if (this.#only || this.#vcpus.length === 1) return this.#enter(this.#only ?? this.#owner);
    const owner = this.#owner;
    // An instruction that was begun is completed first.
    if (owner.halfway || owner.exits.stops.after || !owner.asleep && !owner.exits.exited && this.left > 0) {
      return this.#enter(owner);
    }
    if (this.left <= 0 && owner.cycles === this.#began) {
      this.#free[owner.index] += this.#length;
      this.#began = NaN;
    }
    const next = this.#furthestBehind();
    if (!next) return undefined;
    this.#owner = next;
    this.#began = next.cycles;
    this.#end = next.instructions + this.#length;
    next.exits.exited = false;
    return this.#enter(next);
  }

  /** Instructions that are left of the turn. */
  get left(): number {
    if (this.#only || this.#vcpus.length === 1) return Infinity;
    return this.#end - this.#owner.instructions;
  }

  /** Back to the first vCPU. */
  reset(): void {
    this.#owner = this.#acting = this.#vcpus[0];
    this.#end = this.#owner.instructions + this.#length;
    this.#owner.exits.exited = false;
    this.#began = this.#owner.cycles;
  }

  save(): SavedState {
    const { index } = this.#owner;
    return {
      owner: index,
      acting: this.#acting.index,
      end: this.#end,
      began: this.#began,
      free: [...this.#free],
    };
  }
  load(saved: SavedFields): void {
    const count = this.#vcpus.length, free = saved.wholes("free", count);
    if (free.length !== count) throw new SyntaxError("the snapshot is malformed: turns of other vCPUs");
    this.#owner = this.#vcpus[saved.whole("owner", count - 1)];
    this.#acting = this.#vcpus[saved.whole("acting", count - 1)];
    this.#end = saved.whole("end");
    this.#began = Number.isNaN(saved.raw("began")) ? NaN : saved.whole("began");
    this.#free.splice(0, count, ...free);
  }

  #enter(vcpu: Vcpu): Vcpu | undefined {
    if (vcpu.asleep && !vcpu.wake()) return undefined;
    if (vcpu !== this.#acting) {
      this.#listener.left(this.#acting);
      this.#acting = vcpu;
    }
    return vcpu;
  }

  /** Of several with the same clock the next one in a circle. */
  #furthestBehind(): Vcpu | undefined {
    const vcpus = this.#vcpus, free = this.#free, count = vcpus.length;
    let best: Vcpu | undefined, earliest = Infinity, candidates = 0;
    for (let i = this.#owner.index + 1, left = count; left > 0; i++, left--) {
      if (i === count) i = 0;
      const vcpu = vcpus[i];
      // Many of a great machine are parked for ever.
      if (vcpu.parked) continue;
      const time = vcpu.readyAt + free[i];
      if (time < Infinity) candidates++;
      if (time >= earliest) continue;
      best = vcpu;
      earliest = time;
    }
    if (candidates > 1) this.#listener.clocksCompared();
    return best;
  }
}

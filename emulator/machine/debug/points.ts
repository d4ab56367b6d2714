/** What breakpoints, watchpoints and catchpoints have in common: numbers, conditions, and how often they were met. */
import type { VirtualCpu } from "../virtual_cpu.ts";

/** A question asked each time that a point is met: the run stops only if the answer is true. */
export interface StopCondition {
  /** For people, e.g. `"$rax == 5"`. */
  readonly text: string;
  /** Asked between two instructions of the vCPU that met the point. What it throws stops the run and is told. */
  holds(vcpu: VirtualCpu): boolean;
}

/** How a point stops a run. */
export interface PointOptions {
  /** Stop only where this holds; at each meeting if not given. */
  readonly condition?: StopCondition;
  /** Meetings that are passed over first; none if not given. */
  readonly ignore?: number;
  /** Goes away with its first stop; false if not given. */
  readonly temporary?: boolean;
  /** Whether it is looked at at all; true if not given. */
  readonly enabled?: boolean;
}

/** Where runs stop, or under what condition. */
export interface Point {
  /** Counts up from 1 over breakpoints, watchpoints and catchpoints of a VM together; never used again. */
  readonly id: number;
  /** Times that it was met with its condition fulfilled, those that were passed over included. */
  readonly hits: number;
  /** Meetings that will be passed over before the next stop. */
  readonly ignore: number;
  /** Goes away with its first stop. */
  readonly temporary: boolean;
  /** Whether it is looked at at all. */
  readonly enabled: boolean;
  /** Stops only where this holds. */
  readonly condition?: StopCondition;
}

/** What came of meeting a point. */
export type Meeting =
  | { readonly do: "pass" }
  /** `problem` is set where its condition could not be told. */
  | { readonly do: "stop"; readonly problem?: string };

const PASS: Meeting = { do: "pass" };

/** Gives points their numbers. */
export class PointNumbers {
  #next = 1;
  take(): number {
    return this.#next++;
  }
  /** Not to be given again. */
  reserve(id: number): void {
    this.#next = Math.max(this.#next, id + 1);
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The points of one kind. */
export abstract class Points<Place extends object> {
  readonly #byId = new Map<number, Writable<Point> & Place>();
  readonly #numbers: PointNumbers;
  readonly #changed: () => void;
  #enabled: readonly (Point & Place)[] = [];

  /** @internal */
  constructor(numbers: PointNumbers, changed: () => void) {
    this.#numbers = numbers;
    this.#changed = changed;
  }

  /** Throws `RangeError` for a bad count to ignore. */
  protected keep(place: Place, options: PointOptions): Point & Place {
    const { condition, ignore = 0, temporary = false, enabled = true } = options;
    const id = this.#numbers.take();
    const point = { ...place, id, hits: 0, ignore: checkIgnore(ignore), temporary, enabled, condition };
    this.#byId.set(id, point);
    this.#update();
    return point;
  }

  /**
   * Sets one that was another machine's as it is there, its number and its hits included.
   *
   * @internal
   */
  take(point: Point & Place): void {
    this.#numbers.reserve(point.id);
    this.#byId.set(point.id, { ...point });
    this.#update();
  }

  /** False if there is none of that number. */
  remove(id: number): boolean {
    const removed = this.#byId.delete(id);
    if (removed) this.#update();
    return removed;
  }
  /** The one of that number. */
  get(id: number): (Point & Place) | undefined {
    return this.#byId.get(id);
  }
  /** By number. */
  list(): readonly (Point & Place)[] {
    return [...this.#byId.values()];
  }
  /**
   * Changes how one stops: what is given takes the place of what it had, `condition: undefined` takes its condition away.
   * Throws `RangeError` if there is none of that number, or for a bad count to ignore.
   */
  change(id: number, change: PointOptions): void {
    const point = this.#byId.get(id);
    if (!point) throw new RangeError(`there is no point ${id}`);
    if (change.ignore !== undefined) checkIgnore(change.ignore);
    Object.assign(point, change);
    this.#update();
  }

  /**
   * Those that are looked at.
   *
   * @internal
   */
  get active(): readonly (Point & Place)[] {
    return this.#enabled;
  }
  /**
   * A vCPU has met it: counts that, and says whether the run stops.
   *
   * @internal
   */
  meet(id: number, vcpu: VirtualCpu): Meeting {
    const point = this.#byId.get(id);
    // An earlier condition may have taken it away.
    if (!point?.enabled) return PASS;
    try {
      if (point.condition?.holds(vcpu) === false) return PASS;
    } catch (error) {
      point.hits++;
      const why = error instanceof Error ? error.message : String(error);
      return { do: "stop", problem: `its condition ${point.condition!.text} cannot be told: ${why}` };
    }
    point.hits++;
    if (point.ignore > 0) {
      point.ignore--;
      return PASS;
    }
    if (point.temporary) this.remove(id);
    return { do: "stop" };
  }

  #update(): void {
    this.#enabled = this.list().filter(({ enabled }) => enabled);
    this.#changed();
  }
}

function checkIgnore(count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new RangeError(`cannot ignore ${count} meetings: give a whole number of at least 0`);
}

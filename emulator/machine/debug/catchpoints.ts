/** Catchpoints: exits after whose instruction a run stops. */
import type { Backend } from "../../engine/backend.ts";
import type { KeySpace, NativeReason } from "../../engine/native_reason.ts";
import { type Point, type PointNumbers, type PointOptions, Points } from "./points.ts";

/** Which exits are meant. */
export interface CatchPlace {
  /**
   * A canonical reason (`"IO"`, `"MMIO"`), the backend's own name for one (`"EPT_VIOLATION"`), `"pio"` or `"hypercall"` for
   * all exits of that kind; any exit if not given. In any case.
   */
  readonly reason?: string;
  /** Port, guest-physical address, hypercall number, MSR, leaf: only exits with this key; all if not given. */
  readonly key?: number;
}

/** Exits that stop runs, after the instruction that made them. */
export type Catchpoint = Point & CatchPlace;

/** Names for whole kinds of exits, by what their keys count. */
const KINDS: Readonly<Record<string, KeySpace>> = { PIO: "port", HYPERCALL: "hypercall" };

/** The catchpoints of a VM. */
export class Catchpoints extends Points<CatchPlace> {
  readonly #backend: Backend;

  /** @internal */
  constructor(numbers: PointNumbers, backend: Backend, changed: () => void) {
    super(numbers, changed);
    this.#backend = backend;
  }

  /** What `reason` may be, beside names in lower case. */
  get reasons(): readonly string[] {
    const { reasons } = this.#backend;
    return [
      ...new Set([...Object.keys(KINDS), ...reasons.flatMap(({ reason, name }) => [reason, name])]),
    ];
  }

  /** Sets one. Throws `RangeError` for a reason that this VM's backend has not. */
  add({ reason, key }: CatchPlace = {}, options: PointOptions = {}): Catchpoint {
    const name = reason?.toUpperCase();
    const known = name === undefined || this.#backend.reasons.some((native) => means(name, native));
    if (!known) {
      throw new RangeError(
        `${this.#backend.name} has no exit ${reason}: it has ${this.reasons.join(", ").toLowerCase()}`,
      );
    }
    return this.keep({ reason: name, key }, options);
  }

  /**
   * Those that an exit meets.
   *
   * @internal
   */
  of(native: NativeReason, key: number): readonly Catchpoint[] {
    return this.active.filter((point) =>
      (point.reason === undefined || means(point.reason, native)) &&
      (point.key === undefined || point.key === key)
    );
  }
}

/** Whether a name in upper case means an exit. */
function means(name: string, { reason, name: own, keySpace }: NativeReason): boolean {
  return name === reason || name === own.toUpperCase() || KINDS[name] === keySpace;
}

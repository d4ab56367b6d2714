/** Cost profiles: what an exit costs on one machine under one hypervisor, and where each figure is from. */
import type { Direction } from "../engine/native_reason.ts";
import { type Handling, PRICE_CLASSES, priceClass, type PricedStage, type StageCycles } from "./stages.ts";

/**
 * Where a figure is from. `published`: its source prints it. `calibrated`: derived from published totals so that
 * the profile gives these totals back. `assumed`: nobody published it; the note says why this value.
 */
export type Provenance = "published" | "assumed" | "calibrated";

/** A number of cycles that says where it is from. */
export interface Figure {
  /** Cycles, an integer, 0 or more. */
  readonly cycles: number;
  /** Where it is from. */
  readonly provenance: Provenance;
  /** True if the source was recalled and not read again. */
  readonly unverified?: boolean;
  /** How it was derived, or why this value was assumed. */
  readonly note?: string;
  /** Where it is printed, if elsewhere than the profile's own source says. */
  readonly source?: string;
}

/** A clock's frequency in Hz that says where it is from. */
export interface Frequency {
  /** Ticks a second. */
  readonly hz: number;
  /** Where it is from. */
  readonly provenance: Provenance;
  /** Why this value was assumed. */
  readonly note?: string;
}

/** Figures by stage. */
export type StageFigures = { readonly [S in PricedStage]?: Figure };

/** What a reason's exits cost; `in` and `out` replace single stages for one direction. */
export interface ReasonStages extends StageFigures {
  /** For loads and port reads, as the guest sees them. */
  readonly in?: StageFigures;
  /** For stores and port writes. */
  readonly out?: StageFigures;
}

/** Which exit a published row measures. */
export interface PricedExit {
  /** Canonical exit reason, e.g. `"IO"`. */
  readonly reason: string;
  /** `none` for exits that move no data. */
  readonly direction: Direction;
  /** Who completes it. */
  readonly handledIn: Handling;
}

/** One row of the table that a profile was made from. */
export interface PublishedRow {
  /** Its name in the source, e.g. `"inl_from_qemu"`. */
  readonly row: string;
  /** What the source prints. */
  readonly cycles: number;
  /** Where it prints that. */
  readonly source: string;
  /** True if the source was recalled and not read again. */
  readonly unverified?: boolean;
  /** A `calibration` row made figures of this profile, a `prediction` row was held out and checks them. */
  readonly usedFor: "calibration" | "prediction";
  /** The exit whose stages are to give `cycles`. */
  readonly exit: PricedExit;
  /** Single stages of other exits that the row pays on top, e.g. a bus look-up inside a hypercall. */
  readonly plus?: readonly { readonly stage: PricedStage; readonly of: PricedExit }[];
  /** What a reader of the comparison has to know. */
  readonly note?: string;
}

/** A cost profile as its JSON file has it. */
export interface ProfileData {
  /** As `VmOptions.profile` takes it, e.g. `"x86-default"`. */
  readonly name: string;
  /** For people: machine, hypervisor, year. */
  readonly title: string;
  /** The architecture whose exits it prices. */
  readonly arch: "x86" | "ppc";
  /** Where the profile as a whole is from, for the line under every table. */
  readonly source: string;
  /** What a reader of its numbers has to know. */
  readonly notes?: readonly string[];
  /** x86: ticks of the time-stamp counter a second; one tick counts as one cycle. */
  readonly tscHz?: Frequency;
  /** PowerPC: ticks of the timebase a second, which are not core cycles. */
  readonly timebaseHz?: Frequency;
  /** PowerPC: core cycles a second. */
  readonly coreHz?: Frequency;
  /** Cycles of a guest instruction by cycle class; `default` for classes that are not listed. */
  readonly instructions: { readonly default: Figure; readonly [cycleClass: string]: Figure };
  /** By canonical exit reason; a stage that a reason leaves out is taken from `default`. */
  readonly stages: { readonly default: ReasonStages; readonly [reason: string]: ReasonStages };
  /** The measurements that it was made from, and those that were held out to check it. */
  readonly published: readonly PublishedRow[];
}

/** The prices of one reason: by `priceClass(direction, handling)`; `device` is 0. */
export type Prices = readonly StageCycles[];

/**
 * What `count` exits of one price class cost together: their first accesses, further accesses by price class
 * (dispatch and userspace only) and the cycles of their devices.
 */
export function priceExits(
  prices: Prices,
  priceClass: number,
  count: number,
  again: readonly number[] | undefined,
  device: number,
): StageCycles {
  const first = prices[priceClass];
  const worldSwitch = first.worldSwitch * count;
  const decode = first.decode * count;
  let dispatch = first.dispatch * count;
  let userspace = first.userspace * count;
  again?.forEach((times, at) => {
    dispatch += prices[at].dispatch * times;
    userspace += prices[at].userspace * times;
  });
  const total = worldSwitch + dispatch + decode + userspace + device;
  return { worldSwitch, dispatch, decode, userspace, device, total };
}

const NOTHING: Figure = { cycles: 0, provenance: "assumed" };

/** A validated cost profile, made ready for look-up. Build one with `parseProfile` or `loadProfile`. */
export class CostProfile {
  /** The figures with their provenance. */
  readonly data: ProfileData;
  readonly #prices = new Map<string, Prices>();
  readonly #instructions: ReadonlyMap<string, number>;

  /**
   * `data` is taken as valid: see `checkProfile`.
   *
   * @internal
   */
  constructor(data: ProfileData) {
    this.data = data;
    this.#instructions = new Map(Object.entries(data.instructions).map(([name, f]) => [name, f.cycles]));
  }

  /** `data.name`. */
  get name(): string {
    return this.data.name;
  }

  /** `data.title`. */
  get title(): string {
    return this.data.title;
  }

  /** `data.arch`. */
  get arch(): "x86" | "ppc" {
    return this.data.arch;
  }

  /** Ticks of the x86 time-stamp counter a second, undefined on PowerPC. */
  get tscHz(): number | undefined {
    return this.data.tscHz?.hz;
  }

  /** Ticks of the PowerPC timebase a second, undefined on x86. */
  get timebaseHz(): number | undefined {
    return this.data.timebaseHz?.hz;
  }

  /** Cycles a second, of the unit that every figure of this profile is in, and where that figure is from. */
  get frequency(): Frequency {
    return (this.data.coreHz ?? this.data.tscHz)!;
  }

  /** `frequency.hz`. */
  get cyclesHz(): number {
    return this.frequency.hz;
  }

  /** Core cycles a second on PowerPC, the TSC's rate on x86: the same as `cyclesHz`. */
  get coreHz(): number {
    return this.cyclesHz;
  }

  /** Cycles as nanoseconds at this profile's frequency, which is often assumed: see `data.tscHz`. */
  nanoseconds(cycles: number): number {
    return cycles * 1e9 / this.cyclesHz;
  }

  /** Cycles of one guest instruction of a cycle class, an integer. */
  costOf(cycleClass: string): number {
    return this.#instructions.get(cycleClass) ?? this.data.instructions.default.cycles;
  }

  /** The figure behind one stage of an exit, with its provenance. */
  figure(reason: string, direction: Direction, stage: PricedStage): Figure {
    const { default: fallback, ...named } = this.data.stages;
    for (const stages of [named[reason], fallback]) {
      const own = direction === "none" ? undefined : stages?.[direction]?.[stage];
      const found = own ?? stages?.[stage];
      if (found !== undefined) return found;
    }
    return NOTHING;
  }

  /** All prices of a reason, by `priceClass`; the same array for every call. */
  pricesOf(reason: string): Prices {
    let prices = this.#prices.get(reason);
    if (prices === undefined) {
      const built: StageCycles[] = new Array(PRICE_CLASSES);
      for (const direction of ["none", "in", "out"] as const) {
        for (const handling of ["kernel", "userspace", "kernel-fast"] as const) {
          built[priceClass(direction, handling)] = this.#price(reason, direction, handling);
        }
      }
      prices = built;
      this.#prices.set(reason, prices);
    }
    return prices;
  }

  /** What one exit costs, by stage, without its device; the same object for every call. */
  stagesFor(reason: string, direction: Direction, handledIn: Handling): StageCycles {
    return this.pricesOf(reason)[priceClass(direction, handledIn)];
  }

  /** What this profile says a published row costs, in cycles. */
  predict(row: PublishedRow): number {
    const { reason, direction, handledIn } = row.exit;
    let cycles = this.stagesFor(reason, direction, handledIn).total;
    for (const { stage, of } of row.plus ?? []) {
      cycles += this.stagesFor(of.reason, of.direction, of.handledIn)[stage];
    }
    return cycles;
  }

  #price(reason: string, direction: Direction, handling: Handling): StageCycles {
    const cycles = (stage: PricedStage) => this.figure(reason, direction, stage).cycles;
    const worldSwitch = cycles("worldSwitch");
    const dispatch = cycles("dispatch");
    const decode = handling === "kernel-fast" ? 0 : cycles("decode");
    const userspace = handling === "userspace" ? cycles("userspace") : 0;
    const total = worldSwitch + dispatch + decode + userspace;
    return { worldSwitch, dispatch, decode, userspace, device: 0, total };
  }
}

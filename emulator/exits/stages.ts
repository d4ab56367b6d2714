/** Where the cycles of an exit go, and the classes that a cost profile prices apart. */
import type { Direction, HandledIn } from "../engine/native_reason.ts";

/** Stages that a profile prices; `StageCycles` tells what each is. */
export type PricedStage = "worldSwitch" | "dispatch" | "decode" | "userspace";
/** The same in the order in which they pass. */
export const PRICED_STAGES = [
  "worldSwitch",
  "dispatch",
  "decode",
  "userspace",
] as const satisfies readonly PricedStage[];

/** All stages of an exit: `device` is what a device's handler says it costs. */
export type Stage = PricedStage | "device";
/** The same in the order in which they pass. */
export const STAGES = [...PRICED_STAGES, "device"] as const satisfies readonly Stage[];

/** Cycles by stage; `total` is their sum. */
export interface StageCycles {
  /** Leaving the guest and entering it again: state saved, loaded, checked. */
  readonly worldSwitch: number;
  /** Finding what to do: exit reason, bus look-up, hypercall table, eventfd match. */
  readonly dispatch: number;
  /** What emulating the instruction takes: fault, fetch, page walk, decode. */
  readonly decode: number;
  /** From the kernel half of the hypervisor to its userspace half and back. */
  readonly userspace: number;
  /** The device's own work. */
  readonly device: number;
  /** The sum of the five. */
  readonly total: number;
}

/**
 * Who completes an access, as far as prices go. `kernel-fast` is a match in the kernel by address alone,
 * before the instruction is fetched and decoded (KVM's FAST_MMIO bus): `kernel` without the decode stage.
 */
export type Handling = HandledIn | "kernel-fast";

const DIRECTIONS: readonly Direction[] = ["none", "in", "out"];
const HANDLINGS: readonly Handling[] = ["kernel", "userspace", "kernel-fast"];

/** Number of price classes of one exit reason: every direction with every handling. */
export const PRICE_CLASSES = DIRECTIONS.length * HANDLINGS.length;

/** Small number for a direction and a handling, below `PRICE_CLASSES`. Comparisons: this is on the hot path. */
export function priceClass(direction: Direction, handling: Handling): number {
  const d = direction === "in" ? 3 : direction === "out" ? 6 : 0;
  return handling === "kernel" ? d : handling === "userspace" ? d + 1 : d + 2;
}

/** The direction of a price class. */
export function directionOf(priceClass: number): Direction {
  return DIRECTIONS[Math.trunc(priceClass / HANDLINGS.length)];
}

/** The handling of a price class. */
export function handlingOf(priceClass: number): Handling {
  return HANDLINGS[priceClass % HANDLINGS.length];
}

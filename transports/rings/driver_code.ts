/** A ring's driver as source of guest code, whatever the ring's layout. */
import type { RingOptions } from "./ring.ts";
import type { GuestCode } from "./guest_code.ts";
import { ioqCode } from "./ioq_code.ts";
import { virtqueueCode } from "./virtqueue_code.ts";

/** Routines on a `DRIVER` block, each of which runs from its beginning to its end. */
export interface DriverCode {
  /** Puts the request that the block has into the ring; `ANSWER.full` if it does not fit. */
  readonly push: string;
  /** Falls through with `ANSWER.rang` if the device wants to be told of what was pushed; else goes to `end`. */
  readonly decide: string;
  /** Takes what was answered, up to the block's `room`; `arm` asks for an interrupt when more comes. */
  take(arm: boolean): string;
}

type Layout = Required<Pick<RingOptions, "kind" | "eventIdx" | "indirect">>;

/** The driver's routines for a layout; their labels begin with `prefix`, `end` too. */
export function driverCode(code: GuestCode, layout: Layout, prefix = ""): DriverCode {
  return layout.kind === "ioq" ? ioqCode(code, prefix) : virtqueueCode(code, layout, prefix);
}

/** What tells the routines of layouts apart. */
export function layoutName({ kind, eventIdx, indirect }: Layout): string {
  return kind === "ioq" ? "ioq" : `virtqueue${eventIdx ? "_event" : ""}${indirect ? "_indirect" : ""}`;
}

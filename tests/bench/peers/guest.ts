/** What trapsh and its peers run: a program made to run for ever and to tell its result over a console. */
import type { ExitKind } from "../guests/guest.ts";
import type { PeerSystem } from "./systems.ts";

export interface PeerGuest {
  readonly name: string;
  readonly system: PeerSystem;
  /** Once, before the first pass. */
  readonly setUp?: string;
  /** Runs over and over, `REPEAT` times a pass. */
  readonly program: string;
  /** Once a pass: makes the result from what the program leaves, in the accumulator (r3 on PowerPC). */
  readonly tally: string;
  readonly result: bigint;
  /** How it leaves for a device, `EXITS` times each time that it runs; none for a program that computes. */
  readonly exits?: ExitKind | "doorbell";
}

/** Times that a pass runs its program, so that what the console takes does not show. */
export const REPEAT = 10;

/** The ring that `submit`, `flush` and `call --ring` work on, and rings as commands report them. */
import type { Ring } from "../../../transports/io.ts";
import type { Session } from "../../session.ts";
import type { Cost } from "./measure.ts";
import { numberOf } from "./numbers.ts";

/** A ring, for people and as data. */
export interface RingData {
  readonly number: number;
  readonly device: string;
  readonly kind: "ioq" | "virtqueue";
  /** What the doorbell rides on, and the same for people. */
  readonly via: string;
  readonly label: string;
  /** Who takes kicks. */
  readonly kicks: "userspace" | "kernel" | "fast";
  readonly entries: number;
  readonly batch: number;
  /** Guest-physical address. */
  readonly gpa: number;
  /** How answers are found, in words. */
  readonly answers: string;
  readonly stats: Ring["stats"];
}

/**
 * The ring opened last that is still open, or the one of that number.
 * @throws {ReferenceError} if there is none, saying how to get one.
 */
export function currentRing(session: Session, asked?: string): Ring {
  const rings = session.hasVm ? session.io.rings : [];
  if (rings.length === 0) throw new ReferenceError('No ring is open: type "ring NAME" first');
  if (asked === undefined) return rings.at(-1)!;
  const number = numberOf(session, asked, "number of a ring", 1),
    found = rings.find((one) => one.number === number);
  if (found) return found;
  throw new ReferenceError(
    `There is no ring ${number}; there ${rings.length === 1 ? "is" : "are"} ${
      rings.map((one) => one.number).join(", ")
    }`,
  );
}

export function describeRing({ number, device, via, label, gpa, options, stats }: Ring): RingData {
  const { kind, entries, batch, doorbell, poll, line, coalesce, busy } = options;
  const told = `interrupt, line ${line}${coalesce > 1 ? `, for ${coalesce} of them` : ""}`;
  const answers = (poll ? "looking" : told) + (busy ? ", the device is busy" : "");
  return { number, device, kind, via, label, kicks: doorbell, entries, batch, gpa, answers, stats };
}

/** What the driver's own instructions cost, which come on top of exits. */
export function driverLine({ instructions, guestCycles }: Cost): string {
  return `the driver: ${instructions} instruction${instructions === 1 ? "" : "s"}, ${guestCycles} cycles`;
}

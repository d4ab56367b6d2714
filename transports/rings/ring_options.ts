/** A ring's options: what is not given, what cannot be, and what a snapshot says they were. */
import type { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { FullRingOptions, RingOptions } from "./ring.ts";

const DEFAULTS: FullRingOptions = {
  entries: 256,
  kind: "virtqueue",
  bytes: 1024,
  batch: 1,
  eventIdx: true,
  indirect: false,
  poll: true,
  coalesce: 1,
  doorbell: "userspace",
  busy: false,
  line: 5,
};
const KINDS: readonly FullRingOptions["kind"][] = ["ioq", "virtqueue"];
const DOORBELLS: readonly FullRingOptions["doorbell"][] = ["userspace", "kernel", "fast"];
/** The largest that each number may be. */
const LIMITS = { entries: 4096, bytes: 65_536, batch: 4096, coalesce: 4096 } as const;
/** Lines that some controller of ours has. */
const MOST_LINES = 1024;

/** Everything given. Throws `RangeError` for what no ring has. */
export function checkedOptions(given: RingOptions): FullRingOptions {
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options: FullRingOptions = { ...DEFAULTS, ...defined };
  if (!KINDS.includes(options.kind)) {
    throw new RangeError(`there is no ring "${options.kind}": there are ${KINDS.join(" and ")}`);
  }
  if (!DOORBELLS.includes(options.doorbell)) {
    throw new RangeError(`there is no doorbell "${options.doorbell}": there are ${DOORBELLS.join(", ")}`);
  }
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    if (!Number.isInteger(options[name]) || options[name] < 1 || options[name] > LIMITS[name]) {
      throw new RangeError(
        `a ring's ${name} is ${options[name]}: give a whole number from 1 to ${LIMITS[name]}`,
      );
    }
  }
  return options;
}

/** Those of a snapshot. Throws `SyntaxError` for what is none. */
export function loadOptions(saved: SavedFields): FullRingOptions {
  const number = (name: keyof typeof LIMITS) => saved.whole(name, LIMITS[name], 1);
  return {
    // In the order of the defaults: a machine that was restored is saved to the same bytes.
    entries: number("entries"),
    kind: saved.oneOf("kind", KINDS),
    bytes: number("bytes"),
    batch: number("batch"),
    eventIdx: saved.flag("eventIdx"),
    indirect: saved.flag("indirect"),
    poll: saved.flag("poll"),
    coalesce: number("coalesce"),
    doorbell: saved.oneOf("doorbell", DOORBELLS),
    busy: saved.flag("busy"),
    line: saved.whole("line", MOST_LINES),
  };
}

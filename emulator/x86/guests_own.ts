/** What neither VT-x nor AMD-V needs to intercept, and KVM does not: the guest's own. */
import type { TrapRule } from "../engine/backend.ts";

/** RDTSCP is as RDTSC; descriptor tables, segments, far transfers and software interrupts are the guest's. */
const NAMES = [
  "rdtscp",
  "interrupt",
  "iret",
  "far_jump",
  "far_call",
  "far_return",
  "load_segment",
  "mov_from_cr",
  "lgdt",
  "lidt",
  "sgdt",
  "sidt",
  "lldt",
  "ltr",
  "sldt",
  "str",
  "clts",
  "swapgs",
  "lar",
  "lsl",
  "verr",
  "verw",
  "flags_set",
  "repeat",
  "syscall",
  "sysret",
  "segments_changed",
] as const;

/** Their rules, by trap name. */
export const GUESTS_OWN = Object.fromEntries(NAMES.map((name) => [name, { do: "native" }])) as Readonly<
  Record<typeof NAMES[number], TrapRule>
>;

/** The goals for speed, as data. Each is a ratio of medians in one run on the same guest bytes, or millions a second. */
import type { ExitKind } from "../guests/guest.ts";
import type { SystemName } from "../peers/systems.ts";

/** Sieve, CRC32, copy, recursive calls, indirect dispatch. */
export const FIVE = ["sieve", "crc32", "copy", "calls", "dispatch"] as const;

export type OwnEngine = "trapsh interpreter" | "trapsh region";

export interface Goal {
  readonly what: string;
  /** Which of ours; and on what. */
  readonly ours: OwnEngine;
  readonly systems: readonly SystemName[];
  readonly guests: readonly string[];
  /** The geometric mean of all guests on all systems, or the least of them. */
  readonly take: "mean" | "worst";
  /** Whom it is against: a peer on the same guest, ourselves on another system, or nobody: then millions a second. */
  readonly against?:
    | { readonly peer: string; readonly on?: { readonly guest: string; readonly system: SystemName } }
    | { readonly sister: Readonly<Partial<Record<SystemName, SystemName>>> };
  readonly atLeast: number;
}

const PEERS = { QEMU: "QEMU TCG", v86: "v86 JIT on" } as const;
type PeerName = keyof typeof PEERS;

const COMPILED = "trapsh region", INTERPRETED = "trapsh interpreter";
const X86: readonly SystemName[] = ["x86-32", "x86-32 paging", "x86-64"];
const PIO: readonly ExitKind[] = ["out", "in"], MMIO: readonly ExitKind[] = ["mmio store", "mmio load"];

/** One goal for each peer that there is a figure for. */
function against(
  goal: Omit<Goal, "ours" | "take" | "against" | "atLeast"> & Partial<Pick<Goal, "take">>,
  figures: Partial<Record<PeerName, number>>,
): Goal[] {
  return Object.entries(figures).map(([peer, atLeast]) => ({
    ours: COMPILED,
    take: "mean",
    ...goal,
    against: { peer: PEERS[peer as PeerName] },
    atLeast,
  }));
}

/** What `sc 1` costs QEMU is the measure for x86 too: no x86 peer counts a hypercall. */
const SYSTEM_CALL_1 = { peer: PEERS.QEMU, on: { guest: "hypercall", system: "ppc64" } } as const;

/** Long mode has paging on; of 32-bit x86 its sister is therefore the one that has too. */
const NARROW = { "x86-64": "x86-32 paging", "ppc64": "ppc32" } as const;
/** 64-bit within 1.1x of 32-bit. */
const ALIKE = 1 / 1.1;

export const GOALS: readonly Goal[] = [
  ...against({ what: "five loops, x86-32, paging off", systems: ["x86-32"], guests: FIVE }, {
    QEMU: 1.5,
    v86: 2.2,
  }),
  ...against({ what: "five loops, x86-32, 4 KiB paging", systems: ["x86-32 paging"], guests: FIVE }, {
    QEMU: 1.2,
    v86: 1.8,
  }),
  ...against({ what: "worst of these loops on x86", systems: X86, guests: FIVE, take: "worst" }, {
    QEMU: 0.9,
    v86: 1.2,
  }),
  ...against({ what: "five loops, x86-64", systems: ["x86-64"], guests: FIVE }, { QEMU: 1.2 }),
  ...against({ what: "five loops, ppc32", systems: ["ppc32"], guests: FIVE }, { QEMU: 1 }),
  ...against({ what: "five loops, ppc64, big-endian", systems: ["ppc64"], guests: FIVE }, { QEMU: 1 }),
  ...against({ what: "five loops, ppc64, little-endian", systems: ["ppc64le"], guests: FIVE }, { QEMU: 1 }),
  ...against({ what: "PIO exits", systems: X86, guests: PIO }, { QEMU: 5, v86: 4 }),
  ...against({ what: "MMIO exits", systems: [...X86, "ppc32"], guests: MMIO }, { QEMU: 7, v86: 2.4 }),
  {
    what: "hypercall exits, x86",
    ours: COMPILED,
    systems: X86,
    guests: ["hypercall"],
    take: "mean",
    against: SYSTEM_CALL_1,
    atLeast: 10,
  },
  ...against({ what: "hypercall exits, ppc64", systems: ["ppc64", "ppc64le"], guests: ["hypercall"] }, {
    QEMU: 10,
  }),
  {
    what: "interpreter, five loops, M/s",
    ours: INTERPRETED,
    systems: ["x86-32"],
    guests: FIVE,
    take: "mean",
    atLeast: 450,
  },
  ...([INTERPRETED, COMPILED] as const).flatMap((ours) =>
    (["x86-64", "ppc64"] as const).map((system): Goal => ({
      what: `${system} against ${NARROW[system]}, ${ours.replace("trapsh ", "")}`,
      ours,
      systems: [system],
      guests: FIVE,
      take: "mean",
      against: { sister: NARROW },
      atLeast: ALIKE,
    }))
  ),
];

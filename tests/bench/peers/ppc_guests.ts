/** The benchmark's PowerPC programs and exit loops, as guests of both widths and byte orders. */
import { AT, type ExitKind, EXITS, SIZE } from "../guests/guest.ts";
import { load, ppcExitLoops, ppcWorkloads, ROUNDS } from "../guests/ppc.ts";
import { quotientsResult } from "../guests/results.ts";
import { commonResults } from "./common_results.ts";
import type { PeerGuest } from "./guest.ts";
import type { PeerSystem } from "./systems.ts";

/** Adds up the copy, turning the sum with each byte, and clears it for the next pass. */
const COPY_TALLY = `
        ${load("r4", AT.target)}
        ${load("r6", SIZE.copy)}
        mtctr r6
        li r3, 0
        li r8, 0
tally:  lbz r5, 0(r4)
        stb r8, 0(r4)
        addi r4, r4, 1
        rotlwi r3, r3, 1
        add r3, r3, r5
        bdnz tally`;

/** Their results have 32 bits on every architecture; registers of 64 hold more above. */
const NARROW: ReadonlySet<string> = new Set(["crc32", "copy", "dispatch"]);

function computing(system: PeerSystem): PeerGuest[] {
  const { bits } = system;
  const expected: Readonly<Record<string, bigint>> = {
    ...commonResults(bits, ROUNDS.dispatch),
    divide: quotientsResult(bits),
  };
  return ppcWorkloads(bits).map(({ name, source }) => ({
    name,
    system,
    program: source,
    tally: `${name === "copy" ? COPY_TALLY : ""}\n${
      bits === 64 && NARROW.has(name) ? "clrldi r3, r3, 32" : ""
    }`,
    result: expected[name],
  }));
}

/** PAPR: number in r3, argument in r4; the answer in r3 has to be 0 (H_SUCCESS). */
function paprCall(system: PeerSystem): PeerGuest {
  return {
    name: "hypercall",
    system,
    program: `
        ${load("r5", EXITS)}
        mtctr r5
        li r7, 0
hot:    li r3, ${system.hypercall}
        mr r4, r5
        sc 1
        or r7, r7, r3
        addi r5, r5, -1
        bdnz hot
hot_end:`,
    tally: "mr r3, r7",
    result: 0n,
    exits: "hypercall",
  };
}

const LEAVING: Readonly<Partial<Record<ExitKind, { tally: string; result: bigint }>>> = {
  "mmio store": { tally: "mr r3, r5", result: 0n },
  "mmio load": { tally: "", result: BigInt(EXITS) },
};

function leaving(system: PeerSystem): PeerGuest[] {
  const { bits, window } = system;
  if (window === undefined) return [];
  // Loads are answered with 1, by a handler or with what was stored last.
  const setUp = `${load("r4", window)}\n li r5, 1\n stwbrx r5, 0, r4`;
  return ppcExitLoops(bits, { window }).flatMap(({ name, source }) => {
    const what = LEAVING[name];
    return what ? [{ name, system, setUp, program: source, ...what, exits: name }] : [];
  });
}

export function ppcGuests(system: PeerSystem): PeerGuest[] {
  return [
    ...computing(system),
    ...leaving(system),
    ...system.hypercall === undefined ? [] : [paprCall(system)],
  ];
}

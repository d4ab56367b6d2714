/**
 * A driver in mid-traffic, moved: from vmx to svm, between hypervisors, from kvm-hv to kvm-pr and back. Which ways of
 * calling survive, how many #UD exits and patches that takes, what is lost, and what the blackout costs.
 *
 *     trapsh run scripts/migration.ts [--json] [CUTS]
 *
 * The guest makes numbered requests, each by a call or SITES at a time by a ring in its memory; the device knows which one
 * has to come next, and each answer has its number. In every row the guest is cut at CUTS random places (50 if not given, the same ones each time), saved, restored on the other
 * host and run to its end. A row survives if, for every cut, each request was made once and answered once.
 */

import { type ScriptContext, standalone, table, type Vm } from "../mod.ts";
import { type Host, type Move, MOVES, REQUESTS, SITES } from "./migration/moves.ts";
import { go, moves, numbers, profileOf, start, stays } from "./migration/world.ts";

const CUTS = 50;

/** A row of the table. */
export interface Moved {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly cuts: number;
  /** Cuts after which each request was made once and answered once. */
  readonly whole: number;
  readonly verdict: "survives" | "is lost" | "mixed" | "does not run";
  /** Requests never made or never answered, the most of all cuts; made twice, in all cuts together. */
  readonly lost: number;
  readonly doubled: number;
  /** #UD exits on the new host: the least and the most of all cuts. */
  readonly undefinedOpcodes: readonly [number, number];
  /** Bytes of text that the new host changed: the most of all cuts. */
  readonly patched: number;
  /** Exits and cycles beyond those of the guest that stays, means of the cuts that survive. */
  readonly moreExits: number;
  readonly moreCycles: number;
  /** How guests end that do not survive. */
  readonly ends: readonly string[];
  /** Bytes of the snapshot, a mean: what has to be sent while the guest stands still. */
  readonly bytes: number;
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Cuts a guest `cuts` times. Only its own run says where it can be cut: anywhere before its last request. */
export async function migrate(move: Move, cuts: number, spoil?: (vm: Vm) => void): Promise<Moved> {
  const home = await stays(move, spoil);
  const head = { name: move.name, from: hostOf(move.from), to: hostOf(move.to), cuts };
  if (home.lost > 0 || home.answered !== REQUESTS) {
    const none = { whole: 0, patched: 0, moreExits: 0, moreCycles: 0, bytes: 0, doubled: home.doubled };
    return {
      ...head,
      ...none,
      verdict: "does not run",
      lost: home.lost,
      undefinedOpcodes: [0, 0],
      ends: [home.ended],
    };
  }
  const random = numbers(MOVES.indexOf(move) + 1);
  const setup = await instructionsToFirst(move);
  // A ring's last requests are under way until their doorbell.
  const last = "ring" in move.way ? home.lastExit : home.instructions - 24;
  const where = Array.from({ length: cuts }, () => setup + random(last - setup));
  const outcomes = await moves(move, where.sort((a, b) => a - b));
  const whole = outcomes.filter(({ answered, lost, doubled }) =>
    answered === REQUESTS && lost + doubled === 0
  );
  const failed = outcomes.filter((one) => !whole.includes(one)),
    opcodes = outcomes.map((one) => one.undefinedOpcodes);
  return {
    ...head,
    whole: whole.length,
    verdict: failed.length === 0 ? "survives" : whole.length === 0 ? "is lost" : "mixed",
    lost: Math.max(...outcomes.map(({ lost }) => lost)),
    doubled: outcomes.reduce((sum, { doubled }) => sum + doubled, 0),
    undefinedOpcodes: [Math.min(...opcodes), Math.max(...opcodes)],
    patched: Math.max(...outcomes.map(({ patched }) => patched)),
    moreExits: mean(whole.map(({ exits }) => exits - home.exits)),
    moreCycles: mean(whole.map(({ cycles }) => cycles - home.cycles)),
    ends: [...new Set(failed.map(({ ended }) => ended))].sort(),
    bytes: mean(outcomes.map(({ bytes }) => bytes)),
  };
}

/** Instructions before the first request is made: traffic begins there. */
async function instructionsToFirst(move: Move): Promise<number> {
  const world = await start(move);
  while (world.device.last === 0) await go(world, 1);
  return world.vm.vcpu.instructions;
}

const hostOf = ({ backend, hypervisor }: Host) => `${backend} ${hypervisor}`;

/** Bytes a second between the hosts: assumed, printed with what is made of it. */
const LINK = 1.25e9;

const ENDS: Readonly<Record<string, string>> = {
  UNTIL: "refused, the driver gives up",
  SHUTDOWN: "#UD that nobody takes: triple fault",
  BUDGET: "goes astray or waits, and never ends",
  INTERNAL_ERROR: "goes astray, to where no memory is",
  UNIMPLEMENTED: "goes astray",
};

function asText(rows: readonly Moved[]): string {
  const range = ([least, most]: readonly [number, number]) =>
    least === most ? `${most}` : `${least}..${most}`;
  const blackout = ({ bytes }: Moved) =>
    bytes === 0 ? "" : `${Math.round(bytes)} B ${(bytes / LINK * 1e6).toFixed(1)} us`;
  const survives = ({ verdict }: Moved) => verdict === "survives";
  const columns = [
    { title: "driver calls by", value: (row: Moved) => row.name },
    { title: "from", value: (row: Moved) => row.from },
    { title: "to", value: (row: Moved) => row.to },
    { title: "driver", value: (row: Moved) => row.verdict },
    { title: "whole", value: (row: Moved) => `${row.whole}/${row.cuts}`, right: true },
    { title: "lost", value: (row: Moved) => row.lost },
    { title: "twice", value: (row: Moved) => row.doubled },
    { title: "#UD", value: (row: Moved) => range(row.undefinedOpcodes), right: true },
    { title: "patched", value: (row: Moved) => row.patched },
    {
      title: "more exits",
      value: (row: Moved) => survives(row) ? row.moreExits.toFixed(1) : "",
      right: true,
    },
    {
      title: "more cycles",
      value: (row: Moved) => survives(row) ? row.moreCycles.toFixed(0) : "",
      right: true,
    },
    { title: "blackout", value: blackout, right: true },
    { title: "how it ends", value: (row: Moved) => row.ends.map((end) => ENDS[end] ?? end).join("; ") },
  ];
  return [
    `a driver of ${REQUESTS} numbered requests from ${SITES} places, by ring ${SITES} at a time, cut ${
      rows[0].cuts
    } times in each row at random, saved and gone on with`,
    "",
    ...table(columns, rows),
    "",
    "whole: cuts after which every request was made once and answered once; lost: the most of any cut; #UD and patched",
    "(bytes of text): on the new host; more: beyond the driver that stays, what the move costs the guest itself",
    `blackout: the guest stands still while its snapshot of so many bytes is sent, at ${
      LINK / 1e9
    } GB/s (assumed)`,
    `profiles ${profileOf("x86")} and ${
      profileOf("ppc")
    } (assumed) on both sides: cycles differ by the exits alone`,
    "",
  ].join("\n");
}

/** Prints the rows. */
export default async function migration({ args, json, out, each }: ScriptContext): Promise<void> {
  const cuts = args.length > 0 ? Number(args[0]) : CUTS;
  if (!Number.isInteger(cuts) || cuts < 1) throw new RangeError(`${args[0]} is no number of cuts`);
  const rows: Moved[] = [];
  for await (const move of each("migration", MOVES, "moves")) rows.push(await migrate(move, cuts));
  out.write(json ? `${JSON.stringify(rows, null, 2)}\n` : asText(rows));
}

if (import.meta.main) await standalone(migration);

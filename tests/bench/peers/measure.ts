/** Every contender on every guest that it runs, in turn. */
import { pick } from "../only.ts";
import { alternate, type Sample } from "../statistics.ts";
import type { Contender, Found, Running } from "./contender.ts";
import type { PeerGuest } from "./guest.ts";
import { PEER_GUESTS } from "./guests.ts";
import { peerImage } from "./image.ts";
import { QEMU_ENGINES } from "./qemu.ts";
import type { SystemName } from "./systems.ts";
import { OWN, OwnMachine } from "./trapsh.ts";
import { V86_ENGINES } from "./v86.ts";

export interface PeerEngine {
  readonly name: string;
  readonly about: string;
  readonly version?: string;
  /** Why it did not take part. */
  readonly missing?: string;
}

export interface PeerRow {
  readonly guest: string;
  readonly system: SystemName;
  readonly engine: string;
  /** Guest instructions of a pass as trapsh counts them: the same for all engines. */
  readonly instructions: number;
  /** Exits of a pass; none for a program that computes. */
  readonly exits?: number;
  /** Millions of guest instructions a second; of an exit loop millions of exits. */
  readonly rate: Sample;
}

export interface PeerReport {
  readonly engines: readonly PeerEngine[];
  readonly rows: readonly PeerRow[];
}

/** A timing lasts at least this long, as the console's bytes arrive some tenths of a millisecond late. */
const LEAST_MS = 250;

/** What a pass is made of, from a machine that runs two of them: they are alike. */
async function passOf(guest: PeerGuest): Promise<Pick<PeerRow, "instructions" | "exits">> {
  const machine = new OwnMachine(guest, peerImage(guest), "interpreter");
  await machine.begin();
  const accesses = machine.accesses;
  const instructions = await machine.pass();
  return guest.exits ? { instructions, exits: machine.accesses - accesses } : { instructions };
}

interface Present {
  readonly contender: Contender;
  readonly found: Found;
}

async function measureGuest(guest: PeerGuest, present: readonly Present[], runs: number): Promise<PeerRow[]> {
  const image = peerImage(guest);
  const pass = await passOf(guest);
  const running = new Map<string, Running>();
  try {
    for (const { contender, found } of present) {
      if (found.runs(guest)) running.set(contender.name, await contender.start(guest, image));
    }
    const events = (pass.exits ?? pass.instructions) / 1000;
    const candidates = Object.fromEntries(
      [...running].map(([name, machine]) => [name, async () => events / await machine.time(LEAST_MS)]),
    );
    const samples = await alternate(candidates, runs);
    return Object.entries(samples).map(([engine, rate]) => ({
      guest: guest.name,
      system: guest.system.name,
      engine,
      ...pass,
      rate,
    }));
  } finally {
    for (const machine of running.values()) await machine.close();
  }
}

export async function measurePeers(
  runs: number,
  { only, progress }: { only?: readonly string[]; progress(text: string): void },
): Promise<PeerReport> {
  const engines: PeerEngine[] = [];
  const present: Present[] = [];
  for (const contender of [...OWN, ...V86_ENGINES, ...QEMU_ENGINES]) {
    const { name, about } = contender;
    const found = await contender.find();
    engines.push({ name, about, ...found });
    if ("version" in found) present.push({ contender, found });
  }
  const guests = pick(PEER_GUESTS, only, ({ name, system }) => [name, system.name]);
  const rows: PeerRow[] = [];
  for (const [i, guest] of guests.entries()) {
    progress(`${i + 1} of ${guests.length}: ${guest.name}, ${guest.system.name}`);
    rows.push(...await measureGuest(guest, present, runs));
  }
  return { engines, rows };
}

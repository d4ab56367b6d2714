/** Every contender on every guest that it runs, in turn. */
import { alternate, type Sample } from "../statistics.ts";
import type { Contender, Running } from "./contender.ts";
import { PEER_GUESTS, type PeerGuest } from "./guests.ts";
import { peerImage } from "./image.ts";
import { QEMU_ENGINES } from "./qemu.ts";
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
  readonly bits: 32 | 64;
  readonly engine: string;
  /** Guest instructions of a pass as trapsh counts them: the same for all engines. */
  readonly instructions: number;
  /** Millions of guest instructions a second. */
  readonly rate: Sample;
}

export interface PeerReport {
  readonly engines: readonly PeerEngine[];
  readonly rows: readonly PeerRow[];
}

/** A timing lasts at least this long, as the serial line's bytes arrive some tenths of a millisecond late. */
const LEAST_MS = 250;

/** Instructions of a pass, from a machine that runs two of them: they are alike. */
export async function passLength(guest: PeerGuest): Promise<number> {
  const image = peerImage(guest);
  const machine = new OwnMachine(guest, image, "interpreter");
  await machine.begin();
  return await machine.pass();
}

async function measureGuest(
  guest: PeerGuest,
  contenders: readonly Contender[],
  runs: number,
): Promise<PeerRow[]> {
  const image = peerImage(guest);
  const instructions = await passLength(guest);
  const running = new Map<string, Running>();
  try {
    for (const contender of contenders) {
      if (contender.runs(guest)) running.set(contender.name, await contender.start(guest, image));
    }
    const candidates = Object.fromEntries(
      [...running].map(([name, machine]) => [
        name,
        async () => instructions / 1000 / await machine.time(LEAST_MS),
      ]),
    );
    const samples = await alternate(candidates, runs);
    return Object.entries(samples).map(([engine, rate]) => ({
      guest: guest.name,
      bits: guest.bits,
      engine,
      instructions,
      rate,
    }));
  } finally {
    for (const machine of running.values()) await machine.close();
  }
}

export async function measurePeers(
  runs: number,
  { only, progress }: { only?: string; progress(text: string): void },
): Promise<PeerReport> {
  const engines: PeerEngine[] = [];
  const present: Contender[] = [];
  for (const contender of [...OWN, ...V86_ENGINES, ...QEMU_ENGINES]) {
    const { name, about } = contender;
    const found = await contender.find();
    engines.push({ name, about, ...found });
    if ("version" in found) present.push(contender);
  }
  const guests = PEER_GUESTS.filter(({ name, bits }) => !only || `${name}-${bits}`.includes(only));
  const rows: PeerRow[] = [];
  for (const [i, guest] of guests.entries()) {
    progress(`${i + 1} of ${guests.length}: ${guest.name}, ${guest.bits}-bit`);
    rows.push(...await measureGuest(guest, present, runs));
  }
  return { engines, rows };
}

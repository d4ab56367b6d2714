/**
 * The nightly length of the endurance test, in parallel processes, with progress on standard error:
 *
 *     deno run --allow-read --allow-run tests/oracle/endurance_main.ts [--instructions N] [--mode TEXT] [--jobs N]
 *     deno run --allow-read tests/oracle/endurance_main.ts --mode NAME --world N [--length N]
 *
 * Every world is run twice and has to end alike. The second form runs one world, as the first names those that
 * fail. A process that says nothing for minutes hangs: it is ended, and its world named.
 */
import { parseArgs } from "node:util";
import { TextLineStream } from "../support/lines.ts";
import { endOfWorld, type WorldEnd } from "./endurance.ts";
import { runChunk } from "./endurance_chunk.ts";
import { ENDURANCE_MODES } from "./endurance_modes.ts";

/** A world takes seconds, on a busy machine minutes. */
const HANGS_AFTER_MS = 900_000;
const PROGRESS_MS = 10_000;

const { values } = parseArgs({
  options: {
    instructions: { type: "string", default: "100000000" },
    length: { type: "string", default: "500000" },
    mode: { type: "string", default: "" },
    jobs: { type: "string", default: String(navigator.hardwareConcurrency) },
    /** One world. */
    world: { type: "string" },
    /** Given to the processes: which of how many chunks. */
    chunk: { type: "string" },
  },
});
const instructions = Number(values.instructions), length = Number(values.length), jobs = Number(values.jobs);
for (const [name, value] of Object.entries({ instructions, length, jobs })) {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`--${name}: give a whole number from 1`);
  }
}
// A mode's whole name means that one, though others contain it.
const named = ENDURANCE_MODES.filter(({ name }) => name === values.mode);
const modes = named.length > 0 ? named : ENDURANCE_MODES.filter(({ name }) => name.includes(values.mode));
if (modes.length === 0) {
  throw new RangeError(
    `--mode ${values.mode}: there are ${ENDURANCE_MODES.map(({ name }) => name).join(", ")}`,
  );
}

/** A line of a process, as JSON. */
type Said = { readonly begin: number } | {
  readonly end: Omit<WorldEnd, "stops"> & { readonly stops: readonly (readonly [string, number])[] };
};

class Tally {
  worlds = 0;
  instructions = 0;
  exits = 0;
  /** Of all worlds' digests, whatever their order. */
  digest = 0;
  readonly stops = new Map<string, number>();
  readonly failed: string[] = [];

  fail(what: string): void {
    this.failed.push(what);
    console.error(what);
  }

  add(end: Extract<Said, { end: unknown }>["end"]): void {
    this.worlds++;
    this.instructions += end.instructions;
    this.exits += end.exits;
    this.digest = (this.digest ^ parseInt(end.digest, 16)) >>> 0;
    for (const [reason, count] of end.stops) this.stops.set(reason, (this.stops.get(reason) ?? 0) + count);
  }

  toString(): string {
    const stops = [...this.stops].sort().map(([reason, count]) => `${reason} ${count}`).join(", ");
    return `${this.instructions} instructions twice in ${this.worlds} worlds, ${this.exits} exits, ` +
      `digest ${this.digest.toString(16).padStart(8, "0")}; stops: ${stops}`;
  }
}

/** One process; what it fails of goes to the tally. */
async function runProcess(mode: string, index: number, tally: Tally): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-read", new URL(import.meta.url).pathname]
      .concat("--mode", mode, "--chunk", String(index), "--jobs", String(jobs))
      .concat("--instructions", String(instructions), "--length", String(length)),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let world = -1, hung = false;
  const hangs = () => {
    hung = true;
    child.kill("SIGKILL");
  };
  let watchdog = setTimeout(hangs, HANGS_AFTER_MS);
  for await (
    const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
  ) {
    clearTimeout(watchdog);
    watchdog = setTimeout(hangs, HANGS_AFTER_MS);
    const said = JSON.parse(line) as Said;
    if ("begin" in said) world = said.begin;
    else tally.add(said.end);
  }
  clearTimeout(watchdog);
  const { success } = await child.status;
  if (hung) tally.fail(`${mode}, world ${world}: no end in ${HANGS_AFTER_MS / 1000} s`);
  else if (!success) tally.fail(`${mode}, world ${world}: the process failed, as told above`);
}

if (values.world !== undefined) {
  const [mode] = modes.filter(({ name }) => name === values.mode);
  if (!mode) throw new RangeError("--world needs --mode with the mode's whole name");
  console.log(await endOfWorld(mode, Number(values.world), length));
} else if (values.chunk !== undefined) {
  const say = (said: Said) => console.log(JSON.stringify(said));
  await runChunk(modes[0], {
    first: Number(values.chunk),
    step: jobs,
    instructions: Math.ceil(instructions / jobs),
    length,
  }, {
    begin: (world) => say({ begin: world }),
    end: (_world, end) => say({ end: { ...end, stops: [...end.stops] } }),
  });
} else {
  let failures = 0;
  for (const { name } of modes) {
    const tally = new Tally(), start = performance.now();
    const seconds = () => ((performance.now() - start) / 1000).toFixed(0);
    const progress = setInterval(() => {
      const percent = (100 * tally.instructions / instructions).toFixed(0);
      console.error(`${name}: ${percent}% in ${seconds()} s, ${tally.worlds} worlds`);
    }, PROGRESS_MS);
    await Promise.all(Array.from({ length: jobs }, (_, index) => runProcess(name, index, tally)));
    clearInterval(progress);
    console.log(`${name}: ${tally} (${seconds()} s)`);
    for (const failure of tally.failed) console.log(failure);
    failures += tally.failed.length;
  }
  Deno.exit(failures === 0 ? 0 : 1);
}

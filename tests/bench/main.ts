/**
 * The benchmarks: guest instructions and exits a second on each ISA, interpreter against region, and start-up.
 *
 *     deno task bench [--json] [--runs N] [--only TEXT ...] [instructions | exits | start ...]
 *     deno task bench variants [--seed N] [--json] [--runs N] [--only TEXT ...]
 *     deno task bench growth [--long] [--json] [--runs N] [--only TEXT ...]
 *     deno task bench --peers [--json] [--runs N] [--only TEXT ...] [--svg FILE]
 *
 * `variants` measures each program against three of the same with other registers, addresses and order of blocks, made
 * from a seed. `growth` times an instruction and an exit where there are more of them, more RAM, code or vCPUs; `--long`
 * goes on to 10^10 instructions and 10^8 exits.
 *
 * `--peers` measures other emulators beside ours on the same guests instead: v86, and QEMU if it is installed; and
 * prints what of the goals is reached.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { benchmarkPicture } from "./charts/picture.ts";
import { measureExits } from "./exits.ts";
import { reachAll } from "./goals/reach.ts";
import { measureGrowth } from "./growth/measure.ts";
import { measureInstructions } from "./instructions.ts";
import { MACHINES, settle } from "./machines.ts";
import { measurePeers } from "./peers/measure.ts";
import { joinValues } from "./only.ts";
import { asText, type Report } from "./report.ts";
import { measureStart } from "./start_up.ts";
import { measureVariants } from "./variants/measure.ts";

const PARTS = ["instructions", "exits", "start", "variants", "growth"];
/** Parts that run if none is named. */
const USUAL = ["instructions", "exits", "start"];
/** Fewer runs have no median worth the name. */
const LEAST_RUNS = 5;

const { values, positionals } = parseArgs({
  args: joinValues(Deno.args, ["runs", "only", "svg", "seed"]),
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: String(LEAST_RUNS) },
    only: { type: "string", multiple: true },
    peers: { type: "boolean", default: false },
    svg: { type: "string" },
    long: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
  },
});
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < LEAST_RUNS) {
  throw new RangeError(`--runs ${values.runs}: give a whole number of at least ${LEAST_RUNS}`);
}
if (!Number.isSafeInteger(Number(values.seed))) {
  throw new RangeError(`--seed ${values.seed}: give a whole number`);
}
const unknown = positionals.find((part) => !PARTS.includes(part));
if (unknown) throw new RangeError(`there is no part ${unknown}: there are ${PARTS.join(", ")}`);
const wanted = (part: string) =>
  positionals.includes(part) || positionals.length === 0 && !values.peers && USUAL.includes(part);

const instructions: Report["instructions"][] = [];
const exits: Report["exits"][] = [];
for (const machine of MACHINES) {
  if (wanted("instructions") || wanted("exits")) await settle(machine);
  if (wanted("instructions")) instructions.push(await measureInstructions(machine, runs, values.only));
  if (wanted("exits")) exits.push(await measureExits(machine, runs, values.only));
}
const progress = (text: string) => console.error(text);
const peers = values.peers ? await measurePeers(runs, { only: values.only, progress }) : undefined;
const variants = wanted("variants")
  ? await measureVariants(runs, { seed: Number(values.seed), only: values.only, progress })
  : [];
const growth = wanted("growth")
  ? await measureGrowth(runs, { long: values.long, only: values.only, progress })
  : [];
const found = [instructions.flat(), exits.flat(), peers?.rows ?? [], variants, growth].flat().length;
if (values.only !== undefined && found === 0) {
  throw new RangeError(
    `--only ${values.only.join(" ")}: no program and no kind of exit has that in its name, e.g. crc32, mmio`,
  );
}
const report: Report = {
  deno: Deno.version.deno,
  v8: Deno.version.v8,
  target: Deno.build.target,
  runs,
  instructions: instructions.flat(),
  exits: exits.flat(),
  start: wanted("start") ? await measureStart(runs) : [],
  variants,
  growth,
  peers,
  goals: peers && reachAll(peers.rows),
};
if (values.svg !== undefined) {
  const path = resolve(Deno.env.get("INIT_CWD") ?? ".", values.svg);
  await Deno.writeTextFile(path, benchmarkPicture(report));
}
console.log(values.json ? JSON.stringify(report, null, 2) : asText(report).trimEnd());

/**
 * The benchmarks: guest instructions and exits a second on each ISA, interpreter against region, and start-up.
 *
 *     deno task bench [--json] [--runs N] [--only TEXT ...] [instructions | exits | start ...]
 *     deno task bench --peers [--json] [--runs N] [--only TEXT ...] [--svg FILE]
 *
 * `--peers` measures other emulators beside ours on the same guests instead: v86, and QEMU if it is installed; and
 * prints what of the goals is reached.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { benchmarkPicture } from "./charts/picture.ts";
import { measureExits } from "./exits.ts";
import { reachAll } from "./goals/reach.ts";
import { measureInstructions } from "./instructions.ts";
import { MACHINES, settle } from "./machines.ts";
import { measurePeers } from "./peers/measure.ts";
import { joinValues } from "./only.ts";
import { asText, type Report } from "./report.ts";
import { measureStart } from "./start_up.ts";

const PARTS = ["instructions", "exits", "start"];
/** Fewer runs have no median worth the name. */
const LEAST_RUNS = 5;

const { values, positionals } = parseArgs({
  args: joinValues(Deno.args, ["runs", "only", "svg"]),
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: String(LEAST_RUNS) },
    only: { type: "string", multiple: true },
    peers: { type: "boolean", default: false },
    svg: { type: "string" },
  },
});
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < LEAST_RUNS) {
  throw new RangeError(`--runs ${values.runs}: give a whole number of at least ${LEAST_RUNS}`);
}
const unknown = positionals.find((part) => !PARTS.includes(part));
if (unknown) throw new RangeError(`there is no part ${unknown}: there are ${PARTS.join(", ")}`);
const wanted = (part: string) => positionals.includes(part) || positionals.length === 0 && !values.peers;

const instructions: Report["instructions"][] = [];
const exits: Report["exits"][] = [];
for (const machine of MACHINES) {
  if (wanted("instructions") || wanted("exits")) await settle(machine);
  if (wanted("instructions")) instructions.push(await measureInstructions(machine, runs, values.only));
  if (wanted("exits")) exits.push(await measureExits(machine, runs, values.only));
}
const peers = values.peers
  ? await measurePeers(runs, { only: values.only, progress: (text) => console.error(text) })
  : undefined;
const found = instructions.flat().length + exits.flat().length + (peers?.rows.length ?? 0);
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
  peers,
  goals: peers && reachAll(peers.rows),
};
if (values.svg !== undefined) {
  const path = resolve(Deno.env.get("INIT_CWD") ?? ".", values.svg);
  await Deno.writeTextFile(path, benchmarkPicture(report));
}
console.log(values.json ? JSON.stringify(report, null, 2) : asText(report).trimEnd());

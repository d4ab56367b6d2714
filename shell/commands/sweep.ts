/** `sweep`, `sweep call`, `merge`: an experiment over all combinations of some parameters. */
import { merge as both, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { DATA_MODES } from "../../transports/data_modes.ts";
import { didYouMean } from "../../emulator/isa/edit_distance.ts";
import { defineCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { amount, sweepSummary } from "../reports/sweep_summary.ts";
import type { Session } from "../session.ts";
import { besideThis } from "../sweeps/beside_this.ts";
import type { CallInput } from "../sweeps/call_sweep.ts";
import type { SweepParameters, SweepValue } from "../sweeps/definition.ts";
import type { MergedSweep } from "../sweeps/merge_sweeps.ts";
import { cellCount, checkParameters, parseSettings } from "../sweeps/product.ts";
import type { OwnOptions, SweepOptions, SweepRun } from "../sweeps/run_sweep.ts";
import { sweepLines } from "../sweeps/sweep_table.ts";
import { BACKENDS } from "./support/backends.ts";
import { fileNames } from "./support/files.ts";
import { maybeWord, word, words } from "./support/grammar.ts";
import { requireDevice } from "./support/handle.ts";
import { HYPERVISOR_NAMES } from "./support/hypervisor_names.ts";
import { numberOf } from "./support/numbers.ts";
import { payload } from "./support/payload.ts";
import { namesOfProfiles } from "./support/profiles.ts";

/** Cells that are performed here, if nothing asks for workers: some milliseconds each. */
const FEW_CELLS = 24;
/** Longer tables are for files. */
const MOST_LINES = 60;

/** How a sweep is run, for both forms. */
const how = object({
  jobs: optional(option("--jobs", integer({ metavar: "N", min: 1 }), {
    description: message`workers at once; one for each core without it`,
  })),
  shard: optional(option("--shard", string({ metavar: "I/N" }), {
    description: message`do only part I of N, for merge`,
  })),
  out: optional(option("--out", string({ metavar: "FILE" }), {
    description: message`write the table as .csv or .json, and keep what is done in FILE.journal`,
  })),
  resume: withDefault(
    flag("--resume", { description: message`go on with the journal, if there is one` }),
    false,
  ),
  retry: withDefault(
    flag("--retry", { description: message`the same, and do the cells again that failed` }),
    false,
  ),
  restart: withDefault(flag("--restart", { description: message`throw the journal away` }), false),
  patience: optional(option("--patience", integer({ metavar: "SECONDS", min: 1 }), {
    description: message`how long a cell may take, 300 s without it`,
  })),
});

type How = Omit<SweepOptions, "set" | "signal" | "onProgress">;

async function perform(
  session: Session,
  file: string | URL,
  options: SweepOptions,
  own: OwnOptions,
): Promise<SweepRun> {
  const { runOwnSweep } = await import("../sweeps/run_sweep.ts");
  const { signal, progress } = session;
  return await runOwnSweep(file, { ...options, signal, progress }, own);
}

function print(data: SweepRun): string {
  const hint = data.journal === undefined && data.cells.length > MOST_LINES
    ? ["--out FILE.csv writes all lines"]
    : [];
  return [...sweepLines(data, MOST_LINES), "", ...sweepSummary(data), ...hint].join("\n");
}

export const sweep = defineCommand({
  name: "sweep",
  group: "experiments",
  summary: "run a module's experiment over all combinations of its parameters",
  description:
    `FILE exports what defineSweep made: parameters, and a function for one cell of their product. Cells run in
workers, one for each core. --set gives a parameter other values: size=1,8,64, size=1..64, size=0..64+8, size=1..4096*2;
arch=ppc. A cell that cannot be says why; one that throws, crashes or hangs has failed, and the others go on. The table is the
same whatever --jobs, stops and shards. Ctrl-C, or a kill, loses the cells at work: --resume goes on. See help sweeps.`,
  grammar: both(
    object({
      file: word("FILE"),
      set: multiple(option("--set", string({ metavar: "NAME=VALUES" }), {
        description: message`other values for a parameter`,
      })),
    }),
    how,
  ),
  light: true,
  examples: [{ line: "sweep costs.ts --set size=1,8 --out costs.csv", shows: "cells: " }],
  complete: (_session, typed) => typed.length <= 1 ? fileNames(typed.at(-1) ?? "") : [],
  run: (session, { file, set, ...options }): Promise<SweepRun> =>
    perform(session, file, { ...(options as How), set: parseSettings(set) }, {}),
  print,
});

/** Nothing is said of how. */
function isPlain({ jobs, out, shard, patience }: How): boolean {
  return [jobs, out, shard, patience].every((given) => given === undefined);
}

/** What `sweep call` can go over, each with the values that it has if none are given. */
const OVER: Readonly<Record<string, () => readonly SweepValue[] | Promise<readonly SweepValue[]>>> = {
  arch: () => ["x86", "ppc"],
  mode: () => [16, 32, 64],
  backend: () => Object.keys(BACKENDS),
  hypervisor: () => HYPERVISOR_NAMES,
  vehicle: () => ["hypercall", "pio", "mmio"],
  data: () => DATA_MODES,
  size: () => [1, 8, 64, 512, 4096],
  profile: () => namesOfProfiles(),
};

/** `vehicle,hypervisor,size=1,8,64`: what follows a value's comma is a further value unless it is a name, alone or with `=`. */
export async function parseOver(text: string): Promise<SweepParameters> {
  const settings: string[] = [];
  for (const item of text.split(",")) {
    const name = item.split("=")[0];
    if (Object.hasOwn(OVER, name)) settings.push(item);
    else if (settings.at(-1)?.includes("=") && !item.includes("=")) {
      settings.push(`${settings.pop()},${item}`);
    } else {
      const hint = didYouMean(name, Object.keys(OVER)) || `; there are ${Object.keys(OVER).join(", ")}`;
      throw new UserError(`sweep call cannot go over ${JSON.stringify(name)}${hint}`);
    }
  }
  const given = parseSettings(settings.filter((setting) => setting.includes("=")));
  const parameters: Record<string, readonly SweepValue[]> = {};
  for (const setting of settings) {
    const [name] = setting.split("=");
    parameters[name] = given[name] ?? await OVER[name]();
  }
  const sizes = parameters.size ?? [];
  const wrong = sizes.find((size) =>
    typeof size !== "number" || !Number.isInteger(size) || size < 0 || size > 2 ** 24
  );
  if (wrong !== undefined) throw new UserError(`The size ${wrong} is not between 0 and 16777216 bytes`);
  return checkParameters(parameters, "--over");
}

/** Settings that are plain data, and that a machine in a worker is made with. */
function machineOf(session: Session): string {
  const { arch, mode, order, backend, hypervisor, wrongHypercall, memory } = session.settings;
  return JSON.stringify({ arch, mode, order, backend, hypervisor, wrongHypercall, memory });
}

export const sweepCall = defineCommand({
  name: "sweep call",
  group: "experiments",
  summary: "make one call over all combinations of vehicles, hypervisors, sizes ..., without a module",
  description:
    `sweep call NAME [FN [ARG...]] --over LIST: the call is that of compare, each on a fresh machine that is else like the
session's. LIST names what to go over, between commas: arch, mode, backend, hypervisor, vehicle, data, size, profile; with =
only some values, as in --over vehicle,size=1..64*4. The device has to be one that every session has, or from a file. The other
options are those of sweep; they stand before FN and ARG, where these are negative.`,
  raw: true,
  grammar: both(
    object({
      name: word("NAME"),
      fn: maybeWord("FN"),
      args: words("ARG"),
      over: option("--over", string({ metavar: "LIST" })),
      cold: withDefault(flag("--cold", { description: message`count the first call of a machine` }), false),
    }),
    how,
  ),
  examples: [
    { line: "sweep call echo --over vehicle,size=1,8", after: ["arch x86"], shows: "6 cells: 6 ok" },
    { line: "sweep call echo 1 0x2a --over backend,vehicle --jobs 1", shows: "kvm-hv" },
  ],
  complete(session, typed) {
    if (typed.at(-2) !== "--over") return typed.length <= 1 ? session.devices.keys() : [];
    const list = typed.at(-1) ?? "", before = list.slice(0, list.lastIndexOf(",") + 1);
    const taken = before.split(/[,=]/);
    return Object.keys(OVER).filter((name) => !taken.includes(name))
      .map((name) => ({ text: before + name, shown: name, open: true }));
  },
  async run(session, { name, fn, args, over, cold, ...options }): Promise<SweepRun> {
    requireDevice(session, name);
    const entry = session.devices.get(name);
    const { builtinDevices } = await import("../builtin_devices.ts");
    const builtin = builtinDevices(session.out).some(({ device }) => device.name === name);
    if (entry === undefined || (entry.file === undefined && !builtin)) {
      throw new UserError(
        `The device ${name} was made here, and workers cannot have it: device add FILE takes one from a file`,
      );
    }
    const parameters = await parseOver(over);
    if (parameters.size !== undefined && args.length > 0) {
      throw new UserError("The size is swept, so there are no ARGs: FN is called with that many bytes");
    }
    const bytes = payload(
      args.length === 0 && fn === undefined ? ["0"] : args,
      (text) => session.evaluateNumber(text),
    );
    const { file, at } = entry;
    const profile = session.settings.profile === undefined ? null : JSON.stringify(session.vm.profile.data);
    const input: Omit<CallInput, "files"> & Record<string, SweepValue | null> = {
      device: name,
      at: at === undefined ? null : JSON.stringify(at),
      fn: numberOf(session, fn ?? "1", "function number", 0, 0xffff_ffff),
      bytes: bytes.toHex(),
      cold,
      machine: machineOf(session),
      profile,
    };
    return await perform(session, besideThis("call_sweep"), options as How, {
      input,
      parameters,
      title: `call ${name}`,
      // A user's device may hang; more cells are worth the workers' start.
      here: file === undefined && cellCount(parameters) <= FEW_CELLS && isPlain(options as How),
      ...(file !== undefined && { also: [file] }),
    });
  },
  print,
});

export const merge = defineCommand({
  name: "merge",
  group: "experiments",
  summary: "put the shards of a sweep together",
  description:
    `merge OUT [JOURNAL...]: OUT, .csv or .json, gets the bytes that the sweep would have written in one piece. Without
JOURNALs, those that --shard I/N --out OUT has left beside OUT. Journals of another sweep, and cells that are missing, are errors
that name them; with --partial cells may be missing.`,
  grammar: object({
    out: word("OUT"),
    files: words("JOURNAL"),
    partial: withDefault(flag("--partial", { description: message`though cells are missing` }), false),
  }),
  light: true,
  examples: [{
    line: "merge costs.csv costs.csv.1-of-2.journal costs.csv.2-of-2.journal",
    shows: "costs.csv",
  }],
  complete: (_session, typed) => fileNames(typed.at(-1) ?? ""),
  async run(_session, { out, files, partial }): Promise<MergedSweep> {
    const { mergeSweeps } = await import("../sweeps/merge_sweeps.ts");
    return await mergeSweeps(out, files, { partial });
  },
  print: (data) => [`${amount(data.files.length, "journal")} merged`, ...sweepSummary(data)].join("\n"),
});

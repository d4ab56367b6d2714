/**
 * What one call of a device costs, over {architecture, hypervisor, vehicle, payload, profile}: the argument of May 2009 as a
 * sweep. As a script it prints what the cells say; as a sweep it gives the cells, over many machines if need be:
 *
 *     trapsh run scripts/sweeps/cost_per_call.ts [--json]
 *     trapsh sweep scripts/sweeps/cost_per_call.ts --set size=1..4096*2 --out costs.csv
 *     parallel trapsh sweep FILE --out costs.csv --shard {}/4 ::: 1 2 3 4 && trapsh merge costs.csv
 *
 * Every figure is of guest code that ran and trapped; cells that cannot be say why.
 */
import {
  createIo,
  createVm,
  defineSweep,
  HYPERVISORS,
  loadProfile,
  runSweep,
  type ScriptContext,
  standalone,
  startMeter,
  type SweepRun,
  table,
  type VmOptions,
} from "../../mod.ts";
import { figuresByProfile } from "../support/provenance.ts";

/** The backend is the one that carries the hypervisor. */
const MACHINES = {
  "x86": { arch: "x86", mode: 64, backends: ["vmx"] },
  "x86 svm": { arch: "x86", mode: 64, backends: ["svm"] },
  "ppc64": { arch: "ppc", mode: 64, backends: ["kvm-hv", "kvm-pr"] },
  "ppc32": { arch: "ppc", mode: 32, backends: ["kvm-pr"] },
} as const;

const VEHICLES = ["hypercall", "pio", "mmio"] as const;
/** The architecture's own default, and x86 as Tsirkin measured it. */
const PROFILES = ["default", "tsirkin-2013"] as const;

export const sweep = defineSweep({
  title: "cycles of one call, answered with 8 bytes, the guest's own instructions included",
  parameters: {
    machine: Object.keys(MACHINES) as (keyof typeof MACHINES)[],
    hypervisor: ["kvm", "xen", "hyperv", "vmware", "papr", "epapr", "osi"],
    profile: PROFILES,
    size: [8, 64, 1024],
    vehicle: VEHICLES,
  },
  async cell({ machine, hypervisor, profile, size, vehicle }, context) {
    const { arch, mode, backends } = MACHINES[machine];
    const { carriers } = HYPERVISORS.find(({ name }) => name === hypervisor)!;
    const backend = backends.find((backend) => carriers[backend]?.includes(mode));
    if (backend === undefined) return context.infeasible(`${hypervisor} is not for ${machine}`);
    if (profile !== "default" && loadProfile(profile).arch !== arch) {
      return context.infeasible(`the profile ${profile} prices another architecture`);
    }
    const options: VmOptions = { arch, mode, backend, hypervisor, memory: 2 ** 20 };
    const vm = createVm({ ...options, ...(profile !== "default" && { profile }) });
    vm.devices.add({ name: "sink", call: () => 42 });
    const sink = await createIo(vm).open("sink", { via: vehicle }).catch(context.infeasible);
    const payload = Uint8Array.from({ length: size }, () => Math.floor(256 * context.random()));
    // The second time: a page's first touch is an exit of another kind.
    await sink.call(1, payload);
    const meter = startMeter(vm);
    await sink.call(1, payload);
    const cost = meter();
    for (const { name, source, figures } of figuresByProfile([cost])) {
      context.note(`profile ${name}: ${figures}`);
      context.note(`source of ${name}: ${source}`);
    }
    const { worldSwitch, dispatch, decode, userspace, total } = cost.cycles;
    return {
      backend,
      carried: sink.label,
      exits: cost.exits,
      ...{ worldSwitch, dispatch, decode, userspace },
      guest: cost.guestCycles,
      cycles: total + cost.guestCycles,
    };
  },
});

/** Cycles by vehicle of one machine, hypervisor, profile and size. */
interface Row {
  readonly machine: string;
  readonly hypervisor: string;
  readonly profile: string;
  readonly size: number;
  readonly hypercall?: number;
  readonly pio?: number;
  readonly mmio?: number;
}

function rowsOf({ cells }: SweepRun): Row[] {
  const rows = new Map<string, Row>();
  for (const { values, outcome } of cells) {
    if (outcome.kind !== "ok") continue;
    const { machine, hypervisor, profile, size, vehicle } = values as unknown as Row & { vehicle: string };
    const key = [machine, hypervisor, profile, size].join();
    const row = rows.get(key) ?? { machine, hypervisor, profile, size };
    rows.set(key, { ...row, [vehicle]: outcome.result.cycles });
  }
  return [...rows.values()];
}

const times = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? "-" : `${(a / b).toFixed(2)}x`;

const COLUMNS = [
  { title: "machine", value: (row: Row) => row.machine },
  { title: "hypervisor", value: (row: Row) => row.hypervisor },
  { title: "profile", value: (row: Row) => row.profile },
  { title: "size", value: (row: Row) => row.size },
  ...VEHICLES.map((vehicle) => ({ title: vehicle, value: (row: Row) => row[vehicle] ?? "-", right: true })),
  { title: "pio/hypercall", value: (row: Row) => times(row.pio, row.hypercall), right: true },
  { title: "mmio/hypercall", value: (row: Row) => times(row.mmio, row.hypercall), right: true },
];

/** What of the argument the cells bear out, counted. */
function conclusions(rows: readonly Row[]): string[] {
  const best = (row: Row) => VEHICLES.every((vehicle) => (row[vehicle] ?? Infinity) >= row.hypercall!);
  const called = rows.filter((row) => row.hypercall !== undefined);
  const close = called.filter((row) => row.pio !== undefined && row.pio <= 1.1 * row.hypercall!);
  const word = called.filter(({ size }) => size === 8);
  const least = Math.min(...word.map((row) => row.mmio! / row.hypercall!));
  return [
    `a hypercall is the cheapest way in ${
      called.filter(best).length
    } of ${called.length} places that have one`,
    `PIO is within a tenth of it in ${close.length}, in ${
      close.filter(({ size }) => size > 8).length
    } of them with a descriptor in RAM and one exit`,
    `with 8 bytes, which fit into registers, MMIO costs ${least.toFixed(1)} times as much at least`,
  ];
}

/** Runs the sweep over all cores and prints what it says. */
export default async function costPerCall({ json, out, signal, progress }: ScriptContext): Promise<void> {
  const run = await runSweep(import.meta.url, { signal, progress });
  const rows = rowsOf(run);
  const infeasible = run.cells.filter(({ outcome }) => outcome.kind === "infeasible").length;
  if (json) return out.write(`${JSON.stringify({ rows, notes: run.notes }, null, 2)}\n`);
  const text = [
    run.title!,
    "",
    ...table(COLUMNS, rows),
    "",
    `${run.total} cells, ${infeasible} of which cannot be${
      run.left > 0 ? `; stopped with ${run.left} left` : ""
    }`,
    ...conclusions(rows),
    "",
    ...run.notes.toSorted(),
  ];
  out.write(`${text.join("\n")}\n`);
}

if (import.meta.main) await standalone(costPerCall);

/**
 * Where batching breaks even: a ring in shared memory, kicked once for a batch of requests, against a plain call for each.
 *
 *     trapsh run scripts/ring_vs_call.ts [--json | --csv]
 *
 * {x86 vmx, x86 svm, ppc32, ppc64} x {hypercall, pio, mmio} x {kick taken in userspace, or matched in the kernel as by an
 * ioeventfd, by address and length or by address alone} x {answers looked for, or told of by interrupt} x batches of 1 to 256. Requests have 64 bytes, answers 8.
 */
import {
  createIo,
  createVm,
  type Device,
  type Io,
  type RingOptions,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  type VehicleName,
  type Vm,
  type VmOptions,
} from "../mod.ts";
import { type Machine, MACHINES } from "./support/machines.ts";

const VEHICLES: readonly VehicleName[] = ["hypercall", "pio", "mmio"];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;
/** Requests that a ring holds; each cell is measured over at least so many. */
const ENTRIES = 256, LEAST = 32;
const PAYLOAD = Uint8Array.from({ length: 64 }, (_, i) => i);
/** Bytes of a request and its answer. */
const ROOM = 128;

/** Rings by how kicks are taken and how answers are found. */
const WAYS: readonly { readonly name: string; readonly options: RingOptions }[] = [
  { name: "ring, userspace, look", options: { doorbell: "userspace", poll: true } },
  { name: "ring, kernel, look", options: { doorbell: "kernel", poll: true } },
  { name: "ring, fast, look", options: { doorbell: "fast", poll: true } },
  { name: "ring, userspace, irq", options: { doorbell: "userspace", poll: false } },
  { name: "ring, kernel, irq", options: { doorbell: "kernel", poll: false } },
];

/** What requests cost: cycles are of all of them, exits and the guest's own instructions. */
export interface Measured {
  readonly requests: number;
  readonly exits: number;
  readonly kicks: number;
  readonly interrupts: number;
  readonly guestCycles: number;
  readonly worldSwitch: number;
  readonly dispatch: number;
  readonly decode: number;
  readonly userspace: number;
  readonly device: number;
  readonly cycles: number;
}

/** One line: a call, or a ring with every batch. */
export interface Row {
  readonly machine: string;
  readonly via: VehicleName;
  readonly label: string;
  readonly way: string;
  /** By batch; of a call only the first. */
  readonly measured: readonly Measured[];
  /** The smallest batch from which on a ring's request costs no more than a call by the same vehicle. */
  readonly breakEven?: number;
  /** The same against the machine's cheapest call. */
  readonly beatsAll?: number;
}

/** A machine's rows. */
export interface Section {
  readonly machine: string;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** Costs no cycles of its own. */
function sink(): Device {
  const answer = (_: unknown, data: Uint8Array) => data.length;
  return { name: "sink", call: answer, queue: (data) => data.length };
}

function made(options: VmOptions, interrupts: boolean): { vm: Vm; io: Io } {
  const vm = createVm({ ...options, interrupts, memory: 2 ** 20 });
  vm.devices.add(sink());
  return { vm, io: createIo(vm) };
}

/** What `work` costs, and what it told of itself. */
async function measured(
  vm: Vm,
  requests: number,
  work: () => Promise<{ kicks: number; interrupts: number }>,
): Promise<Measured> {
  const meter = startMeter(vm);
  const { kicks, interrupts } = await work();
  const { exits, guestCycles, cycles: { worldSwitch, dispatch, decode, userspace, device, total } } = meter();
  const stages = { worldSwitch, dispatch, decode, userspace, device };
  return { requests, exits, kicks, interrupts, guestCycles, ...stages, cycles: total + guestCycles };
}

async function measureCall(
  options: VmOptions,
  via: VehicleName,
): Promise<{ label: string; source: string; cost: Measured }> {
  const { vm, io } = made(options, false);
  const handle = await io.open("sink", { via, data: "descriptor" });
  const call = () => handle.call(1, PAYLOAD);
  // The first touch of a page is an exit of another kind.
  await call();
  const cost = await measured(vm, 1, async () => {
    await call();
    return { kicks: 0, interrupts: 0 };
  });
  return { label: handle.label, source: startMeter(vm)().profile.source, cost };
}

async function measureRing(
  options: VmOptions,
  via: VehicleName,
  way: RingOptions,
  batch: number,
): Promise<Measured> {
  const { vm, io } = made(options, way.poll === false);
  const ring = await (await io.open("sink", { via })).ring({ ...way, entries: ENTRIES, bytes: ROOM, batch });
  const pass = async (requests: number) => {
    const before = ring.stats;
    for (let i = 0; i < requests; i++) await ring.submit(PAYLOAD, { reply: 8 });
    const answers = await ring.flush();
    if (answers.length !== requests || answers.some(({ bytes }) => bytes[0] !== PAYLOAD.length)) {
      throw new Error(`${requests} requests by ${ring.label} have ${answers.length} answers`);
    }
    const { kicks, interrupts } = ring.stats;
    return { kicks: kicks - before.kicks, interrupts: interrupts - before.interrupts };
  };
  await pass(1);
  const requests = Math.max(LEAST, batch);
  return await measured(vm, requests, () => pass(requests));
}

const perRequest = ({ cycles, requests }: Measured): number => cycles / requests;

/** The smallest batch from which on no request costs more than `call`. */
function evenWith(call: number, all: readonly Measured[]): number | undefined {
  const from = all.findIndex((_, i) => all.slice(i).every((one) => perRequest(one) <= call));
  return from < 0 ? undefined : BATCHES[from];
}

async function measureMachine({ name, options }: Machine): Promise<Section> {
  const calls = await Promise.all(VEHICLES.map((via) => measureCall(options, via)));
  const cheapest = Math.min(...calls.map(({ cost }) => cost.cycles));
  const rows: Row[] = [];
  for (const [i, via] of VEHICLES.entries()) {
    const { label, cost } = calls[i];
    rows.push({ machine: name, via, label, way: "call", measured: [cost] });
    for (const way of WAYS) {
      const all: Measured[] = [];
      for (const batch of BATCHES) all.push(await measureRing(options, via, way.options, batch));
      const breakEven = evenWith(cost.cycles, all), beatsAll = evenWith(cheapest, all);
      rows.push({ machine: name, via, label, way: way.name, measured: all, breakEven, beatsAll });
    }
  }
  const { name: profile, title } = made(options, false).vm.profile;
  return {
    machine: name,
    rows,
    notes: [
      ...VEHICLES.flatMap((via, i) => calls[i].label === via ? [] : [`${via}: ${calls[i].label}`]),
      `profile ${profile}: ${title}`,
      `source: ${calls[0].source}`,
    ],
  };
}

const COLUMNS = [
  { title: "via", value: (row: Row) => row.via },
  { title: "way", value: (row: Row) => row.way },
  ...BATCHES.map((batch, i) => ({
    title: String(batch),
    value: (row: Row) => row.measured[i] === undefined ? "" : String(Math.round(perRequest(row.measured[i]))),
    right: true,
  })),
  {
    title: "even at",
    value: (row: Row) => row.way === "call" ? "" : String(row.breakEven ?? "never"),
    right: true,
  },
  {
    title: "beats all",
    value: (row: Row) => row.way === "call" ? "" : String(row.beatsAll ?? "never"),
    right: true,
  },
];

const ABOUT = [
  "cycles of one request, by batch: what a call or a batch costs, divided by its requests",
  "even at: from this batch on a request costs no more than a call by the same vehicle",
  "beats all: the same against the cheapest call of the machine",
  "a call is a descriptor in RAM and one exit; userspace, kernel, fast: who takes the kick, fast by address alone",
  "look or irq: how answers are found",
  "the driver's stores to the ring are made by TypeScript and cost the guest nothing; those of a call's descriptor are its stub's",
];

function asText(sections: readonly Section[]): string {
  const parts = sections.map(({ machine, rows, notes }) =>
    [machine, "", ...table(COLUMNS, rows), "", ...notes].join("\n")
  );
  return `${[...parts, ABOUT.join("\n")].join("\n\n\n")}\n`;
}

function asCsv(sections: readonly Section[]): string {
  const lines = sections.flatMap(({ rows }) =>
    rows.flatMap((row) =>
      row.measured.map((one, i) =>
        [
          row.machine,
          row.via,
          `"${row.label}"`,
          `"${row.way}"`,
          row.way === "call" ? "" : BATCHES[i],
          ...Object.values(one),
        ].join(",")
      )
    )
  );
  const keys = Object.keys(sections[0].rows[0].measured[0]);
  return `${["machine", "via", "label", "way", "batch", ...keys].join(",")}\n${lines.join("\n")}\n`;
}

/** Measures the matrix and prints it. */
export default async function ringVsCall({ args, json, out }: ScriptContext): Promise<void> {
  const sections: Section[] = [];
  for (const machine of MACHINES) sections.push(await measureMachine(machine));
  if (json) out.write(`${JSON.stringify({ batches: BATCHES, sections }, null, 2)}\n`);
  else out.write(args.includes("--csv") ? asCsv(sections) : asText(sections));
}

if (import.meta.main) await standalone(ringVsCall);

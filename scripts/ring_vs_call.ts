/**
 * Where batching breaks even: a ring in shared memory, kicked once for a batch of requests, against a plain call for each.
 *
 *     trapsh run scripts/ring_vs_call.ts [--json | --csv]
 *
 * {x86 vmx, x86 svm, ppc32, ppc64} x {hypercall, pio, mmio} x {kick taken in userspace, or matched in the kernel as by an
 * ioeventfd, by address and length or by address alone} x {answers looked for, told of by interrupt, or by one interrupt for
 * several} x batches of 1 to 256; and the call ring: a synchronous call by a ring, which flushes and blocks. Requests have 64
 * bytes, answers 8. All that the ring's driver does is guest code, charged as such.
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
  { name: "ring, kernel, irq for 8", options: { doorbell: "kernel", poll: false, coalesce: 8 } },
];
/** Calls that flush and block. */
const CALL_RINGS: typeof WAYS = [
  { name: "call ring, look", options: { doorbell: "userspace", poll: true } },
  { name: "call ring, irq", options: { doorbell: "userspace", poll: false } },
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

/** One line: a call, a call by a ring, or a ring with every batch. */
export interface Row {
  readonly machine: string;
  readonly via: VehicleName;
  readonly label: string;
  readonly way: string;
  /** By batch; of calls only the first. */
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

/** Changes a machine that has made its first request, with a row for each exit. */
type Spoil = (vm: Vm) => void;

function made(options: VmOptions, interrupts: boolean, spoil?: Spoil): { vm: Vm; io: Io } {
  const vm = createVm({ ...options, interrupts, memory: 2 ** 20, recordRows: spoil !== undefined });
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

/** A plain call's cost. */
export async function measureCall(
  options: VmOptions,
  via: VehicleName,
  spoil?: Spoil,
): Promise<{ label: string; source: string; cost: Measured }> {
  const { vm, io } = made(options, false, spoil);
  const handle = await io.open("sink", { via, data: "descriptor" });
  const call = () => handle.call(1, PAYLOAD);
  // The first touch of a page is an exit of another kind.
  await call();
  spoil?.(vm);
  const cost = await measured(vm, 1, async () => {
    await call();
    return { kicks: 0, interrupts: 0 };
  });
  return { label: handle.label, source: startMeter(vm)().profile.source, cost };
}

/** What requests by rings cost, by batch. Throws `Error` if one is not answered, or a doorbell rings nowhere. */
export async function measureRings(
  options: VmOptions,
  via: VehicleName,
  way: RingOptions,
  batches: readonly number[] = BATCHES,
  spoil?: Spoil,
): Promise<Measured[]> {
  const all: Measured[] = [];
  let machine: ReturnType<typeof made> | undefined;
  for (const batch of batches) {
    // Where interrupts are let in, a machine that has run for long has ticks of its own in between: begin anew.
    machine = way.poll ? machine ?? made(options, false, spoil) : made(options, true, spoil);
    const { vm, io } = machine, handle = await io.open("sink", { via });
    const ring = await handle.ring({ ...way, entries: ENTRIES, bytes: ROOM, batch });
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
    // Not measured: the first touch of a page. As many as one interrupt is for, so that none is left to wait for.
    await pass(way.coalesce ?? 1);
    spoil?.(vm);
    const requests = Math.max(LEAST, batch);
    all.push(await measured(vm, requests, () => pass(requests)));
    ring.close();
  }
  return all;
}

/** What a synchronous call by a ring costs: a request, a kick, and a wait until it is answered. Throws as `measureRings`. */
export async function measureCallRing(
  options: VmOptions,
  via: VehicleName,
  way: RingOptions,
  spoil?: Spoil,
): Promise<Measured> {
  const { vm, io } = made(options, way.poll === false, spoil);
  const ring = await (await io.open("sink", { via })).ring({ ...way, entries: ENTRIES, bytes: ROOM });
  const call = () => ring.call(1, PAYLOAD, { reply: 8 });
  await call();
  spoil?.(vm);
  return await measured(vm, 1, async () => {
    const before = ring.stats;
    if ((await call())[0] !== PAYLOAD.length) throw new Error(`a call by ${ring.label} is answered wrongly`);
    const { kicks, interrupts } = ring.stats;
    return { kicks: kicks - before.kicks, interrupts: interrupts - before.interrupts };
  });
}

const perRequest = ({ cycles, requests }: Measured): number => cycles / requests;

/** The smallest batch from which on no request costs more than `call`. */
function evenWith(call: number, all: readonly Measured[]): number | undefined {
  const from = all.findIndex((_, i) => all.slice(i).every((one) => perRequest(one) <= call));
  return from < 0 ? undefined : BATCHES[from];
}

type Calls = readonly Awaited<ReturnType<typeof measureCall>>[];

/** All ways by one vehicle, `calls` being those of all vehicles. */
async function measureVehicle({ name, options }: Machine, i: number, calls: Calls): Promise<Row[]> {
  const via = VEHICLES[i], { label, cost } = calls[i];
  const cheapest = Math.min(...calls.map((call) => call.cost.cycles));
  const rows: Row[] = [{ machine: name, via, label, way: "call", measured: [cost] }];
  for (const { name: way, options: ring } of CALL_RINGS) {
    rows.push({ machine: name, via, label, way, measured: [await measureCallRing(options, via, ring)] });
  }
  for (const way of WAYS) {
    const all = await measureRings(options, via, way.options);
    const breakEven = evenWith(cost.cycles, all), beatsAll = evenWith(cheapest, all);
    rows.push({ machine: name, via, label, way: way.name, measured: all, breakEven, beatsAll });
  }
  return rows;
}

function sectionOf({ name, options }: Machine, calls: Calls, rows: readonly Row[]): Section {
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

const isCall = ({ way }: Row) => way.startsWith("call");

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
    value: (row: Row) => isCall(row) ? "" : String(row.breakEven ?? "never"),
    right: true,
  },
  {
    title: "beats all",
    value: (row: Row) => isCall(row) ? "" : String(row.beatsAll ?? "never"),
    right: true,
  },
];

const ABOUT = [
  "cycles of one request, by batch: what a call or a batch costs, divided by its requests",
  "even at: from this batch on a request costs no more than a call by the same vehicle",
  "beats all: the same against the cheapest call of the machine",
  "a call is a descriptor in RAM and one exit; userspace, kernel, fast: who takes the kick, fast by address alone",
  "look or irq: how answers are found; irq for 8: one interrupt for as many answers",
  "a call ring's call puts a request into a ring, kicks, and waits for its answer",
  "the driver is guest code: its instructions are in the cycles, as are those of the stub that makes a call",
];

function asText(sections: readonly Section[]): string {
  const parts = sections.map(({ machine, rows, notes }) =>
    [machine, "", ...table(COLUMNS, rows), "", ...notes].join("\n")
  );
  return `${[...parts, ABOUT.join("\n")].join("\n\n\n")}\n`;
}

function asCsv(sections: readonly Section[]): string {
  // Interrupted before the first.
  if (sections.length === 0) return "";
  const lines = sections.flatMap(({ rows }) =>
    rows.flatMap((row) =>
      row.measured.map((one, i) =>
        [
          row.machine,
          row.via,
          `"${row.label}"`,
          `"${row.way}"`,
          isCall(row) ? "" : BATCHES[i],
          ...Object.values(one),
        ].join(",")
      )
    )
  );
  const keys = Object.keys(sections[0].rows[0].measured[0]);
  return `${["machine", "via", "label", "way", "batch", ...keys].join(",")}\n${lines.join("\n")}\n`;
}

/** Measures the matrix and prints it. */
export default async function ringVsCall({ args, json, out, each }: ScriptContext): Promise<void> {
  const calls = new Map<Machine, Calls>(), rows: Row[] = [];
  const cells = MACHINES.flatMap((machine) => VEHICLES.map((_, i) => ({ machine, i })));
  for await (const { machine, i } of each("ring_vs_call", cells, "vehicles")) {
    const own = calls.get(machine) ??
      await Promise.all(VEHICLES.map((via) => measureCall(machine.options, via)));
    calls.set(machine, own);
    rows.push(...await measureVehicle(machine, i, own));
  }
  const sections = [...calls].map(([machine, own]) =>
    sectionOf(machine, own, rows.filter((row) => row.machine === machine.name))
  );
  if (json) out.write(`${JSON.stringify({ batches: BATCHES, sections }, null, 2)}\n`);
  else out.write(args.includes("--csv") ? asCsv(sections) : asText(sections));
}

if (import.meta.main) await standalone(ringVsCall);

/**
 * Every way to carry a call to a device, on {x86 vmx, x86 svm, ppc64 kvm-hv, ppc32 kvm-pr}: exits and cycles by stage for
 * 4, 64 and 4,096 bytes, the device in userspace and in the kernel; what a doorbell costs that the kernel matches or
 * gathers; and the refusals of what cannot be.
 *
 *     trapsh run scripts/vehicles.ts [--json]
 *
 * Every figure is of guest code that ran and trapped; each operation is measured the second time, when the pages that
 * it touches are known to the hypervisor and the bridge is set up.
 */
import {
  createIo,
  createVm,
  type DataMode,
  type Device,
  type HandledIn,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  type VehicleName,
  type Vm,
  type VmOptions,
} from "../mod.ts";
import { HV, type Machine, PR, SVM, VMX } from "./support/machines.ts";
import { folded, messageOf } from "./support/text.ts";

const MACHINES: readonly Machine[] = [
  { name: "x86 vmx", options: VMX },
  { name: "x86 svm", options: SVM },
  { name: "ppc64 kvm-hv", options: HV },
  { name: "ppc32 kvm-pr", options: PR },
];

/** A vehicle of the table: where the trap goes, and how the payload travels. */
const VEHICLES: readonly { readonly name: string; readonly via: VehicleName; readonly data: DataMode }[] = [
  { name: "registers by hypercall", via: "hypercall", data: "registers" },
  { name: "registers by PIO (pio_callX)", via: "pio", data: "registers" },
  { name: "descriptor, hypercall", via: "hypercall", data: "descriptor" },
  { name: "descriptor, PIO", via: "pio", data: "descriptor" },
  { name: "descriptor, MMIO", via: "mmio", data: "descriptor" },
  { name: "fast call, hypercall", via: "hypercall", data: "fastcall" },
  { name: "fast call, PIO", via: "pio", data: "fastcall" },
  { name: "fast call, MMIO", via: "mmio", data: "fastcall" },
  { name: "slow bridge call", via: "mmio", data: "bridge" },
  { name: "words, PIO", via: "pio", data: "words" },
  { name: "words, string PIO", via: "pio", data: "string" },
  { name: "words, MMIO", via: "mmio", data: "words" },
  { name: "words, MMIO as hypercall", via: "hypercall", data: "logical" },
];

const SIZES = [4, 64, 4096];
const PLACES: readonly HandledIn[] = ["userspace", "kernel"];

/** One cell: a call of `size` bytes that is answered with 8. */
interface CallRow {
  readonly machine: string;
  readonly vehicle: string;
  readonly label: string;
  readonly size: number;
  readonly handledIn: HandledIn;
  readonly exits: number;
  readonly worldSwitch: number;
  readonly dispatch: number;
  readonly decode: number;
  readonly userspace: number;
  readonly device: number;
  readonly guest: number;
  readonly cycles: number;
}

interface Refusal {
  readonly machine: string;
  readonly vehicle: string;
  readonly why: string;
}

/** What one doorbell write costs, by who takes it. */
interface DoorbellRow {
  readonly machine: string;
  readonly bus: string;
  readonly taken: string;
  readonly writes: number;
  readonly exits: number;
  /** Of the exits, those that went to userspace. */
  readonly returns: number;
  readonly cyclesEach: string;
}

interface Section {
  readonly machine: string;
  readonly profile: string;
  readonly source: string;
  readonly calls: readonly CallRow[];
  readonly refusals: readonly Refusal[];
  readonly doorbells: readonly DoorbellRow[];
}

/** Costs no cycles of its own, so that only the way to it is priced. */
function sink(handledIn: HandledIn): Device {
  return {
    name: `in-${handledIn}`,
    handledIn,
    read: (_offset, size) => (size === 8 ? 42n : 42),
    write() {},
    call: (_fn, data) => data.length,
  };
}

async function measureCalls(
  machine: string,
  options: VmOptions,
): Promise<Pick<Section, "calls" | "refusals">> {
  const vm = createVm({ ...options, memory: 2 ** 20 });
  for (const handledIn of PLACES) vm.devices.add(sink(handledIn));
  const io = createIo(vm);
  const calls: CallRow[] = [], refusals: Refusal[] = [];
  for (const { name: vehicle, via, data } of VEHICLES) {
    for (const handledIn of PLACES) {
      const opened = await io.open(`in-${handledIn}`, { via, data }).catch(messageOf);
      if (typeof opened === "string") {
        if (handledIn === "userspace") refusals.push({ machine, vehicle, why: opened.replace(/^.*?: /, "") });
        continue;
      }
      for (const size of SIZES) {
        const payload = Uint8Array.from({ length: size }, (_, i) => i);
        await opened.call(1, payload);
        const meter = startMeter(vm);
        await opened.call(1, payload);
        const { exits, guestCycles: guest, cycles: { total, ...stages } } = meter();
        calls.push({
          machine,
          vehicle,
          label: opened.label,
          size,
          handledIn,
          exits,
          ...stages,
          guest,
          cycles: total + guest,
        });
      }
    }
  }
  io.close();
  return { calls, refusals };
}

const PORT = 0xc000, GPA = 0xfec8_0000, WRITES = 400, DATA = 7;

/** A guest that writes a doorbell over and over. */
function ringing(vm: Vm, bus: "pio" | "mmio"): string {
  if (vm.arch === "ppc") {
    return `oris r3, r0, ${GPA >>> 16}\n li r4, ${WRITES}\n mtctr r4\n lis r5, ${DATA << 8}
loop: stw r5, 0(r3)\n bdnz loop\nend: nop`;
  }
  const rings = bus === "pio" ? "out dx, eax" : "mov [rbx], eax";
  return `mov ebx, ${GPA}\n mov edx, ${PORT}\n mov eax, ${DATA}\n mov ecx, ${WRITES}
loop: ${rings}\n dec ecx\n jnz loop\nend: hlt`;
}

type Taker = (vm: Vm, bus: "pio" | "mmio") => void;

const at = (bus: "pio" | "mmio") => ({ bus, address: bus === "pio" ? PORT : GPA });

/** Who takes the writes: the device is there each time. */
const TAKERS: readonly (readonly [string, Taker])[] = [
  ["userspace", () => {}],
  ["kernel, any data", (vm, bus) => void vm.ioevents.add({ ...at(bus), length: 4, signal() {} })],
  [
    "kernel, data match",
    (vm, bus) => void vm.ioevents.add({ ...at(bus), length: 4, datamatch: DATA, signal() {} }),
  ],
  ["kernel, any length", (vm, bus) => void vm.ioevents.add({ ...at(bus), length: 0, signal() {} })],
  ["gathered in the ring", (vm, bus) => vm.coalesced.add({ ...at(bus), size: 4 })],
];

async function measureDoorbells(machine: string, options: VmOptions): Promise<DoorbellRow[]> {
  const rows: DoorbellRow[] = [];
  for (const bus of options.arch === "ppc" ? ["mmio"] as const : ["pio", "mmio"] as const) {
    for (const [taken, take] of TAKERS) {
      const vm = createVm({ ...options, memory: 2 ** 20 });
      vm.devices.add({ name: "bell", size: 4, write() {} }, {
        gpa: GPA,
        ...bus === "pio" ? { port: PORT } : {},
      });
      take(vm, bus);
      const program = vm.assemble(ringing(vm, bus));
      // Once to touch the page.
      for (const measured of [false, true]) {
        vm.load(program);
        if (measured) vm.exits.reset();
        const stop = await vm.run({ until: program.symbols.get("end") });
        if (stop.reason !== "UNTIL") throw new Error(`${machine}, ${bus}, ${taken}: ${stop.message}`);
      }
      const { count, cycles } = vm.exits.totals();
      const returns = vm.exits.aggregates().reduce(
        (sum, { handledIn, count }) => sum + (handledIn === "userspace" ? count : 0),
        0,
      );
      rows.push({
        machine,
        bus,
        taken,
        writes: WRITES,
        exits: count,
        returns,
        cyclesEach: (cycles.total / WRITES).toFixed(1),
      });
    }
  }
  return rows;
}

async function measure({ name, options }: Machine): Promise<Section> {
  const { profile } = createVm({ ...options, memory: 2 ** 20 });
  return {
    machine: name,
    profile: `${profile.name}: ${profile.data.title}`,
    source: profile.data.source,
    ...await measureCalls(name, options),
    doorbells: await measureDoorbells(name, options),
  };
}

/** The port space, asked for more than it has. */
function portSpace(): string[] {
  const handler = { read: () => 0, write() {} };
  const { vectors } = createVm({ arch: "x86", memory: 2 ** 20 });
  const asked = (take: () => unknown): string => {
    try {
      take();
      return "granted";
    } catch (error) {
      return messageOf(error);
    }
  };
  for (let i = 1; i <= vectors.size; i++) vectors.take(`vector${i}`, handler);
  const ppc = createVm({ arch: "ppc", memory: 2 ** 20 });
  return [
    `vector 8,193: ${asked(() => vectors.take("vector8193", handler))}`,
    `port 0x10000: ${asked(() => vectors.take("past", handler, vectors.size))}`,
    `PowerPC: ${asked(() => ppc.vectors.take("vector1", handler))}`,
  ];
}

const CALL_COLUMNS = [
  { title: "vehicle", value: (row: CallRow) => row.vehicle },
  { title: "in", value: (row: CallRow) => row.handledIn },
  { title: "bytes", value: (row: CallRow) => row.size },
  { title: "exits", value: (row: CallRow) => row.exits },
  { title: "switch", value: (row: CallRow) => row.worldSwitch },
  { title: "dispatch", value: (row: CallRow) => row.dispatch },
  { title: "decode", value: (row: CallRow) => row.decode },
  { title: "userspace", value: (row: CallRow) => row.userspace },
  { title: "device", value: (row: CallRow) => row.device },
  { title: "guest", value: (row: CallRow) => row.guest },
  { title: "cycles", value: (row: CallRow) => row.cycles },
];

const DOORBELL_COLUMNS = [
  { title: "doorbell", value: (row: DoorbellRow) => row.bus },
  { title: "taken by", value: (row: DoorbellRow) => row.taken },
  { title: "writes", value: (row: DoorbellRow) => row.writes },
  { title: "exits", value: (row: DoorbellRow) => row.exits },
  { title: "to userspace", value: (row: DoorbellRow) => row.returns },
  { title: "cycles a write", value: (row: DoorbellRow) => row.cyclesEach, right: true },
];

function asText(sections: readonly Section[], ports: readonly string[]): string {
  const parts = sections.map(({ machine, profile, source, calls, refusals, doorbells }) =>
    [
      machine,
      "",
      ...table(CALL_COLUMNS, calls),
      "",
      ...refusals.map(({ vehicle, why }) => folded(`no ${vehicle}: ${why}`)),
      "",
      ...table(DOORBELL_COLUMNS, doorbells),
      "",
      folded(`profile ${profile}`),
      folded(`source: ${source}`),
    ].join("\n")
  );
  return `${parts.join("\n\n\n")}\n\n\nthe port space\n${ports.map((line) => folded(line)).join("\n")}\n\n${
    folded(ABOUT)
  }\n`;
}

const ABOUT =
  "calls are answered with 8 bytes; MMIO as a hypercall is charged the look-up on the MMIO bus beside the hypercall, under " +
  "device; of a string the profile prices no decoding, though KVM hands it to its emulator; on a PIO row of PowerPC the " +
  "access is a store to the PCI I/O window; cycles a write are the exits' alone";

/** Measures all and prints it. */
export default async function vehicles({ json, out, each }: ScriptContext): Promise<void> {
  const sections: Section[] = [];
  for await (const machine of each("vehicles", MACHINES, "machines")) sections.push(await measure(machine));
  const ports = portSpace();
  out.write(json ? `${JSON.stringify({ sections, ports }, null, 2)}\n` : asText(sections, ports));
}

if (import.meta.main) await standalone(vehicles);

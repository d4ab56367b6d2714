/**
 * What each way of talking to a device costs: {x86 vmx, x86 svm, ppc32, ppc64} x {hypercall, pio, mmio}.
 *
 *     trapsh run scripts/transports.ts [--json | --csv]
 *
 * Every figure is of guest code that ran and trapped; each operation is measured the second time, when the
 * pages that it touches are known to the hypervisor.
 */
import {
  type Cost,
  createIo,
  createVm,
  type DataMode,
  type Device,
  type Handle,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  type VehicleName,
} from "../mod.ts";
import { type Machine, MACHINES } from "./support/machines.ts";
import { folded } from "./support/text.ts";

const VEHICLES: readonly VehicleName[] = ["hypercall", "pio", "mmio"];

interface Operation {
  readonly name: string;
  readonly data: DataMode;
  /** Bytes that it moves, both ways. */
  readonly bytes: number;
  run(handle: Handle): Promise<unknown>;
}

/** Calls are answered with 8 bytes. */
function callOf(size: number, data: "words" | "descriptor"): Operation {
  const payload = Uint8Array.from({ length: size }, (_, i) => i);
  return { name: `call ${size} ${data}`, data, bytes: size + 8, run: (handle) => handle.call(1, payload) };
}

const OPERATIONS: readonly Operation[] = [
  { name: "write32", data: "auto", bytes: 4, run: (handle) => handle.write(0, 4, 0x1234) },
  { name: "read32", data: "auto", bytes: 4, run: (handle) => handle.read(0, 4) },
  { name: "write64", data: "auto", bytes: 8, run: (handle) => handle.write(0, 8, 0x1234) },
  callOf(8, "words"),
  callOf(8, "descriptor"),
  callOf(64, "words"),
  callOf(64, "descriptor"),
];

/** Costs no cycles of its own, so that only the way to it is priced. */
const sink: Device = {
  name: "sink",
  read: (_offset, size) => (size === 8 ? 42n : 42),
  write() {},
  call: (_fn, data) => data.length,
};

/** One cell of the matrix. */
interface Row {
  readonly machine: string;
  readonly backend: string;
  /** The vehicle that was asked for, and what it really was. */
  readonly via: VehicleName;
  readonly label: string;
  readonly operation: string;
  readonly exits: number;
  readonly instructions: number;
  readonly guestCycles: number;
  readonly worldSwitch: number;
  readonly dispatch: number;
  readonly decode: number;
  readonly userspace: number;
  readonly device: number;
  /** Of the exits and of the guest's own instructions. */
  readonly cycles: number;
  readonly bytesPerExit: number;
}

interface Section {
  readonly machine: string;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

async function measureMachine({ name, options }: Machine): Promise<Section> {
  const vm = createVm({ ...options, memory: 2 ** 20 });
  vm.devices.add(sink);
  const io = createIo(vm);
  const rows: Row[] = [];
  const costs: Cost[] = [];
  for (const operation of OPERATIONS) {
    for (const via of VEHICLES) {
      const handle = await io.open("sink", { via, data: operation.data });
      await operation.run(handle);
      const meter = startMeter(vm);
      await operation.run(handle);
      const cost = meter();
      costs.push(cost);
      const { worldSwitch, dispatch, decode, userspace, device, total } = cost.cycles;
      rows.push({
        machine: name,
        backend: vm.backend.name,
        via,
        label: handle.label,
        operation: operation.name,
        exits: cost.exits,
        instructions: cost.instructions,
        guestCycles: cost.guestCycles,
        worldSwitch,
        dispatch,
        decode,
        userspace,
        device,
        cycles: total + cost.guestCycles,
        bytesPerExit: operation.bytes / cost.exits,
      });
    }
  }
  return { machine: name, rows, notes: [...labelNotes(rows), ...profileNotes(costs, vm.profile.title)] };
}

function labelNotes(rows: readonly Row[]): string[] {
  return VEHICLES.flatMap((via) => {
    const label = rows.find((row) => row.via === via)!.label;
    return label === via ? [] : [`${via}: ${label}`];
  });
}

/** Profile, source, and for each kind of provenance what has it. */
function profileNotes(costs: readonly Cost[], title: string): string[] {
  const kinds = new Map<string, Set<string>>();
  for (const { provenance } of costs) {
    for (const [kind, names] of Object.entries(provenance)) {
      kinds.set(kind, new Set([...kinds.get(kind) ?? [], ...names]));
    }
  }
  const figures = [...kinds].map(([kind, names]) => `${kind}: ${[...names].join(", ")}`);
  const { name, source } = costs[0].profile;
  return [`profile ${name}: ${title}`, `source: ${source}`, `figures ${figures.join("; ")}`];
}

/** What the matrix says about the claims of the May 2009 thread, by their numbers in the project's facts. */
function claims(sections: readonly Section[]): string[] {
  const rows = sections.flatMap((section) => section.rows);
  const at = (machine: string, via: VehicleName, operation: string): Row =>
    rows.find((row) => row.machine === machine && row.via === via && row.operation === operation)!;
  const exits = (machine: string, via: VehicleName, operation: string) => at(machine, via, operation).exits;
  const mmio = at("x86 vmx", "mmio", "write32"), pio = at("x86 vmx", "pio", "write32");
  const hypercall = at("x86 vmx", "hypercall", "write32");
  const window = at("ppc64", "pio", "call 64 words"), own = at("ppc64", "mmio", "call 64 words");
  const descriptors = new Set(
    rows.filter((row) => row.operation === "call 64 descriptor").map((row) => row.exits),
  );
  return [
    `claim 1, MMIO is a fault that must be decoded: a 32-bit write costs ${mmio.cycles} cycles by MMIO, ${mmio.decode} of ` +
    `them decode; ${pio.cycles} by PIO, ${pio.decode} of them decode`,
    `claim 2, PIO moves one word at a time: 64 bytes and their reply by words are ${
      exits("x86 vmx", "pio", "call 64 words")
    } exits by PIO on x86, ${exits("x86 vmx", "mmio", "call 64 words")} by MMIO (8 bytes a word)`,
    `claim 4, a hypercall packs registers: 8 bytes and their reply are ${
      exits("x86 vmx", "hypercall", "call 8 words")
    } exit by hypercall, ${exits("x86 vmx", "pio", "call 8 words")} by PIO, ${
      exits("x86 vmx", "mmio", "call 8 words")
    } by MMIO; 64 bytes are ${exits("x86 vmx", "hypercall", "call 64 words")} on x86 (4 registers), ${
      exits("ppc64", "hypercall", "call 64 words")
    } on ppc64 (8 registers)`,
    `claim 5, VMCALL or VMMCALL: vmx and svm take stubs of their own and make as many exits; that their cycles are equal ` +
    `is the profile's doing, which prices both`,
    `claims 7 and 9, data need not travel with the trap: with a descriptor in RAM every vehicle makes ${
      [...descriptors].join(" or ")
    } exit; what is left between them is ${hypercall.cycles}, ${pio.cycles} and ${mmio.cycles} cycles on x86 vmx ` +
    `(hypercall, PIO, MMIO; 32-bit write)`,
    `claims 8 and 12, PowerPC maps PIO onto MMIO: through the PCI I/O window 64 bytes by words are ${window.exits} exits ` +
    `and ${window.cycles} cycles on ppc64, ${own.exits} and ${own.cycles} by MMIO proper`,
  ];
}

const COLUMNS = [
  { title: "operation", value: (row: Row) => row.operation },
  { title: "via", value: (row: Row) => row.via },
  { title: "exits", value: (row: Row) => row.exits },
  { title: "insns", value: (row: Row) => row.instructions },
  { title: "guest", value: (row: Row) => row.guestCycles },
  { title: "switch", value: (row: Row) => row.worldSwitch },
  { title: "dispatch", value: (row: Row) => row.dispatch },
  { title: "decode", value: (row: Row) => row.decode },
  { title: "userspace", value: (row: Row) => row.userspace },
  { title: "device", value: (row: Row) => row.device },
  { title: "cycles", value: (row: Row) => row.cycles },
  { title: "bytes/exit", value: (row: Row) => row.bytesPerExit.toFixed(1), right: true },
];

function asText(sections: readonly Section[]): string {
  const parts = sections.map(({ machine, rows, notes }) =>
    [`${machine} (${rows[0].backend})`, "", ...table(COLUMNS, rows), "", ...notes.map((note) => folded(note))]
      .join("\n")
  );
  const about =
    "cycles are of one operation, stages summed over its exits; calls are answered with 8 bytes, which " +
    "bytes/exit counts";
  return `${[...parts, folded(about)].join("\n\n\n")}\n\n${
    claims(sections).map((claim) => folded(claim)).join("\n")
  }\n`;
}

function asCsv(sections: readonly Section[]): string {
  const rows = sections.flatMap((section) => section.rows);
  const keys = Object.keys(rows[0]) as (keyof Row)[];
  const cell = (value: string | number) => /[",;]/.test(String(value)) ? `"${value}"` : String(value);
  return [keys.join(","), ...rows.map((row) => keys.map((key) => cell(row[key])).join(","))].join("\n") +
    "\n";
}

/** Measures the matrix and prints it. */
export default async function transports({ args, json, out }: ScriptContext): Promise<void> {
  const sections: Section[] = [];
  for (const machine of MACHINES) sections.push(await measureMachine(machine));
  if (json) out.write(`${JSON.stringify({ sections, claims: claims(sections) }, null, 2)}\n`);
  else out.write(args.includes("--csv") ? asCsv(sections) : asText(sections));
}

if (import.meta.main) await standalone(transports);

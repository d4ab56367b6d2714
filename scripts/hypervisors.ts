/**
 * The same device under every hypervisor: what its driver's calls cost by each way in, what it takes to begin, and what
 * becomes of the other vendor's hypercall instruction.
 *
 *     trapsh run scripts/hypervisors.ts [--json]
 *
 * Every figure is of guest code that ran and trapped. Replies are compared with what the device answers; a cell that is
 * not feasible says why.
 */
import {
  createIo,
  createVm,
  type Device,
  HYPERVISORS,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  type VehicleName,
  type VmOptions,
  type WrongHypercall,
} from "../mod.ts";
import { messageOf } from "./support/text.ts";

const MACHINES: readonly (VmOptions & { readonly mode: 16 | 32 | 64; readonly backend: Name })[] = [
  { arch: "x86", mode: 64, backend: "vmx" },
  { arch: "x86", mode: 64, backend: "svm" },
  { arch: "x86", mode: 32, backend: "vmx" },
  { arch: "x86", mode: 16, backend: "vmx" },
  { arch: "ppc", mode: 64, backend: "kvm-hv" },
  { arch: "ppc", mode: 64, backend: "kvm-pr" },
  { arch: "ppc", mode: 32, backend: "kvm-pr" },
];
type Name = "vmx" | "svm" | "kvm-hv" | "kvm-pr";

const VEHICLES: readonly VehicleName[] = ["hypercall", "pio", "mmio"];
const POLICIES: readonly WrongHypercall[] = ["patch", "emulate", "reject"];

/** Answers 8 bytes that depend on all that came. */
const device: Device = {
  name: "sum",
  read: (_offset, size) => (size === 8 ? 42n : 42),
  write() {},
  call: (fn, data) => data.reduce((sum, byte) => sum * 31 + byte & 0xffff, fn),
};

/** Exits and cycles, the guest's own instructions included. */
interface Cost {
  readonly exits: number;
  readonly cycles: number;
}

interface Row {
  readonly machine: string;
  readonly hypervisor: string;
  readonly via: VehicleName;
  /** To open the device. */
  readonly open?: Cost;
  /** A 32-bit register store, a call with 8 bytes, one with 64, one with 64 by descriptor. */
  readonly write?: Cost;
  readonly call8?: Cost;
  readonly call64?: Cost;
  readonly descriptor?: Cost;
  readonly repliesEqual?: boolean;
  /** Why there are no figures. */
  readonly infeasible?: string;
}

/** The other vendor's instruction, three calls of it in a loop. */
interface WrongRow {
  readonly machine: string;
  readonly hypervisor: string;
  readonly policy: WrongHypercall;
  /** Native names, in order. */
  readonly exits: string;
  readonly cycles: number;
  readonly text: "rewritten" | "untouched";
  readonly outcome: string;
}

function nameOf({ backend, arch, mode }: (typeof MACHINES)[number]): string {
  return `${arch} ${mode} ${backend}`;
}

async function measure(
  machine: (typeof MACHINES)[number],
  hypervisor: string,
  via: VehicleName,
): Promise<Row> {
  const at = { machine: nameOf(machine), hypervisor, via };
  const vm = createVm({
    ...machine,
    hypervisor: HYPERVISORS.find(({ name }) => name === hypervisor)!.name,
    memory: 2 ** 20,
  });
  vm.devices.add(device);
  const io = createIo(vm);
  const timed = async <T>(work: () => Promise<T>): Promise<[Cost, T]> => {
    const meter = startMeter(vm);
    const result = await work();
    const { exits, cycles, guestCycles } = meter();
    return [{ exits, cycles: cycles.total + guestCycles }, result];
  };
  try {
    const [open, handle] = await timed(() => io.open("sum", { via }));
    const byDescriptor = await io.open("sum", { via, data: "descriptor" });
    const words = await io.open("sum", { via, data: "words" });
    const payload = (size: number) => Uint8Array.from({ length: size }, (_, i) => i + 1);
    const operations = [
      () => handle.write(0, 4, 1),
      () => words.call(1, payload(8)),
      () => words.call(1, payload(64)),
      () => byDescriptor.call(1, payload(64)),
    ];
    const costs: Cost[] = [], replies: unknown[] = [];
    for (const operation of operations) {
      // The second time: the pages that it touches are known then.
      await operation();
      const [cost, reply] = await timed<unknown>(operation);
      costs.push(cost);
      replies.push(reply);
    }
    const wanted = [8, 64, 64].map((size) => device.call!(1, payload(size), undefined!) as number);
    const given = replies.slice(1).map((reply) => {
      const bytes = reply as Uint8Array;
      return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    });
    const repliesEqual = wanted.every((value, i) => value === given[i]);
    const [write, call8, call64, descriptor] = costs;
    return { ...at, open, write, call8, call64, descriptor, repliesEqual };
  } catch (error) {
    const text = messageOf(error);
    return { ...at, infeasible: text.replace(/^device "sum" cannot be opened via \w+: /, "") };
  }
}

async function wrongVendor(backend: "vmx" | "svm", policy: WrongHypercall): Promise<WrongRow> {
  const vm = createVm({ arch: "x86", backend, wrongHypercall: policy, memory: 2 ** 18, recordRows: true });
  const call = backend === "vmx" ? "vmmcall" : "vmcall";
  const program = vm.assemble(
    `mov ebp, 3\nagain: mov eax, 1\nwrong: ${call}\ndec ebp\njnz again\nhlt`,
    0x1000n,
  );
  vm.load(program);
  const meter = startMeter(vm);
  const stop = await vm.run({ instructions: 1000 });
  const { cycles, guestCycles } = meter();
  const now = vm.memory.read(program.origin, program.bytes.length);
  return {
    machine: `x86 64 ${backend}`,
    hypervisor: vm.hypervisor.name,
    policy,
    exits: vm.exits.rows.map(({ native }) => native.name).join(" "),
    cycles: cycles.total + guestCycles,
    text: now.every((byte, i) => byte === program.bytes[i]) ? "untouched" : "rewritten",
    outcome: stop.reason,
  };
}

const shown = (cost: Cost | undefined) => cost === undefined ? "-" : `${cost.exits} / ${cost.cycles}`;
const column = (title: string, value: (row: Row) => string) => ({ title, value, right: true });

const COLUMNS = [
  { title: "hypervisor", value: (row: Row) => row.hypervisor },
  { title: "via", value: (row: Row) => row.via },
  column("open", (row) => shown(row.open)),
  column("write32", (row) => shown(row.write)),
  column("call 8", (row) => shown(row.call8)),
  column("call 64", (row) => shown(row.call64)),
  column("descriptor 64", (row) => shown(row.descriptor)),
  column("replies", (row) => row.repliesEqual === undefined ? "-" : row.repliesEqual ? "equal" : "DIFFER"),
];

const WRONG_COLUMNS = [
  { title: "machine", value: (row: WrongRow) => row.machine },
  { title: "hypervisor", value: (row: WrongRow) => row.hypervisor },
  { title: "policy", value: (row: WrongRow) => row.policy },
  { title: "text", value: (row: WrongRow) => row.text },
  { title: "cycles", value: (row: WrongRow) => row.cycles },
  { title: "outcome", value: (row: WrongRow) => row.outcome },
  { title: "exits", value: (row: WrongRow) => row.exits },
];

function asText(rows: readonly Row[], wrong: readonly WrongRow[]): string {
  const parts = MACHINES.map((machine) => {
    const own = rows.filter((row) => row.machine === nameOf(machine));
    const feasible = own.filter((row) => row.infeasible === undefined);
    const refusals = own.filter((row) => row.infeasible !== undefined)
      .map((row) => `${row.hypervisor} ${row.via}: ${row.infeasible}`);
    return [nameOf(machine), "", ...table(COLUMNS, feasible), ...refusals.map((line) => `\n${line}`)].join(
      "\n",
    );
  });
  const about =
    "exits / cycles of one operation; open is what the driver asks of the hypervisor when it starts";
  const vendor = [
    "the other vendor's hypercall instruction, three calls",
    "",
    ...table(WRONG_COLUMNS, wrong),
  ];
  return `${[...parts, about, vendor.join("\n")].join("\n\n\n")}\n`;
}

/** Measures the matrix and prints it. */
export default async function hypervisors({ json, out, each }: ScriptContext): Promise<void> {
  const rows: Row[] = [];
  const cells = MACHINES.flatMap((machine) => {
    const { backend, mode } = machine;
    const there = HYPERVISORS.filter(({ carriers }) => carriers[backend]?.includes(mode));
    return there.flatMap(({ name }) => VEHICLES.map((via) => ({ machine, name, via })));
  });
  for await (const { machine, name, via } of each("hypervisors", cells, "cells")) {
    rows.push(await measure(machine, name, via));
  }
  const wrong: WrongRow[] = [];
  for (const backend of ["vmx", "svm"] as const) {
    for (const policy of POLICIES) wrong.push(await wrongVendor(backend, policy));
  }
  out.write(json ? `${JSON.stringify({ rows, wrong }, null, 2)}\n` : asText(rows, wrong));
}

if (import.meta.main) await standalone(hypervisors);

/**
 * Drivers that do not know their vehicle, on every machine, under every hypervisor, by every vehicle: the one below in
 * TypeScript, and the same in C (`guests/drivers.c`) where its ELF files are given. Replies are compared line by line; a
 * cell that is not feasible says why, in each driver's own words.
 *
 *     trapsh run scripts/drivers.ts [ELF...] [--json]
 *
 * An ELF file says itself which machines it is for. For x86-64 it is made by
 *
 *     G=scripts/guests R=scripts/guests/runtime
 *     gcc -m64 @$R/x86.flags -O2 -T $R/guest.ld $R/*.[cS] $G/driver/*.c $G/drivers.c -o drivers.elf
 *
 * and in the same way for i386 (-m32) and, with ppc.flags, by powerpc-linux-gnu-gcc and its 64-bit relatives.
 */
import {
  createIo,
  createVm,
  debugExitDevice,
  type Device,
  type Handle,
  HYPERVISORS,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  Uart16550,
  type VehicleName,
  type VirtioQueue,
  VirtioRefusal,
  virtioVbusBlock,
  VirtioVbusDriver,
  type Vm,
  type VmOptions,
} from "../mod.ts";
import { quietly } from "./support/each.ts";

type Backend = "vmx" | "svm" | "kvm-hv" | "kvm-pr";
export type Machine = VmOptions & { readonly mode: 16 | 32 | 64; readonly backend: Backend };

const MACHINES: readonly Machine[] = [
  { arch: "x86", mode: 64, backend: "vmx" },
  { arch: "x86", mode: 64, backend: "svm" },
  { arch: "x86", mode: 32, backend: "vmx" },
  { arch: "x86", mode: 32, backend: "svm" },
  { arch: "x86", mode: 16, backend: "vmx" },
  { arch: "ppc", mode: 32, backend: "kvm-pr" },
  { arch: "ppc", mode: 64, backend: "kvm-hv" },
  { arch: "ppc", mode: 64, backend: "kvm-pr" },
  { arch: "ppc", mode: 64, order: "le", backend: "kvm-hv" },
  { arch: "ppc", mode: 64, order: "le", backend: "kvm-pr" },
];
const VEHICLES: readonly VehicleName[] = ["hypercall", "pio", "mmio"];

const SECTOR = 512, SECTORS = 8;
/** Where the TypeScript driver's queue is, in RAM. */
const QUEUE = { gpa: 0x20_0000, size: 8, bytes: 8192 };
const MEMORY = 2 ** 22;
/** Of a driver that would never end. */
const BUDGET = 100_000_000;

const echo: Device = { name: "echo", stateless: true, call: (_fn, data) => data };
/** Takes doorbells, and no calls. */
const bell: Device = { name: "bell", stateless: true, notify() {} };
const disk = () => virtioVbusBlock({ name: "disk", image: new Uint8Array(SECTOR * SECTORS) });

// --- The driver.

function crc32(bytes: Uint8Array): string {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (~crc >>> 0).toString(16).padStart(8, "0");
}

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8) * 7 + 5);

const LENGTHS = [0, 1, 3, 4, 7, 8, 9, 16, 17, 48, 49, 64, 127, 128, 129, 300, 5000, 70_000];

async function driveEcho(device: Handle): Promise<string[]> {
  const lines: string[] = [];
  for (const length of LENGTHS) {
    const reply = await device.call(1, pattern(length), { reply: 70_000 });
    lines.push(`echo ${length}: ${reply.length} bytes, crc ${crc32(reply)}`);
  }
  // The transports fetch what does not fit: in C that is the driver's business.
  const parts = await device.call(1, pattern(300), { reply: 5 });
  const [then, last] = [parts.length - 5, parts.length - 105];
  lines.push(`300 in parts: ${parts.length}, then ${then}, then ${last}, crc ${crc32(parts)}`);
  const reply = await device.call(1, pattern(40));
  return [...lines, `in place: ${reply.length} bytes, crc ${crc32(reply)}`];
}

/** What a call comes to that the transports refuse: a negative errno. */
async function refusal(work: Promise<unknown>): Promise<number> {
  try {
    await work;
    return 0;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && "errno" in cause && cause.errno === "ENOSYS") return -38;
    throw error;
  }
}

async function driveBell(device: Handle): Promise<string[]> {
  const short = await refusal(device.call(1, pattern(4))), long = await refusal(device.call(1, pattern(300)));
  return [`bell: short call ${short}, long call ${long}, rung ${await refusal(device.notify(5))}`];
}

/** What a call of the disk's driver comes to: 0, or a negative errno. */
async function status(work: Promise<unknown>): Promise<number> {
  try {
    await work;
    return 0;
  } catch (error) {
    if (error instanceof VirtioRefusal) return error.status;
    throw error;
  }
}

/** A request of a virtio disk; `room` is for what it reads. The last byte of the reply is the status. */
async function block(
  queue: VirtioQueue,
  type: number,
  sector: number | bigint,
  data: Uint8Array = new Uint8Array(0),
  room = 0,
): Promise<Uint8Array> {
  const header = new Uint8Array(16), view = new DataView(header.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return await queue.request(data.length > 0 ? [header, data] : [header], room + 1);
}

const ofReply = (reply: Uint8Array) => reply[reply.length - 1];
const content = (reply: Uint8Array) => reply.subarray(0, -1);

async function driveDisk(device: Handle, { memory }: Vm): Promise<string[]> {
  const driver = new VirtioVbusDriver(device, memory), lines: string[] = [];
  const VERSION_1 = 1n << 32n, EVENT_IDX = 1n << 29n;
  lines.push(`features ${(await driver.features()).toString(16).padStart(16, "0")}`);
  const none = await status(driver.finalizeFeatures(0n));
  const unknown = await status(driver.finalizeFeatures(VERSION_1 | 1n << 63n));
  lines.push(`finalize without version 1: ${none}, unknown bit: ${unknown}`);
  const before = await driver.status();
  await driver.setStatus(1 | 2 | 8);
  const without = await driver.status();
  await driver.reset();
  lines.push(`status ${before}, then ${without} without features, reset to ${await driver.status()}`);
  lines.push(`queues: ${await driver.queueSize(0)}, ${await status(driver.queueSize(1))}`);
  const [queue] = await driver.start({ features: EVENT_IDX | 1n << 9n | 1n << 11n, queues: [QUEUE] });
  lines.push(`start 0, status ${await driver.status()}`);
  const capacity = new DataView((await driver.get(0, 8)).slice().buffer).getBigUint64(0, true);
  lines.push(`${capacity} sectors, outside: ${await status(driver.get(32, 64))}`);
  const through = await status(driver.set(32, Uint8Array.of(0)));
  const outside = await status(driver.set(64, Uint8Array.of(0)));
  const cached = (await driver.get(32, 1))[0];
  lines.push(`write-through: ${through}, outside: ${outside}, now ${cached}`);
  const data = pattern(3 * SECTOR);
  const wrote = ofReply(await block(queue, 1, 1, data)),
    read = await block(queue, 0, 0, undefined, 5 * SECTOR);
  lines.push(`write ${wrote}, read ${ofReply(read)}, crc ${crc32(content(read))}`);
  const flushed = ofReply(await block(queue, 4, 0)),
    other = ofReply(await block(queue, 99, 0, undefined, 16));
  const past = ofReply(await block(queue, 0, capacity, undefined, SECTOR));
  lines.push(`flush ${flushed}, unknown ${other}, past the end ${past}`);
  for (let i = 0; i < 20; i++) await block(queue, 1, i % 8, data.subarray(i * 8, i * 8 + SECTOR));
  const all = await block(queue, 0, 0, undefined, 8 * SECTOR);
  lines.push(`read ${ofReply(all)}, crc ${crc32(content(all))}`);
  lines.push(`interrupt ${await driver.interrupt()}, then ${await driver.interrupt()}`);
  await driver.reset();
  return [...lines, `status ${await driver.status()}`];
}

// --- The matrix.

/** What a driver got, or why it got nothing; exits and cycles are those that its devices cost. */
export type Run =
  | {
    readonly replies: readonly string[];
    readonly by: string;
    readonly exits: number;
    readonly cycles: number;
  }
  | { readonly infeasible: string };

export interface Row {
  readonly machine: string;
  readonly hypervisor: string;
  readonly via: VehicleName;
  readonly typescript: Run;
  /** Undefined without an ELF file for the machine. */
  readonly c?: Run;
  readonly equal?: boolean;
}

const nameOf = ({ arch, mode, order, backend }: Machine) =>
  `${arch} ${mode}${order === "le" ? " little-endian" : ""} ${backend}`;

function machineWith(machine: Machine, hypervisor: Row["hypervisor"]): Vm {
  const { name } = HYPERVISORS.find(({ name }) => name === hypervisor)!;
  const vm = createVm({ ...machine, hypervisor: name, memory: MEMORY });
  vm.devices.add(echo);
  vm.devices.add(bell);
  vm.devices.add(disk());
  return vm;
}

/** The driver above on a new machine, which offers its guest one vehicle. */
export async function inTypeScript(machine: Machine, hypervisor: string, via: VehicleName): Promise<Run> {
  const vm = machineWith(machine, hypervisor), io = createIo(vm, { vehicles: [via] }), meter = startMeter(vm);
  try {
    const [echo, bell, disk] = [await io.open("echo"), await io.open("bell"), await io.open("disk")];
    const replies = [...await driveEcho(echo), ...await driveBell(bell), ...await driveDisk(disk, vm)];
    const { exits, cycles } = meter();
    return { replies, by: echo.label, exits, cycles: cycles.total };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (!text.includes("cannot be opened")) throw error;
    const own = text.split("; ").find((part) => part.includes(`${via} passed over`));
    return { infeasible: (own ?? text).replace(/^.*passed over: /, "") };
  }
}

/** Ports that the guest's runtime prints by, and those of PCI's configuration space. */
const OTHERS = new Set(
  [0x3f8, 0x3fd, 0x3fe, 0x501, 0xcf8, 0xcfc].flatMap((port) => [port, 0xfe00_0000 + port]),
);

/** Whether an exit is for discovery or printing, which are no call's cost. */
function isOther(native: string, reason: string, key: number): boolean {
  return /CPUID|MSR/.test(native) || (OTHERS.has(key) && (reason === "IO" || reason === "MMIO"));
}

/** The driver in C on another machine like it: by what its own discovery finds. */
export async function inC(
  machine: Machine,
  hypervisor: string,
  via: VehicleName,
  elf: Uint8Array,
): Promise<Run> {
  const vm = machineWith(machine, hypervisor), sent: number[] = [];
  const place = (port: number) => machine.arch === "x86" ? { port } : { gpa: 0xfe00_0000 + port };
  vm.devices.add(new Uart16550({ transmit: (byte) => void sent.push(byte) }), place(0x3f8));
  vm.devices.add(debugExitDevice(), place(0x501));
  createIo(vm, { vehicles: [via] });
  vm.load(elf);
  const stop = await vm.run({ instructions: BUDGET });
  const [first, ...replies] = new TextDecoder().decode(Uint8Array.from(sent)).trimEnd().split("\n");
  if (stop.reason !== "SYSTEM_EVENT" || stop.code !== 0) {
    return {
      replies: [...replies, `ended by ${stop.reason}: ${stop.message}`],
      by: first,
      exits: 0,
      cycles: 0,
    };
  }
  const why = first.split("; ").find((part) =>
    part.startsWith(`${via}: `) || part.includes(`reach: ${via}: `)
  );
  if (why) return { infeasible: why.replace(/^.*?: /, "").replace(/^\w+: /, "") };
  const costs = vm.exits.aggregates().filter(({ native, reason, key }) => !isOther(native.name, reason, key));
  const cycles = costs.reduce(
    (sum, { cycles: { worldSwitch, dispatch, decode, userspace, device } }) =>
      sum + worldSwitch + dispatch + decode + userspace + device,
    0,
  );
  const by = first.replace(/^.*?echo by (\w+).*$/, "$1");
  return { replies, by, exits: costs.reduce((sum, { count }) => sum + count, 0), cycles };
}

/** Whether an ELF file is for a machine: class, data and machine of its header. */
function isFor(elf: Uint8Array, { arch, mode, order }: Machine): boolean {
  const little = elf[5] === 1, machine = little ? elf[18] | elf[19] << 8 : elf[18] << 8 | elf[19];
  if (mode === 16 || elf[4] !== (mode === 64 ? 2 : 1)) return false;
  if (arch === "x86") return machine === (mode === 64 ? 62 : 3);
  return machine === (mode === 64 ? 21 : 20) && little === (order === "le");
}

const same = (a: Run, b: Run) =>
  "replies" in a && "replies" in b
    ? a.replies.join("\n") === b.replies.join("\n")
    : "infeasible" in a && "infeasible" in b;

const NO_16_BITS =
  "gcc's 16-bit code (-m16) is 32-bit code with prefixes, which reaches 64 KiB of a flat image";

/** Every cell; `elfs` are those of the driver in C. */
export async function matrix(elfs: readonly Uint8Array[], each = quietly): Promise<Row[]> {
  const rows: Row[] = [];
  const cells = MACHINES.flatMap((machine) => {
    const { mode, backend } = machine;
    const there = HYPERVISORS.filter(({ carriers }) => carriers[backend]?.includes(mode));
    return there.flatMap(({ name }) => VEHICLES.map((via) => ({ machine, name, via })));
  });
  for await (const { machine, name, via } of each("drivers", cells, "cells")) {
    const elf = elfs.find((one) => isFor(one, machine));
    const typescript = await inTypeScript(machine, name, via);
    const row: Row = { machine: nameOf(machine), hypervisor: name, via, typescript };
    if (machine.mode === 16) rows.push({ ...row, c: { infeasible: NO_16_BITS } });
    else if (!elf) rows.push(row);
    else {
      const c = await inC(machine, name, via, elf);
      rows.push({ ...row, c, equal: same(typescript, c) });
    }
  }
  return rows;
}

// --- What is printed.

const cost = (run: Run | undefined) =>
  run === undefined ? "no ELF" : "infeasible" in run ? "-" : `${run.exits} / ${run.cycles}`;

const COLUMNS = [
  { title: "machine", value: (row: Row) => row.machine },
  { title: "hypervisor", value: (row: Row) => row.hypervisor },
  { title: "via", value: (row: Row) => row.via },
  { title: "TypeScript", value: (row: Row) => cost(row.typescript), right: true },
  { title: "C", value: (row: Row) => cost(row.c), right: true },
  { title: "replies", value: (row: Row) => row.equal === undefined ? "-" : row.equal ? "equal" : "DIFFER" },
];

/** Cells that one driver or both cannot have, those with the same reasons together. */
function reasonLines(rows: readonly Row[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { machine, hypervisor, via, typescript, c } of rows) {
    const why = ([["TypeScript", typescript], ["C", c]] as const)
      .flatMap(([who, run]) => run && "infeasible" in run ? [`  ${who}: ${run.infeasible}`] : []);
    if (why.length === 0) continue;
    const reasons = why.join("\n"), cell = `${machine}, ${hypervisor}, ${via}`;
    groups.set(reasons, [...groups.get(reasons) ?? [], cell]);
  }
  return [...groups].flatMap(([why, cells]) => [...cells, why]);
}

function asText(rows: readonly Row[]): string {
  const feasible = rows.filter(({ typescript, c }) => "replies" in typescript || (c && "replies" in c));
  const labels = new Set(
    rows.flatMap(({ via, typescript: one }) =>
      "replies" in one && one.by !== via ? [`${via} on ppc: ${one.by}`] : []
    ),
  );
  const first = rows.find(({ typescript }) => "replies" in typescript)!.typescript;
  const parts = [
    [
      "exits / cycles of all calls and doorbells, without discovery and printing",
      "",
      ...table(COLUMNS, feasible),
      "",
      ...labels,
    ],
    ["cells that are not feasible", "", ...reasonLines(rows)],
    ["the replies, in every other cell", "", ..."replies" in first ? first.replies : []],
  ];
  return `${parts.map((lines) => lines.join("\n")).join("\n\n\n")}\n`;
}

/** Runs both drivers and prints the matrix; the exit status is 1 if replies differ anywhere. */
export default async function drivers({ args, json, out, each }: ScriptContext): Promise<number> {
  const rows = await matrix(args.map((file) => Deno.readFileSync(file)), each);
  out.write(json ? `${JSON.stringify({ rows }, null, 2)}\n` : asText(rows));
  const replies = new Set(
    rows.flatMap(({ typescript: one }) => "replies" in one ? [one.replies.join("\n")] : []),
  );
  return rows.some(({ equal }) => equal === false) || replies.size !== 1 ? 1 : 0;
}

if (import.meta.main) await standalone(drivers);

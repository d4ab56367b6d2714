/**
 * Published exit costs, replayed: a guest loop for each row of the profile's own table, timed by the guest with
 * RDTSC as kvm-unit-tests' x86/vmexit.c does it, less an empty loop, beside the published figure.
 *
 *     trapsh run scripts/vmexit.ts [--json] [PROFILE...]
 *
 * Rows used for calibration have to come out exactly: they show that guest, exits and ledger add up. Rows that
 * the profile was not made from are predictions; their error says what the profile's model is worth.
 */
import {
  createVm,
  type Device,
  loadProfile,
  type PublishedRow,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  type Vm,
} from "../mod.ts";

const PROFILES = ["x86-default", "tsirkin-2013", "pci-testdev", "kvm-unit-tests-2012", "ioeventfd-2009"];

/** Iterations double until a run takes this many guest cycles; the source's goal is 2^30. */
const GOAL = 2 ** 24;
const FIRST_ITERATIONS = 64;

/** Where the guest finds things: ports as in x86/vmexit.c, the rest free for us to choose. */
const PORT = { kernel: 0x4d0, qemu: 0x1234, pmTimer: 0xb008, test: 0xc000 } as const;
const GPA = { kernel: 0xfeb0_0000, qemu: 0xfeb1_0000 } as const;
const CALL = { nothing: 0x5450, mmio: 0x5451 } as const;
const DATA = 0x1234;
const RAM = 0x8000;

/** What a loop does in each iteration, with `edi` to count down. */
interface Loop {
  readonly body: string;
  /** Registers that the body needs, set before the loop. */
  readonly eax?: number;
  readonly edx?: number;
  readonly rbx?: number;
  /** What stands in the loop that is subtracted: the same access where it does not trap. */
  readonly less: EmptyLoop;
}

/** IN, OUT and VMCALL cost nothing by themselves, a store does. */
const EMPTY_LOOPS = {
  "empty loop": { body: "" },
  "store to RAM": { body: "mov dword ptr [rbx], eax", rbx: RAM },
} as const;
type EmptyLoop = keyof typeof EMPTY_LOOPS;

const out = (edx: number, body: string): Loop => ({ body, edx, eax: DATA, less: "empty loop" });
const store = (rbx: number): Loop => ({
  body: "mov dword ptr [rbx], eax",
  rbx,
  eax: DATA,
  less: "store to RAM",
});
const call = (eax: number, rbx?: number): Loop => ({ body: "vmcall", eax, rbx, less: "empty loop" });

/** By the row's name in its source. The kernel rows of x86/vmexit.c access one byte, whatever their names say. */
const LOOPS: Readonly<Record<string, Loop>> = {
  "vmcall": call(CALL.nothing),
  "outw": out(PORT.kernel, "out dx, ax"),
  "movw to MMIO": { ...store(GPA.kernel), body: "mov word ptr [rbx], ax" },
  "paravirtual-MMIO hypercall": call(CALL.mmio, GPA.kernel),
  "mmio-no-eventfd:pci-mem": store(GPA.qemu),
  "mmio-wildcard-eventfd:pci-mem": store(GPA.kernel),
  "mmio-datamatch-eventfd:pci-mem": store(GPA.kernel + 4),
  "portio-no-eventfd:pci-io": out(PORT.qemu, "out dx, eax"),
  "portio-wildcard-eventfd:pci-io": out(PORT.kernel, "out dx, eax"),
  "portio-datamatch-eventfd:pci-io": out(PORT.kernel + 4, "out dx, eax"),
  "qemu-mmio": store(GPA.qemu),
  "ioeventfd-mmio": store(GPA.kernel),
  "ioeventfd-pio": out(PORT.kernel, "out dx, eax"),
  "qemu-pio": out(PORT.qemu, "out dx, eax"),
  "ioeventfd-hc": call(CALL.nothing),
  "outl_to_kernel": out(PORT.kernel, "out dx, al"),
  "inl_from_kernel": out(PORT.kernel, "in al, dx"),
  "inl_from_qemu": out(PORT.qemu, "in eax, dx"),
  "inl_from_pmtimer": out(PORT.pmTimer, "in eax, dx"),
};

/** A row of the table: figures are cycles an iteration. */
export interface VmexitRow {
  readonly row: string;
  readonly exit: string;
  readonly handledIn: string;
  readonly iterations: number;
  /** As the guest measured it, and the loop that is subtracted. */
  readonly loop: number;
  readonly less: EmptyLoop;
  readonly empty: number;
  readonly net: number;
  readonly published: number;
  readonly error: number;
  readonly usedFor: PublishedRow["usedFor"];
  /** By provenance, the stages that the net cost is made of. */
  readonly figures: Readonly<Record<string, readonly string[]>>;
  readonly note?: string;
}

export interface VmexitTable {
  readonly profile: string;
  readonly title: string;
  readonly source: string;
  readonly empty: readonly { readonly row: EmptyLoop; readonly iterations: number; readonly loop: number }[];
  readonly rows: readonly VmexitRow[];
}

/** Takes what no event has matched: of its first four bytes only loads, and accesses of one byte. */
function testDevice(name: string, handledIn: "kernel" | "userspace"): Device {
  return {
    name,
    handledIn,
    size: 8,
    read: () => 0,
    write(offset, size, value) {
      if (handledIn === "kernel" && size > 1) {
        throw new RangeError(`${name}: ${value} (${size} bytes) at ${offset} matched no event`);
      }
    },
  };
}

/** What an eventfd of the sources matches: any data of 2 or 4 bytes, and four bytes further `DATA` alone. */
function addEvents(vm: Vm): void {
  for (const [bus, address] of [["pio", PORT.kernel], ["mmio", GPA.kernel]] as const) {
    for (const length of [2, 4] as const) vm.ioevents.add({ bus, address, length, signal() {} });
    vm.ioevents.add({ bus, address: address + 4, length: 4, datamatch: DATA, signal() {} });
  }
}

/** The ACPI timer: 24 bits at 3.579545 MHz. Its model charges nothing, so that the row's error shows its cost. */
function pmTimer(tscHz: number): Device {
  return {
    name: "pm-timer",
    size: 4,
    read: (_offset, _size, context) => Math.floor(context.cycles * 3_579_545 / tscHz) % 2 ** 24,
  };
}

function machineFor(profileName: string, row?: PublishedRow): Vm {
  const vm = createVm({ arch: "x86", mode: 64, backend: "vmx", profile: profileName, memory: 2 ** 20 });
  const { profile } = vm;
  vm.devices.add(testDevice("in-kernel", "kernel"), { port: PORT.kernel, gpa: GPA.kernel });
  addEvents(vm);
  vm.devices.add(testDevice("in-qemu", "userspace"), { port: PORT.qemu, gpa: GPA.qemu });
  vm.devices.add(pmTimer(profile.tscHz ?? 1), { port: PORT.pmTimer });
  vm.hypercalls.register(CALL.nothing, { name: "nothing", handledIn: "kernel", call() {} });
  // What the source's hypercall does more than a bare one: it finds its device on the MMIO bus.
  const more = (row?.plus ?? []).reduce(
    (sum, { stage, of }) => sum + profile.stagesFor(of.reason, of.direction, of.handledIn)[stage],
    0,
  );
  vm.hypercalls.register(CALL.mmio, {
    name: "pv-mmio",
    handledIn: "kernel",
    call(vcpu) {
      const address = Number(vcpu.registers.get("rbx"));
      if (!vm.ioevents.find("mmio", address, 2, DATA)) {
        throw new RangeError(`hypercall for 0x${address.toString(16)}, where no event is`);
      }
      vcpu.chargeDevice(more);
    },
  });
  return vm;
}

function guest({ body, eax = 0, edx = 0, rbx = 0 }: Omit<Loop, "less">, iterations: number): string {
  return `
      mov rbx, ${rbx}
      mov edi, ${iterations}
      rdtsc
      mov r8d, eax
      mov eax, ${eax}
      mov edx, ${edx}
loop: ${body}
      dec edi
      jnz loop
      rdtsc
      sub eax, r8d
end:  hlt`;
}

/** Runs a loop with more and more iterations until it takes `GOAL` cycles by the guest's own clock. */
async function timeLoop(vm: Vm, loop: Omit<Loop, "less">) {
  for (let iterations = FIRST_ITERATIONS;; iterations *= 2) {
    const program = vm.assemble(guest(loop, iterations));
    vm.load(program);
    const meter = startMeter(vm);
    const stop = await vm.run({ until: program.symbols.get("end") });
    if (stop.reason !== "UNTIL") throw new Error(`the loop stopped early: ${stop.message}`);
    const elapsed = Number(vm.vcpu.registers.get("eax"));
    if (elapsed < GOAL) continue;
    return { iterations, cycles: Math.floor(elapsed / iterations), cost: meter() };
  }
}

/** Replays the published table of a profile of x86. Throws `RangeError` for a row that has no loop here. */
export async function measureProfile(name: string): Promise<VmexitTable> {
  const { title, source, published } = loadProfile(name).data;
  const empty: { row: EmptyLoop; iterations: number; loop: number }[] = [];
  for (const row of Object.keys(EMPTY_LOOPS) as EmptyLoop[]) {
    const { iterations, cycles } = await timeLoop(machineFor(name), EMPTY_LOOPS[row]);
    empty.push({ row, iterations, loop: cycles });
  }
  const rows: VmexitRow[] = [];
  for (const row of published) {
    const loop = LOOPS[row.row];
    if (!loop) throw new RangeError(`profile ${name} publishes ${row.row}, for which there is no loop`);
    const vm = machineFor(name, row);
    const { iterations, cycles, cost } = await timeLoop(vm, loop);
    const less = empty.find((one) => one.row === loop.less)!.loop;
    const net = cycles - less;
    // The guest's clock and the ledger are two accounts of the same exits.
    if (cost.exits !== iterations || cost.cycles.total !== net * iterations) {
      throw new Error(
        `${row.row}: the ledger has ${cost.exits} exits of ${cost.cycles.total} cycles, ` +
          `the guest measured ${iterations} of ${net} each`,
      );
    }
    rows.push({
      row: row.row,
      exit: `${cost.parts[cost.parts.length - 1].native}${
        row.exit.direction === "none" ? "" : ` ${row.exit.direction}`
      }`,
      handledIn: row.exit.handledIn,
      iterations,
      loop: cycles,
      less: loop.less,
      empty: less,
      net,
      published: row.cycles,
      error: net - row.cycles,
      usedFor: row.usedFor,
      figures: figuresOf(vm, row, cost.provenance),
      note: row.note,
    });
  }
  return { profile: name, title, source, empty, rows };
}

/** By provenance, what is in the net cost: the exit's stages, and those that the row pays on top. */
function figuresOf(
  { profile }: Vm,
  { plus = [] }: PublishedRow,
  ofExit: Readonly<Record<string, readonly string[]>>,
): Record<string, string[]> {
  const kinds: Record<string, string[]> = {};
  for (const [kind, names] of Object.entries(ofExit)) {
    // The loop's own instructions are subtracted.
    const stages = names.filter((name) => name !== "instructions");
    if (stages.length > 0) kinds[kind] = stages;
  }
  for (const { stage, of } of plus) {
    (kinds[profile.figure(of.reason, of.direction, stage).provenance] ??= []).push(
      `${stage} of ${of.reason}`,
    );
  }
  return kinds;
}

const signed = (value: number, text = String(value)) => (value > 0 ? `+${text}` : text);

function percent({ error, published }: VmexitRow): string {
  return `${signed(error, (100 * error / published).toFixed(1))}%`;
}

const COLUMNS = [
  { title: "row", value: (row: VmexitRow) => row.row },
  { title: "exit", value: (row: VmexitRow) => row.exit },
  { title: "in", value: (row: VmexitRow) => row.handledIn },
  { title: "iterations", value: (row: VmexitRow) => row.iterations },
  { title: "loop", value: (row: VmexitRow) => row.loop },
  { title: "empty", value: (row: VmexitRow) => row.empty },
  { title: "net", value: (row: VmexitRow) => row.net },
  { title: "published", value: (row: VmexitRow) => row.published },
  { title: "error", value: (row: VmexitRow) => signed(row.error), right: true },
  { title: "", value: percent, right: true },
  { title: "used for", value: (row: VmexitRow) => row.usedFor },
];

function asText({ profile, title, source, empty, rows }: VmexitTable): string {
  const figures = rows.map((row) => {
    const kinds = Object.entries(row.figures).map(([kind, names]) => `${names.join(", ")} ${kind}`);
    return `  ${row.row}: ${kinds.join("; ")}`;
  });
  const notes = rows.filter(({ usedFor }) => usedFor === "prediction")
    .map((row) => `  ${row.row} (${percent(row)})${row.note === undefined ? "" : `: ${row.note}`}`);
  return [
    `profile ${profile}: ${title}`,
    `source: ${source}`,
    "",
    ...empty.map(({ row, iterations, loop }) => `${row}: ${loop} cycles (${iterations} iterations)`),
    "",
    ...table(COLUMNS, rows),
    "",
    "figures behind each row",
    ...figures,
    "predictions",
    ...notes,
    "",
  ].join("\n");
}

const ABOUT =
  `cycles of one iteration; net is loop less empty, where empty is the loop without an access, or for MMIO
with a store to RAM in its place; error is net less published
`;

/** Prints the tables of the profiles that are named, or of all that publish one. */
export default async function vmexit({ args, json, out, each }: ScriptContext): Promise<void> {
  const tables: VmexitTable[] = [], names = args.length > 0 ? args : PROFILES;
  // After Ctrl-C the tables so far are printed, and how many are missing.
  for await (const name of each("vmexit", names, "profiles")) tables.push(await measureProfile(name));
  const missing = names.length - tables.length;
  const note = missing === 0 ? "" : `interrupted: ${missing} of ${names.length} profiles were not measured\n`;
  const text = `${tables.map(asText).join("\n\n")}\n${ABOUT}${note}`;
  out.write(json ? `${JSON.stringify(tables, null, 2)}\n` : text);
}

if (import.meta.main) await standalone(vmexit);

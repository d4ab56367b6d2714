/**
 * The verdict on the May 2009 thread "[RFC PATCH 0/3] generic hypercall support" (Gregory Haskins, Anthony Liguori): twelve
 * claims and three conditions, each with numbers that this run measured over {architecture, hypervisor, vehicle, kernel or
 * userspace}.
 *
 *     trapsh run scripts/haskins.ts [--json | --svg FILE | --svg -]
 *
 * Every number is of guest code that ran and trapped. Cycles are as good as their profile, whose figures' origins are
 * printed with them: of PowerPC all are assumed, so that only exits, bytes and who decodes count as evidence there.
 */
import {
  type Cost,
  createIo,
  createVm,
  type DataMode,
  type Device,
  type HandledIn,
  type HypervisorName,
  HYPERVISORS,
  restoreVm,
  saveVm,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  type VehicleName,
  type Vm,
  type VmOptions,
  type WrongHypercall,
} from "../mod.ts";

interface Host {
  readonly name: string;
  readonly options: VmOptions & { readonly hypervisor: HypervisorName };
}

const x86 = (backend: string, hypervisor: HypervisorName): Host => ({
  name: `x86 ${backend} ${hypervisor}`,
  options: { arch: "x86", mode: 64, backend, hypervisor },
});
const ppc = (mode: 32 | 64, backend: string, hypervisor: HypervisorName): Host => ({
  name: `ppc${mode} ${backend} ${hypervisor}`,
  options: { arch: "ppc", mode, backend, hypervisor },
});

const VMX = x86("vmx", "kvm"), HV = ppc(64, "kvm-hv", "papr"), PR = ppc(32, "kvm-pr", "epapr");
const HOSTS: readonly Host[] = [
  VMX,
  x86("svm", "kvm"),
  x86("vmx", "xen"),
  x86("vmx", "hyperv"),
  x86("vmx", "vmware"),
  HV,
  ppc(64, "kvm-pr", "papr"),
  PR,
  ppc(32, "kvm-pr", "osi"),
];

const VEHICLES: readonly VehicleName[] = ["hypercall", "pio", "mmio"];
const PLACES: readonly HandledIn[] = ["kernel", "userspace"];
const STAGES = ["worldSwitch", "dispatch", "decode", "userspace", "device"] as const;

/** What one operation costs, once its pages are known to the hypervisor. */
interface Measured {
  readonly exits: number;
  readonly stages: Readonly<Record<(typeof STAGES)[number], number>>;
  readonly guest: number;
  /** Stages and the guest's own instructions. */
  readonly cycles: number;
}

/** A cell of the matrix: a call of 64 bytes that is answered with 8, by a descriptor in RAM. */
export interface Cell extends Measured {
  readonly host: string;
  readonly via: VehicleName;
  readonly label: string;
  readonly handledIn: HandledIn;
  /** The answer was the one that the payload asks for. */
  readonly right: boolean;
}

/** A claim, or a condition, and what came of it. */
export interface Finding {
  readonly id: string;
  readonly who: string;
  readonly claim: string;
  readonly verdict: "holds" | "in part" | "does not hold";
  /** What was measured, with units. */
  readonly measured: string;
  /** The same numbers as data. */
  readonly numbers: Readonly<Record<string, number>>;
}

export interface Verdict {
  readonly cells: readonly Cell[];
  readonly infeasible: readonly { readonly host: string; readonly via: VehicleName; readonly why: string }[];
  readonly findings: readonly Finding[];
  /** By profile, where its figures are from. */
  readonly provenance: readonly string[];
}

/** Answers with the sum of the bytes; costs no cycles of its own, so that only the way to it is priced. */
function summer(handledIn: HandledIn): Device {
  const sum = (data: Uint8Array) => data.reduce((total, byte) => total + byte, 0);
  return {
    name: `in-${handledIn}`,
    handledIn,
    size: 8,
    read: (_offset, size) => (size === 8 ? 42n : 42),
    write() {},
    call: (_fn, data) => sum(data),
    queue: sum,
  };
}

const PAYLOAD = Uint8Array.from({ length: 64 }, (_, i) => i);
const SUM = 2016;

/** Costs of all measurements, for where their figures are from. */
class Lab {
  readonly costs: Cost[] = [];

  machine(host: Host, more: Partial<VmOptions> = {}) {
    const vm = createVm({ ...host.options, ...more, memory: 2 ** 20 });
    for (const place of PLACES) vm.devices.add(summer(place));
    return { vm, io: createIo(vm) };
  }

  /** The second time: a page's first touch is an exit of another kind. */
  async measure(vm: Vm, work: () => Promise<unknown>): Promise<Measured> {
    await work();
    const meter = startMeter(vm);
    await work();
    return this.read(meter());
  }

  read(cost: Cost): Measured {
    this.costs.push(cost);
    const { total, ...stages } = cost.cycles;
    return { exits: cost.exits, stages, guest: cost.guestCycles, cycles: total + cost.guestCycles };
  }

  async call(host: Host, via: VehicleName, data: DataMode, bytes: Uint8Array, place: HandledIn = "kernel") {
    const { vm, io } = this.machine(host);
    const handle = await io.open(`in-${place}`, { via, data });
    return await this.measure(vm, () => handle.call(1, bytes));
  }

  /** A doorbell: one store of 4 bytes. */
  async store(host: Host, via: VehicleName, place: HandledIn = "kernel") {
    const { vm, io } = this.machine(host);
    const handle = await io.open(`in-${place}`, { via });
    return await this.measure(vm, () => handle.write(0, 4, 7));
  }

  provenance(): string[] {
    const profiles = new Map<string, { source: string; kinds: Map<string, Set<string>> }>();
    for (const { profile: { name, source }, provenance } of this.costs) {
      const one = profiles.get(name) ?? { source, kinds: new Map() };
      profiles.set(name, one);
      for (const [kind, names] of Object.entries(provenance)) {
        one.kinds.set(kind, new Set([...one.kinds.get(kind) ?? [], ...names]));
      }
    }
    return [...profiles].map(([name, { source, kinds }]) =>
      `${name}: ${
        [...kinds].map(([kind, names]) => `${[...names].join(", ")} ${kind}`).join("; ")
      }; source: ${source}`
    );
  }
}

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error);

async function matrix(lab: Lab): Promise<Pick<Verdict, "cells" | "infeasible">> {
  const cells: Cell[] = [], infeasible: { host: string; via: VehicleName; why: string }[] = [];
  for (const host of HOSTS) {
    const { vm, io } = lab.machine(host);
    for (const via of VEHICLES) {
      for (const handledIn of PLACES) {
        const handle = await io.open(`in-${handledIn}`, { via, data: "descriptor" }).catch(messageOf);
        if (typeof handle === "string") {
          if (handledIn === "kernel") infeasible.push({ host: host.name, via, why: handle });
          continue;
        }
        let right = true;
        const measured = await lab.measure(vm, async () => {
          const [low, high] = await handle.call(1, PAYLOAD);
          right &&= low + 256 * high === SUM;
        });
        cells.push({ host: host.name, via, label: handle.label, handledIn, right, ...measured });
      }
    }
  }
  return { cells, infeasible };
}

const TEXT = 0x1000, KVM_CALL = 0x5453_0004, PAGE = 0x2000, XEN_CALL = 0x70;

/** A guest that makes calls with VMCALL on AMD's processor: text that changed, #UD exits, cycles. */
async function foreign(policy: WrongHypercall, calls: number) {
  const { options } = x86("svm", "kvm");
  const vm = createVm({ ...options, wrongHypercall: policy, memory: 2 ** 16 });
  let served = 0;
  vm.hypercalls.register(KVM_CALL, { name: "call", handledIn: "kernel", call: () => void served++ });
  const program = vm.assemble(
    `mov ecx, ${calls}\nmore: mov eax, ${KVM_CALL}\n vmcall\n dec ecx\n jnz more\nend: hlt`,
  );
  vm.load(program);
  const meter = startMeter(vm);
  await vm.run({ until: program.symbols.get("end"), instructions: 10 * calls + 100 });
  const text = vm.memory.read(TEXT, program.bytes.length), cost = meter();
  return {
    served,
    changed: text.filter((byte, i) => byte !== program.bytes[i]).length,
    undefinedOpcodes: cost.parts.filter(({ reason }) => reason === "EXCEPTION")
      .reduce((sum, { exits }) => sum + exits, 0),
    cycles: cost.cycles.total + cost.guestCycles,
  };
}

/** A Xen guest moved from vmx to svm between two of its calls: what the second one comes to. */
async function movedPage(): Promise<{ served: number; stop: string }> {
  const { options } = x86("vmx", "xen");
  const vm = createVm({ ...options, memory: 2 ** 16 });
  let served = 0;
  const serve = ({ hypercalls }: Vm) =>
    hypercalls.register(XEN_CALL, { name: "call", handledIn: "kernel", call: () => void served++ });
  serve(vm);
  vm.load(vm.assemble(
    `mov esp, 0x8000\n mov ecx, 0x40000000\n mov eax, ${PAGE}\n xor edx, edx\n wrmsr
     call ${PAGE + 32 * XEN_CALL}\nmoved: call ${PAGE + 32 * XEN_CALL}\nend: hlt`,
  ));
  const at = (name: string) => vm.symbols.list().find((symbol) => symbol.name === name)!.address;
  await vm.run({ until: at("moved"), instructions: 100 });
  const there = restoreVm(saveVm(vm), { backend: "svm", profile: vm.profile });
  serve(there);
  const stop = await there.run({ until: at("end"), instructions: 100 });
  return { served, stop: stop.reason };
}

/** Vectors that can be taken until the port space refuses, and the refusal. */
function vectors(options: Partial<VmOptions>, devices: number): { taken: number; refusal: string } {
  const vm = createVm({ arch: "x86", memory: 2 ** 20, ...options });
  for (let i = 0; i < devices; i++) vm.devices.add({ name: `device${i}`, size: 256, write() {} });
  for (let taken = 0;; taken++) {
    try {
      vm.vectors.take("doorbell", { read: () => 0, write() {} });
    } catch (error) {
      return { taken, refusal: messageOf(error) };
    }
  }
}

/** A doorbell by MMIO that KVM's fast bus matches by address alone. */
async function fastMmio(lab: Lab): Promise<Measured> {
  const vm = createVm({ ...VMX.options, memory: 2 ** 16 }), gpa = 0xfec8_0000;
  vm.ioevents.add({ bus: "mmio", address: gpa, length: 0, signal() {} });
  const program = vm.assemble(`mov ebx, ${gpa}\n mov [rbx], eax\nfrom: mov [rbx], eax\nend: hlt`);
  vm.load(program);
  await vm.run({ until: program.symbols.get("from") });
  const meter = startMeter(vm);
  await vm.run({ until: program.symbols.get("end") });
  return lab.read(meter());
}

const BATCH = 64;

/** Requests by a ring: cycles of each in batches, and of a synchronous call by the same ring. */
async function rings(lab: Lab, host: Host, interrupts: boolean) {
  const { vm, io } = lab.machine(host, { interrupts });
  const handle = await io.open("in-userspace", { via: "hypercall" });
  const ring = await handle.ring({ batch: BATCH, poll: !interrupts, bytes: 128 });
  const batch = await lab.measure(vm, async () => {
    for (let i = 0; i < BATCH; i++) await ring.submit(PAYLOAD);
    await ring.flush();
  });
  const one = await lab.measure(vm, () => ring.call(1, PAYLOAD));
  const call = await lab.measure(vm, () => handle.call(1, PAYLOAD));
  return { batch, one, call };
}

const percent = (part: number, whole: number) => `${(100 * part / whole).toFixed(0)}%`;
const times = (a: number, b: number) => (a / b).toFixed(2);

/** The claims, in their order. */
async function findings(
  lab: Lab,
  { cells, infeasible }: Pick<Verdict, "cells" | "infeasible">,
): Promise<Finding[]> {
  const list: Finding[] = [];
  const judge = (
    [id, who, claim]: readonly [string, string, string],
    verdict: Finding["verdict"],
    numbers: Finding["numbers"],
    measured: string,
  ) => void list.push({ id, who, claim, verdict, measured, numbers });
  const holds = (yes: boolean): Finding["verdict"] => yes ? "holds" : "does not hold";

  const pio = await lab.store(VMX, "pio"),
    mmio = await lab.store(VMX, "mmio"),
    call = await lab.store(VMX, "hypercall");
  const fast = await fastMmio(lab);
  judge(
    ["1", "Haskins", "MMIO is a page fault that must be decoded: expensive"],
    mmio.stages.decode > 0 && mmio.cycles > pio.cycles
      ? fast.stages.decode === 0 ? "in part" : "holds"
      : "does not hold",
    { mmio: mmio.cycles, pio: pio.cycles, decode: mmio.stages.decode, fastMmio: fast.cycles },
    `a store costs ${mmio.cycles} cycles by MMIO, ${pio.cycles} by PIO (vmx, kernel); ${mmio.stages.decode} (${
      percent(mmio.stages.decode, mmio.cycles)
    }) are decode; matched by address alone (since 2014) it is ${fast.cycles} with ${fast.stages.decode} of decode`,
  );

  const words = await lab.call(VMX, "pio", "words", PAYLOAD),
    wide = await lab.call(VMX, "mmio", "words", PAYLOAD);
  const packed = await lab.call(VMX, "hypercall", "registers", PAYLOAD);
  const string = await lab.call(VMX, "pio", "string", PAYLOAD);
  const ports = cells.filter(({ host, via }) => host.startsWith("ppc") && via === "pio");
  const turned = ports.filter(({ label }) => label.startsWith("mmio"));
  judge(
    ["2", "Haskins", "PIO: 2^16 ports, a word at a time, absent on PowerPC"],
    holds(words.exits > wide.exits && turned.length === ports.length),
    { pioExits: words.exits, mmioExits: wide.exits, hypercallExits: packed.exits, stringExits: string.exits },
    `64 bytes and their answer by words: ${words.exits} exits by PIO (${string.exits} by REP OUTS in the kernel), ${wide.exits} by MMIO, ${packed.exits} by hypercall; on PowerPC PIO was MMIO in ${turned.length} of ${ports.length} cells`,
  );

  const empty = vectors({}, 0), used = vectors({ interrupts: true }, 8);
  judge(
    ["3", "Haskins", "At most 8k vectors of 8 bytes fit the port space, fewer in practice"],
    holds(empty.taken === 8192 && used.taken < empty.taken),
    { empty: empty.taken, used: used.taken },
    `${empty.taken} vectors were taken, then the next one was refused; ${used.taken} beside interrupt controllers and 8 devices of 256 ports`,
  );

  const one = Uint8Array.from({ length: 16 }, (_, i) => i);
  const inRegisters = await lab.call(VMX, "hypercall", "registers", one);
  const argumentsOf = (name: HypervisorName, { backend, mode }: Host["options"]) => {
    const abi = HYPERVISORS.find((hypervisor) => hypervisor.name === name)!.abi(backend as "vmx", mode as 64);
    return typeof abi === "string" ? 0 : abi.args.length;
  };
  const counts = HOSTS.map(({ options }) => argumentsOf(options.hypervisor, options));
  judge(
    ["4", "Haskins", "Hypercalls are direct like PIO and pack several registers"],
    holds(inRegisters.exits === 1 && call.cycles <= pio.cycles && call.stages.decode === 0),
    { hypercall: call.cycles, pio: pio.cycles, exits16: inRegisters.exits, most: Math.max(...counts) },
    `a store costs ${call.cycles} cycles by hypercall, ${pio.cycles} by PIO, neither decodes; 16 bytes and their answer are ${inRegisters.exits} exit; ABIs carry ${
      Math.min(...counts)
    } to ${Math.max(...counts)} argument registers`,
  );

  const patched = await foreign("patch", 1), patched2 = await foreign("patch", 2), page = await movedPage();
  judge(
    ["5", "Liguori", "VMCALL or VMMCALL: a hypercall page hurts migration, patching breaks attestation"],
    holds(patched.changed > 0 && page.stop !== "UNTIL"),
    {
      changedBytes: patched.changed,
      undefinedOpcodes: patched2.undefinedOpcodes,
      servedAfterMove: page.served - 1,
    },
    `VMCALL on svm: ${patched2.undefinedOpcodes} #UD exit, ${patched.changed} byte of the guest's text changed, its hash with it; Xen's page moved from vmx to svm: ${
      page.served - 1
    } calls served there, ${page.stop} (Hyper-V's page and PowerPC's opcodes: migration.ts)`,
  );

  const emulated = await foreign("emulate", 1), emulated2 = await foreign("emulate", 2);
  const later = patched2.cycles - patched.cycles, each = emulated2.cycles - emulated.cycles;
  const once = patched.cycles - emulated.cycles, even = Math.floor(once / (each - later)) + 2;
  judge(
    ["6", "Haskins", "Patching exists already; let the user trade attestation and migration for speed"],
    holds(emulated.changed === 0 && emulated2.served === 2 && each > later),
    { laterPatched: later, laterEmulated: each, patchOnce: once, breakEvenCalls: even },
    `what there is to trade: ${later} cycles a call after patching, ${each} if each #UD is emulated and no byte changes (${
      times(each, later)
    } times); patching pays from call ${even} on`,
  );

  const callX = await lab.call(VMX, "pio", "registers", one);
  judge(
    ["7", "Liguori", "Hypercalls pass register state only; PIO can do the same"],
    holds(callX.exits === inRegisters.exits),
    {
      pio: callX.cycles,
      hypercall: inRegisters.cycles,
      pioExits: callX.exits,
      hypercallExits: inRegisters.exits,
    },
    `16 bytes and their answer in registers: ${callX.exits} exit and ${callX.cycles} cycles by IN, ${inRegisters.exits} and ${inRegisters.cycles} by VMCALL (vmx, kernel)`,
  );

  const { io } = lab.machine(HV);
  const refusal = await io.open("in-kernel", { via: "pio", data: "registers" }).then(() => "", messageOf);
  const window = await lab.call(HV, "pio", "words", PAYLOAD),
    own = await lab.call(HV, "mmio", "words", PAYLOAD);
  judge(
    ["8", "Haskins", "A pio_callX() would be x86's alone; PowerPC maps PIO onto MMIO"],
    holds(refusal !== "" && window.stages.decode > 0),
    { windowExits: window.exits, mmioExits: own.exits, window: window.cycles, mmio: own.cycles },
    `pio_callX on ppc64: refused; 64 bytes by words through PCI's I/O window: ${window.exits} exits, ${window.stages.decode} cycles of decode, ${
      times(window.cycles, own.cycles)
    } times the cycles of MMIO proper (${own.exits} exits)`,
  );

  const look = await rings(lab, VMX, false), interrupted = await rings(lab, VMX, true);
  const perRequest = look.batch.cycles / BATCH;
  judge(
    ["9", "Liguori", "Better: a ring holds the data, the trap only notifies"],
    holds(perRequest < look.call.cycles),
    { perRequest, call: look.call.cycles, exits: look.batch.exits },
    `${BATCH} requests of 64 bytes: ${look.batch.exits} exit by ring, ${
      perRequest.toFixed(0)
    } cycles each; ${look.call.cycles} by a call each (${
      times(look.call.cycles, perRequest)
    } times; the driver's own work on the ring is not in it)`,
  );

  judge(
    ["10", "Haskins", "Some calls are synchronous by nature; a ring's kick rides on the same transport"],
    holds(look.one.exits >= look.call.exits && look.one.stages.worldSwitch >= look.call.stages.worldSwitch),
    { ringCall: look.one.cycles, call: look.call.cycles, ringExits: look.one.exits },
    `one request that is waited for: ${look.one.exits} exit and ${look.one.cycles} cycles by ring, ${look.call.exits} and ${look.call.cycles} by call: the kick is the same hypercall`,
  );

  judge(
    ["11", "Haskins", "A call ring with flush and block can be synchronous, but is complicated"],
    holds(interrupted.one.exits > interrupted.call.exits),
    { withInterrupt: interrupted.one.cycles, exits: interrupted.one.exits, looked: look.one.cycles },
    `it works; blocked until the interrupt it takes ${interrupted.one.exits} exits and ${interrupted.one.cycles} cycles, ${
      times(interrupted.one.cycles, interrupted.call.cycles)
    } times a call; looking for the answer instead ${look.one.exits} exit and ${look.one.cycles}`,
  );

  const spread = (host: string, place: HandledIn) => {
    const cycles = cells.filter((cell) => cell.host === host && cell.handledIn === place).map((cell) =>
      cell.cycles
    );
    return Math.max(...cycles) / Math.min(...cycles);
  };
  const inKernel = HOSTS.map(({ name }) => spread(name, "kernel"));
  const inUserspace = HOSTS.map(({ name }) => spread(name, "userspace"));
  const reached = HOSTS.filter(({ name }) => cells.some((cell) => cell.host === name && cell.right));
  const hosts = HOSTS.length, whole = HOSTS.length * VEHICLES.length * PLACES.length;
  const right = cells.filter((cell) => cell.right).length;
  const even12 = Math.max(...inKernel) < 1.1;
  const conditions = [holds(reached.length === hosts), holds(right === cells.length), holds(even12)];
  const met = conditions.filter((one) => one === "holds").length;
  judge(
    ["12", "Haskins", "Any vehicle must be feasible, uniform and equal in performance"],
    met === 3 ? "holds" : met > 0 ? "in part" : "does not hold",
    { met, hosts: reached.length, right, worst: Math.max(...inKernel) },
    `of the three conditions ${met} are met by the vehicles as they are: (a) ${conditions[0]}, (b) ${
      conditions[1]
    }, (c) ${conditions[2]}`,
  );
  judge(
    ["a", "Haskins", "feasible anywhere PCI works"],
    conditions[0],
    { hosts: reached.length, cells: cells.length, infeasible: whole - cells.length },
    `${reached.length} of ${hosts} hosts have a vehicle, ${cells.length} of ${whole} cells work${
      infeasible.length === 0
        ? ""
        : `; not: ${infeasible.map(({ host, via }) => `${host} ${via}`).join(", ")}`
    }`,
  );
  judge(
    ["b", "Haskins", "one interface: drivers need not care"],
    conditions[1],
    { right, cells: cells.length },
    `the same driver got the right answer in ${right} of ${cells.length} cells, whatever the vehicle`,
  );
  const ofPpc = HOSTS.map(({ options }, i) => options.arch === "ppc" ? inKernel[i] : 0);
  judge(
    ["c", "Haskins", "equivalent performance"],
    conditions[2],
    {
      kernelLeast: Math.min(...inKernel),
      kernelMost: Math.max(...inKernel),
      userspaceMost: Math.max(...inUserspace),
    },
    `the dearest vehicle costs ${Math.min(...inKernel).toFixed(2)} to ${
      Math.max(...inKernel).toFixed(2)
    } times the cheapest in the kernel, up to ${
      Math.max(...inUserspace).toFixed(2)
    } in userspace; on PowerPC up to ${Math.max(...ofPpc).toFixed(2)} (assumed figures)`,
  );
  return list;
}

/** Measures everything. */
export async function measureVerdict(): Promise<Verdict> {
  const lab = new Lab();
  const { cells, infeasible } = await matrix(lab);
  const found = await findings(lab, { cells, infeasible });
  return { cells, infeasible, findings: found, provenance: lab.provenance() };
}

/** Breaks a text between words. */
function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

function asText({ cells, infeasible, findings, provenance }: Verdict): string {
  const columns = [
    { title: "host", value: (cell: Cell) => cell.host },
    { title: "asked for", value: (cell: Cell) => cell.via },
    { title: "in", value: (cell: Cell) => cell.handledIn },
    { title: "exits", value: (cell: Cell) => cell.exits },
    ...STAGES.map((stage) => ({ title: stage, value: (cell: Cell) => cell.stages[stage] })),
    { title: "guest", value: (cell: Cell) => cell.guest },
    { title: "cycles", value: (cell: Cell) => cell.cycles },
    { title: "it is", value: (cell: Cell) => cell.label === cell.via ? "" : cell.label },
  ];
  const lines = [
    "a call of 64 bytes that is answered with 8, by a descriptor in RAM, over the whole matrix",
    "",
  ];
  lines.push(...table(columns, cells));
  for (const { host, via, why } of infeasible) lines.push(`${host} ${via}: ${why}`);
  lines.push("", "the claims and conditions of May 2009, and what was measured", "");
  for (const { id, who, claim, verdict, measured } of findings) {
    lines.push(`${`(${id})`.padEnd(5)}${who}: ${claim}`, `     ${verdict.toUpperCase()}`);
    lines.push(...wrap(measured, 100).map((line) => `     ${line}`));
  }
  lines.push(
    "",
    "where the cycles are from",
    ...provenance.flatMap((line) => wrap(line, 110).map((part, i) => `${i ? "    " : "  "}${part}`)),
  );
  return `${lines.join("\n")}\n`;
}

const COLOURS: Readonly<Record<(typeof STAGES)[number] | "guest", readonly [string, string]>> = {
  worldSwitch: ["#4c78a8", "world switch"],
  dispatch: ["#72b7b2", "dispatch"],
  decode: ["#e45756", "fault, fetch, decode"],
  userspace: ["#f2b134", "userspace round trip"],
  device: ["#9d755d", "device"],
  guest: ["#bab0ac", "guest's instructions"],
};
const PILLS: Readonly<Record<Finding["verdict"], string>> = {
  "holds": "#2e7d32",
  "in part": "#b26a00",
  "does not hold": "#b71c1c",
};

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

interface TextStyle {
  readonly size?: number;
  readonly weight?: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly fill?: string;
}
function label(x: number, y: number, text: string, style: TextStyle = {}): string {
  const { size = 12, weight = "normal", anchor = "start", fill = "#222" } = style;
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}">${
    escape(text)
  }</text>`;
}
const box = (x: number, y: number, width: number, height: number, fill: string, title = "") =>
  `<rect x="${x}" y="${y}" width="${+width.toFixed(1)}" height="${height}" fill="${fill}">${
    title === "" ? "" : `<title>${escape(title)}</title>`
  }</rect>`;

const BAR = 15, GROUP = 26;

/** Bars of one architecture: one panel, one scale, since profiles of two are not to be compared. */
function panel(
  x: number,
  y: number,
  title: string,
  cells: readonly Cell[],
): { parts: string[]; bottom: number } {
  const left = x + 150, width = 350, parts: string[] = [label(x, y, title, { size: 15, weight: "bold" })];
  const most = Math.max(...cells.map(({ cycles }) => cycles));
  const step = 10 ** Math.floor(Math.log10(most)) / (most / 10 ** Math.floor(Math.log10(most)) < 4 ? 2 : 1);
  const scale = width / (Math.ceil(most / step) * step), top = y + 14;
  let at = top, host = "";
  const bars: string[] = [];
  for (const cell of cells) {
    if (cell.host !== host) {
      host = cell.host;
      bars.push(label(x, at + 18, host, { size: 12, weight: "bold" }));
      at += GROUP;
    }
    const name = `${cell.label.startsWith(cell.via) ? cell.via : `${cell.via} (is MMIO)`}, ${cell.handledIn}`;
    bars.push(label(left - 6, at + 11, name, { size: 11, anchor: "end" }));
    let from = left;
    for (
      const [stage, cycles] of [
        ...STAGES.map((one) => [one, cell.stages[one]] as const),
        ["guest", cell.guest] as const,
      ]
    ) {
      if (cycles === 0) continue;
      bars.push(
        box(
          +from.toFixed(1),
          at + 1,
          cycles * scale,
          BAR - 3,
          COLOURS[stage][0],
          `${COLOURS[stage][1]}: ${cycles}`,
        ),
      );
      from += cycles * scale;
    }
    bars.push(label(+(from + 4).toFixed(1), at + 11, String(cell.cycles), { size: 10, fill: "#555" }));
    at += BAR;
  }
  for (let tick = 0; tick * scale <= width + 1; tick += step) {
    const to = +(left + tick * scale).toFixed(1);
    parts.push(`<line x1="${to}" y1="${top}" x2="${to}" y2="${at + 4}" stroke="#ddd"/>`);
    parts.push(label(to, at + 18, String(tick), { size: 10, anchor: "middle", fill: "#555" }));
  }
  parts.push(...bars, label(left + width / 2, at + 34, "cycles of one call", { size: 11, anchor: "middle" }));
  return { parts, bottom: at + 40 };
}

/** The verdict as a picture. */
export function asSvg({ cells, findings, provenance }: Verdict): string {
  const width = 1160, parts: string[] = [];
  parts.push(
    label(30, 40, "Hypercall, PIO or MMIO? The claims of May 2009, measured", { size: 22, weight: "bold" }),
  );
  parts.push(label(
    30,
    62,
    "One call of 64 bytes, answered with 8, by a descriptor in RAM; by what the guest asked for, and where the hypervisor completes it",
    { size: 13, fill: "#444" },
  ));
  let x = 30;
  for (const [colour, name] of Object.values(COLOURS)) {
    parts.push(box(x, 76, 12, 12, colour), label(x + 17, 86, name, { size: 12 }));
    x += 34 + 7 * name.length;
  }
  const of = (arch: string) => cells.filter(({ host }) => host.startsWith(arch));
  const one = panel(30, 116, "x86 (published and calibrated figures)", of("x86"));
  const other = panel(600, 116, "PowerPC (every figure assumed: compare shapes)", of("ppc"));
  parts.push(...one.parts, ...other.parts);
  let y = Math.max(one.bottom, other.bottom) + 30;
  parts.push(label(30, y, "What was claimed, and what came out", { size: 17, weight: "bold" }));
  y += 14;
  for (const { id, who, claim, verdict, measured } of findings) {
    const left = wrap(`${who}: ${claim}`, 44), right = wrap(measured, 100);
    const height = 15 * Math.max(left.length, right.length) + 9;
    parts.push(`<line x1="30" y1="${y}" x2="${width - 30}" y2="${y}" stroke="#ddd"/>`);
    parts.push(label(40, y + 17, id, { size: 13, weight: "bold", anchor: "middle" }));
    left.forEach((line, i) => parts.push(label(62, y + 17 + 15 * i, line, { size: 12 })));
    parts.push(`<rect x="360" y="${y + 5}" width="92" height="17" rx="8" fill="${PILLS[verdict]}"/>`);
    parts.push(label(406, y + 17, verdict, { size: 11, weight: "bold", anchor: "middle", fill: "#fff" }));
    right.forEach((line, i) => parts.push(label(470, y + 17 + 15 * i, line, { size: 12 })));
    y += height;
  }
  y += 22;
  for (const line of provenance.flatMap((text) => wrap(text, 185))) {
    parts.push(label(30, y, line, { size: 10, fill: "#555" }));
    y += 13;
  }
  const height = y + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" role="img">
<title>Hypercall, PIO or MMIO? The claims of May 2009, measured</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}

/** Prints the verdict. */
export default async function haskins({ args, json, out }: ScriptContext): Promise<void> {
  const at = args.indexOf("--svg"), file = args[at + 1];
  if (at >= 0 && file === undefined) throw new RangeError("--svg wants a file, or - for standard output");
  const verdict = await measureVerdict();
  if (json) return void out.write(`${JSON.stringify(verdict, null, 2)}\n`);
  if (at < 0) return void out.write(asText(verdict));
  if (file === "-") return void out.write(asSvg(verdict));
  await Deno.writeTextFile(file, asSvg(verdict));
  out.write(`${file}: ${verdict.cells.length} cells, ${verdict.findings.length} findings\n`);
}

if (import.meta.main) await standalone(haskins);

/**
 * A driver in mid-traffic, moved: from vmx to svm, between hypervisors, from kvm-hv to kvm-pr and back. Which ways of
 * calling survive, how many #UD exits and patches that takes, what is lost, and what the blackout costs.
 *
 *     trapsh run scripts/migration.ts [--json] [CUTS]
 *
 * The guest makes numbered requests, each by a call or SITES at a time by a ring in its memory; the device knows which one
 * has to come next, and each answer has its number. In every row the guest is cut at CUTS random places (50 if not given, the same ones each time), saved, restored on the other
 * host and run to its end. A row survives if, for every cut, each request was made once and answered once.
 */
import {
  createIo,
  createVm,
  type Device,
  type HypervisorName,
  restoreVm,
  type Ring,
  RING_BLOCK,
  type RingCode,
  type RingOptions,
  saveVm,
  type ScriptContext,
  standalone,
  table,
  type VehicleName,
  type Vm,
  type VmOptions,
  type WrongHypercall,
} from "../mod.ts";

const CUTS = 50;
/** Requests, and places in the driver that make them in turn: a patch is made at each of them. */
const REQUESTS = 40, SITES = 4;
const TEXT = 0x1000, PAGE = 0x2000, STACK = 0x8000, NAME = 0x4000, PORT = 0x500;
/** The same on PowerPC, whose `lis` extends the sign of what it loads. */
const GPA = 0x7eb0_0000;
/** More instructions than a driver takes: one that goes on for longer is lost in its exception vectors. */
const PATIENCE = 5_000, RING_PATIENCE = 40_000;
/** Instructions between two looks of a ring's device at what the kernel half matched. */
const SLICE = 200;
/** Where a ring's requests and answers are, and bytes of each. */
const BUFFERS = 0x6000, BUFFER = 64;

const KVM_CALL = 0x5453_0004, XEN_CALL = 0x70, HYPERV_CALL = 0x7f01, VMWARE_CALL = 0x5401;

/** How the driver makes a request. Its number is in r12 (x86), r20 (PowerPC); the answer comes in eax, r3. */
interface Call {
  readonly setup?: string;
  readonly request: string;
}

/** A ring, and what its doorbell rides on. */
interface RingWay {
  readonly via: VehicleName;
  readonly ring: RingOptions;
}

type Way = Call | RingWay;

const X86 = {
  vmcall: { request: `mov eax, ${KVM_CALL}\n mov ebx, r12d\n vmcall\n mov eax, ecx` },
  vmmcall: { request: `mov eax, ${KVM_CALL}\n mov ebx, r12d\n vmmcall\n mov eax, ecx` },
  xen: {
    setup: `mov eax, 0x40000002\n cpuid\n mov ecx, ebx\n mov eax, ${PAGE}\n xor edx, edx\n wrmsr`,
    request: `mov edi, r12d\n call ${PAGE + 32 * XEN_CALL}\n mov eax, esi`,
  },
  hyperv: {
    setup: `mov ecx, 0x40000000\n mov eax, 1\n xor edx, edx\n wrmsr
            mov ecx, 0x40000001\n mov eax, ${PAGE | 1}\n wrmsr`,
    // Fast calls answer a status alone: the device's answer is in memory that the request names.
    request: `mov ecx, ${1 << 16 | HYPERV_CALL}\n mov edx, r12d\n call ${PAGE}\n mov eax, [${STACK}]`,
  },
  vmware: {
    request:
      `mov eax, 0x564d5868\n mov ecx, ${VMWARE_CALL}\n mov ebx, r12d\n mov edx, 0x5658\n in eax, dx\n mov eax, ebx`,
  },
  pio: { request: `mov edx, ${PORT}\n mov eax, r12d\n out dx, eax\n in eax, dx` },
  mmio: { request: `mov ebx, ${GPA}\n mov [rbx], r12d\n mov eax, [rbx]` },
} as const satisfies Record<string, Call>;

/** `lis` and `ori` of a 32-bit number. */
const load = (register: string, n: number) =>
  `lis ${register}, ${n >>> 16}\n ori ${register}, ${register}, ${n & 0xffff}`;

/** As attestation.ts does it: the tree's opcodes, found by their name at NAME, become the stub at PAGE. */
const FROM_TREE = `
  lwz r10, 8(r3)\n add r10, r10, r3\n lwz r11, 12(r3)\n add r11, r11, r3\n li r13, ${NAME}\n li r14, ${PAGE}
  next: lwz r5, 0(r10)\n addi r10, r10, 4\n cmpwi r5, 1\n beq node\n cmpwi r5, 3\n bne next
  lwz r6, 0(r10)\n lwz r7, 4(r10)\n addi r10, r10, 8\n add r7, r7, r11\n li r8, 0
  letter: lbzx r9, r7, r8\n lbzx r4, r13, r8\n cmpw r9, r4\n bne other\n cmpwi r9, 0\n beq found\n addi r8, r8, 1\n b letter
  node: lbz r6, 0(r10)\n addi r10, r10, 1\n cmpwi r6, 0\n bne node\n li r6, 0
  other: add r10, r10, r6\n addi r10, r10, 3\n rlwinm r10, r10, 0, 0, 29\n b next
  found: lwz r5, 0(r10)\n stw r5, 0(r14)\n lwz r5, 4(r10)\n stw r5, 4(r14)\n lwz r5, 8(r10)\n stw r5, 8(r14)
  lwz r5, 12(r10)\n stw r5, 12(r14)\n dcbst r0, r14\n sync\n icbi r0, r14\n isync`;

const PPC = {
  papr: { request: `${load("r3", KVM_CALL)}\n mr r4, r20\n sc 1\n mr r3, r5` },
  epapr: { setup: FROM_TREE, request: `${load("r11", KVM_CALL)}\n mr r3, r20\n bl ${PAGE}\n mr r3, r5` },
  mmio: { request: `lis r9, ${GPA >>> 16}\n stwbrx r20, r0, r9\n lwbrx r3, r0, r9` },
} as const satisfies Record<string, Call>;

/** Where a guest runs. */
interface Host {
  readonly backend: "vmx" | "svm" | "kvm-hv" | "kvm-pr";
  readonly hypervisor: HypervisorName;
}

interface Move {
  readonly name: string;
  readonly way: Way;
  readonly from: Host;
  readonly to: Host;
  readonly wrongHypercall?: WrongHypercall;
}

function x86(
  name: string,
  way: keyof typeof X86,
  from: Host,
  to: Host,
  wrongHypercall?: WrongHypercall,
): Move {
  return { name, way: X86[way], from, to, wrongHypercall };
}

/** Kicked by `via`, matched in userspace or in the kernel; the driver looks for answers. */
function ring(name: string, via: VehicleName, options: RingOptions, from: Host, to: Host): Move {
  const way = { via, ring: { ...options, entries: 2 * SITES, bytes: BUFFER } };
  return { name: `${options.kind} by ${name}`, way, from, to };
}

const on = (backend: Host["backend"], hypervisor: HypervisorName): Host => ({ backend, hypervisor });
const between = (hypervisor: HypervisorName) => [on("vmx", hypervisor), on("svm", hypervisor)] as const;

/** Every row of the table. */
export const MOVES: readonly Move[] = [
  x86("vmcall, KVM patches", "vmcall", ...between("kvm"), "patch"),
  x86("vmcall, KVM emulates", "vmcall", ...between("kvm"), "emulate"),
  x86("vmcall, KVM refuses", "vmcall", ...between("kvm"), "reject"),
  x86("vmmcall from svm, KVM patches", "vmmcall", on("svm", "kvm"), on("vmx", "kvm"), "patch"),
  x86("Xen's page, Xen refuses", "xen", ...between("xen"), "reject"),
  x86("Xen's page, host patches", "xen", ...between("xen"), "patch"),
  x86("Hyper-V's page", "hyperv", ...between("hyperv")),
  x86("VMware's port", "vmware", ...between("vmware")),
  x86("PIO", "pio", ...between("none")),
  x86("MMIO", "mmio", ...between("none")),
  x86("KVM's call", "vmcall", on("vmx", "kvm"), on("vmx", "xen")),
  x86("KVM's call", "vmcall", on("vmx", "kvm"), on("vmx", "hyperv")),
  x86("KVM's call", "vmcall", on("vmx", "kvm"), on("vmx", "vmware")),
  x86("Xen's page", "xen", on("vmx", "xen"), on("vmx", "kvm")),
  x86("Hyper-V's page", "hyperv", on("vmx", "hyperv"), on("vmx", "kvm")),
  x86("PIO", "pio", on("vmx", "kvm"), on("vmx", "xen")),
  x86("MMIO", "mmio", on("vmx", "kvm"), on("svm", "hyperv")),
  { name: "sc 1", way: PPC.papr, from: on("kvm-hv", "papr"), to: on("kvm-pr", "papr") },
  { name: "sc 1", way: PPC.papr, from: on("kvm-hv", "papr"), to: on("kvm-pr", "epapr") },
  { name: "the tree's opcode", way: PPC.epapr, from: on("kvm-pr", "epapr"), to: on("kvm-hv", "papr") },
  { name: "MMIO", way: PPC.mmio, from: on("kvm-hv", "papr"), to: on("kvm-pr", "papr") },
  ring("PIO, userspace", "pio", { kind: "ioq" }, ...between("none")),
  ring("PIO, kernel", "pio", { kind: "virtqueue", doorbell: "kernel" }, ...between("none")),
  ring("MMIO, kernel", "mmio", { kind: "ioq", doorbell: "kernel" }, on("vmx", "kvm"), on("svm", "hyperv")),
  ring("MMIO, fast", "mmio", { kind: "virtqueue", doorbell: "fast" }, on("vmx", "kvm"), on("svm", "xen")),
  ring("vmcall, patched", "hypercall", { kind: "virtqueue", doorbell: "kernel" }, ...between("kvm")),
  ring("event channel", "hypercall", { kind: "ioq" }, ...between("xen")),
  ring("HvSignalEvent", "hypercall", { kind: "virtqueue", eventIdx: false }, ...between("hyperv")),
  ring("HvSignalEvent", "hypercall", { kind: "ioq" }, on("vmx", "hyperv"), on("vmx", "kvm")),
  ring(
    "MMIO, kernel",
    "mmio",
    { kind: "virtqueue", doorbell: "kernel" },
    on("kvm-hv", "papr"),
    on("kvm-pr", "epapr"),
  ),
  ring(
    "H_SEND_CRQ",
    "hypercall",
    { kind: "ioq", doorbell: "kernel" },
    on("kvm-hv", "papr"),
    on("kvm-pr", "papr"),
  ),
  ring("H_SEND_CRQ", "hypercall", { kind: "virtqueue" }, on("kvm-hv", "papr"), on("kvm-pr", "epapr")),
];

/** The device: its state is in the snapshot. */
class Numbered implements Device {
  readonly name = "numbered";
  readonly size = 8;
  #last = 0;
  #lost = 0;
  #doubled = 0;

  /** Takes a request, and says what it is answered with. */
  take(n: number): number {
    if (n <= this.#last) this.#doubled++;
    else {
      this.#lost += n - this.#last - 1;
      this.#last = n;
    }
    return n;
  }
  get last(): number {
    return this.#last;
  }
  get lost(): number {
    return this.#lost;
  }
  get doubled(): number {
    return this.#doubled;
  }
  read(): number {
    return this.#last;
  }
  write(_offset: number, _size: number, value: number | bigint): void {
    this.take(Number(value));
  }
  queue(request: Uint8Array): Uint8Array {
    this.take(new DataView(request.buffer, request.byteOffset).getUint32(0, true));
    return request;
  }
  save(): number[] {
    return [this.#last, this.#lost, this.#doubled];
  }
  load(state: unknown): void {
    const [last, lost, doubled] = state as number[];
    [this.#last, this.#lost, this.#doubled] = [last, lost, doubled];
  }
}

/** By hypervisor: number of the call, registers of its argument, its status and its answer. */
const CALLS: Readonly<Partial<Record<HypervisorName, readonly [number, string, string, string]>>> = {
  kvm: [KVM_CALL, "rbx", "rax", "rcx"],
  xen: [XEN_CALL, "rdi", "rax", "rsi"],
  hyperv: [HYPERV_CALL, "rdx", "rax", ""],
  vmware: [VMWARE_CALL, "rbx", "rax", "rbx"],
  epapr: [KVM_CALL, "r3", "r3", "r5"],
  papr: [KVM_CALL, "r4", "r3", "r5"],
};

/** Puts the device's end behind the hypervisor's calls: functions are in no snapshot. */
function serve(vm: Vm, device: Numbered): void {
  const call = CALLS[vm.hypervisor.name];
  if (!call) return;
  const [number, argument, status, answer] = call;
  vm.hypercalls.register(number, {
    name: device.name,
    call({ registers }) {
      const n = device.take(Number(registers.get(argument) & 0xffff_ffffn));
      if (answer === "") vm.memory.write(STACK, Uint8Array.of(n, 0, 0, 0));
      registers.set(status, 0n);
      if (answer !== "") registers.set(answer, BigInt(n));
    },
  });
}

/** The driver: in turn from each site it makes a request and compares the answer; `r13`, `r21` count the right ones. */
function driver({ setup = "", request }: Call, arch: "x86" | "ppc"): string {
  const sites = (one: string) => Array<string>(SITES).fill(one).join("\n");
  if (arch === "x86") {
    const one = `inc r12d\n ${request}\n cmp eax, r12d\n jnz end\n inc r13d`;
    return `mov esp, ${STACK}\n ${setup}\n xor r12d, r12d\n xor r13d, r13d
      more: ${sites(one)}\n cmp r12d, ${REQUESTS}\n jb more\n end: hlt`;
  }
  const one = `addi r20, r20, 1\n ${request}\n cmpw r3, r20\n bne end\n addi r21, r21, 1`;
  return `${setup}\n li r20, 0\n li r21, 0
    more: ${sites(one)}\n cmpwi r20, ${REQUESTS}\n blt more\n end: nop`;
}

/** A request in a ring: a u32 of what is asked (0, a request), one that calls use, and the number; answers have it as well. */
const REQUEST = 12, ANSWER = 16, NUMBER_IN_ANSWER = 8;

/** What the driver tells its ring of a request, given registers of its address and of its reply's. */
function told(
  kind: RingOptions["kind"],
  request: string,
  reply: string,
): (readonly [number, string | number])[] {
  const common = [[RING_BLOCK.reply, reply], [RING_BLOCK.capacity, ANSWER]] as const;
  // An IOQ's requests begin with the bytes sent and the room for the answer.
  if (kind === "ioq") {
    return [...common, [RING_BLOCK.request, request], [RING_BLOCK.length, 8 + REQUEST + ANSWER]];
  }
  const first = RING_BLOCK.list, second = first + 16;
  return [
    ...common,
    [RING_BLOCK.parts, 2],
    ...([[first, request], [first + 4, REQUEST], [first + 8, 1]] as const),
    ...([[second, reply], [second + 4, ANSWER], [second + 8, 2]] as const),
  ];
}

/** As `driver`, by a ring: SITES requests, a kick if the device wants one, and answers until all have come. */
function ringDriver({ ring: { kind } }: RingWay, { source, block }: RingCode, arch: "x86" | "ppc"): string {
  const head = kind === "ioq" ? [REQUEST, ANSWER, 0, 0] : [0, 0], reply = 4 * head.length + REQUEST - 8;
  if (arch === "x86") {
    const words = told(kind, "edi", "esi").map(([at, value]) => `mov dword ptr [rbp+${at}], ${value}`);
    return `mov esp, ${STACK}\n mov ebp, ${block}\n xor r12d, r12d\n xor r13d, r13d
      more: ${"inc r12d\n call submit\n".repeat(SITES)} call ring_kick
      wait: call ring_take\n mov r14d, [rbp+${RING_BLOCK.taken}]\n test r14d, r14d\n jz wait
      mov r15d, [rbp+${RING_BLOCK.results}]
      check: mov edi, [r15+8]\n mov eax, [rdi+${NUMBER_IN_ANSWER}]\n inc r13d\n cmp eax, r13d\n jnz end
      add r15d, 16\n dec r14d\n jnz check\n cmp r13d, r12d\n jb wait
      cmp r12d, ${REQUESTS}\n jb more\n end: hlt
      submit: mov edi, r12d\n and edi, 7\n shl edi, 6\n add edi, ${BUFFERS}
      ${head.map((word, i) => `mov dword ptr [rdi+${4 * i}], ${word}`).join("\n")}
      mov [rdi+${4 * head.length}], r12d\n mov esi, edi\n add esi, ${reply}
      ${words.join("\n")}\n jmp ring_push\n${source}`;
  }
  const little = (word: string, at: number) => `addi r8, r5, ${at}\n stwbrx ${word}, 0, r8`;
  const words = told(kind, "r5", "r6").map(([at, value]) =>
    typeof value === "number" ? `li r7, ${value}\n stw r7, ${at}(r12)` : `stw ${value}, ${at}(r12)`
  );
  return `li r12, 0\n oris r12, r12, ${block >>> 16}\n ori r12, r12, ${block & 0xffff}\n li r20, 0\n li r21, 0
    more: ${"addi r20, r20, 1\n bl submit\n".repeat(SITES)} bl ring_kick
    wait: bl ring_take\n lwz r22, ${RING_BLOCK.taken}(r12)\n cmpwi r22, 0\n beq wait
    lwz r23, ${RING_BLOCK.results}(r12)
    check: lwz r24, 8(r23)\n addi r24, r24, ${NUMBER_IN_ANSWER}\n lwbrx r25, 0, r24\n addi r21, r21, 1
    cmpw r25, r21\n bne end\n addi r23, r23, 16\n addi r22, r22, -1\n cmpwi r22, 0\n bne check
    cmpw r21, r20\n blt wait\n cmpwi r20, ${REQUESTS}\n blt more\n end: nop\n b end
    submit: andi. r5, r20, 7\n slwi r5, r5, 6\n addi r5, r5, ${BUFFERS}\n addi r6, r5, ${reply}
    ${head.map((word, i) => `li r7, ${word}\n ${little("r7", 4 * i)}`).join("\n")}
    ${little("r20", 4 * head.length)}\n ${words.join("\n")}\n b ring_push\n${source}`;
}

/** A guest, its device, the ring that it drives if it drives one, and where it ends. */
interface World {
  readonly vm: Vm;
  readonly device: Numbered;
  readonly ring: Ring | undefined;
  readonly end: bigint;
}

/** A guest on its first host. `spoil` may change it before it starts. */
async function start(
  { way, from, wrongHypercall }: Move,
  spoil: (vm: Vm) => void = () => {},
): Promise<World> {
  const arch = from.backend === "vmx" || from.backend === "svm" ? "x86" : "ppc";
  const options: VmOptions = {
    arch,
    mode: 64,
    ...from,
    wrongHypercall,
    memory: 2 ** 16,
    profile: profileOf(arch),
  };
  const vm = createVm(options), device = new Numbered();
  vm.devices.add(device, arch === "x86" ? { gpa: GPA, port: PORT } : { gpa: GPA });
  let ring: Ring | undefined, text: string;
  if ("ring" in way) {
    ring = await (await createIo(vm).open(device.name, { via: way.via })).ring(way.ring);
    text = ringDriver(way, await ring.code(), arch);
  } else {
    serve(vm, device);
    text = driver(way, arch);
  }
  if (arch === "ppc") {
    vm.memory.write(PAGE, vm.assemble("li r3, 12\n nop\n nop\n nop\n blr", BigInt(PAGE)).bytes);
    vm.memory.write(NAME, new TextEncoder().encode("hypercall-instructions\0"));
  }
  const program = vm.assemble(text, BigInt(TEXT));
  vm.load(program);
  spoil(vm);
  return { vm, device, ring, end: program.symbols.get("end")! };
}

/** One profile on both sides: the guest's clock must not jump, and differences are then those of the exits alone. */
const profileOf = (arch: "x86" | "ppc") => arch === "x86" ? "x86-default" : "ppc64-hv-assumed";

/** Numbers of a seed, the same on every machine (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return Math.floor(((t ^ t >>> 14) >>> 0) / 2 ** 32 * below);
  };
}

/** A guest that has come to its end, or to where it stays. */
interface Outcome {
  readonly answered: number;
  readonly lost: number;
  readonly doubled: number;
  readonly undefinedOpcodes: number;
  readonly exits: number;
  readonly cycles: number;
  readonly ended: string;
  readonly patched: number;
  readonly bytes: number;
}

function outcome(vm: Vm, device: Numbered, ended: string, before: Uint8Array, bytes: number): Outcome {
  const ledgers = [...vm.earlier.map(({ exits }) => exits), vm.exits];
  const after = textOf(vm);
  // Instructions of three bytes, of which one differs.
  const patched = before.filter((byte, i) => byte !== after[i]).length;
  const answered = Number(vm.vcpu.registers.get(vm.arch === "x86" ? "r13" : "r21"));
  return {
    answered,
    lost: device.lost + REQUESTS - device.last,
    doubled: device.doubled,
    undefinedOpcodes: vm.exits.aggregates()
      .filter(({ reason, key }) => reason === "EXCEPTION" && key === 6)
      .reduce((sum, { count }) => sum + count, 0),
    exits: ledgers.reduce((sum, ledger) => sum + ledger.count, 0),
    cycles: vm.vcpu.cycles,
    ended,
    patched,
    bytes,
  };
}

const textOf = (vm: Vm) => vm.memory.read(TEXT, PAGE + 4096 - TEXT);

/**
 * Runs to the end, or for so many instructions. Between slices, whose ends are the same wherever a guest is cut, the device
 * looks after kicks that the kernel half took.
 */
async function go({ vm, ring, end }: World, most: number): Promise<string> {
  const last = vm.vcpu.instructions + most;
  for (;;) {
    if (vm.vcpu.pc === end) return "UNTIL";
    const { instructions: now } = vm.vcpu;
    if (now >= last) return "BUDGET";
    const slice = ring ? SLICE - now % SLICE : most;
    const stop = await vm.run({ until: end, instructions: Math.min(slice, last - now) });
    if (stop.reason !== "BUDGET") return stop.reason;
    if (vm.vcpu.instructions % SLICE === 0) await ring?.serve();
  }
}

const patienceOf = ({ way }: Move) => "ring" in way ? RING_PATIENCE : PATIENCE;

/** The guest that stays where it is. */
async function stays(
  move: Move,
  spoil?: (vm: Vm) => void,
): Promise<Outcome & { instructions: number; lastExit: number }> {
  const world = await start(move, spoil), { vm, device } = world, before = textOf(vm);
  vm.exits.record(true);
  const ended = await go(world, patienceOf(move)), lastExit = vm.exits.rows.at(-1)?.instructions ?? 0;
  return { ...outcome(vm, device, ended, before, 0), instructions: vm.vcpu.instructions, lastExit };
}

/** A guest that is cut after so many instructions, rising, and goes on on the other host from each of the cuts. */
async function moves(move: Move, cuts: readonly number[]): Promise<Outcome[]> {
  const world = await start(move), { vm, device } = world, outcomes: Outcome[] = [];
  for (const cut of cuts) {
    await go(world, cut - vm.vcpu.instructions);
    const file = saveVm(vm), there = new Numbered();
    const other = restoreVm(file, { devices: [there], ...move.to, profile: vm.profile });
    const rings = world.ring && createIo(other).rings;
    if (!rings) serve(other, there);
    if (device.last !== there.last) throw new Error("the device's state was not in the snapshot");
    const before = textOf(other), moved = { vm: other, device: there, ring: rings?.[0], end: world.end };
    outcomes.push(outcome(other, there, await go(moved, patienceOf(move)), before, file.length));
  }
  return outcomes;
}

/** A row of the table. */
export interface Moved {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly cuts: number;
  /** Cuts after which each request was made once and answered once. */
  readonly whole: number;
  readonly verdict: "survives" | "is lost" | "mixed" | "does not run";
  /** Requests never made or never answered, the most of all cuts; made twice, in all cuts together. */
  readonly lost: number;
  readonly doubled: number;
  /** #UD exits on the new host: the least and the most of all cuts. */
  readonly undefinedOpcodes: readonly [number, number];
  /** Bytes of text that the new host changed: the most of all cuts. */
  readonly patched: number;
  /** Exits and cycles beyond those of the guest that stays, means of the cuts that survive. */
  readonly moreExits: number;
  readonly moreCycles: number;
  /** How guests end that do not survive. */
  readonly ends: readonly string[];
  /** Bytes of the snapshot, a mean: what has to be sent while the guest stands still. */
  readonly bytes: number;
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Cuts a guest `cuts` times. Only its own run says where it can be cut: anywhere before its last request. */
export async function migrate(move: Move, cuts: number, spoil?: (vm: Vm) => void): Promise<Moved> {
  const home = await stays(move, spoil);
  const head = { name: move.name, from: hostOf(move.from), to: hostOf(move.to), cuts };
  if (home.lost > 0 || home.answered !== REQUESTS) {
    const none = { whole: 0, patched: 0, moreExits: 0, moreCycles: 0, bytes: 0, doubled: home.doubled };
    return {
      ...head,
      ...none,
      verdict: "does not run",
      lost: home.lost,
      undefinedOpcodes: [0, 0],
      ends: [home.ended],
    };
  }
  const random = numbers(MOVES.indexOf(move) + 1);
  const setup = await instructionsToFirst(move);
  // A ring's last requests are under way until their doorbell.
  const last = "ring" in move.way ? home.lastExit : home.instructions - 24;
  const where = Array.from({ length: cuts }, () => setup + random(last - setup));
  const outcomes = await moves(move, where.sort((a, b) => a - b));
  const whole = outcomes.filter(({ answered, lost, doubled }) =>
    answered === REQUESTS && lost + doubled === 0
  );
  const failed = outcomes.filter((one) => !whole.includes(one)),
    opcodes = outcomes.map((one) => one.undefinedOpcodes);
  return {
    ...head,
    whole: whole.length,
    verdict: failed.length === 0 ? "survives" : whole.length === 0 ? "is lost" : "mixed",
    lost: Math.max(...outcomes.map(({ lost }) => lost)),
    doubled: outcomes.reduce((sum, { doubled }) => sum + doubled, 0),
    undefinedOpcodes: [Math.min(...opcodes), Math.max(...opcodes)],
    patched: Math.max(...outcomes.map(({ patched }) => patched)),
    moreExits: mean(whole.map(({ exits }) => exits - home.exits)),
    moreCycles: mean(whole.map(({ cycles }) => cycles - home.cycles)),
    ends: [...new Set(failed.map(({ ended }) => ended))].sort(),
    bytes: mean(outcomes.map(({ bytes }) => bytes)),
  };
}

/** Instructions before the first request is made: traffic begins there. */
async function instructionsToFirst(move: Move): Promise<number> {
  const world = await start(move);
  while (world.device.last === 0) await go(world, 1);
  return world.vm.vcpu.instructions;
}

const hostOf = ({ backend, hypervisor }: Host) => `${backend} ${hypervisor}`;

/** Bytes a second between the hosts: assumed, printed with what is made of it. */
const LINK = 1.25e9;

const ENDS: Readonly<Record<string, string>> = {
  UNTIL: "refused, the driver gives up",
  SHUTDOWN: "#UD that nobody takes: triple fault",
  BUDGET: "goes astray or waits, and never ends",
  INTERNAL_ERROR: "goes astray, to where no memory is",
  UNIMPLEMENTED: "goes astray",
};

function asText(rows: readonly Moved[]): string {
  const range = ([least, most]: readonly [number, number]) =>
    least === most ? `${most}` : `${least}..${most}`;
  const blackout = ({ bytes }: Moved) =>
    bytes === 0 ? "" : `${Math.round(bytes)} B ${(bytes / LINK * 1e6).toFixed(1)} us`;
  const survives = ({ verdict }: Moved) => verdict === "survives";
  const columns = [
    { title: "driver calls by", value: (row: Moved) => row.name },
    { title: "from", value: (row: Moved) => row.from },
    { title: "to", value: (row: Moved) => row.to },
    { title: "driver", value: (row: Moved) => row.verdict },
    { title: "whole", value: (row: Moved) => `${row.whole}/${row.cuts}`, right: true },
    { title: "lost", value: (row: Moved) => row.lost },
    { title: "twice", value: (row: Moved) => row.doubled },
    { title: "#UD", value: (row: Moved) => range(row.undefinedOpcodes), right: true },
    { title: "patched", value: (row: Moved) => row.patched },
    {
      title: "more exits",
      value: (row: Moved) => survives(row) ? row.moreExits.toFixed(1) : "",
      right: true,
    },
    {
      title: "more cycles",
      value: (row: Moved) => survives(row) ? row.moreCycles.toFixed(0) : "",
      right: true,
    },
    { title: "blackout", value: blackout, right: true },
    { title: "how it ends", value: (row: Moved) => row.ends.map((end) => ENDS[end] ?? end).join("; ") },
  ];
  return [
    `a driver of ${REQUESTS} numbered requests from ${SITES} places, by ring ${SITES} at a time, cut ${
      rows[0].cuts
    } times in each row at random, saved and gone on with`,
    "",
    ...table(columns, rows),
    "",
    "whole: cuts after which every request was made once and answered once; lost: the most of any cut; #UD and patched",
    "(bytes of text): on the new host; more: beyond the driver that stays, what the move costs the guest itself",
    `blackout: the guest stands still while its snapshot of so many bytes is sent, at ${
      LINK / 1e9
    } GB/s (assumed)`,
    `profiles ${profileOf("x86")} and ${
      profileOf("ppc")
    } (assumed) on both sides: cycles differ by the exits alone`,
    "",
  ].join("\n");
}

/** Prints the rows. */
export default async function migration({ args, json, out, each }: ScriptContext): Promise<void> {
  const cuts = args.length > 0 ? Number(args[0]) : CUTS;
  if (!Number.isInteger(cuts) || cuts < 1) throw new RangeError(`${args[0]} is no number of cuts`);
  const rows: Moved[] = [];
  for await (const move of each("migration", MOVES, "moves")) rows.push(await migrate(move, cuts));
  out.write(json ? `${JSON.stringify(rows, null, 2)}\n` : asText(rows));
}

if (import.meta.main) await standalone(migration);

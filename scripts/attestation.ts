/**
 * What reaching a device does to a measured guest: SHA-256 of its text by page before and after, and the exit that changed
 * each byte, under each policy: the right instruction, patching in place, emulation of #UD, a page that the hypervisor
 * writes, an opcode from the device tree, a port that carries registers, PIO, MMIO.
 *
 *     trapsh run scripts/attestation.ts [--json]
 *
 * One image runs on both vendors' processors. Its text is hashed as it is loaded and again after its calls: a measured
 * launch passes if not a byte differs. Bytes are attributed by executing the guest one instruction at a time and looking
 * at its text before each exit and after each instruction.
 */
import {
  createVm,
  type Device,
  type HypervisorName,
  type ScriptContext,
  standalone,
  startMeter,
  table,
  type Vm,
  type VmOptions,
  type WrongHypercall,
} from "../mod.ts";

/** Calls of the run whose text is watched, and of the one that is timed. */
const WATCHED = 4, TIMED = 1000;

/** Where things are: two pages of text, of which the second is left for a hypervisor or the guest to fill in. */
const PAGE = 4096, TEXT = 0x1000, STUBS = 0x2000, TEXT_END = 0x3000, STACK = 0x8000, NAME = 0x4000;
// The same on PowerPC, whose `lis` extends the sign of what it loads.
const PORT = 0x500, GPA = 0x7eb0_0000;

/** A way to the device, and what of the guest's image goes with it. */
export interface Policy {
  readonly name: string;
  readonly hypervisor: HypervisorName;
  readonly wrongHypercall?: WrongHypercall;
  /** Once, before the first call. */
  readonly setup?: string;
  /** One call; the number of the call is in r12 (x86), r20 (PowerPC). `trap:` is the instruction that leaves the guest. */
  readonly call: string;
  /** After it, jumps to `end` unless it was answered. */
  readonly check: string;
  /** The page of text that is filled in later, as it is in the image. */
  readonly stubs?: string;
}

const XEN_CALL = 0x70, KVM_CALL = 0x5453_0004, HYPERV_CALL = 0x7f01, VMWARE_CALL = 0x5401;
const STATUS_IS_0 = "test eax, eax\n jnz end";

const VMCALL = { call: `mov eax, ${KVM_CALL}\n mov ebx, r12d\ntrap: vmcall`, check: STATUS_IS_0 };

export const X86: readonly Policy[] = [
  { name: "vmcall, patched", hypervisor: "kvm", wrongHypercall: "patch", ...VMCALL },
  { name: "vmcall, emulated", hypervisor: "kvm", wrongHypercall: "emulate", ...VMCALL },
  { name: "vmcall, refused", hypervisor: "kvm", wrongHypercall: "reject", ...VMCALL },
  {
    name: "Xen's page",
    hypervisor: "xen",
    // Leaf +2 names the register that places the page.
    setup: `mov eax, 0x40000002\n cpuid\n mov ecx, ebx\n mov eax, ${STUBS}\n xor edx, edx\n wrmsr`,
    call: `mov edi, r12d\ntrap: call ${STUBS + 32 * XEN_CALL}`,
    check: STATUS_IS_0,
  },
  {
    name: "Hyper-V's page",
    hypervisor: "hyperv",
    // HV_X64_MSR_GUEST_OS_ID, then HV_X64_MSR_HYPERCALL.
    setup: `mov ecx, 0x40000000\n mov eax, 1\n xor edx, edx\n wrmsr
            mov ecx, 0x40000001\n mov eax, ${STUBS | 1}\n wrmsr`,
    call: `mov ecx, ${1 << 16 | HYPERV_CALL}\n mov edx, r12d\ntrap: call ${STUBS}`,
    check: STATUS_IS_0,
  },
  {
    name: "VMware's port",
    hypervisor: "vmware",
    call: `mov eax, 0x564d5868\n mov ecx, ${VMWARE_CALL}\n mov ebx, r12d\n mov edx, 0x5658\ntrap: in eax, dx`,
    check: STATUS_IS_0,
  },
  {
    name: "PIO",
    hypervisor: "none",
    call: `mov edx, ${PORT}\n mov eax, r12d\ntrap: out dx, eax`,
    check: "",
  },
  { name: "MMIO", hypervisor: "none", call: `mov ebx, ${GPA}\ntrap: mov [rbx], r12d`, check: "" },
];

/** Walks the flattened tree in r3 to `hypercall-instructions` (its name is at NAME) and copies them to the stub. */
const FROM_TREE = `
          lwz r10, 8(r3)
          add r10, r10, r3
          lwz r11, 12(r3)
          add r11, r11, r3
          li r13, ${NAME}
          li r14, ${STUBS}
  next:   lwz r5, 0(r10)
          addi r10, r10, 4
          cmpwi r5, 1
          beq node
          cmpwi r5, 3
          beq property
          cmpwi r5, 9
          beq end
          b next
  node:   lbz r6, 0(r10)
          addi r10, r10, 1
          cmpwi r6, 0
          bne node
          addi r10, r10, 3
          rlwinm r10, r10, 0, 0, 29
          b next
  property:
          lwz r6, 0(r10)
          lwz r7, 4(r10)
          addi r10, r10, 8
          add r7, r7, r11
          li r8, 0
  letter: lbzx r9, r7, r8
          lbzx r4, r13, r8
          cmpw r9, r4
          bne other
          cmpwi r9, 0
          beq found
          addi r8, r8, 1
          b letter
  other:  add r10, r10, r6
          addi r10, r10, 3
          rlwinm r10, r10, 0, 0, 29
          b next
  found:  li r8, 0
  word:   lwzx r5, r10, r8
          stwx r5, r14, r8
          dcbst r14, r8
          sync
          icbi r14, r8
          addi r8, r8, 4
          cmpw r8, r6
          blt word
          isync`;

const PPC_STATUS_IS_0 = "cmpwi r3, 0\n bne end";
const PPC_STORE = `lis r9, ${GPA >>> 16}\ntrap: stw r20, 0(r9)`;

export const PPC: readonly Policy[] = [
  {
    name: "opcode from the tree",
    hypervisor: "epapr",
    setup: FROM_TREE,
    call: `lis r11, ${KVM_CALL >>> 16}\n ori r11, r11, ${KVM_CALL & 0xffff}\n mr r3, r20\ntrap: bl ${STUBS}`,
    check: PPC_STATUS_IS_0,
    // As Linux has it until it knows better: EV_UNIMPLEMENTED.
    stubs: "li r3, 12\n nop\n nop\n nop\n blr",
  },
  {
    name: "sc 1 (PAPR)",
    hypervisor: "papr",
    call: `lis r3, ${KVM_CALL >>> 16}\n ori r3, r3, ${KVM_CALL & 0xffff}\n mr r4, r20\ntrap: sc 1`,
    check: PPC_STATUS_IS_0,
  },
  { name: "MMIO", hypervisor: "none", call: PPC_STORE, check: "" },
];

interface Machine {
  readonly name: string;
  readonly options: VmOptions;
  readonly policies: readonly Policy[];
}

const named = (...names: string[]) => PPC.filter(({ name }) => names.includes(name));

export const MACHINES: readonly Machine[] = [
  { name: "x86 vmx", options: { arch: "x86", mode: 64, backend: "vmx" }, policies: X86 },
  { name: "x86 svm", options: { arch: "x86", mode: 64, backend: "svm" }, policies: X86 },
  {
    name: "ppc64 hv",
    options: { arch: "ppc", mode: 64, backend: "kvm-hv" },
    policies: named("sc 1 (PAPR)", "MMIO"),
  },
  {
    name: "ppc32 pr",
    options: { arch: "ppc", mode: 32, backend: "kvm-pr" },
    policies: named("opcode from the tree", "MMIO"),
  },
];

/** What changed bytes of the text: an exit, or an instruction of the guest's own. */
interface Culprit {
  /** The exit's position among all; none for the guest's own store. */
  readonly seq?: number;
  readonly what: string;
  readonly pc: number;
}

/** A run of bytes that one culprit changed. */
export interface Change extends Culprit {
  readonly address: number;
  /** Bytes that differ: in a page not all need to. */
  readonly bytes: number;
  readonly before: string;
  readonly after: string;
}

/** A page of the text. */
export interface PageHash {
  readonly page: number;
  readonly before: string;
  readonly after: string;
}

/** What is found out about a policy on a machine. */
export interface Cell {
  readonly machine: string;
  readonly policy: string;
  /** Calls that the device saw, of those that the guest was to make. */
  readonly served: number;
  readonly wanted: number;
  /** How the guest ended: `end`, or the stop. */
  readonly ended: string;
  readonly pages: readonly PageHash[];
  readonly changes: readonly Change[];
  readonly changedBytes: number;
  /** Exits by #UD. */
  readonly undefinedOpcodes: number;
  /** Measured launch: not a byte of the text differs, and all calls were served. */
  readonly attestation: "pass" | "fail" | "does not run";
  /** Cycles of the first call with all that comes before it, and of each later one. */
  readonly first?: number;
  readonly each?: number;
  readonly profile: string;
  readonly provenance: Readonly<Record<string, readonly string[]>>;
}

/** The device: counts the calls whose number is the next one. */
function counter(): Device & { readonly served: number; take(n: number): void } {
  let served = 0;
  const take = (n: number) => void (n === served + 1 && served++);
  return {
    name: "counter",
    handledIn: "kernel",
    size: 8,
    get served() {
      return served;
    },
    take,
    write: (_offset, size, value) => take(Number(BigInt.asUintN(8 * size, BigInt(value)))),
  };
}

/** By hypervisor, the number of the call, the register of its argument, and of its status. */
const CALLS: Readonly<Partial<Record<HypervisorName, readonly [number, string, string]>>> = {
  kvm: [KVM_CALL, "rbx", "rax"],
  xen: [XEN_CALL, "rdi", "rax"],
  hyperv: [HYPERV_CALL, "rdx", "rax"],
  vmware: [VMWARE_CALL, "rbx", "rax"],
  epapr: [KVM_CALL, "r3", "r3"],
  papr: [KVM_CALL, "r4", "r3"],
};

const swap = (n: number) => (n >>> 24 | n >>> 8 & 0xff00 | (n & 0xff00) << 8 | n << 24) >>> 0;

function source({ setup = "", call, check }: Policy, arch: string, calls: number): string {
  if (arch === "x86") {
    return `mov esp, ${STACK}\n ${setup}\n xor r12d, r12d
      more: inc r12d\n ${call}\n ${check}\n cmp r12d, ${calls}\n jb more
      end: hlt`;
  }
  // A device sees bytes in address order: a store of the other order shows it the number as it is.
  return `${setup}\n li r20, 0
    more: addi r20, r20, 1\n ${call}\n ${check}\n cmpwi r20, ${calls}\n blt more
    end: nop`;
}

/** A machine with the image, and its device. */
function machineFor({ options }: Machine, policy: Policy, calls: number) {
  const { hypervisor, wrongHypercall } = policy;
  const vm = createVm({ ...options, hypervisor, wrongHypercall, memory: 2 ** 16 });
  const device = counter(), big = vm.arch === "ppc";
  vm.devices.add(
    { ...device, write: (_o, _s, value) => device.take(big ? swap(Number(value)) : Number(value)) },
    big ? { gpa: GPA } : { gpa: GPA, port: PORT },
  );
  const [number, argument, status] = CALLS[hypervisor] ?? [];
  if (number !== undefined) {
    vm.hypercalls.register(number, {
      name: "counter",
      handledIn: "kernel",
      call({ registers }) {
        device.take(Number(registers.get(argument!) & 0xffff_ffffn));
        registers.set(status!, 0n);
      },
    });
  }
  const program = vm.assemble(source(policy, vm.arch, calls), BigInt(TEXT));
  if (program.bytes.length > PAGE) throw new RangeError(`${policy.name}: the text is longer than its page`);
  // INT3 where nothing stands yet.
  vm.memory.write(STUBS, new Uint8Array(PAGE).fill(big ? 0 : 0xcc));
  if (policy.stubs !== undefined) vm.memory.write(STUBS, vm.assemble(policy.stubs, BigInt(STUBS)).bytes);
  vm.memory.write(NAME, new TextEncoder().encode("hypercall-instructions\0"));
  vm.load(program);
  return { vm, device, end: program.symbols.get("end")!, trap: program.symbols.get("trap")! };
}

const textOf = (vm: Vm) => vm.memory.read(TEXT, TEXT_END - TEXT);
const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const address = (value: number | bigint) => `0x${value.toString(16)}`;

async function sha256(bytes: Uint8Array): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())));
}

/** Runs of changed bytes; gaps of up to a slot of the hypervisor's page belong to them. */
function differences(before: Uint8Array, after: Uint8Array, by: Culprit): Change[] {
  const changes: Change[] = [];
  const at = Array.from(before.keys()).filter((i) => before[i] !== after[i]);
  for (let i = 0; i < at.length;) {
    let j = i;
    while (j + 1 < at.length && at[j + 1] - at[j] <= 32) j++;
    const [from, to] = [at[i], at[j] + 1];
    changes.push({
      ...by,
      address: TEXT + from,
      bytes: j - i + 1,
      before: hex(before.subarray(from, to)),
      after: hex(after.subarray(from, to)),
    });
    i = j + 1;
  }
  return changes;
}

/** Executes the guest one instruction at a time and attributes what changes in its text. */
async function watched(vm: Vm, end: bigint): Promise<{ changes: Change[]; ended: string }> {
  const changes: Change[] = [];
  let text = textOf(vm), seq = 0, culprit: Culprit = { what: "the guest's own store", pc: 0 };
  const look = () => {
    const now = textOf(vm);
    changes.push(...differences(text, now, culprit));
    text = now;
  };
  const done = vm.exits.onExit((native, key, _direction, _size, _in, site) => {
    look();
    const which = native.keySpace === "vector" ? `${native.name} vector ${key}` : native.name;
    const what = native.keySpace === "msr" ? `${native.name} ${address(key)}` : which;
    culprit = { seq: seq++, what, pc: Number(site.pc) };
  });
  // More than any of the images takes.
  for (let i = 0; i < 20_000 && vm.vcpu.pc !== end; i++) {
    culprit = { what: "the guest's own store", pc: Number(vm.vcpu.pc) };
    const stop = await vm.step();
    look();
    if (stop.reason === "DEBUG") continue;
    done();
    return { changes, ended: stop.reason };
  }
  done();
  return { changes, ended: vm.vcpu.pc === end ? "end" : "still running" };
}

/** What a number of calls costs, with all that comes before them; undefined if they are not served. */
async function timed(machine: Machine, policy: Policy, calls: number) {
  const { vm, device, end } = machineFor(machine, policy, calls);
  const meter = startMeter(vm);
  await vm.run({ until: end, instructions: 100 * calls + 20_000 });
  const cost = meter();
  return device.served === calls ? { cycles: cost.cycles.total + cost.guestCycles, cost } : undefined;
}

/** Measures one policy on one machine; `spoil` may change the guest after it is loaded and before it is hashed. */
export async function attest(
  machine: Machine,
  policy: Policy,
  spoil: (vm: Vm, trap: bigint) => void = () => {},
): Promise<Cell> {
  const { vm, device, end, trap } = machineFor(machine, policy, WATCHED);
  spoil(vm, trap);
  const before = textOf(vm);
  const { changes, ended } = await watched(vm, end);
  const after = textOf(vm), pages: PageHash[] = [];
  for (let page = TEXT; page < TEXT_END; page += PAGE) {
    const part = (text: Uint8Array) => sha256(text.subarray(page - TEXT, page - TEXT + PAGE));
    pages.push({ page, before: await part(before), after: await part(after) });
  }
  const runs = device.served === WATCHED && ended === "end";
  const changed = pages.some((one) => one.before !== one.after);
  const one = runs ? await timed(machine, policy, 1) : undefined;
  const many = runs ? await timed(machine, policy, TIMED) : undefined;
  return {
    machine: machine.name,
    policy: policy.name,
    served: device.served,
    wanted: WATCHED,
    ended,
    pages,
    changes,
    changedBytes: changes.reduce((sum, { bytes }) => sum + bytes, 0),
    undefinedOpcodes: vm.exits.aggregates().filter(({ reason, key }) => reason === "EXCEPTION" && key === 6)
      .reduce((sum, { count }) => sum + count, 0),
    attestation: !runs ? "does not run" : changed ? "fail" : "pass",
    ...(one && many && { first: one.cycles, each: (many.cycles - one.cycles) / (TIMED - 1) }),
    profile: vm.profile.name,
    provenance: many?.cost.provenance ?? {},
  };
}

/** All cells, in the order of machines and policies. */
export async function attestations(): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const machine of MACHINES) {
    for (const policy of machine.policies) cells.push(await attest(machine, policy));
  }
  return cells;
}

/** Whether one expected hash of the text after the calls covers both vendors: undefined where there is one machine. */
function sameOnBoth(cells: readonly Cell[], cell: Cell): boolean | undefined {
  const x86 = cells.filter(({ policy, machine }) => policy === cell.policy && machine.startsWith("x86"));
  if (!cell.machine.startsWith("x86") || x86.some(({ attestation }) => attestation === "does not run")) {
    return undefined;
  }
  return x86.every(({ pages }) => pages.every(({ after }, i) => after === x86[0].pages[i].after));
}

const short = (hash: string) => hash.slice(0, 8);

function asText(cells: readonly Cell[]): string {
  const columns = [
    { title: "machine", value: (cell: Cell) => cell.machine },
    { title: "policy", value: (cell: Cell) => cell.policy },
    { title: "launch check", value: (cell: Cell) => cell.attestation },
    { title: "bytes", value: (cell: Cell) => cell.changedBytes },
    { title: "#UD", value: (cell: Cell) => cell.undefinedOpcodes },
    {
      title: "one hash for both",
      value(cell: Cell) {
        const same = sameOnBoth(cells, cell);
        return same === undefined ? "" : same ? "yes" : "no";
      },
    },
    ...[0, 1].map((i) => ({
      title: `page ${address(TEXT + PAGE * i)}`,
      value: ({ pages: { [i]: { before, after } } }: Cell) =>
        before === after ? short(before) : `${short(before)} > ${short(after)}`,
    })),
    { title: "first call", value: (cell: Cell) => cell.first ?? "", right: true },
    { title: "each later", value: (cell: Cell) => cell.each?.toFixed(1) ?? "", right: true },
  ];
  const lines = [
    "measured launch: SHA-256 of the guest's text, page by page, as loaded and after the calls",
    "",
  ];
  lines.push(...table(columns, cells), "", "what changed the text");
  for (const cell of cells) {
    for (const change of cell.changes) {
      const { seq, what, pc, bytes, before, after } = change;
      const by = seq === undefined ? what : `exit ${seq}, ${what},`;
      const how = before.length <= 16
        ? `: ${before} > ${after}`
        : `: begins ${before.slice(0, 16)} > ${after.slice(0, 16)}`;
      lines.push(
        `  ${cell.machine}, ${cell.policy}: ${bytes} byte${bytes === 1 ? "" : "s"} from ${
          address(change.address)
        } by ${by} at ${address(pc)}${how}`,
      );
    }
  }
  for (const cell of cells.filter(({ attestation }) => attestation === "does not run")) {
    lines.push(
      `  ${cell.machine}, ${cell.policy}: ${cell.served} of ${cell.wanted} calls were served, then ${cell.ended}`,
    );
  }
  lines.push(
    "",
    "cycles: the device answers in the kernel and costs nothing; the loop around a call is in them",
  );
  for (const profile of new Set(cells.map((cell) => cell.profile))) {
    const kinds = new Map<string, Set<string>>();
    for (const { provenance } of cells.filter((cell) => cell.profile === profile)) {
      for (const [kind, names] of Object.entries(provenance)) {
        kinds.set(kind, new Set([...kinds.get(kind) ?? [], ...names]));
      }
    }
    const figures = [...kinds].map(([kind, names]) => `${[...names].join(", ")} ${kind}`);
    lines.push(`  profile ${profile}: ${figures.join("; ")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Prints the cells. */
export default async function attestation({ json, out }: ScriptContext): Promise<void> {
  const cells = await attestations();
  const data = cells.map((cell) => ({ ...cell, oneHashForBoth: sameOnBoth(cells, cell) }));
  out.write(json ? `${JSON.stringify(data, null, 2)}\n` : asText(cells));
}

if (import.meta.main) await standalone(attestation);

/** Random worlds of x86: code, vectors, descriptors, page tables, and the way into each mode. */
import { createVm } from "../../emulator/machine/vm.ts";
import { Random } from "../support/random.ts";
import { type CodeSource, once, sampler, type World } from "./endurance.ts";
import { x86Pool } from "./samples.ts";

const SAMPLES = 60_000;
/** Branches lead anywhere in this; the worlds' tables lie here too. */
export const X86_RAM = 0x2_0000;
const TSS = 0x300, GDT = 0x400, STUB = 0x600, SKIP = 0x7c0, IDT = 0x800, PAGES = 0x1_0000;
const VECTORS = 256, ENTRIES = 32;
/** Goes on two bytes further, from a handler without and one with an error code; each 16 bytes long at most. */
const SKIPS: Readonly<Record<16 | 32 | 64, readonly string[]>> = {
  16: ["push bp\nmov bp, sp\nadd word [bp+2], 2\npop bp\niret"],
  32: ["add dword [esp], 2\niretd", "add esp, 4\nadd dword [esp], 2\niretd"],
  64: ["add qword [rsp], 2\niretq", "add rsp, 8\nadd qword [rsp], 2\niretq"],
};
/** SDM vol. 3A, table 6-1: vectors that push an error code. */
const WITH_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
/** Selectors of the descriptor table that every world has; ring 3's have their RPL. */
const SELECTOR = { code: 8, data: 0x10, user: 0x1b, userData: 0x23, code16: 0x28, data16: 0x30, tss: 0x38 };

const little = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => value >> 8 * i & 0xff);

/** Jumps, calls and counted loops, to a place near by or anywhere. */
function branch(mode: 16 | 32 | 64, random: Random, at: number): Uint8Array {
  const near = (random.below(8) === 0 ? random.below(64) : -3 - random.below(60)) & 0xff;
  const wide = mode === 16 ? 2 : 4;
  const far = (length: number) => little(random.below(PAGES) - (at + length), wide);
  switch (random.below(5)) {
    case 0:
      return Uint8Array.of(0xe2, near);
    case 1:
      return Uint8Array.of(0x70 | random.below(16), near);
    case 2:
      return Uint8Array.of(0xe8, ...far(1 + wide));
    case 3:
      return Uint8Array.of(0x0f, 0x80 | random.below(16), ...far(2 + wide));
    default:
      return Uint8Array.of(0xe9, ...far(1 + wide));
  }
}

/** What reaches devices, and what the samples seldom have. */
const ERRANDS = [
  "in al, dx",
  "out dx, eax",
  "mov dx, 0x1000\nout dx, al",
  "mov dx, 0x1004\nin eax, dx",
  "mov al, 0x20\nout 0x20, al",
  "mov al, 0x34\nout 0x43, al\nmov al, bl\nout 0x40, al\nmov al, 3\nout 0x40, al",
  "mov al, 0xfe\nout 0x21, al",
  "mov eax, 5\nvmcall",
  "sti",
  "cpuid",
  "rdtsc",
  "int 0x30",
  "pushf\npopf",
  "mov ecx, 7",
  "cld\nmov ecx, 9\nrep movsb",
];
const MEMORY_ERRANDS = ["mov ebx, 0xfeb00000\nmov [ebx], ecx", "mov ebx, 0xfeb00004\nmov eax, [ebx]"];
/** Segments, rings and modes. Pushes are of the mode's width. */
const SYSTEM_ERRANDS: Readonly<Record<32 | 64, readonly string[]>> = {
  32: [
    ...["0x10", "0x23", "0x30", "0x48", "0x50", "0"].map((selector) => `mov ecx, ${selector}\nmov ds, cx`),
    "mov ecx, 0x30\nmov es, cx",
    `push 0x23\npush esp\npush 0x3202\npush 0x1b\npush edx\niretd`,
    `push 0x23\npush 0x8000\npush 0x23202\npush 0\npush 0x4000\niretd`,
    "iretd",
    "mov eax, cr3\nmov cr3, eax",
    "mov eax, cr0\nxor eax, 0x10000\nmov cr0, eax",
    "mov eax, cr4\nxor eax, 0x10\nmov cr4, eax",
    "invlpg [esi]",
    "mov ax, 0x38\nltr ax",
  ],
  64: [
    "push 0x23\npush rsp\npush 0x3202\npush 0x1b\npush rdx\niretq",
    "iretq",
    "mov rax, cr3\nmov cr3, rax",
    "mov rax, cr0\nxor rax, 0x10000\nmov cr0, rax",
    "invlpg [rsi]",
    "mov ax, 0x38\nltr ax",
  ],
};

export function x86Code(mode: 16 | 32 | 64): () => Promise<CodeSource> {
  return once(() => {
    const vm = createVm({ arch: "x86", mode, memory: 4096 });
    const texts = mode === 16 ? ERRANDS : [...ERRANDS, ...MEMORY_ERRANDS, ...SYSTEM_ERRANDS[mode]];
    const errands = texts.map((text) => vm.assemble(text).bytes);
    const sample = sampler(x86Pool(mode, new Random(mode), SAMPLES));
    return Promise.resolve({
      next(random, at) {
        const kind = random.below(16);
        if (kind < 2) return branch(mode, random, at);
        return kind === 2 ? random.pick(errands) : sample(random);
      },
    });
  });
}

/** Code of two widths side by side, where a mode goes from one to the other. */
export function mixed(first: () => Promise<CodeSource>, second: () => Promise<CodeSource>) {
  return once(async (): Promise<CodeSource> => {
    const sources = [await first(), await second()];
    // By the block that it stands in.
    return { next: (random, at) => sources[at >> 9 & 1].next(random, at) };
  });
}

function set({ vm }: World, registers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(registers)) vm.vcpu.registers.set(name, BigInt(value));
}

function writeSkips({ vm }: World, mode: 16 | 32 | 64): void {
  SKIPS[mode].forEach((text, i) => vm.memory.write(SKIP + 16 * i, vm.assemble(text).bytes));
}

/** Every vector of real mode leads to some place in the first segment. */
export function realMode(world: World): void {
  const { vm, random } = world;
  writeSkips(world, 16);
  vm.memory.write(0, realVectors(random));
  for (const name of ["ds", "es", "ss", "fs", "gs"]) set(world, { [name]: random.below(0x9000) });
}

function realVectors(random: Random): Uint8Array {
  const table = new DataView(new ArrayBuffer(4 * VECTORS));
  for (let vector = 0; vector < VECTORS; vector++) {
    if (random.below(2) === 0) {
      table.setUint16(4 * vector, SKIP, true);
      continue;
    }
    table.setUint16(4 * vector, random.below(0x1_0000), true);
    table.setUint16(4 * vector + 2, random.below(4) === 0 ? random.below(0x9000) : 0, true);
  }
  return new Uint8Array(table.buffer);
}

/** Code, data and task state, then anything; gates for most vectors. SDM vol. 3A, figures 3-8, 7-2, 6-2 and 6-8. */
export function tables(world: World, bits: 32 | 64): void {
  const { vm, random } = world;
  const gdt = new BigUint64Array(ENTRIES);
  const flat = bits === 32 ? 0x00cf_0000_0000_ffffn : 0x00af_0000_0000_ffffn;
  const present = (rights: bigint) => flat | rights << 40n;
  const small = (rights: bigint) => 0xffffn | rights << 40n;
  gdt.set([0n, present(0x9bn), present(0x93n), present(0xfbn), present(0xf3n), small(0x9bn), small(0x93n)]);
  gdt[7] = 0x0000_8900_0000_0067n | BigInt(TSS) << 16n;
  // Slot 8 is the upper half of a 64-bit task state segment. Then an expand-down segment and a call gate.
  gdt[9] = 0x0040_9700_0000_0fffn;
  gdt[10] = 0x0000_ec00_0008_0000n | BigInt(random.below(PAGES));
  for (let i = 11; i < ENTRIES; i++) {
    gdt[i] = random.below(2) === 0 ? random.u64() : random.pick([...gdt.subarray(1, 8)]) ^ 1n <<
        BigInt(random.below(64));
  }
  const size = bits === 32 ? 8 : 16;
  const idt = new DataView(new ArrayBuffer(size * VECTORS));
  for (let vector = 0; vector < VECTORS; vector++) {
    const at = size * vector;
    // Interrupt and trap gates, DPL 0 or 3.
    const type = random.below(16) === 0 ? random.below(256) : 0x8e | random.below(2) | random.below(2) * 0x60;
    const skips = random.below(2) === 0;
    idt.setUint16(at, skips ? SKIP + (WITH_CODE.has(vector) ? 16 : 0) : random.below(0x1_0000), true);
    idt.setUint16(at + 2, random.below(16) === 0 ? 8 * random.below(ENTRIES) : SELECTOR.code, true);
    idt.setUint16(at + 4, type << 8, true);
  }
  writeSkips(world, bits);
  const tss = new DataView(new ArrayBuffer(0x68));
  tss.setUint32(4, random.below(PAGES) & ~7, true);
  if (bits === 32) tss.setUint16(8, SELECTOR.data, true);
  tss.setUint16(0x66, random.below(3) === 0 ? random.below(0x68) : 0x68, true);
  for (const [at, view] of [[GDT, gdt], [IDT, idt], [TSS, tss]] as const) {
    vm.memory.write(at, new Uint8Array(view.buffer));
  }
  set(world, { gdt_base: GDT, gdt_limit: 8 * ENTRIES - 1, idt_base: IDT, idt_limit: size * VECTORS - 1 });
  set(world, { [bits === 32 ? "esp" : "rsp"]: random.below(PAGES) });
}

/** Runs guest code that enters a mode; where it fails, the world goes on from there. */
async function enter({ vm }: World, source: string): Promise<void> {
  const { bytes, listing } = vm.assemble(source, BigInt(STUB));
  vm.memory.write(STUB, bytes);
  vm.vcpu.pc = BigInt(STUB);
  await vm.run({ instructions: listing.length, holdInterrupts: true });
}

const TASK = `mov ax, ${SELECTOR.tss}\nltr ax\n`;

/** Protected mode with any of the table's segments. */
export async function segmented(world: World): Promise<void> {
  const { random } = world;
  tables(world, 32);
  const loads = ["ds", "es", "fs", "gs", "ss"].filter(() => random.below(2) === 0).map((name) =>
    `mov ecx, ${
      random.pick([SELECTOR.data, SELECTOR.data16, 0x48, 8 * random.below(ENTRIES)])
    }\nmov ${name}, cx\n`
  );
  await enter(world, TASK + loads.join(""));
}

/** Protected mode, code of 16 bits. */
export async function protected16(world: World): Promise<void> {
  tables(world, 32);
  const { code16, data16 } = SELECTOR;
  await enter(
    world,
    `${TASK}mov ecx, ${data16}\nmov ds, cx\nmov es, cx\nmov ss, cx\nmov esp, 0x7000\npush ${code16}\npush ${
      world.random.below(PAGES)
    }\nretf`,
  );
}

/** Virtual-8086 mode: IRET with VM in the image. SDM vol. 3B, 21.2.5. */
export async function virtual8086(world: World): Promise<void> {
  const { random } = world;
  tables(world, 32);
  const ioPrivilege = random.below(2) * 0x3000;
  const segment = () => `push ${random.below(0x1000)}\n`;
  await enter(
    world,
    `${TASK}mov esp, 0x7000\n${segment()}${segment()}${segment()}${segment()}${segment()}push ${
      random.below(PAGES)
    }\n` +
      `push ${0x20202 | ioPrivilege}\npush 0\npush ${random.below(PAGES)}\niretd`,
  );
}

/** Levels of tables: bits of the index from the outermost on, and bytes of an entry. SDM vol. 3A, table 4-2. */
const FORMATS = {
  "32": { indexes: [10, 10], entry: 4 },
  "pae": { indexes: [2, 9, 9], entry: 8 },
  "4-level": { indexes: [9, 9, 9, 9], entry: 8 },
} as const;
export type PagingName = keyof typeof FORMATS;

/** Tables that map the worlds' memory to itself for the most part; elsewhere anything. */
function pageTables(world: World, { indexes, entry }: (typeof FORMATS)[PagingName]): void {
  const { vm, random } = world;
  const pages = X86_RAM >> 12, levels = indexes.length;
  indexes.forEach((bits, level) => {
    const count = 2 ** bits, leaf = level === levels - 1;
    const view = new DataView(new ArrayBuffer(count * entry));
    // A root of four entries holds nothing but presence and address.
    const root = bits === 2;
    const put = (index: number, value: number, high = 0) => {
      view.setUint32(index * entry, value, true);
      if (entry === 8) view.setUint32(index * entry + 4, high, true);
    };
    for (let index = 0; index < count; index++) {
      const flags = root ? 1 : random.below(8) === 0 ? random.below(0x200) : 7 | random.below(8) << 5 & 0x60;
      const next = PAGES + 0x1000 * random.below(levels);
      if (leaf && index < pages) {
        const page = random.below(12) === 0 ? random.below(pages) : index;
        put(index, page << 12 | (index < 3 && random.below(16) > 0 ? 7 : flags));
      } else if (leaf) {
        const kind = random.below(8);
        if (kind < 3) put(index, random.below(pages) << 12 | flags);
        else if (kind === 3) put(index, 0xfeb0_0000 | flags, 0);
        else if (kind === 4) put(index, random.u32(), random.u32());
      } else if (index === 0) put(index, PAGES + 0x1000 * (level + 1) | (root ? 1 : 7));
      else if (random.below(3) === 0) put(index, next | flags);
      else if (random.below(8) === 0 && !root) put(index, random.u32(), random.u32());
    }
    vm.memory.write(PAGES + 0x1000 * level, new Uint8Array(view.buffer));
  });
}

/** Every other time on to privilege level 3, by a frame for IRET whose words are the mode's. SDM vol. 2A, IRET. */
function userToo({ random }: World, iret: "iretd" | "iretq"): string {
  if (random.below(2) === 0) return "";
  const { user, userData } = SELECTOR, flags = 0x202 | random.below(4) << 12;
  const words = [userData, random.below(PAGES) & ~7, flags, user, random.below(PAGES)];
  return words.map((word) => `push ${word}\n`).join("") + iret;
}

/** Protected mode with paging on, and PSE and write protection by chance. SDM vol. 3A, 4.1.2. */
export async function paged(world: World, format: "32" | "pae"): Promise<void> {
  const { random } = world;
  tables(world, 32);
  pageTables(world, FORMATS[format]);
  const cr4 = format === "pae" ? 0x20 : random.below(2) * 0x10;
  const cr0 = 0x8000_0001 + random.below(2) * 0x1_0000;
  await enter(
    world,
    `${TASK}mov eax, ${cr4}\nmov cr4, eax\nmov eax, ${PAGES}\nmov cr3, eax\nmov eax, ${cr0}\nmov cr0, eax\n` +
      userToo(world, "iretd"),
  );
}

/** Long mode on tables of its own; NXE by chance. */
export async function pagedLong(world: World): Promise<void> {
  const { random } = world;
  tables(world, 64);
  pageTables(world, FORMATS["4-level"]);
  const efer = `mov ecx, 0xc0000080\nrdmsr\nor eax, ${random.below(2) * 0x800}\nwrmsr\n`;
  await enter(world, `${TASK}${efer}mov rax, ${PAGES}\nmov cr3, rax\n` + userToo(world, "iretq"));
}

/** The modes that are run at random: a row each, with what its tables and system registers may look like. */
import { createVm } from "../../emulator/machine/vm.ts";
import { Random } from "../support/random.ts";
import type { CodeSource, EnduranceMode, World } from "./endurance.ts";
import { ppcPool, type SamplePool, x86Pool } from "./samples.ts";

/** Samples to sort into the pools. */
const SAMPLES = { x86: 60_000, ppc: 40_000 };
const RAM = 0x1_0000;
/** In real mode: all below 640 KiB, so that segments lead somewhere. */
const REAL_RAM = 0xa_0000;

/** Flat tables of protected and long mode. */
const GDT = 0x400, IDT = 0x800;
const GDT_ENTRIES = 16, VECTORS = 256;

const little = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => value >> 8 * i & 0xff);

/** Jumps, calls and counted loops of a PC, to a place near by or anywhere in 64 KiB. */
function x86Branch(mode: 16 | 32 | 64, random: Random, at: number): Uint8Array {
  const near = (random.below(mode === 16 ? 8 : 16) === 0 ? random.below(64) : -3 - random.below(60)) & 0xff;
  const wide = mode === 16 ? 2 : 4;
  const far = (length: number) => little(random.below(RAM) - (at + length), wide);
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
const X86_ERRANDS = [
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
const MMIO_ERRANDS = ["mov ebx, 0xfeb00000\nmov [ebx], ecx", "mov ebx, 0xfeb00004\nmov eax, [ebx]"];

function x86Code(mode: 16 | 32 | 64): () => Promise<CodeSource> {
  return once(() => {
    const vm = createVm({ arch: "x86", mode, memory: 4096 });
    const texts = mode === 16 ? X86_ERRANDS : [...X86_ERRANDS, ...MMIO_ERRANDS];
    const errands = texts.map((text) => vm.assemble(text).bytes);
    const sample = sampler(x86Pool(mode, new Random(mode), SAMPLES.x86));
    return Promise.resolve({
      alignment: 1,
      next(random, at) {
        const kind = random.below(16);
        if (kind < 2) return x86Branch(mode, random, at);
        return kind === 2 ? random.pick(errands) : sample(random);
      },
    });
  });
}

/** I-form and B-form: most go back a little, with CTR counted down; some go anywhere. */
function ppcBranch(random: Random, at: number): number {
  const back = -4 * (1 + random.below(24));
  switch (random.below(4)) {
    case 0:
      return (18 << 26 | random.below(RAM) - at & 0x3ff_fffc | random.below(2)) >>> 0;
    case 1:
      return (16 << 26 | random.below(32) << 21 | random.below(32) << 16 | back & 0xfffc) >>> 0;
    default:
      return (16 << 26 | 16 << 21 | back & 0xfffc) >>> 0;
  }
}

const PPC_ERRANDS = [
  "lis r4, -0x150\nstw r3, 0(r4)",
  "lis r4, -0x150\nlwbrx r5, 0, r4",
  "sc",
  "li r6, 20\nmtctr r6",
  "li r6, 300\nmtdec r6",
  "mfmsr r7\nori r7, r7, 0x8002\nmtmsr r7",
  "mftb r8",
  "rfi",
];

function ppcCode(mode: 32 | 64, order: "be" | "le"): () => Promise<CodeSource> {
  return once(async () => {
    const vm = createVm({ arch: "ppc", mode, order, memory: 4096 });
    const texts = mode === 64
      ? [...PPC_ERRANDS.filter((text) => text !== "rfi"), "rfid", "sc 1"]
      : PPC_ERRANDS;
    const errands = texts.map((text) => vm.assemble(text).bytes);
    const sample = sampler(await ppcPool(mode, new Random(mode), SAMPLES.ppc));
    return {
      alignment: 4,
      next(random, at) {
        const kind = random.below(16);
        if (kind === 2) return random.pick(errands);
        const word = kind < 2 ? ppcBranch(random, at) : new DataView(sample(random).buffer).getUint32(0);
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setUint32(0, word, order === "le");
        return bytes;
      },
    };
  });
}

/** Evenly by form. */
function sampler({ accepted }: SamplePool): (random: Random) => Uint8Array {
  const names = [...accepted.keys()].sort();
  return (random) => random.pick(accepted.get(random.pick(names))!);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

const set = ({ vm }: World, registers: Readonly<Record<string, bigint>>) => {
  for (const [name, value] of Object.entries(registers)) vm.vcpu.registers.set(name, value);
};

/** Every vector of real mode leads to some place in the first segment. */
function realMode(world: World): void {
  const { vm, random } = world;
  const table = new DataView(new ArrayBuffer(4 * VECTORS));
  for (let vector = 0; vector < VECTORS; vector++) {
    table.setUint16(4 * vector, random.below(RAM), true);
    table.setUint16(4 * vector + 2, random.below(4) === 0 ? random.below(0x9000) : 0, true);
  }
  vm.memory.write(0, new Uint8Array(table.buffer));
  for (const name of ["ds", "es", "ss", "fs", "gs"]) set(world, { [name]: BigInt(random.below(0x9000)) });
}

/** Code, data and anything; gates for most vectors. SDM vol. 3A, figures 3-8, 6-2 and 6-8. */
function flatTables(world: World, bits: 32 | 64): void {
  const { vm, random } = world;
  const gdt = new BigUint64Array(GDT_ENTRIES);
  gdt.set([0n, bits === 32 ? 0x00cf_9b00_0000_ffffn : 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn]);
  for (let i = 3; i < GDT_ENTRIES; i++) {
    gdt[i] = random.below(2) === 0 ? random.u64() : random.pick([...gdt.subarray(1, 3)]);
  }
  vm.memory.write(GDT, new Uint8Array(gdt.buffer));
  const size = bits === 32 ? 8 : 16;
  const idt = new DataView(new ArrayBuffer(size * VECTORS));
  for (let vector = 0; vector < VECTORS; vector++) {
    const offset = random.below(RAM), at = size * vector;
    const type = random.below(16) === 0 ? random.below(256) : 0x8e | random.below(2);
    idt.setUint16(at, offset, true);
    idt.setUint16(at + 2, 8, true);
    idt.setUint16(at + 4, type << 8, true);
  }
  vm.memory.write(IDT, new Uint8Array(idt.buffer));
  set(world, {
    gdt_base: BigInt(GDT),
    gdt_limit: BigInt(8 * GDT_ENTRIES - 1),
    idt_base: BigInt(IDT),
    idt_limit: BigInt(size * VECTORS - 1),
    [bits === 32 ? "esp" : "rsp"]: BigInt(random.below(RAM)),
  });
}

/** Interrupts and floating point available by chance; a 32-bit server's vectors hold what everything holds. */
function ppcSystem(world: World): void {
  const { vm, random } = world;
  const msr = vm.vcpu.registers.get("msr");
  // EE, PR, FP: bits of MSR that need no translation.
  const chance = [0x8000n, 0x4000n, 0x2000n].reduce(
    (bits, bit) => bits | (random.below(3) === 0 ? bit : 0n),
    0n,
  );
  set(world, { msr: msr | chance, srr0: BigInt(random.below(RAM) & ~3), srr1: msr });
}

export const ENDURANCE_MODES: readonly EnduranceMode[] = [
  {
    name: "x86-16",
    options: { arch: "x86", mode: 16, backend: "vmx", memory: REAL_RAM },
    code: x86Code(16),
    prepare: realMode,
  },
  {
    name: "x86-32",
    options: { arch: "x86", mode: 32, backend: "svm", memory: RAM },
    code: x86Code(32),
    prepare: (world) => flatTables(world, 32),
  },
  {
    name: "x86-64",
    options: { arch: "x86", mode: 64, backend: "vmx", memory: RAM },
    code: x86Code(64),
    prepare: (world) => flatTables(world, 64),
  },
  {
    name: "ppc32",
    options: { arch: "ppc", mode: 32, backend: "kvm-pr", memory: RAM },
    code: ppcCode(32, "be"),
    prepare: ppcSystem,
  },
  {
    name: "ppc64",
    options: { arch: "ppc", mode: 64, backend: "kvm-hv", memory: RAM },
    code: ppcCode(64, "be"),
    prepare: ppcSystem,
  },
  {
    name: "ppc64le",
    options: { arch: "ppc", mode: 64, order: "le", memory: RAM },
    code: ppcCode(64, "le"),
    prepare: ppcSystem,
  },
];

/** Random worlds of PowerPC: code, and the machine state's bits. */
import { createVm } from "../../emulator/machine/vm.ts";
import { Random } from "../support/random.ts";
import { type CodeSource, once, sampler, type World } from "./endurance.ts";
import { ppcPool } from "./samples.ts";

const SAMPLES = 40_000;
/** PowerPC Operating Environment Architecture, "Interrupt Vectors": one each 0x100 bytes. */
const FIRST_VECTOR = 0x200, LAST_VECTOR = 0xf00, VECTOR_SIZE = 0x100;
/** Goes on after the instruction that raised the exception. */
const SKIP = "mfsrr0 r31\naddi r31, r31, 4\nmtsrr0 r31\n";
export const PPC_RAM = 0x1_0000;

/** I-form and B-form: most go back a little, with CTR counted down; some go anywhere. */
function branch(random: Random, at: number): number {
  const back = -4 * (1 + random.below(24));
  switch (random.below(4)) {
    case 0:
      return (18 << 26 | random.below(PPC_RAM) - at & 0x3ff_fffc | random.below(2)) >>> 0;
    case 1:
      return (16 << 26 | random.below(32) << 21 | random.below(32) << 16 | back & 0xfffc) >>> 0;
    default:
      return (16 << 26 | 16 << 21 | back & 0xfffc) >>> 0;
  }
}

const ERRANDS = [
  "lis r4, -0x150\nstw r3, 0(r4)",
  "lis r4, -0x150\nlwbrx r5, 0, r4",
  "sc",
  "li r6, 20\nmtctr r6",
  "li r6, 300\nmtdec r6",
  "mfmsr r7\nori r7, r7, 0x8002\nmtmsr r7",
  "mftb r8",
];
const OF_MODE: Readonly<Record<32 | 64, readonly string[]>> = { 32: ["rfi"], 64: ["rfid", "sc 1"] };

export function ppcCode(mode: 32 | 64, order: "be" | "le"): () => Promise<CodeSource> {
  return once(async () => {
    const vm = createVm({ arch: "ppc", mode, order, memory: 4096 });
    const errands = [...ERRANDS, ...OF_MODE[mode]].map((text) => vm.assemble(text).bytes);
    const sample = sampler(await ppcPool(mode, new Random(mode), SAMPLES));
    return {
      next(random, at) {
        const kind = random.below(16);
        if (kind === 2) return random.pick(errands);
        const word = kind < 2 ? branch(random, at) : new DataView(sample(random).buffer).getUint32(0);
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setUint32(0, word, order === "le");
        return bytes;
      },
    };
  });
}

/** Interrupts, problem state and floating point by chance; most vectors return, others hold what everything holds. */
export function ppcSystem({ vm, random }: World): void {
  const { bytes } = vm.assemble(`${SKIP}${vm.isa.addressWidth === 64 ? "rfid" : "rfi"}`);
  for (let vector = FIRST_VECTOR; vector <= LAST_VECTOR; vector += VECTOR_SIZE) {
    if (random.below(8) > 0) vm.memory.write(vector, bytes);
  }
  const { registers } = vm.vcpu;
  const msr = registers.get("msr");
  const chance = [0x8000n, 0x4000n, 0x2000n].map((bit) => random.below(3) === 0 ? bit : 0n);
  registers.set("msr", chance.reduce((bits, bit) => bits | bit, msr));
  registers.set("srr0", BigInt(random.below(PPC_RAM) & ~3));
  registers.set("srr1", msr);
}

/** Special registers of a 32-bit processor's blocks, instruction's first, and of its hash table. */
const IBAT0U = 528, BATS = 16, SDR1 = 25;
const STUB = 0x3000;
/** MTSR of r3, without the segment register's number. */
const MTSR_R3 = 0x7c60_01a4;
/** IR and DR. */
const TRANSLATES = 0x30;

/** Blocks, segments and hash table at random, entered by RFI. PowerPC Programming Environments Manual, chapter 7. */
export async function ppcTranslated(world: World): Promise<void> {
  const { vm, random } = world;
  ppcSystem(world);
  const load = (register: string, value: number) =>
    `lis ${register}, ${value >> 16}\nori ${register}, ${register}, ${value & 0xffff}\n`;
  const word = (value: number) => `.long ${value}\n`;
  const lines: string[] = [];
  for (let i = 0; i < BATS; i++) {
    // The first block of each kind maps memory to itself for the most part.
    const plain = i % 8 < 2 && random.below(8) > 0, upper = i % 2 === 0;
    const size = random.pick([0, 1, 3, 7, 0x7ff]) << 2;
    const value = plain
      ? (upper ? 0x1fff : 2)
      : random.below(4) === 0
      ? random.u32()
      : upper
      ? random.below(16) << 17 | size | random.below(4)
      : random.below(2) << 17 | random.below(4);
    lines.push(`${load("r3", value)}mtspr ${IBAT0U + i}, r3\n`);
  }
  // The hash table is all of memory.
  lines.push(`${load("r3", 0)}mtspr ${SDR1}, r3\n`);
  for (let i = 0; i < 16; i++) {
    lines.push(
      `${load("r3", random.below(8) === 0 ? random.u32() : random.below(0x100))}${word(MTSR_R3 | i << 16)}`,
    );
  }
  const msr = Number(vm.vcpu.registers.get("msr")) | random.pick([TRANSLATES, TRANSLATES, 0x10, 0x20]);
  lines.push(`${load("r3", random.below(PPC_RAM) & ~3)}mtsrr0 r3\n${load("r3", msr)}mtsrr1 r3\nrfi`);
  const { bytes } = vm.assemble(lines.join(""), BigInt(STUB));
  vm.memory.write(STUB, bytes);
  vm.vcpu.pc = BigInt(STUB);
  await vm.run({ instructions: bytes.length / 4, holdInterrupts: true });
}

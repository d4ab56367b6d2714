/** Much code: blocks that are all different, each with a branch, one after another and over again. */
import { createVm, type Vm } from "../../../mod.ts";
import { AT, expectValue } from "../guests/guest.ts";
import { type Axis, runFor, type Timing } from "./axis.ts";

const KIB = 2 ** 10, MIB = 2 ** 20;
const MARK = 0x1122_3344;

/** Seven instructions, or six where the branch is taken. */
const BLOCK = `
        add eax, ${MARK}
        rol eax, 5
        xor ebx, eax
        test al, 1
        jz skip
        inc ecx
skip:   nop`;

/** The constant that a block adds: no two neighbours alike (Knuth's multiplier). */
const constantOf = (block: number) => Math.imul(block + 1, 0x9e37_79b1) >>> 0;

/** What has come out at a place in a pass. */
export interface Checkpoint {
  /** Instructions since the pass's start. */
  readonly instructions: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
}

export interface Footprint {
  readonly bytes: Uint8Array;
  /** `PARTS` places, evenly spread; the last is the end of the pass. */
  readonly checkpoints: readonly Checkpoint[];
}

/** Parts of a pass that can be timed by themselves, where a whole one takes long. */
const PARTS = 8;

/** A program of about `size` bytes that ends in a jump to its start. */
export function footprint(vm: Vm, size: number): Footprint {
  const head = vm.assemble("xor eax, eax\nxor ebx, ebx\nxor ecx, ecx", AT.code).bytes;
  const block = vm.assemble(BLOCK, AT.code).bytes;
  const mark = new DataView(block.buffer, block.byteOffset, block.length);
  const at = [...block.keys()].find((i) => i + 4 <= block.length && mark.getUint32(i, true) === MARK)!;
  const count = Math.max(1, Math.floor((size - head.length) / block.length));
  const tail = AT.code + BigInt(head.length + count * block.length);
  const jump = vm.assemble(`jmp ${AT.code}`, tail).bytes;
  const bytes = new Uint8Array(head.length + count * block.length + jump.length);
  const view = new DataView(bytes.buffer);
  bytes.set(head);
  let eax = 0, ebx = 0, ecx = 0;
  const checkpoints: Checkpoint[] = [];
  for (let i = 0; i < count; i++) {
    const start = head.length + i * block.length;
    bytes.set(block, start);
    view.setUint32(start + at, constantOf(i), true);
    const sum = eax + constantOf(i) | 0;
    eax = sum << 5 | sum >>> 27;
    ebx ^= eax;
    if (eax & 1) ecx++;
    const done = i + 1;
    if (done === count || Math.floor(done * PARTS / count) > Math.floor(i * PARTS / count)) {
      const instructions = 3 + 6 * done + ecx + (done === count ? 1 : 0);
      checkpoints.push({ instructions, eax: eax >>> 0, ebx: ebx >>> 0, ecx });
    }
  }
  bytes.set(jump, head.length + count * block.length);
  return { bytes, checkpoints };
}

/**
 * Warm is what so many timings in a row neither make faster nor find slower, which it is while regions are compiled, once V8
 * has had time to optimise; but not for ever.
 */
const PATIENCE = 5, WARM_MS = 1000, LONGEST_MS = 20_000, FASTER = 0.97, SLOWER = 1.2;
/** A timing lasts at least the one, as many passes as that takes; of a pass that takes more than the other, a part. */
const LEAST_MS = 30, MOST_MS = 1000;

/** The program, over and over, between one checkpoint and another. */
class Endless {
  readonly #vm: Vm;
  readonly #checkpoints: readonly Checkpoint[];
  /** Of the checkpoint that it stands at. */
  #at: number;

  constructor(size: number) {
    this.#vm = createVm({ arch: "x86", mode: 32, memory: 2 * MIB * Math.ceil(size / MIB) });
    const { bytes, checkpoints } = footprint(this.#vm, size);
    this.#vm.memory.write(AT.code, bytes);
    this.#vm.vcpu.pc = AT.code;
    this.#checkpoints = checkpoints;
    this.#at = checkpoints.length - 1;
  }

  /** Runs on for so many parts, and asserts what has come out; nanoseconds an instruction, and milliseconds in all. */
  async run(parts: number): Promise<{ nanoseconds: number; milliseconds: number }> {
    const whole = this.#checkpoints[this.#checkpoints.length - 1].instructions;
    const next = this.#at + parts, { length } = this.#checkpoints;
    const since = (index: number) =>
      (index + 1) % length === 0 ? 0 : this.#checkpoints[index % length].instructions;
    const wraps = Math.floor((next + 1) / length) - Math.floor((this.#at + 1) / length);
    const instructions = wraps * whole + since(next) - since(this.#at);
    const milliseconds = await runFor(this.#vm, instructions);
    this.#at = next % length;
    const expected = this.#checkpoints[this.#at];
    for (const name of ["eax", "ebx", "ecx"] as const) {
      expectValue(name, this.#vm.vcpu.registers.get(name), BigInt(expected[name]));
    }
    return { nanoseconds: milliseconds * 1e6 / instructions, milliseconds };
  }

  get parts(): number {
    return this.#checkpoints.length;
  }
}

async function code(size: number): Promise<Timing> {
  const endless = new Endless(size);
  const start = performance.now();
  let { milliseconds, nanoseconds: best } = await endless.run(endless.parts);
  const parts = () =>
    milliseconds > MOST_MS ? 1 : endless.parts * Math.ceil(LEAST_MS / Math.max(milliseconds, 0.01));
  const elapsed = () => performance.now() - start;
  for (let since = 0; (since < PATIENCE || elapsed() < WARM_MS) && elapsed() < LONGEST_MS;) {
    const count = parts(), now = await endless.run(count);
    milliseconds = now.milliseconds * endless.parts / count;
    since = now.nanoseconds < FASTER * best || now.nanoseconds > SLOWER * best ? 0 : since + 1;
    best = Math.min(best, now.nanoseconds);
  }
  return { time: async () => ({ nanoseconds: (await endless.run(parts())).nanoseconds }) };
}

export const CODE: Axis = {
  name: "code",
  per: "instruction",
  unit: "B",
  sizes: [KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 16 * MIB],
  prepare: code,
};

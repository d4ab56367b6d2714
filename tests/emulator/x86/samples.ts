/** Instruction bytes to compare decoders on; the same for the same seed. */
import type { Mode } from "../../../emulator/x86/registers.ts";

/** A xorshift generator of 32-bit numbers. */
export function random(seed: number): () => number {
  let x = seed | 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

const MODRM = [0x00, 0x05, 0x06, 0x44, 0x45, 0x84, 0x86, 0xc0, 0xc1, 0xc4, 0xd9, 0xff];

/** Every opcode of both maps after several prefixes and with several ModRM bytes; the rest is random. */
export function* opcodeSamples(mode: Mode): Generator<Uint8Array> {
  const next = random(0xbeef + mode);
  const common = [[], [0x66], [0xf0], [0xf3], [0x64], [0x2e, 0x66]];
  const prefixes = mode === 64
    ? [...common, [0x48], [0x40], [0x45], [0x66, 0x4a], [0x41, 0x65], [0xf2, 0x48]]
    : [...common, [0x26], [0x36, 0x3e], [0x67]];
  for (const prefix of prefixes) {
    for (let opcode = 0; opcode < 512; opcode++) {
      // Without prefix all of them, else every third, from another one each time.
      const [first, step] = prefix.length === 0 ? [0, 1] : [next() % 3, 3];
      for (let i = first; i < MODRM.length; i += step) {
        const modrm = MODRM[i];
        const head = [...prefix, ...opcode >= 256 ? [0x0f, opcode - 256] : [opcode], modrm | (next() & 0x38)];
        yield withTail(head, next);
      }
    }
  }
}

/** `count` random byte strings, half of them with small numbers behind the opcode. */
export function* randomSamples(count: number, seed: number): Generator<Uint8Array> {
  const next = random(seed);
  for (let i = 0; i < count; i++) yield withTail([], next);
}

function withTail(head: readonly number[], next: () => number): Uint8Array {
  const small = (next() & 1) === 0;
  const byte = () => small && (next() & 3) !== 0 ? (next() & 7) - 3 & 0xff : next() >>> 7 & 0xff;
  return Uint8Array.from({ length: 15 }, (_, i) => head[i] ?? byte());
}

/**
 * Instructions to try, sampled evenly from the tables of iced-x86 and capstone, not from ours: random bytes
 * are sorted by what the other decoder calls them, and what we do not implement is counted by name.
 */
import { Code, Decoder, DecoderOptions } from "iced-x86";
import MCapstone from "capstone";
import { ppcIsa } from "../../emulator/ppc/isa.ts";
import { x86Isa } from "../../emulator/x86/isa.ts";
import type { Isa } from "../../emulator/isa/isa.ts";
import type { Random } from "../support/random.ts";

export interface SamplePool {
  /** By the other decoder's name for the form, the encodings that both accept. */
  readonly accepted: ReadonlyMap<string, readonly Uint8Array[]>;
  /** Forms that the other decoder knows and we do not, by name: how many samples. */
  readonly excluded: ReadonlyMap<string, number>;
}

/** Encodings kept of one form. */
const KEEP = 24;

/** Leaves out a form's encodings past the first few, so that the pool stays even. */
function collect(isa: Isa, samples: Iterable<{ name: string; bytes: Uint8Array }>): SamplePool {
  const accepted = new Map<string, Uint8Array[]>(), excluded = new Map<string, number>();
  for (const { name, bytes } of samples) {
    const ours = isa.decode(bytes, 0x2000n);
    if ("undecodable" in ours) {
      excluded.set(name, (excluded.get(name) ?? 0) + 1);
      continue;
    }
    const list = accepted.get(name);
    if (!list) accepted.set(name, [bytes]);
    else if (list.length < KEEP) list.push(bytes);
  }
  return { accepted, excluded };
}

const CODE_NAMES = Object.entries(Code).filter(([, code]) => typeof code === "number")
  .reduce((names, [name, code]) => names.set(code as number, name), new Map<number, string>());

function* x86Samples(mode: 16 | 32 | 64, random: Random, count: number) {
  const none = DecoderOptions.None;
  for (let i = 0; i < count; i++) {
    const bytes = Uint8Array.from({ length: 15 }, () => random.u32() >>> 24);
    let at = 0;
    if (random.below(4) === 0) bytes[at++] = 0x66;
    if (mode === 64 && random.below(2) === 0) bytes[at++] = 0x40 | random.below(16);
    if (random.below(3) === 0) bytes[at++] = 0x0f;
    else bytes[at++] = i & 0xff;
    // Small displacements hit memory that is there.
    for (let j = at + 2; j < 15; j++) if (random.below(2) === 0) bytes[j] = random.below(3) === 0 ? 0xff : 0;
    const decoder = new Decoder(mode, bytes, none);
    const instruction = decoder.decode();
    const { code, length } = instruction;
    instruction.free();
    decoder.free();
    if (code !== Code.INVALID) {
      yield { name: CODE_NAMES.get(code) ?? `code ${code}`, bytes: bytes.slice(0, length) };
    }
  }
}

export function x86Pool(mode: 16 | 32 | 64, random: Random, count: number): SamplePool {
  return collect(x86Isa(mode), x86Samples(mode, random, count));
}

export async function ppcPool(mode: 32 | 64, random: Random, count: number): Promise<SamplePool> {
  const capstone = await MCapstone();
  const bits = mode === 64 ? capstone.MODE_64 : capstone.MODE_32;
  const handle = new capstone.Capstone(capstone.ARCH_PPC, capstone.MODE_BIG_ENDIAN | bits);
  function* samples() {
    for (let i = 0; i < count; i++) {
      const word = new DataView(new ArrayBuffer(4));
      // Half of all opcodes are extended ones of 31.
      const primary = random.below(2) === 0 ? 31 : random.below(64);
      // Loads and stores (32 to 62) mostly with a small displacement: where there is memory.
      const near = primary >= 32 && primary < 63 && random.below(4) > 0 ? 0xffff_00ff : 0xffff_ffff;
      word.setUint32(0, (primary << 26 | random.u32() >>> 6) & near);
      const bytes = new Uint8Array(word.buffer);
      const found = (() => {
        try {
          return handle.disasm(bytes, 0x2000, 1);
        } catch {
          return [];
        }
      })();
      if (found.length > 0) yield { name: found[0].mnemonic, bytes };
    }
  }
  const pool = collect(ppcIsa(mode), samples());
  handle.close();
  return pool;
}

/** Brings programs and images into a guest: bytes to memory, names to the symbols, pc to the first instruction. */
import type { Program } from "../../isa/program.ts";
import type { SourceLines } from "../../isa/source_lines.ts";
import type { SymbolTable } from "../../isa/symbols.ts";
import type { ArchName, ModeWidth } from "../arch.ts";
import type { GuestMemory } from "../memory.ts";
import { parseImage } from "./detect.ts";

/** Where an image goes. */
export interface LoadOptions {
  /** Guest-physical address for an image that names none; 0x1000 if not given (0x7c00 in x86 real mode). */
  readonly at?: bigint;
}

/** What `load` did. */
export interface LoadedImage {
  /** Where pc stands now: the address of the first instruction. */
  readonly entry: bigint;
  /** Guest-physical ranges that were written. */
  readonly ranges: readonly { readonly gpa: number; readonly size: number }[];
  /** How many symbols it brought. */
  readonly symbols: number;
}

/** Where it is brought. */
export interface LoadTarget {
  readonly arch: ArchName;
  readonly mode: ModeWidth;
  readonly order: "le" | "be";
  readonly memory: GuestMemory;
  readonly symbols: SymbolTable;
  readonly lines: SourceLines;
  /** The one that executes it. */
  readonly vcpu: { pc: bigint };
}

/** What the assembler made. Throws `RangeError` for what does not fit, having written nothing. */
export function loadProgram({ memory, symbols, vcpu }: LoadTarget, program: Program): LoadedImage {
  const { origin, bytes, entry = origin } = program;
  if (bytes.length > 0) memory.write(origin, bytes);
  for (const [name, address] of program.symbols) symbols.add(name, address);
  vcpu.pc = entry;
  return { entry, ranges: [{ gpa: Number(origin), size: bytes.length }], symbols: program.symbols.size };
}

/**
 * An ELF file, or flat bytes, which go to `at`. Throws `RangeError` or `SyntaxError` for what does not fit or is malformed,
 * having written nothing.
 */
export function loadImage(target: LoadTarget, file: Uint8Array, at: bigint): LoadedImage {
  const { arch, mode, order, memory } = target;
  const image = parseImage(file, { at, limit: memory.slots.reduce((sum, { size }) => sum + size, 0) });
  if (
    image.arch &&
    (image.arch !== arch || (image.mode && image.mode !== mode) || (image.order && image.order !== order))
  ) {
    throw new RangeError(
      `the image is for ${image.arch} ${image.mode}-bit ${image.order}, this VM is ${arch} ${mode}-bit ${order}`,
    );
  }
  for (const { paddr, memsize } of image.segments) {
    if (!memory.holds(paddr, memsize)) memory.read(paddr, memsize); // throws, naming what is there
  }
  for (const { paddr, bytes, memsize } of image.segments) {
    memory.write(paddr, bytes);
    if (memsize > bytes.length) {
      memory.write(paddr + BigInt(bytes.length), new Uint8Array(memsize - bytes.length));
    }
  }
  for (const { name, address, size } of image.symbols) target.symbols.add(name, address, size);
  target.lines.add(image.lines ?? []);
  target.vcpu.pc = image.physicalEntry;
  const ranges = image.segments.map(({ paddr, memsize }) => ({ gpa: Number(paddr), size: memsize }));
  return { entry: image.physicalEntry, ranges, symbols: image.symbols.length };
}

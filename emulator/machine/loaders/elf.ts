/**
 * ELF executables for x86 and PowerPC, 32 and 64 bits, both byte orders.
 *
 * System V ABI, chapters "Object Files" and "Program Loading"; for PowerPC's function descriptors the
 * 64-bit PowerPC ELF ABI Supplement 1.9, section 3.2.5. Nothing is relocated and nothing is copied:
 * segments are views of the file.
 */
import type { LineSequence } from "../../isa/source_lines.ts";
import { readLines } from "./dwarf_lines.ts";
import { readSections, readSymbols, type Section } from "./elf_sections.ts";
import { FileReader } from "./file_reader.ts";
import { DEFAULT_LIMIT, type Image, type Segment } from "./image.ts";

/** An ELF file, understood. */
export interface ElfImage extends Image {
  /** Always `"elf"`. */
  readonly format: "elf";
  /** From e_machine. */
  readonly arch: "x86" | "ppc";
  /** Width of the program in bits. */
  readonly mode: 32 | 64;
  /** Byte order of data. */
  readonly order: "le" | "be";
  /** `"fixed"`: linked for its addresses. `"movable"`: position-independent, linked from address 0. */
  readonly type: "fixed" | "movable";
  /** It wants a dynamic linker, so it is a program for an operating system. */
  readonly interpreted: boolean;
  /** PowerPC ELFv1: the function descriptor that the file's entry points to, and the TOC that it gives for r2. */
  readonly descriptor?: { readonly address: bigint; readonly toc: bigint };
}

interface Machine {
  readonly name: string;
  readonly arch: "x86" | "ppc";
  readonly mode: 32 | 64;
  /** ELF classes that it comes in, by width. */
  readonly classes: readonly (32 | 64)[];
  readonly orders: readonly ("le" | "be")[];
}

const MACHINES: ReadonlyMap<number, Machine> = new Map<number, Machine>([
  [3, { name: "EM_386", arch: "x86", mode: 32, classes: [32], orders: ["le"] }],
  // The x32 ABI is 64-bit code in 32-bit files.
  [62, { name: "EM_X86_64", arch: "x86", mode: 64, classes: [32, 64], orders: ["le"] }],
  [20, { name: "EM_PPC", arch: "ppc", mode: 32, classes: [32], orders: ["le", "be"] }],
  [21, { name: "EM_PPC64", arch: "ppc", mode: 64, classes: [64], orders: ["le", "be"] }],
]);

const PT_LOAD = 1;
const PT_INTERP = 3;
const PN_XNUM = 0xffff;
const ET: Readonly<Record<number, string>> = {
  1: "a relocatable object: link it first",
  4: "a core dump",
};

/** The fields of the ELF header that the rest needs; offsets in the file. */
interface Header {
  readonly width: 32 | 64;
  readonly order: "le" | "be";
  readonly machine: Machine;
  readonly type: "fixed" | "movable";
  readonly entry: bigint;
  readonly flags: number;
  readonly programs: { readonly offset: bigint; readonly count: number; readonly size: number };
  readonly sections: {
    readonly offset: bigint;
    readonly count: number;
    readonly size: number;
    readonly names: number;
  };
}

function readHeader(bytes: Uint8Array): { header: Header; reader: FileReader } {
  if (bytes.length < 16 || bytes[0] !== 0x7f || String.fromCharCode(...bytes.subarray(1, 4)) !== "ELF") {
    throw new SyntaxError("not an ELF file: expected it to begin with 7f 45 4c 46");
  }
  const [elfClass, data, version] = bytes.subarray(4, 7);
  if (elfClass !== 1 && elfClass !== 2) {
    throw new SyntaxError(`ELF class ${elfClass}: expected 1 (32) or 2 (64 bits)`);
  }
  if (data !== 1 && data !== 2) {
    throw new SyntaxError(`ELF data encoding ${data}: expected 1 (little) or 2 (big-endian)`);
  }
  if (version !== 1) throw new SyntaxError(`ELF version ${version}: expected 1`);
  const width = elfClass === 1 ? 32 : 64;
  const order = data === 1 ? "le" : "be";
  const reader = new FileReader(bytes, order, width);
  reader.range(0, width === 32 ? 52 : 64, "ELF header");

  const number = reader.u16(18);
  const machine = MACHINES.get(number);
  if (machine === undefined) {
    const known = [...MACHINES].map(([value, { name }]) => `${value} (${name})`).join(", ");
    throw new SyntaxError(`ELF machine ${number} is not supported: expected ${known}`);
  }
  if (!machine.classes.includes(width)) {
    throw new SyntaxError(`${machine.name} in an ELF file of ${width} bits`);
  }
  if (!machine.orders.includes(order)) throw new SyntaxError(`${machine.name} in a big-endian ELF file`);
  const type = reader.u16(16);
  if (type !== 2 && type !== 3) {
    throw new SyntaxError(`the ELF file is ${ET[type] ?? `of type ${type}`}, expected an executable`);
  }

  const word = width / 8;
  // After e_entry, e_phoff and e_shoff the fields are as wide in both classes.
  const rest = 24 + 3 * word;
  const header: Header = {
    width,
    order,
    machine,
    type: type === 2 ? "fixed" : "movable",
    entry: reader.word(24),
    flags: reader.u32(rest),
    programs: { offset: reader.word(24 + word), size: reader.u16(rest + 6), count: reader.u16(rest + 8) },
    sections: {
      offset: reader.word(24 + 2 * word),
      size: reader.u16(rest + 10),
      count: reader.u16(rest + 12),
      names: reader.u16(rest + 14),
    },
  };
  return { header, reader };
}

function readSegments(
  reader: FileReader,
  header: Header,
  limit: number,
): { segments: Segment[]; interpreted: boolean } {
  const { offset, size, count } = header.programs;
  const wide = header.width === 64;
  if (count === 0) throw new SyntaxError("the ELF file has no program headers: nothing to load");
  if (count === PN_XNUM) throw new SyntaxError("the ELF file has more program headers than 65534");
  if (size !== (wide ? 56 : 32)) {
    throw new SyntaxError(`ELF program headers of ${size} bytes: expected ${wide ? 56 : 32}`);
  }
  const table = reader.range(offset, count * size, "ELF program headers").start;
  const top = 1n << BigInt(header.width);
  const segments: Segment[] = [];
  let interpreted = false;
  let total = 0n;
  for (let index = 0; index < count; index++) {
    const at = table + index * size;
    const type = reader.u32(at);
    if (type === PT_INTERP) interpreted = true;
    if (type !== PT_LOAD) continue;
    // p_flags stands second in 64-bit headers, second to last in 32-bit ones.
    const [flags, fields] = wide ? [reader.u32(at + 4), at + 8] : [reader.u32(at + 24), at + 4];
    const [fileOffset, vaddr, paddr, filesize, memsize] = [0, 1, 2, 3, 4].map((field) =>
      reader.word(fields + field * (wide ? 8 : 4))
    );
    const what = `ELF segment ${index}`;
    if (memsize === 0n) continue;
    if (filesize > memsize) {
      throw new RangeError(`${what}: ${filesize} bytes in the file exceed its ${memsize} bytes in memory`);
    }
    total += memsize;
    if (total > BigInt(limit)) {
      throw new RangeError(`${what}: with its ${memsize} bytes the image exceeds ${limit} bytes of memory`);
    }
    if (paddr + memsize > top || vaddr + memsize > top) {
      throw new RangeError(
        `${what}: ${memsize} bytes at 0x${paddr.toString(16)} exceed ${header.width} address bits`,
      );
    }
    segments.push({
      paddr,
      vaddr,
      bytes: reader.bytes(fileOffset, filesize, what),
      memsize: Number(memsize),
      flags: { read: (flags & 4) !== 0, write: (flags & 2) !== 0, execute: (flags & 1) !== 0 },
    });
  }
  if (segments.length === 0) throw new SyntaxError("the ELF file has no segment to load");
  return { segments, interpreted };
}

function segmentOf(segments: readonly Segment[], vaddr: bigint): Segment | undefined {
  return segments.find((segment) =>
    vaddr >= segment.vaddr && vaddr - segment.vaddr < BigInt(segment.memsize)
  );
}

/** A function descriptor: code address, TOC, environment; 64-bit words of the file's order. */
function readDescriptor(
  segments: readonly Segment[],
  address: bigint,
  order: "le" | "be",
): { code: bigint; toc: bigint } | undefined {
  const segment = segmentOf(segments, address);
  if (segment === undefined) return undefined;
  const offset = Number(address - segment.vaddr);
  if (offset + 16 > segment.bytes.length) return undefined;
  const reader = new FileReader(segment.bytes, order, 64);
  return { code: reader.u64(offset), toc: reader.u64(offset + 8) };
}

/**
 * Whether ELFv1 addresses of functions are descriptors, and where those stand. Boot programs are ELFv1
 * too but enter at code: only an entry in `.opd`, or without sections in a segment that is not
 * executable, is a descriptor.
 */
function descriptorTest(
  header: Header,
  sections: readonly Section[],
  segments: readonly Segment[],
): (address: bigint) => boolean {
  // e_flags bits 0 and 1: ABI version, 0 where the linker did not say.
  const elfv1 = header.machine.name === "EM_PPC64" && (header.flags & 3) !== 2;
  if (!elfv1) return () => false;
  const opd = sections.find(({ name }) => name === ".opd");
  if (opd !== undefined) return (address) => address >= opd.address && address - opd.address < opd.size;
  if (sections.length > 0) return () => false;
  return (address) => segmentOf(segments, address)?.flags.execute === false;
}

/**
 * Reads an ELF executable. `limit`: bytes of memory that its segments may take together, default 1 GiB.
 * Throws `SyntaxError` for what is not such a file, `RangeError` for offsets, sizes and addresses that
 * do not fit; no other error, whatever the bytes.
 */
export function parseElf(bytes: Uint8Array, options: { readonly limit?: number } = {}): ElfImage {
  const { header, reader } = readHeader(bytes);
  const { segments, interpreted } = readSegments(reader, header, options.limit ?? DEFAULT_LIMIT);
  const sections = readSections(reader, header.width, header.sections);
  const isDescriptor = descriptorTest(header, sections, segments);

  let entry = header.entry;
  let descriptor: ElfImage["descriptor"];
  if (isDescriptor(entry)) {
    const found = readDescriptor(segments, entry, header.order);
    if (found === undefined) {
      throw new RangeError(`the function descriptor at 0x${entry.toString(16)} is not in the file`);
    }
    descriptor = { address: entry, toc: found.toc };
    entry = found.code;
  }
  const symbols = readSymbols(reader, header.width, sections).map((symbol) => {
    const found = isDescriptor(symbol.address)
      ? readDescriptor(segments, symbol.address, header.order)
      : undefined;
    return found === undefined ? symbol : { ...symbol, address: found.code };
  });
  const home = segmentOf(segments, entry);
  return {
    format: "elf",
    arch: header.machine.arch,
    mode: header.machine.mode,
    order: header.order,
    type: header.type,
    interpreted,
    entry,
    physicalEntry: home === undefined ? entry : entry - home.vaddr + home.paddr,
    ...(descriptor && { descriptor }),
    segments,
    symbols,
    lines: linesOf(reader, header.order, sections),
  };
}

const NOBITS = 8, COMPRESSED = 0x800n;

/** Source lines, where the file has them and keeps them as they are. */
function linesOf(reader: FileReader, order: "le" | "be", sections: readonly Section[]): LineSequence[] {
  const bytesOf = (name: string): Uint8Array | undefined => {
    const section = sections.find((one) => one.name === name);
    if (!section || section.type === NOBITS || section.flags & COMPRESSED) return undefined;
    try {
      return reader.bytes(section.offset, section.size, name);
    } catch {
      // Debug information that is not in the file is no reason not to load it.
      return undefined;
    }
  };
  const line = bytesOf(".debug_line");
  if (!line) return [];
  return readLines({ line, lineStr: bytesOf(".debug_line_str"), str: bytesOf(".debug_str") }, order);
}

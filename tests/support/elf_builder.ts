/** Builds small ELF executables by hand. */

export interface ElfParts {
  readonly width: 32 | 64;
  readonly order: "le" | "be";
  /** e_machine. */
  readonly machine: number;
  readonly type?: number;
  readonly entry: bigint;
  readonly flags?: number;
  readonly segments: readonly {
    readonly vaddr: bigint;
    readonly paddr?: bigint;
    readonly bytes: Uint8Array;
    readonly memsize?: number;
    /** 4 read, 2 write, 1 execute. */
    readonly flags?: number;
  }[];
  readonly symbols?: readonly {
    name: string;
    value: bigint;
    size?: bigint;
    info?: number;
    section?: number;
  }[];
  /** Further sections, by name: an address range. */
  readonly sections?: readonly { name: string; address: bigint; size: bigint }[];
}

class Writer {
  readonly #bytes: number[] = [];

  constructor(readonly width: 32 | 64, readonly order: "le" | "be") {}

  get length(): number {
    return this.#bytes.length;
  }

  number(value: bigint | number, size: number): this {
    const bytes = Array.from({ length: size }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn));
    this.#bytes.push(...(this.order === "le" ? bytes : bytes.reverse()));
    return this;
  }

  word(...values: (bigint | number)[]): this {
    for (const value of values) this.number(value, this.width / 8);
    return this;
  }

  bytes(bytes: Iterable<number>): this {
    // One by one: a spread of a large segment overflows the stack.
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

function strings(names: readonly string[]): { bytes: Uint8Array; offsets: number[] } {
  const bytes = [0];
  const offsets = names.map((name) => {
    const offset = bytes.length;
    bytes.push(...new TextEncoder().encode(name), 0);
    return offset;
  });
  return { bytes: Uint8Array.from(bytes), offsets };
}

/** Header, program headers, segments, then `.symtab`, `.strtab`, `.shstrtab` and section headers. */
export function buildElf(parts: ElfParts): Uint8Array {
  const { width, order } = parts;
  const wide = width === 64;
  const headerSize = wide ? 64 : 52;
  const programSize = wide ? 56 : 32;
  const sectionSize = wide ? 64 : 40;
  const symbolSize = wide ? 24 : 16;
  const withSections = parts.symbols !== undefined || parts.sections !== undefined;

  const symbolNames = strings((parts.symbols ?? []).map(({ name }) => name));
  const symtab = new Writer(width, order);
  symtab.bytes(new Uint8Array(symbolSize));
  (parts.symbols ?? []).forEach(({ value, size = 0n, info = 0x12, section = 1 }, i) => {
    symtab.number(symbolNames.offsets[i], 4);
    if (wide) symtab.number(info, 1).number(0, 1).number(section, 2).word(value, size);
    else symtab.word(value, size).number(info, 1).number(0, 1).number(section, 2);
  });
  const sectionNames = strings([
    ".symtab",
    ".strtab",
    ".shstrtab",
    ...(parts.sections ?? []).map(({ name }) => name),
  ]);

  let offset = headerSize + programSize * parts.segments.length;
  const place = (length: number): number => {
    const at = offset;
    offset += length;
    return at;
  };
  const segmentOffsets = parts.segments.map(({ bytes }) => place(bytes.length));
  const [symtabAt, strtabAt, shstrtabAt] = [
    symtab.length,
    symbolNames.bytes.length,
    sectionNames.bytes.length,
  ].map(place);
  const sectionCount = 4 + (parts.sections?.length ?? 0);

  const out = new Writer(width, order);
  out.bytes([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, order === "le" ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  out.number(parts.type ?? 2, 2).number(parts.machine, 2).number(1, 4);
  out.word(parts.entry, headerSize, withSections ? offset : 0).number(parts.flags ?? 0, 4);
  out.number(headerSize, 2).number(programSize, 2).number(parts.segments.length, 2);
  out.number(sectionSize, 2).number(withSections ? sectionCount : 0, 2).number(withSections ? 3 : 0, 2);
  parts.segments.forEach(({ vaddr, paddr = vaddr, bytes, memsize = bytes.length, flags = 5 }, i) => {
    out.number(1, 4);
    if (wide) out.number(flags, 4);
    out.word(segmentOffsets[i], vaddr, paddr, bytes.length, memsize);
    if (!wide) out.number(flags, 4);
    out.word(1);
  });
  for (const { bytes } of parts.segments) out.bytes(bytes);
  if (!withSections) return out.done();
  out.bytes(symtab.done()).bytes(symbolNames.bytes).bytes(sectionNames.bytes);
  const section = (
    name: number,
    type: number,
    address: bigint,
    at: number,
    size: bigint | number,
    link = 0,
    entry = 0,
  ) =>
    out.number(name, 4).number(type, 4).word(0, address, at, size).number(link, 4).number(0, 4).word(
      1,
      entry,
    );
  section(0, 0, 0n, 0, 0);
  section(sectionNames.offsets[0], 2, 0n, symtabAt, symtab.length, 2, symbolSize);
  section(sectionNames.offsets[1], 3, 0n, strtabAt, symbolNames.bytes.length);
  section(sectionNames.offsets[2], 3, 0n, shstrtabAt, sectionNames.bytes.length);
  (parts.sections ?? []).forEach(({ address, size }, i) => {
    section(sectionNames.offsets[3 + i], 8, address, 0, size);
  });
  return out.done();
}

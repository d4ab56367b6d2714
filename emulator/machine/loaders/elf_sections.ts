/** Sections and symbols of an ELF file: names for addresses, nothing that loading needs. */
import type { FileReader } from "./file_reader.ts";
import type { ImageSymbol } from "./image.ts";

export interface Section {
  readonly name: string;
  readonly type: number;
  /** SHF_ bits. */
  readonly flags: bigint;
  readonly address: bigint;
  /** In the file. */
  readonly offset: bigint;
  readonly size: bigint;
  /** Index of another section; for symbols, of their names. */
  readonly link: number;
  readonly entrySize: bigint;
}

const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const SHN_COMMON = 0xfff2;
/** By STT_ number; sections, files and thread-local symbols name no address. */
const KINDS: Readonly<Record<number, ImageSymbol["kind"]>> = { 0: "other", 1: "object", 2: "function" };

/**
 * Names of a string table. Overlapping names could add up to far more than the file: they may take
 * sixteen times the table, which tail sharing of a real linker never nears.
 */
class Names {
  readonly #known = new Map<number, string>();
  readonly #decoder = new TextDecoder();
  #left: number;

  constructor(readonly table: Uint8Array, readonly what: string) {
    this.#left = table.length * 16 + 65536;
  }

  at(offset: number): string {
    const known = this.#known.get(offset);
    if (known !== undefined) return known;
    const end = offset < this.table.length ? this.table.indexOf(0, offset) : -1;
    if (end < 0) {
      throw new RangeError(`${this.what}: name at offset ${offset} does not end in its string table`);
    }
    this.#left -= end - offset;
    if (this.#left < 0) throw new RangeError(`${this.what}: its names overlap beyond reason`);
    const name = this.#decoder.decode(this.table.subarray(offset, end));
    this.#known.set(offset, name);
    return name;
  }
}

/** Reads the section headers. Throws `SyntaxError` or `RangeError` where they do not fit the file. */
export function readSections(
  reader: FileReader,
  width: 32 | 64,
  table: { readonly offset: bigint; readonly count: number; readonly size: number; readonly names: number },
): Section[] {
  if (table.offset === 0n || table.count === 0) return [];
  const wide = width === 64;
  const expected = wide ? 64 : 40;
  if (table.size !== expected) {
    throw new SyntaxError(`ELF section headers of ${table.size} bytes: expected ${expected}`);
  }
  const { start } = reader.range(table.offset, table.count * expected, "ELF section headers");
  const raw = Array.from({ length: table.count }, (_, index) => {
    const at = start + index * expected;
    return {
      nameOffset: reader.u32(at),
      type: reader.u32(at + 4),
      flags: reader.word(at + 8),
      address: reader.word(at + (wide ? 16 : 12)),
      offset: reader.word(at + (wide ? 24 : 16)),
      size: reader.word(at + (wide ? 32 : 20)),
      link: reader.u32(at + (wide ? 40 : 24)),
      entrySize: reader.word(at + (wide ? 56 : 36)),
    };
  });
  const strings = raw[table.names];
  if (table.names === 0) return raw.map((section) => ({ ...section, name: "" }));
  if (strings === undefined) {
    throw new RangeError(`ELF section names: section ${table.names} of ${table.count} does not exist`);
  }
  if (strings.type === SHT_NOBITS) throw new SyntaxError("ELF section names: their section has no bytes");
  const names = new Names(
    reader.bytes(strings.offset, strings.size, "ELF section names"),
    "ELF section names",
  );
  return raw.map((section) => ({ ...section, name: names.at(section.nameOffset) }));
}

/** Reads the symbols that name an address: of `.symtab`, or else of `.dynsym`. */
export function readSymbols(reader: FileReader, width: 32 | 64, sections: readonly Section[]): ImageSymbol[] {
  const section = sections.find(({ type }) => type === SHT_SYMTAB) ??
    sections.find(({ type }) => type === SHT_DYNSYM);
  if (section === undefined) return [];
  const wide = width === 64;
  const entry = wide ? 24 : 16;
  if (section.entrySize !== BigInt(entry)) {
    throw new SyntaxError(`ELF symbols of ${section.entrySize} bytes: expected ${entry}`);
  }
  const range = reader.range(section.offset, section.size, "ELF symbols");
  const strings = sections[section.link];
  if (strings === undefined || strings.type === SHT_NOBITS) {
    throw new RangeError(`ELF symbols: their names' section ${section.link} does not exist`);
  }
  const names = new Names(reader.bytes(strings.offset, strings.size, "ELF symbol names"), "ELF symbols");
  const symbols: ImageSymbol[] = [];
  for (let at = range.start; at + entry <= range.start + range.size; at += entry) {
    const home = reader.u16(at + (wide ? 6 : 14));
    const kind = KINDS[reader.u8(at + (wide ? 4 : 12)) & 15];
    // An absolute symbol is a constant more often than an address.
    if (kind === undefined || home === SHN_UNDEF || home === SHN_ABS || home === SHN_COMMON) continue;
    const name = names.at(reader.u32(at));
    if (name === "") continue;
    symbols.push({
      name,
      address: reader.word(at + (wide ? 8 : 4)),
      size: reader.word(at + (wide ? 16 : 8)),
      kind,
    });
  }
  return symbols;
}

/**
 * The line number program of ELF files: which address is of which source line. DWARF 5, 6.2; versions 2 to 5, either
 * byte order, 32- and 64-bit format. Debug information is no part of the program: what cannot be read is left out.
 */
import type { LineRow, LineSequence } from "../../isa/source_lines.ts";

/** Sections by name; undefined where the file has none, or keeps it compressed. */
export interface LineSections {
  readonly line: Uint8Array;
  readonly lineStr?: Uint8Array;
  readonly str?: Uint8Array;
}

/** More rows than this are no help to anyone. */
const MOST_ROWS = 2_000_000;

// DWARF 5, 7.22: opcodes and content types of the line number program; 7.5.6: forms.
const LNS = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  negateStatement: 6,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const LNE = { endSequence: 1, setAddress: 2 } as const;
const LNCT = { path: 1, directory: 2 } as const;
const FORM = {
  ...{
    data2: 0x05,
    data4: 0x06,
    data8: 0x07,
    string: 0x08,
    block: 0x09,
    data1: 0x0b,
    strp: 0x0e,
    udata: 0x0f,
  },
  ...{ data16: 0x1e, lineStrp: 0x1f },
} as const;

/** The sequences of all units that can be read, in the file's order. */
export function readLines(sections: LineSections, order: "le" | "be"): LineSequence[] {
  const found: LineSequence[] = [], cursor = new Cursor(sections.line, order === "le");
  let rows = 0;
  try {
    while (cursor.left > 4 && rows < MOST_ROWS) {
      const first = cursor.u32(), wide = first === 0xffff_ffff;
      const length = wide ? Number(cursor.u64()) : first;
      const unit = cursor.take(length);
      try {
        const sequences = new Unit(unit, wide, sections).read();
        rows += sequences.reduce((sum, one) => sum + one.rows.length, 0);
        found.push(...sequences);
      } catch (error) {
        // This unit is of a kind that is not known here, or broken: the next one may be read.
        if (!(error instanceof RangeError)) throw error;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return found;
}

interface File {
  readonly name: string;
  readonly directory: number;
}

class Unit {
  readonly #cursor: Cursor;
  readonly #wide: boolean;
  readonly #sections: LineSections;
  #version = 0;

  constructor(cursor: Cursor, wide: boolean, sections: LineSections) {
    this.#cursor = cursor;
    this.#wide = wide;
    this.#sections = sections;
  }

  read(): LineSequence[] {
    const cursor = this.#cursor;
    this.#version = cursor.u16();
    if (this.#version < 2 || this.#version > 5) throw new RangeError(`DWARF ${this.#version}`);
    if (this.#version >= 5) cursor.skip(2);
    const header = this.#offset(), program = cursor.at + header;
    const unit = cursor.u8();
    if (this.#version >= 4) cursor.skip(1);
    const isStatement = cursor.u8() !== 0,
      lineBase = cursor.i8(),
      lineRange = cursor.u8(),
      opcodeBase = cursor.u8();
    if (lineRange === 0) throw new RangeError("a line range of 0");
    const operands = [0];
    for (let i = 1; i < opcodeBase; i++) operands.push(cursor.u8());
    const files = this.#version >= 5 ? this.#tables() : this.#oldTables();
    cursor.at = program;
    return this.#run({ unit, isStatement, lineBase, lineRange, opcodeBase, operands }, files);
  }

  /** Directories and files of versions 2 to 4: names, ended by an empty one; both count from 1. */
  #oldTables(): (index: number) => string {
    const cursor = this.#cursor, directories = [""], files: File[] = [];
    for (let name = cursor.text(); name !== ""; name = cursor.text()) directories.push(name);
    for (let name = cursor.text(); name !== ""; name = cursor.text()) {
      files.push({ name, directory: cursor.uleb() });
      cursor.uleb();
      cursor.uleb();
    }
    return (index) => pathOf(files[index - 1], directories);
  }

  /** The same of version 5, in forms that the unit says; both count from 0. */
  #tables(): (index: number) => string {
    const directories = this.#entries().map(({ name }) => name), files = this.#entries();
    return (index) => pathOf(files[index], directories);
  }

  #entries(): File[] {
    const cursor = this.#cursor, formats: [type: number, form: number][] = [];
    for (let count = cursor.u8(); count > 0; count--) formats.push([cursor.uleb(), cursor.uleb()]);
    const entries: File[] = [];
    const count = cursor.uleb();
    if (count > cursor.left && formats.length > 0) throw new RangeError(`${count} entries`);
    for (let i = 0; i < count && formats.length > 0; i++) {
      let name = "", directory = 0;
      for (const [type, form] of formats) {
        const value = this.#form(form);
        if (type === LNCT.path) name = String(value);
        if (type === LNCT.directory) directory = Number(value);
      }
      entries.push({ name, directory });
    }
    return entries;
  }

  #form(form: number): string | number {
    const cursor = this.#cursor, { str, lineStr } = this.#sections;
    switch (form) {
      case FORM.string:
        return cursor.text();
      case FORM.lineStrp:
        return textAt(lineStr, this.#offset());
      case FORM.strp:
        return textAt(str, this.#offset());
      case FORM.udata:
        return cursor.uleb();
      case FORM.data1:
        return cursor.u8();
      case FORM.data2:
        return cursor.u16();
      case FORM.data4:
        return cursor.u32();
      case FORM.data8:
        return Number(cursor.u64());
      case FORM.data16:
        cursor.skip(16);
        return 0;
      case FORM.block:
        cursor.skip(cursor.uleb());
        return 0;
    }
    throw new RangeError(`form 0x${form.toString(16)} is not known`);
  }

  #offset(): number {
    return this.#wide ? Number(this.#cursor.u64()) : this.#cursor.u32();
  }

  /** The state machine of 6.2.2. */
  #run(header: Header, fileOf: (index: number) => string): LineSequence[] {
    const cursor = this.#cursor, { unit, lineBase, lineRange, opcodeBase, operands } = header;
    const sequences: LineSequence[] = [];
    let rows: LineRow[] = [], address = 0n, line = 1, file = 1, { isStatement } = header;
    const advance = (by: number) => address = BigInt.asUintN(64, address + BigInt(by * unit));
    const add = () => rows.push({ address, line, file: fileOf(file), isStatement });
    while (cursor.left > 0) {
      const opcode = cursor.u8();
      if (opcode >= opcodeBase) {
        const adjusted = opcode - opcodeBase;
        advance(Math.floor(adjusted / lineRange));
        line += lineBase + adjusted % lineRange;
        add();
        continue;
      }
      switch (opcode) {
        case 0: {
          const length = cursor.uleb(), next = cursor.at + length, extended = length === 0 ? 0 : cursor.u8();
          if (extended === LNE.setAddress) address = length - 1 >= 8 ? cursor.u64() : BigInt(cursor.u32());
          if (extended === LNE.endSequence) {
            // Sequences of code that the linker dropped begin at 0.
            if (rows.length > 0 && rows[0].address !== 0n && isAscending(rows)) {
              sequences.push({ rows, end: address });
            }
            rows = [];
            address = 0n;
            line = file = 1;
            ({ isStatement } = header);
          }
          cursor.at = next;
          break;
        }
        case LNS.copy:
          add();
          break;
        case LNS.advancePc:
          advance(cursor.uleb());
          break;
        case LNS.advanceLine:
          line += cursor.sleb();
          break;
        case LNS.setFile:
          file = cursor.uleb();
          break;
        case LNS.negateStatement:
          isStatement = !isStatement;
          break;
        case LNS.constAddPc:
          advance(Math.floor((255 - opcodeBase) / lineRange));
          break;
        case LNS.fixedAdvancePc:
          address += BigInt(cursor.u16());
          break;
        default:
          for (let i = 0; i < operands[opcode]; i++) cursor.uleb();
      }
    }
    return sequences;
  }
}

interface Header {
  readonly unit: number;
  readonly isStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operands: readonly number[];
}

function isAscending(rows: readonly LineRow[]): boolean {
  return rows.every(({ address }, i) => i === 0 || rows[i - 1].address <= address);
}

/** Relative folders are below the first one, where the compiler was started. */
function pathOf(file: File | undefined, directories: readonly string[]): string {
  if (!file) return "?";
  const join = (folder: string, name: string) =>
    folder === "" || name.startsWith("/") ? name : `${folder.replace(/\/+$/, "")}/${name}`;
  const folder = directories[file.directory] ?? "";
  return join(join(directories[0] ?? "", folder === directories[0] ? "" : folder), file.name);
}

function textAt(section: Uint8Array | undefined, offset: number): string {
  if (!section || offset >= section.length) throw new RangeError("a name outside of its section");
  return new Cursor(section, true, offset).text();
}

/** Reads numbers one after the other. Throws `RangeError` at the end. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  #at: number;

  constructor(bytes: Uint8Array, little: boolean, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = little;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }
  set at(offset: number) {
    if (!(offset >= 0 && offset <= this.#bytes.length)) throw new RangeError("outside of the section");
    this.#at = offset;
  }
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(count: number): void {
    this.at = this.#at + count;
  }
  take(length: number): Cursor {
    const from = this.#at;
    this.skip(length);
    return new Cursor(this.#bytes.subarray(from, from + length), this.#little);
  }
  u8(): number {
    const from = this.#at;
    this.skip(1);
    return this.#bytes[from];
  }
  i8(): number {
    return this.u8() << 24 >> 24;
  }
  u16(): number {
    const from = this.#at;
    this.skip(2);
    return this.#view.getUint16(from, this.#little);
  }
  u32(): number {
    const from = this.#at;
    this.skip(4);
    return this.#view.getUint32(from, this.#little);
  }
  u64(): bigint {
    const from = this.#at;
    this.skip(8);
    return this.#view.getBigUint64(from, this.#little);
  }
  /** LEB128, DWARF 5, 7.6; what is too large to be meant is refused. */
  uleb(): number {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (value > Number.MAX_SAFE_INTEGER || shift > 63) {
        throw new RangeError("a number of more than 53 bits");
      }
      if (byte < 0x80) return value;
    }
  }
  sleb(): number {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (shift > 42) throw new RangeError("a number of more than 49 bits");
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
  }
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new RangeError("a name without an end");
    const text = new TextDecoder().decode(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }
}

/** Opcode bytes to encodings: the table that the decoder and the disassembler walk. */
import type { Form } from "../isa/isa.ts";
import { DEFINITIONS } from "./definitions/all.ts";
import { FormSet, type Place } from "./forms.ts";
import { dependsOnSize, type Encoding, encodingsOf, type OperandSize, type Prefix } from "./record.ts";
import type { Mode } from "./registers.ts";
import { usualVariant, type Variant, type VariantName, variantName } from "./variant.ts";

/**
 * One encoding at one operand size. Its form for a place of the ModRM or moffs operand is made when it is first asked for: a
 * guest meets a few dozen of some two thousand.
 */
export class Cell {
  readonly #forms: FormSet;
  /** That the forms are made for: the first of those that they do not depend on. */
  readonly #formSize: OperandSize;
  readonly #made: Partial<Record<Place, Form>> = {};

  constructor(
    readonly encoding: Encoding,
    readonly size: OperandSize,
    forms: FormSet,
    formSize: OperandSize,
  ) {
    this.#forms = forms;
    this.#formSize = formSize;
  }

  /** The instruction is there in protected mode only: no forms. */
  get refused(): boolean {
    return this.encoding.attributes.protectedOnly === true && this.#forms.variant.selectors !== "protected";
  }

  get places(): readonly Place[] {
    return this.refused ? [] : placesOf(this.encoding, this.#forms.variant);
  }

  form(place: Place): Form | undefined {
    const made = this.#made[place];
    if (made !== undefined || !this.places.includes(place)) return made;
    return this.#made[place] = this.#forms.formOf(this.encoding, this.#formSize, place);
  }
}

export interface Slot {
  readonly hasModrm: boolean;
  /** Without ModRM: by size index. With it: size index * 16 + (register form ? 8 : 0) + ModRM.reg. */
  readonly cells: (Cell | undefined)[];
  /** Encodings with a fixed ModRM byte: size index * 256 + the byte. */
  readonly fixed: Map<number, Cell>;
}

/** 0, 1, 2 for operand sizes 16, 32, 64. */
export function sizeIndex(size: OperandSize): number {
  return size >> 5;
}

/** Every encoding of every definition, in order; shared by the modes. */
let everyEncoding: readonly Encoding[] | undefined;
export function allEncodings(): readonly Encoding[] {
  return everyEncoding ??= DEFINITIONS.flatMap(encodingsOf);
}

/** Operand sizes of a mode, and for an encoding the size that each of them becomes. */
export function sizesOf(encoding: Encoding, mode: Mode): readonly (readonly [OperandSize, OperandSize])[] {
  const { sizes, wide, max32 } = encoding.attributes;
  const all: readonly OperandSize[] = mode === 64 ? [16, 32, 64] : [16, 32];
  return all.map((size) => {
    const becomes: OperandSize = mode === 64 && wide !== undefined && (wide === "f64" || size !== 16)
      ? 64
      : max32 && size === 64
      ? 32
      : size;
    return [size, becomes] as const;
  }).filter(([, size]) => sizes.includes(size));
}

function placesOf(encoding: Encoding, { mode, flat }: Variant): readonly Place[] {
  // In 32-bit segments every address has one: that is the general shape.
  const memory: Place[] = mode === 32 && !flat ? ["x"] : ["m", "x"];
  if (encoding.operands.some((o) => o.kind === "M" || o.kind === "O")) return memory;
  return encoding.operands.some((o) => o.kind === "E") ? ["r", ...memory] : ["r"];
}

/** The table of one variant. Throws TypeError where two encodings want the same bytes. */
export class OpcodeTable {
  readonly #slots: Record<Prefix, (Slot | undefined)[]> = { none: [], f3: [], f2: [], "rex.b": [] };
  /** The same where 67h makes another form. */
  readonly #otherAddress: Record<Prefix, (Slot | undefined)[]> = { none: [], f3: [], f2: [], "rex.b": [] };
  readonly forms: FormSet;
  readonly #cells: Cell[] = [];

  readonly mode: Mode;

  constructor(readonly variant: Variant, encodings: readonly Encoding[] = allEncodings()) {
    const { mode } = variant;
    this.mode = mode;
    this.forms = new FormSet(variant);
    for (const encoding of encodings) {
      if (!encoding.attributes.modes.includes(mode)) continue;
      let first: OperandSize | undefined;
      for (const [size, becomes] of sizesOf(encoding, mode)) {
        if (first === undefined || dependsOnSize(encoding)) first = becomes;
        const cell = new Cell(encoding, becomes, this.forms, first);
        this.#cells.push(cell);
        this.#add(cell, size);
      }
    }
  }

  slot(prefix: Prefix, map: number, opcode: number, otherAddress = false): Slot | undefined {
    return (otherAddress ? this.#otherAddress : this.#slots)[prefix][map === 0 ? opcode : 256 + opcode];
  }

  /** Every form of the variant. Throws TypeError where two definitions would make the same one. */
  everyForm(): readonly Form[] {
    for (const cell of this.#cells) for (const place of cell.places) cell.form(place);
    return this.forms.all;
  }

  #add(cell: Cell, size: OperandSize): void {
    const { encoding } = cell;
    const slots = (encoding.otherAddress ? this.#otherAddress : this.#slots)[encoding.prefix],
      base = encoding.map === 0 ? 0 : 256;
    for (let i = encoding.attributes.notZero ? 1 : 0; i < (encoding.plusRegister ? 8 : 1); i++) {
      const index = base + encoding.opcode + i, hasModrm = encoding.modrm !== "none";
      const slot = slots[index] ??= { hasModrm, cells: new Array(hasModrm ? 48 : 3), fixed: new Map() };
      if (slot.hasModrm !== hasModrm) throw new TypeError(this.#taken(encoding));
      this.#fill(slot, cell, sizeIndex(size));
    }
  }

  #fill(slot: Slot, cell: Cell, size: number): void {
    const { encoding } = cell;
    if (encoding.modrm === "fixed") {
      const key = size * 256 + encoding.extra;
      if (slot.fixed.has(key)) throw new TypeError(this.#taken(encoding));
      slot.fixed.set(key, cell);
      return;
    }
    const put = (index: number) => {
      if (slot.cells[index] !== undefined) throw new TypeError(this.#taken(encoding));
      slot.cells[index] = cell;
    };
    if (encoding.modrm === "none") return put(size);
    const places = placesOf(encoding, this.variant);
    for (let reg = 0; reg < 8; reg++) {
      if (encoding.modrm === "digit" && reg !== encoding.extra) continue;
      if (places.includes("r")) put(size * 16 + 8 + reg);
      if (places.includes("x") || encoding.attributes.anyMod) put(size * 16 + reg);
    }
  }

  #taken(encoding: Encoding): string {
    return `opcode ${encoding.opcode.toString(16)} of ${encoding.mnemonic} is already taken in ${
      variantName(this.variant)
    }`;
  }
}

const tables = new Map<VariantName, OpcodeTable>();

/** The table of a variant, built when first asked for. */
export function opcodeTableOf(variant: Variant): OpcodeTable {
  const name = variantName(variant);
  let table = tables.get(name);
  if (table === undefined) tables.set(name, table = new OpcodeTable(variant));
  return table;
}

/** The table of real mode, flat 32-bit or 64-bit mode. */
export function opcodeTable(mode: Mode): OpcodeTable {
  return opcodeTableOf(usualVariant(mode));
}

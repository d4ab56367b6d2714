/**
 * A block of decoded instructions in linear memory, as the interpreter's handlers read it: a head, a record for each
 * instruction, one that falls through where no branch ends the block, a tail, and the bytes that were decoded. Much code is
 * as fast as it is short here: what all records of a block have in common stands in the tail, what only exits ask for is
 * made from there. Little-endian; all but fields is aligned.
 */
import { TLB } from "../ir/tlb_layout.ts";
import type { FieldKind } from "../isa/isa.ts";

/** Heads, records and tails take whole units of so many bytes. */
export const UNIT = 16;

/** What a block begins with: links and the hash lead here. */
export const HEAD = {
  /** u8: instructions in the block. */
  count: 0,
  /** u8: units from here to the tail. */
  toTail: 1,
  /** u8: bytes of its code. */
  codeBytes: 2,
  /** u8: `BLOCK_IS` bits. */
  flags: 3,
  /** u32: instruction cycles of the whole block. */
  cycles: 4,
  /** u32: place of its code in linear memory. */
  code: 8,
  /** u32: the next block whose code's place has the same index, or 0. */
  nextAlike: 12,
  /** Bytes. The first record follows. */
  size: UNIT,
} as const;

export const BLOCK_IS = {
  /** Its code is as it was, and stores to it are noticed. */
  live: 1,
  /** Its only instruction crosses into another page. */
  crossing: 2,
} as const;

export const RECORD = {
  /** u16: number of the handler, and `STRUCK` if this is to be looked up anew. */
  handler: 0,
  /** u16: instruction cycles of the block after this instruction. */
  restCycles: 2,
  /** u8: units from here to the tail. */
  toTail: 4,
  /** u8: instructions of the block after this one; 16 times the instruction's bytes less one. */
  counts: 5,
  /** u8: bytes from the instruction's address to the block's end. */
  toEnd: 6,
  /** u8: which of the costs at `LOOKUP.costs`. */
  cost: 7,
  /** The form's fields, packed by `fieldOffsets`. */
  fields: 8,
} as const;

/** Set in a record's handler: what is paid for is given back, and the address looked up anew. */
export const STRUCK = 0x8000;

/** What a block ends with. The bytes that were decoded follow. */
export const TAIL = {
  /** Where the last instruction's branch leads, and the next instruction: links. */
  taken: 0,
  next: 8,
  /** i64: address of the instruction after the last one, as the program counter holds it. */
  end: 16,
  /** u32: the next live block whose code begins near by, or 0: see `code_pages.ts`. */
  nextOnLine: 24,
  /** u32: base of the code segment, modulo 2^32. */
  codeBase: 28,
  size: 32,
} as const;

/**
 * A link to another block: u32 place of its head, u32 `EPOCH` as of which this is so. Compiled code fills it in.
 */
export const LINK_EPOCH = 4;

/**
 * Offset in the state area of a u32 that changes whenever a block is not to be found any more. What was found under the same
 * number is there still. Not 0 where compiled code runs.
 */
export const EPOCH = TLB.end;

/** Offset in the state area of a u32: place of the link that was to be filled in with the block that was not found, or 0. */
export const LINK_SOUGHT = TLB.end + 16;

/** Bytes of a block's code at most: what `RECORD.toEnd` can tell. */
export const MOST_CODE = 255;

/** Bytes of fields at most. */
const MOST_FIELDS = 32;

/** Bytes of the largest block of so many instructions, each of at most `longest` bytes. */
export function mostBytes(instructions: number, longest: number): number {
  const records = instructions * unitsFor(RECORD.fields + MOST_FIELDS) + UNIT;
  return HEAD.size + records + TAIL.size + unitsFor(instructions * longest);
}

const BYTES: Record<FieldKind, number> = { slot: 2, i32: 4, i64: 8 };

/** Bytes of the record of a form with these fields. */
export function recordBytes(fields: readonly FieldKind[]): number {
  const bytes = fields.reduce((sum, kind) => sum + BYTES[kind], 0);
  if (bytes > MOST_FIELDS) {
    throw new RangeError(`a form's fields take ${bytes} bytes, more than ${MOST_FIELDS}`);
  }
  return unitsFor(RECORD.fields + bytes);
}

export function unitsFor(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}

/** Where each field of a form lies in its record, wide ones first so that all are aligned. */
export function fieldOffsets(fields: readonly FieldKind[]): readonly number[] {
  const offsets = new Array<number>(fields.length);
  let at: number = RECORD.fields;
  for (const kind of ["i64", "i32", "slot"] as const) {
    fields.forEach((field, i) => {
      if (field !== kind) return;
      offsets[i] = at;
      at += BYTES[kind];
    });
  }
  return offsets;
}

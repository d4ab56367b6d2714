/**
 * A decoded instruction in linear memory, as the interpreter's handlers read it. Little-endian.
 * A block is a run of records; its head record carries the block's totals.
 */
import { TLB } from "../ir/tlb_layout.ts";
import type { FieldKind } from "../isa/isa.ts";

export const RECORD = {
  /** u16: number of the handler. */
  handler: 0,
  /** u16: instructions in the block, in its first record. */
  blockCount: 2,
  /** u16: instructions of the block after this one. */
  restCount: 4,
  /** u16: cycle cost of this instruction. */
  cost: 6,
  /** u32: instruction cycles of the whole block, in its first record. */
  blockCycles: 8,
  /** u32: instruction cycles of the block after this instruction. */
  restCycles: 12,
  /** i64: the instruction's address, as the program counter holds it. */
  pc: 16,
  /** i64: address of the instruction after it. */
  nextPc: 24,
  /** The form's fields, packed by `fieldOffsets`. */
  fields: 32,
  /** Where `LINK`s begin, in a record that ends its block and has room for them. */
  links: 48,
  /** Bytes. One cache line; a form has up to 32 bytes of fields. */
  size: 64,
} as const;

/**
 * Links from a block's last record to the blocks after it, each of 8 bytes: u32 place of that block's first record, u32
 * `EPOCH` as of which this is so. Compiled code fills them in.
 */
export const LINK = {
  /** To where the branch leads. */
  taken: RECORD.links,
  /** To the next instruction. */
  next: RECORD.links + 8,
} as const;

/**
 * Offset in the state area of a u32 that changes whenever a block is not to be found any more. What was found under the same
 * number is there still. Not 0 where compiled code runs.
 */
export const EPOCH = TLB.end;

/** Offset in the state area of a u32: place of the link that was to be filled in with the block that was not found, or 0. */
export const LINK_SOUGHT = TLB.end + 16;

/** Whether a record of these fields has room for links. */
export function hasLinks(fields: readonly FieldKind[]): boolean {
  return fields.reduce<number>((end, kind) => end + BYTES[kind], RECORD.fields) <= RECORD.links;
}

const BYTES: Record<FieldKind, number> = { slot: 2, i32: 4, i64: 8 };

/** Where each field of a form lies in its record, wide ones first so that all are aligned. */
export function fieldOffsets(fields: readonly FieldKind[]): readonly number[] {
  const offsets = new Array<number>(fields.length);
  let at = RECORD.fields;
  for (const kind of ["i64", "i32", "slot"] as const) {
    fields.forEach((field, i) => {
      if (field !== kind) return;
      offsets[i] = at;
      at += BYTES[kind];
    });
  }
  if (at > RECORD.size) {
    throw new RangeError(`a form's fields take ${at - RECORD.fields} bytes, more than 32`);
  }
  return offsets;
}

/** Sizes, values and pieces of memory accesses. */
import type { AccessSize, BusValue } from "./bus.ts";

/** What a load gives that nobody answers. */
export function ones(size: AccessSize): BusValue {
  return size === 8 ? 0xffff_ffff_ffff_ffffn : 2 ** (8 * size) - 1;
}

/** Whether a handler's answer to a load is a number at all; its low bits are taken. */
export function fits(value: unknown): value is BusValue {
  return typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
}

/** The value with its bytes in the opposite order. */
export function swapValue(value: BusValue, size: number): BusValue {
  if (size === 1) return value;
  if (size === 2) return (Number(value) & 0xff) << 8 | Number(value) >>> 8;
  if (size === 4) return swapWord(Number(value));
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value));
  return view.getBigUint64(0, true);
}

function swapWord(word: number): number {
  return (word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24) >>> 0;
}

/**
 * An access that crosses a page, in the order of its addresses and in sizes that a bus knows: split at the
 * page, each side into the largest powers of two that lie on their own multiples.
 */
export function piecesOf(address: number, size: number): { address: number; size: AccessSize }[] {
  const pieces: { address: number; size: AccessSize }[] = [];
  for (let at = address; at < address + size;) {
    const room = address + size - at;
    const piece = ([8, 4, 2, 1] as const).find((n) => n <= room && at % n === 0)!;
    pieces.push({ address: at, size: piece });
    at += piece;
  }
  return pieces;
}

/** The first `size` bytes of a view as an unsigned number. */
export function valueOf(view: DataView, size: number, littleEndian: boolean): BusValue {
  if (size === 8) return view.getBigUint64(0, littleEndian);
  if (size === 4) return view.getUint32(0, littleEndian);
  return size === 2 ? view.getUint16(0, littleEndian) : view.getUint8(0);
}

/** Puts a number into the first `size` bytes of a view. */
export function setValue(view: DataView, value: BusValue, size: number, littleEndian: boolean): void {
  if (size === 8) view.setBigUint64(0, BigInt(value), littleEndian);
  else if (size === 4) view.setUint32(0, Number(value), littleEndian);
  else if (size === 2) view.setUint16(0, Number(value), littleEndian);
  else view.setUint8(0, Number(value));
}

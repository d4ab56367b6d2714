/**
 * The file of a snapshot. All numbers are little-endian.
 *
 * | bytes | |
 * |---|---|
 * | 0 to 7 | `trapshvm` |
 * | 8 to 11 | version of the format |
 * | 12 to 15 | bytes of the text |
 * | 16 to 23 | bytes of the file |
 * | 24 to 31 | bytes of guest memory at its end |
 * | 32 to 63 | SHA-256 of everything but these 32 bytes |
 * | 64 ... | the text: JSON in UTF-8, with the lengths of the byte strings and the state (`saved_state.ts`) |
 * | ... | the byte strings, then the pages of guest memory that are not zero |
 *
 * The same state gives the same bytes. A file is checked before anything in it is believed; the checksum is no
 * signature, so that all that is read from it later is checked again.
 */
import { createHash } from "node:crypto";
import { pack, type SavedState, unpack } from "../../engine/saved_state.ts";

const MAGIC = "trapshvm";
/** Raised with every change that an older reader would take wrongly. */
export const FORMAT_VERSION = 2;
const HEADER = 64, CHECKED_TO = 32;
/** Bytes of text at most: what is long is kept as bytes, and parsing takes many times as much memory. */
const LONGEST_TEXT = 16 * 2 ** 20;

/** A file's content. */
export interface FileContent {
  readonly state: SavedState;
  /** Pages of guest memory, one after the other. */
  readonly pages: Uint8Array;
}

/** Makes the file. `memory` is put together in its order. Throws `RangeError` for more text than a file may have. */
export function writeFile(state: SavedState, memory: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const { text, blobs } = pack(state);
  const lengths = blobs.map((blob) => blob.length);
  const bytes = new TextEncoder().encode(`{"blobs":${JSON.stringify(lengths)},"state":${text}}`);
  if (bytes.length > LONGEST_TEXT) {
    throw new RangeError(
      `the state is ${bytes.length} bytes of text, ${LONGEST_TEXT} are allowed: give long states of devices as Uint8Array`,
    );
  }
  const inMemory = total(memory), size = HEADER + bytes.length + total(blobs) + inMemory;
  const file = new Uint8Array(size), view = new DataView(file.buffer);
  file.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, bytes.length, true);
  view.setBigUint64(16, BigInt(size), true);
  view.setBigUint64(24, BigInt(inMemory), true);
  let at = HEADER;
  for (const part of [bytes, ...blobs, ...memory]) {
    file.set(part, at);
    at += part.length;
  }
  file.set(checksum(file), CHECKED_TO);
  return file;
}

/**
 * Reads a file; what it answers shares its bytes. Throws `SyntaxError` for what is no snapshot, is cut off or damaged,
 * `RangeError` for one of another version.
 */
export function readFile(file: Uint8Array): FileContent {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const magic = new TextDecoder().decode(file.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw new SyntaxError("this is no snapshot of a VM: it does not begin with trapshvm");
  if (file.length < HEADER) {
    throw new SyntaxError(`the snapshot is cut off in its header, at ${file.length} bytes`);
  }
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) {
    throw new RangeError(
      `the snapshot has format version ${version}, this program reads version ${FORMAT_VERSION}`,
    );
  }
  const size = view.getBigUint64(16, true);
  if (size !== BigInt(file.length)) {
    const how = size > BigInt(file.length) ? "is cut off" : "has something behind it";
    throw new SyntaxError(`the snapshot ${how}: it says it is ${size} bytes, and ${file.length} are there`);
  }
  const sum = checksum(file);
  if (sum.some((byte, i) => byte !== file[CHECKED_TO + i])) {
    throw new SyntaxError("the snapshot is damaged: its checksum is another one");
  }
  const length = view.getUint32(12, true), inMemory = view.getBigUint64(24, true);
  if (length > LONGEST_TEXT || BigInt(HEADER + length) + inMemory > size) {
    throw new SyntaxError("the snapshot is malformed: its parts do not fit into it");
  }
  const text = parse(file.subarray(HEADER, HEADER + length));
  const end = file.length - Number(inMemory);
  const blobs = cut(file.subarray(HEADER + length, end), text.blobs);
  return { state: unpack(text.state, blobs), pages: file.subarray(end) };
}

function parse(bytes: Uint8Array): { blobs: readonly unknown[]; state: unknown } {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const { blobs, state } = (json ?? {}) as { blobs?: unknown; state?: unknown };
    if (Array.isArray(blobs) && state !== undefined) return { blobs, state };
  } catch (error) {
    throw new SyntaxError("the snapshot is malformed: its text is no JSON", { cause: error });
  }
  throw new SyntaxError("the snapshot is malformed: its text has no state");
}

function cut(bytes: Uint8Array, lengths: readonly unknown[]): Uint8Array[] {
  let at = 0;
  const blobs = lengths.map((length) => {
    if (
      typeof length !== "number" || !Number.isSafeInteger(length) || length < 0 || at + length > bytes.length
    ) {
      throw new SyntaxError("the snapshot is malformed: a byte string does not fit into it");
    }
    return bytes.subarray(at, at += length);
  });
  if (at !== bytes.length) {
    throw new SyntaxError("the snapshot is malformed: it has bytes that nothing names");
  }
  return blobs;
}

function checksum(file: Uint8Array): Uint8Array {
  return createHash("sha256").update(file.subarray(0, CHECKED_TO)).update(file.subarray(HEADER)).digest();
}

function total(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** What a loader makes of a file: where its bytes belong and where it starts. */

import type { LineSequence } from "../../isa/source_lines.ts";

/** Bytes for one range of memory. */
export interface Segment {
  /** Guest-physical address, 64 bits. */
  readonly paddr: bigint;
  /** Address that the program was linked for. */
  readonly vaddr: bigint;
  /** A view of the file's bytes, not a copy. */
  readonly bytes: Uint8Array;
  /** Bytes in memory; those beyond `bytes` are zero. */
  readonly memsize: number;
  /** What the program may do with it. */
  readonly flags: { readonly read: boolean; readonly write: boolean; readonly execute: boolean };
}

/** A name for an address of the program. */
export interface ImageSymbol {
  /** Not empty; need not be unique. */
  readonly name: string;
  /** As linked (virtual). */
  readonly address: bigint;
  /** Bytes; 0 where the file does not say. */
  readonly size: bigint;
  /** What stands there. */
  readonly kind: "function" | "object" | "other";
}

/** A file, understood. */
export interface Image {
  /** How the file was read. */
  readonly format: "elf" | "flat";
  /** Undefined where the file does not say. */
  readonly arch?: "x86" | "ppc";
  /** Width of the program in bits; undefined where the file does not say. */
  readonly mode?: 32 | 64;
  /** Byte order of data; undefined where the file does not say. */
  readonly order?: "le" | "be";
  /** Address of the first instruction, as linked. */
  readonly entry: bigint;
  /** The same as a guest-physical address: where a machine without paging starts. */
  readonly physicalEntry: bigint;
  /** In the order of the file. */
  readonly segments: readonly Segment[];
  /** Empty where the file has none. */
  readonly symbols: readonly ImageSymbol[];
  /** Source lines; undefined or empty where the file has none. */
  readonly lines?: readonly LineSequence[];
}

/** Bytes of memory that an image may ask for if the caller does not say: 1 GiB. */
export const DEFAULT_LIMIT = 1024 * 1024 * 1024;

/** The layout of the translation cache in a vCPU's state area. */
const BASE = 2048, ENTRIES = 4096, ENTRY_SIZE = 32;

/**
 * The translation cache, looked up inline by compiled code. Direct-mapped by page
 * number; an entry holds the page's address for reads and for writes apart (a page that may be read may
 * still have to trap on writes) and what to add to an address to get its place in linear memory.
 */
export const TLB = {
  /** Offset in the state area. */
  base: BASE,
  /** A miss goes through TypeScript: as many as the pages of 16 MiB. */
  entries: ENTRIES,
  entrySize: ENTRY_SIZE,
  /** One past its last byte: 64 bytes from there on are the engine's. */
  end: BASE + ENTRIES * ENTRY_SIZE,
  /** i64: page address for reads, or `invalid`. */
  read: 0,
  /** i64: page address for writes, or `invalid`. */
  write: 8,
  /** i32: place in linear memory minus guest address, modulo 2^32. */
  addend: 16,
  /** u32: guest-physical page number of another page, without memory, whose walk is remembered for TypeScript. */
  walkedTo: 20,
  /** i64: that page's address, and how it was reached in the bits below; or `invalid`. */
  walked: 24,
  /** No page's address. */
  invalid: 1,
  pageBits: 12,
} as const;

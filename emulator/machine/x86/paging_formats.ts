/** The formats of x86's translation tables. SDM vol. 3A, 4.3 (32-bit), 4.4 (PAE), 4.5 (4-level), tables 4-3 to 4-20. */

/** Width of guest-physical addresses, MAXPHYADDR: that of the processors that QEMU gives its guests. */
export const PHYSICAL_BITS = 40;
/** Width of linear addresses in 4-level paging. */
export const LINEAR_BITS = 48;

/** Bits of an entry's low half. */
export const ENTRY = { P: 1, RW: 2, US: 4, A: 0x20, D: 0x40, PS: 0x80 } as const;
/** Of its high half: no fetches. */
export const XD = 1 << 31;

/** Of an entry's high half, the bits that belong to an address. */
export const ADDRESS_HIGH = 2 ** (PHYSICAL_BITS - 32) - 1;

/** One level of tables. */
export interface Level {
  /** The lowest bit of the linear address that picks an entry: a page of this level has `2 ** shift` bytes. */
  readonly shift: number;
  /** Entries of a table, less one. */
  readonly mask: number;
  /** Whether an entry always leads to a page, or with PS set; else PS has to be clear, or does not count. */
  readonly page: "always" | "with PS" | "reserved" | "never";
  /** Reserved bits of the low half of an entry that leads to a page. */
  readonly reserved: number;
  /** PSE-36: bits 39 to 32 of the page's address stand in bits 20 to 13. */
  readonly folded?: true;
}

export interface PagingFormat {
  /** Bytes of an entry. */
  readonly entry: 4 | 8;
  /** From the outermost that is in memory. */
  readonly levels: readonly Level[];
  /** Reserved bits of the high half of all entries, beside XD without EFER.NXE. */
  readonly reservedHigh: number;
}

const MASK_32 = 0x3ff, MASK_64 = 0x1ff;
const PTE_32: Level = { shift: 12, mask: MASK_32, page: "always", reserved: 0 };
/** Between the page's address and its PAT bit, bit 12. */
const PDE_2M: Level = { shift: 21, mask: MASK_64, page: "with PS", reserved: 0x1f_e000 };
const PTE_64: Level = { shift: 12, mask: MASK_64, page: "always", reserved: 0 };

export const PAGING_32: PagingFormat = {
  entry: 4,
  levels: [{ shift: 22, mask: MASK_32, page: "never", reserved: 0 }, PTE_32],
  reservedHigh: 0,
};

/** With CR4.PSE: 4 MiB pages. Bit 21 is address bit 40, which no processor of 40 bits has. */
export const PAGING_32_PSE: PagingFormat = {
  entry: 4,
  levels: [{ shift: 22, mask: MASK_32, page: "with PS", reserved: 1 << 21, folded: true }, PTE_32],
  reservedHigh: 0,
};

/** The PDPTEs are registers. Bits 62 to 40 are reserved. */
export const PAGING_PAE: PagingFormat = {
  entry: 8,
  levels: [PDE_2M, PTE_64],
  reservedHigh: 0x7fff_ff00,
};

/** Bits 51 to 40 are reserved, those above are ignored. */
export const PAGING_4_LEVEL: PagingFormat = {
  entry: 8,
  levels: [
    { shift: 39, mask: MASK_64, page: "reserved", reserved: 0 },
    { shift: 30, mask: MASK_64, page: "with PS", reserved: 0x3fff_e000 },
    PDE_2M,
    PTE_64,
  ],
  reservedHigh: 0x000f_ff00,
};

/** Reserved bits of a PDPTE that is present, by half. SDM vol. 3A, table 4-8. */
export const PDPTE_RESERVED = { low: 0x1e6, high: ~ADDRESS_HIGH } as const;

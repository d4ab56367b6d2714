/** Bits of CR0, CR4 and EFER that the machine looks at. SDM vol. 3A, 2.5 and 2.2.1. All fit a number. */

export const CR0 = { PE: 1, WP: 0x1_0000, NW: 2 ** 29, CD: 2 ** 30, PG: 2 ** 31 } as const;
export const CR4 = { TSD: 4, DE: 8, PSE: 0x10, PAE: 0x20, PGE: 0x80 } as const;
export const EFER_BIT = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800 } as const;

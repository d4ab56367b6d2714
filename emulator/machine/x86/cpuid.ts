/** What CPUID answers: what this emulator implements, and the hypervisor below it. SDM vol. 2A, CPUID. */

import { LINEAR_BITS, PHYSICAL_BITS } from "./paging_formats.ts";

/** eax, ebx, ecx, edx. */
export type CpuidLeaf = readonly [number, number, number, number];

const HIGHEST = 1, HIGHEST_EXTENDED = 0x8000_0008;
/** Leaves of the hypervisor's own. */
const HYPERVISOR_FIRST = 0x4000_0000, HYPERVISOR_LAST = 0x4000_ffff;

/** Leaf 1 edx: 4 MiB pages, time-stamp counter, RDMSR and WRMSR, PAE, CMPXCHG8B, global pages, CMOV, PAT, PSE-36. */
const PSE = 1 << 3,
  TSC = 1 << 4,
  MSR = 1 << 5,
  PAE = 1 << 6,
  CX8 = 1 << 8,
  PGE = 1 << 13,
  CMOV = 1 << 15,
  PAT = 1 << 16,
  PSE36 = 1 << 17;
/** Leaf 1 ecx: CMPXCHG16B, POPCNT, running under a hypervisor. */
const CX16 = 1 << 13, POPCNT = 1 << 23, HYPERVISOR = 1 << 31;
/** Leaf 0x80000001 edx: SYSCALL, no-execute, 1 GiB pages, RDTSCP, long mode. Its ecx: LAHF in long mode. */
const SYSCALL = 1 << 11, NX = 1 << 20, GB_PAGES = 1 << 26, RDTSCP = 1 << 27, LM = 1 << 29, LAHF_LM = 1;

/**
 * The answer for `leaf`, as unsigned 32-bit numbers, whatever mode the processor is in. Leaves past the highest give
 * zeros. `hypervisor` answers its own leaves; undefined if it does not show itself.
 */
export function cpuid(
  vendor: "GenuineIntel" | "AuthenticAMD",
  leaf: number,
  hypervisor: (leaf: number) => CpuidLeaf | undefined,
): CpuidLeaf {
  if (leaf >= HYPERVISOR_FIRST && leaf <= HYPERVISOR_LAST) return hypervisor(leaf) ?? [0, 0, 0, 0];
  switch (leaf >>> 0) {
    case 0: {
      const [b, d, c] = words(vendor);
      return [HIGHEST, b, c, d];
    }
    case 1:
      // Family 6 for Intel, 15 for AMD; no model or stepping is claimed.
      return [
        vendor === "GenuineIntel" ? 0x600 : 0xf00,
        0,
        ((hypervisor(HYPERVISOR_FIRST) ? HYPERVISOR : 0) | POPCNT | CX16) >>> 0,
        PSE | TSC | MSR | PAE | CX8 | PGE | CMOV | PAT | PSE36,
      ];
    case 0x8000_0000:
      return [HIGHEST_EXTENDED, 0, 0, 0];
    case 0x8000_0001:
      return [0, 0, LAHF_LM, SYSCALL | NX | GB_PAGES | RDTSCP | LM];
    case 0x8000_0008:
      return [LINEAR_BITS << 8 | PHYSICAL_BITS, 0, 0, 0];
    default:
      return [0, 0, 0, 0];
  }
}

function words(text: string): [number, number, number] {
  const view = new DataView(new TextEncoder().encode(text).buffer);
  return [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
}

/** The modes that are run at random: a row each. */
import type { EnduranceMode } from "./endurance.ts";
import { PPC_RAM, ppcCode, ppcSystem, ppcTranslated } from "./endurance_ppc.ts";
import { paged, pagedLong, protected16, realMode, segmented, virtual8086 } from "./endurance_x86.ts";
import { mixed, tables, X86_RAM, x86Code } from "./endurance_x86.ts";

/** In real mode all below 640 KiB, so that segments lead somewhere. */
const REAL_RAM = 0xa_0000;

const code16 = x86Code(16), code32 = x86Code(32), code64 = x86Code(64);
const protectedMode = { arch: "x86", mode: 32, memory: X86_RAM } as const;
const longMode = { arch: "x86", mode: 64, memory: X86_RAM } as const;

export const ENDURANCE_MODES: readonly EnduranceMode[] = [
  {
    name: "x86-16",
    options: { arch: "x86", mode: 16, backend: "vmx", memory: REAL_RAM },
    code: code16,
    prepare: realMode,
  },
  {
    name: "x86-32",
    options: { ...protectedMode, backend: "svm" },
    code: code32,
    prepare: (world) => tables(world, 32),
  },
  {
    name: "x86-64",
    options: { ...longMode, backend: "vmx" },
    code: code64,
    prepare: (world) => tables(world, 64),
  },
  {
    name: "x86-32-segments",
    options: { ...protectedMode, backend: "vmx" },
    code: mixed(code32, code16),
    prepare: segmented,
  },
  {
    name: "x86-16-protected",
    options: { ...protectedMode, backend: "svm" },
    code: mixed(code16, code32),
    prepare: protected16,
    entersItself: true,
  },
  {
    name: "x86-virtual-8086",
    options: { ...protectedMode, backend: "vmx" },
    code: mixed(code16, code32),
    prepare: virtual8086,
    entersItself: true,
  },
  {
    name: "x86-32-paging",
    options: { ...protectedMode, backend: "vmx" },
    code: code32,
    prepare: (world) => paged(world, "32"),
  },
  {
    name: "x86-pae",
    options: { ...protectedMode, backend: "svm" },
    code: code32,
    prepare: (world) => paged(world, "pae"),
  },
  {
    name: "x86-64-paging",
    options: { ...longMode, backend: "svm" },
    code: mixed(code64, code32),
    prepare: pagedLong,
  },
  {
    name: "ppc32",
    options: { arch: "ppc", mode: 32, backend: "kvm-pr", memory: PPC_RAM },
    code: ppcCode(32, "be"),
    prepare: ppcSystem,
  },
  {
    name: "ppc32-translation",
    options: { arch: "ppc", mode: 32, backend: "kvm-pr", memory: PPC_RAM },
    code: ppcCode(32, "be"),
    prepare: ppcTranslated,
    entersItself: true,
  },
  {
    name: "ppc64",
    options: { arch: "ppc", mode: 64, backend: "kvm-hv", memory: PPC_RAM },
    code: ppcCode(64, "be"),
    prepare: ppcSystem,
  },
  {
    name: "ppc64le",
    options: { arch: "ppc", mode: 64, order: "le", memory: PPC_RAM },
    code: ppcCode(64, "le"),
    prepare: ppcSystem,
  },
];

/**
 * Where an x86 vCPU keeps its registers in the state area, and the names that users give them.
 *
 * The arithmetic flags are not kept as bits: `RES`, `AUX` and `CARRY` hold a result and its carries, `flags.ts`
 * says how they read. Everything else of EFLAGS is kept as bits in `EFLAGS_REST`.
 */
import { STATE } from "../ir/layout.ts";
import type { RegisterInfo, StateView } from "../isa/isa.ts";
import { composeFlags, setFlags } from "./flag_bits.ts";
import { AUX, EFLAGS_REST, RES } from "./slots.ts";
import {
  CODE_LAST,
  CPL,
  CR,
  CS,
  EFER,
  GDT_BASE,
  GDT_LIMIT,
  gpr,
  IDENTITY,
  IDT_BASE,
  IDT_LIMIT,
  LDTR,
  SEGMENT_NAMES,
  segmentBase,
  segmentReadable,
  segmentRights,
  segmentSelector,
  segmentWritable,
  SS,
  TR,
} from "./slots.ts";
import { type Mode, registerNames } from "./registers.ts";
import type { Variant } from "./variant.ts";

export { AUX, CR, EFER, EFLAGS_REST, gpr, RES, segmentBase, segmentSelector };

function general(mode: Mode): RegisterInfo[] {
  return [...registerNames(mode)].filter(([, r]) => r.kind === "general").map(([name, r]) => ({
    name,
    offset: r.kind === "general" ? r.slot : 0,
    width: r.width as 8 | 16 | 32 | 64,
    // `regs` shows the full registers; their parts are there to be asked for by name.
    group: r.width === (mode === 64 ? 64 : 32) ? "general" : "part",
  })).sort((a, b) => b.width - a.width);
}

function segments({ mode, selectors }: Variant): RegisterInfo[] {
  return SEGMENT_NAMES.flatMap((name, index): RegisterInfo[] => [
    {
      name,
      offset: segmentSelector(index),
      width: 16,
      group: "segment",
      ...(selectors === "protected" ? {} : baseSelector(index)),
    },
    { name: `${name}_base`, offset: segmentBase(index), width: mode === 64 ? 64 : 32, group: "segment" },
  ]);
}

/** In real and virtual-8086 mode a selector is its base: setting one sets the other. SDM vol. 3A, 21.1.1. */
function baseSelector(index: number): Pick<RegisterInfo, "set"> {
  return {
    set(state: StateView, value: bigint) {
      state.set64(segmentSelector(index), value);
      state.set64(segmentBase(index), value << 4n);
    },
  };
}

function flagsRegister(name: string, width: 16 | 32 | 64, group: string): RegisterInfo {
  const mask = (1n << BigInt(width)) - 1n;
  return {
    name,
    offset: EFLAGS_REST,
    width,
    group,
    get: (state: StateView) => composeFlags(state) & mask,
    set: (state: StateView, value: bigint) => {
      const kept = width === 16 ? composeFlags(state) & ~mask : 0n;
      setFlags(state, kept | (value & mask));
    },
  };
}

/** The registers of one variant: full ones first within each group, parts (`ax`, `al`, `ah`) last. */
export function registerInfos(variant: Variant): readonly RegisterInfo[] {
  const { mode } = variant;
  const all = general(mode);
  const wide: 32 | 64 = mode === 64 ? 64 : 32;
  const pc: RegisterInfo[] = [{
    name: mode === 64 ? "rip" : "eip",
    offset: STATE.pc,
    width: wide,
    group: "special",
  }];
  if (mode === 16) pc.push({ name: "ip", offset: STATE.pc, width: 16, group: "part" });
  if (mode === 64) pc.push({ name: "eip", offset: STATE.pc, width: 32, group: "part" });
  const flags = [flagsRegister("eflags", 32, "flags")];
  if (mode === 64) flags.push(flagsRegister("rflags", 64, "part"));
  if (mode === 16) flags.push(flagsRegister("flags", 16, "part"));
  const control: RegisterInfo[] = [0, 2, 3, 4].map((n) => ({
    name: `cr${n}`,
    offset: CR + 8 * n,
    width: wide,
    group: "control",
  }));
  control.push({ name: "efer", offset: EFER, width: 64, group: "control" });
  for (const [name, offset, bits] of TABLES) {
    control.push({ name, offset, width: bits === "base" ? (mode === 64 ? 64 : 32) : 16, group: "control" });
  }
  return [
    ...all.filter((r) => r.group === "general"),
    ...pc,
    ...flags,
    ...segments(variant),
    ...control,
    ...all.filter((r) => r.group === "part"),
  ].sort((a, b) => Number(a.group === "part") - Number(b.group === "part"));
}

const TABLES: readonly (readonly [name: string, offset: number, kind: "base" | "limit"])[] = [
  ["gdt_base", GDT_BASE, "base"],
  ["gdt_limit", GDT_LIMIT, "limit"],
  ["idt_base", IDT_BASE, "base"],
  ["idt_limit", IDT_LIMIT, "limit"],
  ["ldtr", LDTR, "limit"],
  ["tr", TR, "limit"],
];

/** CR0 after reset or mode set-up: PE, ET, NW, CD, PG. SDM vol. 3A, "Initialization Overview". */
const CR0: Readonly<Record<Mode, bigint>> = { 16: 0x6000_0010n, 32: 0x6000_0011n, 64: 0xe000_0011n };

const PE = 1n;

/** A range of offsets that holds none: see `segmentWritable`. */
export const NOWHERE = 1n;
/** Access rights at reset: SDM vol. 3A, table 9-1 (real mode), else as a boot loader leaves them. */
const DATA_RIGHTS: Readonly<Record<Mode, bigint>> = { 16: 0x93n, 32: 0xc093n, 64: 0xc093n };
const CODE_RIGHTS: Readonly<Record<Mode, bigint>> = { 16: 0x9bn, 32: 0xc09bn, 64: 0xa09bn };
/** SDM vol. 3C, 26.3.1.2. */
const VIRTUAL_8086_RIGHTS = 0xf3n;

/**
 * State at reset, by slot; slots that are not named are 0.
 *
 * Simpler than hardware's reset: all bases, selectors and the pc are 0 in 16-bit mode (hardware starts at
 * f000:fff0), and 32- and 64-bit modes start as a boot loader would leave them: flat segments, selector
 * 8 for code and 0x10 for data, interrupts off. EFLAGS is 2. In real mode the interrupt table lies at 0
 * (SDM vol. 3A, table 9-1); else descriptor tables are empty until the guest loads them. A processor never starts in
 * the other variants: there it is what a transfer to them would leave.
 */
export function resetValues(variant: Variant): ReadonlyMap<number, bigint> {
  const { mode, stack, selectors } = variant, isProtected = selectors === "protected";
  const values = new Map<number, bigint>([[RES, 1n], [CR, isProtected ? CR0[mode] | PE : CR0[mode]]]);
  SEGMENT_NAMES.forEach((_, index) => {
    const width = index === SS ? stack : mode, isCode = isProtected && index === CS;
    const last = width === 16 ? 0xffffn : 0xffff_ffffn;
    values.set(segmentReadable(index), last << 32n);
    values.set(segmentWritable(index), isCode ? NOWHERE : last << 32n);
    values.set(segmentRights(index), isCode ? CODE_RIGHTS[mode] : DATA_RIGHTS[width]);
    if (index === CS) values.set(CODE_LAST, last);
  });
  if (selectors === "virtual-8086") {
    values.set(CPL, 3n);
    SEGMENT_NAMES.forEach((_, index) => values.set(segmentRights(index), VIRTUAL_8086_RIGHTS));
  }
  if (selectors === "real") values.set(IDT_LIMIT, 0x3ffn);
  if (isProtected) {
    SEGMENT_NAMES.forEach((name, index) => values.set(segmentSelector(index), name === "cs" ? 8n : 0x10n));
  }
  if (mode === 64) {
    values.set(CR + 8 * 4, 0x20n); // PAE
    values.set(EFER, 0x500n); // LME, LMA
    values.set(IDENTITY, 1n);
  }
  return values;
}

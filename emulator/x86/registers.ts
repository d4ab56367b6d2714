/** The register names of assembler text, per mode, with their codes and state slots. */
import { gpr, SEGMENT_NAMES } from "./slots.ts";

/** Operating mode, by default operand size: real mode, protected mode (flat), long mode. */
export type Mode = 16 | 32 | 64;

export type NamedRegister =
  | {
    readonly kind: "general";
    readonly name: string;
    /** 0..15; 4..7 for ah, ch, dh, bh. */
    readonly code: number;
    readonly width: 8 | 16 | 32 | 64;
    readonly slot: number;
    /** `any`: no matter; `needed`: spl..dil, r8b..; `forbidden`: ah..bh. */
    readonly rex: "any" | "needed" | "forbidden";
  }
  | { readonly kind: "segment"; readonly name: string; readonly code: number; readonly width: 16 }
  | {
    readonly kind: "control" | "debug";
    readonly name: string;
    readonly code: number;
    readonly width: 32 | 64;
  };

const WORD = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const LOW_BYTE = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const HIGH_BYTE = ["ah", "ch", "dh", "bh"];

/** Name of a general register. `high` says that byte codes 4..7 mean ah..bh (no REX prefix). */
export function generalName(code: number, width: 8 | 16 | 32 | 64, high = false): string {
  if (code >= 8) return `r${code}${{ 8: "b", 16: "w", 32: "d", 64: "" }[width]}`;
  if (width === 8) return high && code >= 4 ? HIGH_BYTE[code - 4] : LOW_BYTE[code];
  return { 16: "", 32: "e", 64: "r" }[width] + WORD[code];
}

/** State offset of a general register: the slot, or its second byte for ah..bh. */
export function generalSlot(code: number, width: number, high = false): number {
  return width === 8 && high && code >= 4 && code < 8 ? gpr(code - 4) + 1 : gpr(code);
}

function build(mode: Mode): ReadonlyMap<string, NamedRegister> {
  const names = new Map<string, NamedRegister>();
  const widths = mode === 64 ? [64, 32, 16, 8] as const : [32, 16, 8] as const;
  for (const width of widths) {
    for (let code = 0; code < (mode === 64 ? 16 : 8); code++) {
      if (width === 8 && mode !== 64 && code >= 4) continue;
      const name = generalName(code, width);
      const rex = code >= 8 || (width === 8 && code >= 4) ? "needed" : "any";
      names.set(name, { kind: "general", name, code, width, slot: gpr(code), rex });
    }
  }
  HIGH_BYTE.forEach((name, i) => {
    names.set(name, { kind: "general", name, code: i + 4, width: 8, slot: gpr(i) + 1, rex: "forbidden" });
  });
  SEGMENT_NAMES.forEach((name, code) => names.set(name, { kind: "segment", name, code, width: 16 }));
  const width = mode === 64 ? 64 : 32;
  for (const code of mode === 64 ? [0, 2, 3, 4, 8] : [0, 2, 3, 4]) {
    names.set(`cr${code}`, { kind: "control", name: `cr${code}`, code, width });
  }
  for (let code = 0; code < 8; code++) {
    names.set(`dr${code}`, { kind: "debug", name: `dr${code}`, code, width });
  }
  return names;
}

const built = new Map<Mode, ReadonlyMap<string, NamedRegister>>();

/** Register names of a mode, in lower case. */
export function registerNames(mode: Mode): ReadonlyMap<string, NamedRegister> {
  let names = built.get(mode);
  if (names === undefined) built.set(mode, names = build(mode));
  return names;
}

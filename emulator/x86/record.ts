/**
 * One record per x86 instruction, and the small grammar of its encodings.
 *
 * An encoding is a key and a value of `encodings`:
 *
 * - key: opcode bytes in hex, `0f` first for the two-byte map, before it `f3` or `f2` (mandatory or repeat
 *   prefix) or `rex.b` (needs that bit), and before that `67` (address size other than the mode's); after it `+r` (register in the low three bits), `+cc` (condition in the
 *   low four), `/0`..`/7` (ModRM.reg), or a third byte (a fixed ModRM).
 * - value: operand codes of the SDM's opcode map (vol. 2D, appendix A.2), then `;` and attributes.
 *
 * | operand | is |
 * |---|---|
 * | `E` `G` `M` `R` | ModRM.rm, ModRM.reg, ModRM.rm as memory only, as register only |
 * | `Z` | register in the opcode |
 * | `I` `J` `O` | immediate, branch target, address without ModRM |
 * | `S` `C` `D` | segment, control, debug register in ModRM.reg |
 * | `A` | far address: offset of operand size, selector |
 * | `X` `Y` `B` | memory at DS:rSI, ES:rDI, DS:rBX+AL, not written in text |
 * | `L` | second immediate, a byte |
 * | `AL` `CL` `DX` `rAX` `eAX` `1` `ES`.. | that register (rAX of operand size, eAX at most 32), that number |
 *
 * | size | bits |
 * |---|---|
 * | `b` `w` `d` `q` | 8, 16, 32, 64 |
 * | `v` `z` `y` | operand size; the same but at most 32; the same but at least 32 |
 * | `s` | (immediates) one byte, sign-extended to operand size |
 * | `f` `p` `a` `x` | (memory) far address, the same as data, pair of bounds, 16 bytes |
 *
 * `Iz` is sign-extended to operand size too.
 */
import type { Ops, Value } from "../ir/ops.ts";
import type { Mode } from "./registers.ts";
import type { Operand } from "./operand.ts";
import { ES, SEGMENT_NAMES } from "./slots.ts";
import type { Variant } from "./variant.ts";

export type OperandSize = 16 | 32 | 64;

/** What a definition knows when a form of it is built. */
export interface Instance {
  /** Of code. */
  readonly mode: Mode;
  readonly variant: Variant;
  /** Operand size of this form; see `sized`. */
  readonly size: OperandSize;
  /** Condition code 0..15 of a `+cc` encoding. */
  readonly cc: number;
  /** Bits of an address: the mode's unless 67h says otherwise. See `addressed`. */
  readonly address: Mode;
  /** A repeat prefix that the instruction takes: f3, f2. */
  readonly repeat?: "f3" | "f2";
}

export interface Definition {
  /** `{cc}` stands for the condition. */
  readonly mnemonic: string;
  readonly aliases?: readonly string[];
  readonly encodings: Readonly<Record<string, string>>;
  /** LOCK is allowed where the first operand is memory. */
  readonly lock?: boolean;
  /** What happens to a first operand in memory, for the cycle class; without it, it is read. */
  readonly memory?: "rmw" | "store" | "none";
  /** The meaning depends on the operand size although no operand shows it; `suffix`: the name always does. */
  readonly sized?: true | "suffix";
  /** The two operands may be written in either order. */
  readonly symmetric?: boolean;
  /** Operands are there to be written and read, but the meaning does not use them: one form for all. */
  readonly ignoresOperands?: boolean;
  readonly endsBlock?: boolean;
  /** The address size matters although no ModRM operand shows it: 67h makes forms of their own. */
  readonly addressed?: boolean;
  /** How f3 before the opcode is written, where that makes a loop of it; f2 is `repne`. */
  readonly repeats?: "rep" | "repe";
  /** A base of rsp in a memory operand means rsp after the pop (SDM vol. 2B, POP). */
  readonly poppedBase?: boolean;
  readonly cycleClass: string;
  semantics<V extends Value>(b: Ops<V>, operands: readonly Operand<V>[], instance: Instance): void;
  /** `bytes | text | before => after [| modes]`; modes 32 and 64 unless said, others by their variant's name. See emulator/isa/example.ts. */
  readonly examples: readonly string[];
}

export type OperandLetter =
  | "E"
  | "G"
  | "M"
  | "R"
  | "Z"
  | "I"
  | "J"
  | "O"
  | "S"
  | "C"
  | "D"
  | "A"
  | "L"
  | Implied;

/** Operands that are not written in text. */
type Implied = "X" | "Y" | "B";

export interface OperandSpec {
  readonly kind: OperandLetter | "register" | "segment" | "one";
  readonly size: "b" | "w" | "d" | "q" | "v" | "z" | "y" | "s" | "f" | "p" | "a" | "x" | "";
  /** Register code of `register` and `segment`. */
  readonly code: number;
}

export type Prefix = "none" | "f3" | "f2" | "rex.b";

export interface Encoding {
  readonly definition: Definition;
  readonly mnemonic: string;
  readonly prefix: Prefix;
  /** It needs 67h: see `Definition.addressed`. */
  readonly otherAddress: boolean;
  readonly map: 0 | 0x0f;
  readonly opcode: number;
  readonly modrm: "none" | "any" | "digit" | "fixed";
  /** ModRM.reg of `digit`, the whole byte of `fixed`. */
  readonly extra: number;
  readonly cc: number;
  readonly plusRegister: boolean;
  readonly operands: readonly OperandSpec[];
  readonly attributes: Attributes;
}

export interface Attributes {
  readonly modes: readonly Mode[];
  readonly sizes: readonly OperandSize[];
  /** `d64`: operand size is 64 in mode 64 unless 66h says 16. `f64`: it is 64, and 66h is ignored. */
  readonly wide?: "d64" | "f64";
  /** `np`: no 66h prefix. */
  readonly noPrefix: boolean;
  /** `not0`: of `+r`, register 0 means something else (90h is NOP). */
  readonly notZero: boolean;
  /** `max32`: operand size 64 means 32. */
  readonly max32: boolean;
  /** `protected`: not recognized in real and virtual-8086 mode. */
  readonly protectedOnly: boolean;
  /** `anymod`: ModRM.mod is ignored, ModRM.rm is a register. */
  readonly anyMod: boolean;
}

export const CONDITION_NAMES = "o no b ae e ne be a s ns p np l ge le g".split(" ");

/** Other spellings of the conditions. */
export const CONDITION_ALIASES: Readonly<Record<string, readonly string[]>> = {
  b: ["c", "nae"],
  ae: ["nc", "nb"],
  e: ["z"],
  ne: ["nz"],
  be: ["na"],
  a: ["nbe"],
  p: ["pe"],
  np: ["po"],
  l: ["nge"],
  ge: ["nl"],
  le: ["ng"],
  g: ["nle"],
};

const FIXED: Readonly<Record<string, OperandSpec>> = {
  AL: { kind: "register", size: "b", code: 0 },
  CL: { kind: "register", size: "b", code: 1 },
  DX: { kind: "register", size: "w", code: 2 },
  rAX: { kind: "register", size: "v", code: 0 },
  eAX: { kind: "register", size: "z", code: 0 },
  "1": { kind: "one", size: "b", code: 1 },
};

function operandSpec(text: string): OperandSpec {
  const fixed = FIXED[text];
  if (fixed !== undefined) return fixed;
  const segment = (SEGMENT_NAMES as readonly string[]).indexOf(text.toLowerCase());
  if (segment >= ES) return { kind: "segment", size: "w", code: segment };
  const match = /^([EGMRZIJOSCDALXYB])([bwdqvzysfpax]?)$/.exec(text);
  if (match === null) throw new TypeError(`operand code "${text}" is unknown: see the table in record.ts`);
  return { kind: match[1] as OperandLetter, size: match[2] as OperandSpec["size"], code: 0 };
}

function attributes(text: string): Attributes {
  let modes: readonly Mode[] = [16, 32, 64];
  const sizes: OperandSize[] = [];
  let wide: Attributes["wide"], noPrefix = false, notZero = false, max32 = false, anyMod = false;
  let protectedOnly = false;
  for (const word of text.split(" ").filter(Boolean)) {
    if (word === "d64" || word === "f64") wide = word;
    else if (word === "np") noPrefix = true;
    else if (word === "not0") notZero = true;
    else if (word === "max32") max32 = true;
    else if (word === "anymod") anyMod = true;
    else if (word === "protected") protectedOnly = true;
    else if (word === "not64") modes = [16, 32];
    else if (word === "not16") modes = [32, 64];
    else if (word === "not32") modes = [16, 64];
    else if (word === "only64") modes = [64];
    else if (word === "only32") modes = [32];
    else if (word === "only16") modes = [16];
    else if (/^o(16|32|64)$/.test(word)) sizes.push(Number(word.slice(1)) as OperandSize);
    else throw new TypeError(`attribute "${word}" is unknown: see record.ts`);
  }
  return {
    modes,
    sizes: sizes.length > 0 ? sizes : [16, 32, 64],
    wide,
    noPrefix,
    notZero,
    max32,
    protectedOnly,
    anyMod,
  };
}

const KEY = /^(67 )?(f3 |f2 |rex\.b )?(0f )?([0-9a-f]{2})(\+r|\+cc| \/[0-7]| [0-9a-f]{2})?$/;

/** All encodings of a definition; `+cc` gives sixteen. Throws TypeError on a malformed key or value. */
export function encodingsOf(definition: Definition): readonly Encoding[] {
  return Object.entries(definition.encodings).flatMap(([key, value]) => {
    const match = KEY.exec(key);
    if (match === null) throw new TypeError(`encoding "${key}" of ${definition.mnemonic} is malformed`);
    const [operandText, attributeText = ""] = value.split(";");
    const operands = operandText.trim() === "" ? [] : operandText.trim().split(",").map(operandSpec);
    const suffix = match[5] ?? "";
    const usesModrm = operands.some((o) => "EGMRSCD".includes(o.kind));
    const prefix = (match[2]?.trim() ?? "none") as Prefix;
    const encoding = {
      definition,
      prefix,
      otherAddress: match[1] !== undefined,
      map: match[3] ? 0x0f : 0,
      opcode: parseInt(match[4], 16),
      modrm: suffix.startsWith(" /")
        ? "digit"
        : suffix.startsWith(" ")
        ? "fixed"
        : usesModrm
        ? "any"
        : "none",
      extra: suffix.startsWith(" /") ? Number(suffix[2]) : suffix.startsWith(" ") ? parseInt(suffix, 16) : 0,
      plusRegister: suffix === "+r",
      operands,
      attributes: attributes(attributeText),
    } as const;
    if (suffix !== "+cc") {
      const one = { ...encoding, cc: 0, mnemonic: withRepeat(definition, prefix) };
      return definition.addressed ? [one, { ...one, otherAddress: true }] : [one];
    }
    return CONDITION_NAMES.map((name, cc) => ({
      ...encoding,
      opcode: encoding.opcode + cc,
      cc,
      mnemonic: definition.mnemonic.replace("{cc}", name),
    }));
  });
}

function withRepeat({ mnemonic, repeats }: Definition, prefix: Prefix): string {
  if (repeats === undefined || prefix === "none") return mnemonic;
  return `${prefix === "f3" ? repeats : "repne"} ${mnemonic}`;
}

/** How the prefix that makes a loop of a string instruction is written: `"rep "`, or nothing. */
export function repeatText({ definition, mnemonic }: Encoding): string {
  return definition.repeats === undefined ? "" : mnemonic.slice(0, -definition.mnemonic.length);
}

/** The operand size that an instruction without prefixes has. */
export function usualSize(mode: Mode, { attributes }: Encoding): OperandSize {
  return mode === 64 && attributes.wide === undefined ? 32 : mode;
}

/** Bits of an address where 67h stands before the instruction, or not. SDM vol. 1, table 3-4. */
export function addressWidth(mode: Mode, other: boolean): Mode {
  return other ? mode === 32 ? 16 : 32 : mode;
}

/** Operands that are written in text. */
export function writtenOperands({ operands }: Encoding): readonly OperandSpec[] {
  return operands.filter(({ kind }) => kind !== "X" && kind !== "Y" && kind !== "B");
}

/** Bytes of a memory operand. */
export function bytesOf(spec: OperandSpec, size: OperandSize): number {
  if (spec.size === "f" || spec.size === "p") return 2 + size / 8;
  if (spec.size === "a") return size / 4;
  return spec.size === "x" ? 16 : widthOf(spec, size) / 8;
}

/** Bits of a value of a size letter, under an operand size. */
export function widthOf(spec: OperandSpec, size: OperandSize): 8 | 16 | 32 | 64 {
  // A branch target is the decoder's absolute address, whatever the size of its displacement.
  if (spec.kind === "J") return 64;
  if (spec.kind === "I" && (spec.size === "z" || spec.size === "s")) return size;
  switch (spec.size) {
    case "b":
      return 8;
    case "w":
      return 16;
    case "d":
      return 32;
    case "q":
      return 64;
    case "z":
      return size === 64 ? 32 : size;
    case "y":
      return size === 16 ? 32 : size;
    default:
      return size;
  }
}

/** Whether operand sizes differ in what an encoding means; how far a branch reaches does not count. */
export function dependsOnSize({ definition, operands, attributes }: Encoding): boolean {
  return definition.sized !== undefined || attributes.sizes.length < 3 ||
    operands.some((o) => o.kind !== "J" && "vzys".includes(o.size || "-"));
}

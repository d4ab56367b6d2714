/**
 * How an instruction's fields reach its meaning: each operand says which numbers a decoded record stores
 * for it (computed from the instruction word once, when it is decoded) and what the definition sees.
 */
import { STATE } from "../ir/layout.ts";
import type { Fields, Ops, SlotRef, Value } from "../ir/ops.ts";
import type { FieldKind } from "../isa/isa.ts";
import { type FieldName, getField } from "./fields.ts";
import { crField, fpr, gpr, type PpcMode } from "./state.ts";

/** A general-purpose register. */
export interface Register<V extends Value> {
  /** All of it: 32 or 64 bits by mode. */
  read(b: Ops<V>): V;
  /** Its low 32 bits. */
  word(b: Ops<V>): V;
  /** Writes all of it; a 32-bit value is zero-extended. */
  write(b: Ops<V>, value: V): void;
}

/** A floating-point register: 64 bits in double format. */
export interface FloatRegister<V extends Value> {
  read(b: Ops<V>): V;
  write(b: Ops<V>, value: V): void;
}

/** A number in the instruction, or made from it. */
export interface Immediate<V extends Value> {
  /** As wide as a register (sign-extended from the field if the field is signed). */
  read(b: Ops<V>): V;
  /** Its low 32 bits. */
  word(b: Ops<V>): V;
}

/** A branch target: 64 bits, already wrapped to the mode's address width. */
export interface Target<V extends Value> {
  address(b: Ops<V>): V;
}

/** A whole field of the condition register: 4 bits in a value of 32. */
export interface CrField<V extends Value> {
  read(b: Ops<V>): V;
  write(b: Ops<V>, value: V): void;
}

/** One bit of the condition register, as a truth value. */
export interface CrBit<V extends Value> {
  read(b: Ops<V>): V;
  write(b: Ops<V>, value: V): void;
}

/** What a definition may take; each record gets those that its pattern and its `also` name. */
export interface Operands<V extends Value> {
  RT: Register<V>;
  RS: Register<V>;
  RA: Register<V>;
  /** `(RA|0)`: zero where the field is 0. */
  RA0: Register<V>;
  RB: Register<V>;
  FRT: FloatRegister<V>;
  FRS: FloatRegister<V>;
  FRA: FloatRegister<V>;
  FRB: FloatRegister<V>;
  FRC: FloatRegister<V>;
  SI: Immediate<V>;
  UI: Immediate<V>;
  D: Immediate<V>;
  DS: Immediate<V>;
  SH: Immediate<V>;
  sh: Immediate<V>;
  TO: Immediate<V>;
  LEV: Immediate<V>;
  spr: Immediate<V>;
  SR: Immediate<V>;
  FXM: Immediate<V>;
  /** Bits of the FPSCR's fields that FLM names, or the one that BF names. */
  FLM: Immediate<V>;
  statusField: Immediate<V>;
  /** How far the FPSCR's field BFA is from the low end. */
  statusSource: Immediate<V>;
  U: Immediate<V>;
  BTF: Immediate<V>;
  /** RT's or RS's number. */
  number: Immediate<V>;
  /** Bytes of a string: NB, 32 where it is 0. */
  NB: Immediate<V>;
  /** What DSISR tells about the instruction in an alignment interrupt. */
  dsisr: Immediate<V>;
  /** The operation that a definition has of a form that several share. */
  operation: Immediate<V>;
  LI: Target<V>;
  BD: Target<V>;
  BF: CrField<V>;
  BFA: CrField<V>;
  BI: CrBit<V>;
  BT: CrBit<V>;
  BA: CrBit<V>;
  BB: CrBit<V>;
  BC: CrBit<V>;
  /** MASK(MB+32, ME+32), as wide as a register. */
  wordMask: Immediate<V>;
  /** MASK(mb, 63). */
  leftMask: Immediate<V>;
  /** MASK(0, me). */
  rightMask: Immediate<V>;
  /** MASK(mb, 63-sh). */
  shiftMask: Immediate<V>;
}

export type OperandName = keyof Operands<Value>;

/** Where an instruction stands when it is decoded. */
export interface DecodeSite {
  readonly pc: bigint;
  readonly mode: PpcMode;
  /** See `InstructionRecord.shares`. */
  readonly operation?: number;
}

/** How an operand is stored and seen. */
interface Binding {
  readonly kinds: readonly FieldKind[];
  /** Its values depend on `site.pc`. */
  readonly relative?: true;
  values(word: number, site: DecodeSite): readonly (number | bigint)[];
  view<V extends Value>(f: Fields<V>, first: number, mode: PpcMode): Operands<V>[OperandName];
}

/** MASK(from, to) of 64 bits (Book I 3.3.14): ones from bit `from` to bit `to`, wrapping around. */
export function mask64(from: number, to: number): bigint {
  const ones = (1n << 64n) - 1n, tail = ones >> BigInt(from), head = ones << BigInt(63 - to) & ones;
  return from <= to ? tail & head : tail | head;
}

/** MASK(MB+32, ME+32) as far as a 32-bit register sees it: wraps around within the word. */
export function mask32(from: number, to: number): number {
  const tail = -1 >>> from, head = -1 << 31 - to;
  return from <= to ? tail & head : tail | head;
}

/** An address of the mode's width as 64 bits. */
export function wrapAddress(address: bigint, mode: PpcMode): bigint {
  return BigInt.asUintN(mode, address);
}

function registerView<V extends Value>(slot: SlotRef, mode: PpcMode): Register<V> {
  return {
    read: (b) => b.read(slot, mode),
    word: (b) => b.trunc(b.read(slot, mode), 32),
    write: (b, value) => b.write(slot, b.zext(value, mode)),
  };
}

function register(name: FieldName): Binding {
  return {
    kinds: ["slot"],
    values: (word) => [gpr(getField(word, name))],
    view: (f, first, mode) => registerView(f.slot(first), mode),
  };
}

function floatRegister(name: FieldName): Binding {
  return {
    kinds: ["slot"],
    values: (word) => [fpr(getField(word, name))],
    view: (f, first) => ({
      read: (b) => b.read(f.slot(first), 64),
      write: (b, value) => b.write(f.slot(first), value),
    }),
  };
}

const base: Binding = {
  ...register("RA"),
  values: (word) => [getField(word, "RA") === 0 ? STATE.zero : gpr(getField(word, "RA"))],
};

function immediateView<V extends Value>(f: Fields<V>, index: number, mode: PpcMode): Immediate<V> {
  return { read: () => f.value(index, mode), word: () => f.value(index, 32) };
}

function immediate(name: FieldName): Binding {
  return { kinds: ["i32"], values: (word) => [getField(word, name)], view: immediateView };
}

function number(of: (word: number, site: DecodeSite) => number): Binding {
  return { kinds: ["i32"], values: (word, site) => [of(word, site)], view: immediateView };
}

/** Four ones for each bit of the mask, the top one first. */
function nibbles(mask: number): number {
  let ones = 0;
  for (let field = 0; field < 8; field++) if (mask & 0x80 >> field) ones |= 0xf000_0000 >>> 4 * field;
  return ones;
}

/**
 * DSISR's bits 15 to 31 of an alignment interrupt, from the instruction (PowerPC Programming Environments
 * Manual 6.4.6): X-form bits 29 and 30, 25, 21 to 24; D-form 0, bits 5, 1 to 4; then both registers.
 */
export function alignmentStatus(word: number): number {
  const bits = (from: number, count: number) => word >>> 32 - from - count & 2 ** count - 1;
  const kind = word >>> 26 === 31
    ? bits(29, 2) << 5 | bits(25, 1) << 4 | bits(21, 4)
    : bits(5, 1) << 4 | bits(1, 4);
  return kind << 10 | bits(6, 10);
}

function mask(of: (word: number) => bigint): Binding {
  return { kinds: ["i64"], values: (word) => [of(word)], view: immediateView };
}

/** Book I 2.4: `NIA <- (AA ? 0 : CIA) + EXTS(LI || 0b00)`. */
function target(name: "LI" | "BD"): Binding {
  return {
    kinds: ["i64"],
    relative: true,
    values: (word, { pc, mode }) => [branchTarget(word, name, pc, mode)],
    view: (f, first) => ({ address: () => f.value(first, 64) }),
  };
}

export function branchTarget(word: number, name: "LI" | "BD", pc: bigint, mode: PpcMode): bigint {
  return wrapAddress((getField(word, "AA") ? 0n : pc) + BigInt(getField(word, name)), mode);
}

function conditionField(name: FieldName): Binding {
  return {
    kinds: ["slot"],
    values: (word) => [crField(getField(word, name))],
    view: (f, first) => ({
      read: (b) => b.read(f.slot(first), 32),
      write: (b, value) => b.write(f.slot(first), value),
    }),
  };
}

/** Stored as the slot of the bit's field, and the bit's position from the field's low end. */
function conditionBit(name: FieldName): Binding {
  return {
    kinds: ["slot", "i32"],
    values: (word) => [crField(getField(word, name) >> 2), 3 - (getField(word, name) & 3)],
    view: <V extends Value>(f: Fields<V>, first: number): CrBit<V> => ({
      read: (b) => b.trunc(b.shr(b.read(f.slot(first), 32), f.value(first + 1, 32)), 1),
      write: (b, value) => {
        const at = f.value(first + 1, 32), kept = b.read(f.slot(first), 32);
        const cleared = b.and(kept, b.not(b.shl(b.constant(32, 1), at)));
        b.write(f.slot(first), b.or(cleared, b.shl(b.zext(value, 32), at)));
      },
    }),
  };
}

const BINDINGS: Readonly<Record<OperandName, Binding>> = {
  RT: register("RT"),
  RS: register("RS"),
  RA: register("RA"),
  RA0: base,
  RB: register("RB"),
  FRT: floatRegister("FRT"),
  FRS: floatRegister("FRS"),
  FRA: floatRegister("FRA"),
  FRB: floatRegister("FRB"),
  FRC: floatRegister("FRC"),
  SI: immediate("SI"),
  UI: immediate("UI"),
  D: immediate("D"),
  DS: immediate("DS"),
  SH: immediate("SH"),
  sh: immediate("sh"),
  TO: immediate("TO"),
  LEV: immediate("LEV"),
  spr: immediate("spr"),
  SR: immediate("SR"),
  FXM: immediate("FXM"),
  FLM: number((word) => nibbles(getField(word, "FLM"))),
  statusField: number((word) => nibbles(0x80 >> getField(word, "BF"))),
  statusSource: number((word) => 28 - 4 * getField(word, "BFA")),
  U: immediate("U"),
  BTF: immediate("BTF"),
  number: number((word) => getField(word, "RT")),
  NB: number((word) => getField(word, "NB") || 32),
  dsisr: number(alignmentStatus),
  operation: number((_word, { operation }) => operation ?? 0),
  LI: target("LI"),
  BD: target("BD"),
  BF: conditionField("BF"),
  BFA: conditionField("BFA"),
  BI: conditionBit("BI"),
  BT: conditionBit("BT"),
  BA: conditionBit("BA"),
  BB: conditionBit("BB"),
  BC: conditionBit("BC"),
  wordMask: {
    kinds: ["i64"],
    values: (word, { mode }) => {
      const from = getField(word, "MB"), to = getField(word, "ME");
      return [mode === 64 ? mask64(from + 32, to + 32) : BigInt(mask32(from, to) >>> 0)];
    },
    view: immediateView,
  },
  leftMask: mask((word) => mask64(getField(word, "mb"), 63)),
  rightMask: mask((word) => mask64(0, getField(word, "me"))),
  shiftMask: mask((word) => mask64(getField(word, "mb"), 63 - getField(word, "sh"))),
};

/** The operands of one record, laid out one after another in a form's fields. */
export interface OperandLayout {
  readonly kinds: readonly FieldKind[];
  /** See `Decoded.relative`. */
  readonly relative: boolean;
  values(word: number, site: DecodeSite): readonly (number | bigint)[];
  /** The operands for one reading; those that the record has not are absent. */
  bind<V extends Value>(f: Fields<V>, mode: PpcMode): Operands<V>;
}

/** Lays out the operands of a record: its pattern's fields that are operands, then `also`. */
export function layOut(fields: readonly FieldName[], also: readonly OperandName[]): OperandLayout {
  const names = [...fields.filter((name): name is FieldName & OperandName => name in BINDINGS), ...also];
  const bindings = names.map((name) => BINDINGS[name]);
  return {
    kinds: bindings.flatMap(({ kinds }) => kinds),
    relative: bindings.some(({ relative }) => relative),
    values: (word, site) => bindings.flatMap((binding) => binding.values(word, site)),
    bind: <V extends Value>(f: Fields<V>, mode: PpcMode) => {
      const operands: Partial<Record<OperandName, Operands<V>[OperandName]>> = {};
      let first = 0;
      bindings.forEach((binding, index) => {
        operands[names[index]] = binding.view(f, first, mode);
        first += binding.kinds.length;
      });
      return operands as Operands<V>;
    },
  };
}

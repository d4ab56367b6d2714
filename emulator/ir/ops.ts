/**
 * The operations that an instruction's meaning is written in.
 *
 * A definition is a function over `Ops<V>`; what a `V` is belongs to the reader: a plain value for the
 * oracle (`execute.ts`), a WebAssembly expression for the interpreter and the regions (`emit.ts`).
 * A definition therefore never branches in TypeScript on a run-time value: it uses `select` and `when`.
 *
 * Order of effects in a definition: everything that can fault (load, store, trap) comes before the first
 * write of architectural state, so that an instruction that stops half-way can be executed again from
 * its start. Several loads and stores in one instruction are allowed: the machine keeps a journal of the
 * accesses that an interrupted instruction completed and never repeats one on a device.
 */

/** Width of a value in bits; 1 is a truth value (0 or 1). */
export type Width = 1 | 8 | 16 | 32 | 64;

/** What every reader's value has. Values are always held zero-extended to their width. */
export interface Value {
  readonly width: Width;
}

/** A number baked in at build time, or the field of a decoded record that holds it at run time. */
export interface FieldRef {
  readonly field: number;
  /** Bytes to add to the slot that the field names: another slot of the same group, or a part of it. */
  readonly plus?: number;
}

/**
 * Where a piece of architectural state lives: its byte offset in the vCPU's state area, known at build
 * time or taken from a record's field. State is little-endian 8-byte slots; a part of a slot is addressed
 * by its byte (x86's AH is the RAX slot plus 1).
 */
export type SlotRef = number | FieldRef;

/** The slot `bytes` further on. */
export function slotAfter(slot: SlotRef, bytes: number): SlotRef {
  return typeof slot === "number" ? slot + bytes : { field: slot.field, plus: (slot.plus ?? 0) + bytes };
}

/** Order of bytes in memory. */
export type ByteOrder = "le" | "be";

/** What an access does besides what its name says: a load that a store to the same place will follow. */
export interface AccessOptions {
  readonly order?: ByteOrder;
  /** The load of a read-modify-write: fails now if the later store would. */
  readonly forWrite?: boolean;
}

/** A condition's name within a recipe, e.g. `"z"` or `"b"`. The engine only compares the names. */
export type ConditionName = string;

/**
 * How an instruction leaves its flags: the slots it stores, and conditions that can be had more cheaply
 * from the operands while the recipe is the last one (so that compare and branch fuse).
 */
export interface Recipe<V extends Value> {
  readonly writes: readonly (readonly [slot: SlotRef, value: V])[];
  readonly conditions?: Readonly<Record<ConditionName, () => V>>;
  /** The values that `conditions` close over. */
  readonly operands?: readonly V[];
  readonly again?: Again<V>;
}

/** What the same recipe can be made of again, later: compiled code may keep that instead of what the recipe writes. */
export interface Again<V extends Value> {
  /** The same for recipes that `make` makes alike, different for others. */
  readonly key: string;
  /** One or two values. */
  readonly from: readonly V[];
  readonly make: <W extends Value>(b: Ops<W>, from: readonly W[]) => Recipe<W>;
}

/**
 * The operations. Two-operand arithmetic takes operands of equal width and gives that width, modulo
 * 2^width, unless said otherwise. Readers throw `TypeError` on unequal widths: that is a wrong definition.
 */
export interface Ops<V extends Value> {
  /** A constant, taken modulo 2^width. */
  constant(width: Width, value: number | bigint): V;

  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  mul(a: V, b: V): V;
  /** High half of the unsigned product; widths 32 and 64. */
  mulhu(a: V, b: V): V;
  /** High half of the signed product; widths 32 and 64. */
  mulhs(a: V, b: V): V;
  /** Unsigned quotient, widths 32 and 64. The divisor is not 0: the definition has made sure. */
  divu(a: V, b: V): V;
  /** Signed quotient, truncated; widths 32 and 64. Divisor not 0, and not (minimum / -1). */
  divs(a: V, b: V): V;
  /** Unsigned remainder; as `divu`. */
  remu(a: V, b: V): V;
  /** Signed remainder, sign of the dividend; as `divs`. */
  rems(a: V, b: V): V;

  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  /** All bits inverted; of a truth value, the other one. */
  not(a: V): V;
  neg(a: V): V;

  /**
   * Shifts. `n` has the width of `a`. The definition keeps n below 32 for widths 8, 16 and 32, below 64
   * for width 64 (so n may exceed 8 or 16: the result is then 0, or the sign). The oracle asserts it.
   */
  shl(a: V, n: V): V;
  shr(a: V, n: V): V;
  sar(a: V, n: V): V;
  /** Rotates, widths 32 and 64; n is taken modulo the width. */
  rotl(a: V, n: V): V;
  rotr(a: V, n: V): V;

  /** Count leading zeros, trailing zeros, ones; widths 32 and 64; the width for a zero argument. */
  clz(a: V): V;
  ctz(a: V): V;
  popcnt(a: V): V;

  /** Comparisons give width 1. */
  eq(a: V, b: V): V;
  ne(a: V, b: V): V;
  ltu(a: V, b: V): V;
  leu(a: V, b: V): V;
  lts(a: V, b: V): V;
  les(a: V, b: V): V;
  /** `condition` (width 1) ? a : b. Both are evaluated; neither may be an effect. */
  select(condition: V, a: V, b: V): V;

  /** To a wider (or equal) width with zeros; width 1 allowed as source. */
  zext(a: V, width: Width): V;
  /** To a wider (or equal) width with the sign. */
  sext(a: V, width: Width): V;
  /** To a narrower (or equal) width: the low bits; to width 1: bit 0. */
  trunc(a: V, width: Width): V;

  /** Reads `width` bits of state. */
  read(slot: SlotRef, width: Width): V;
  /** Writes the value's width of state and leaves the neighbouring bytes alone. */
  write(slot: SlotRef, value: V): void;

  /** Address of this instruction, 64 bits. */
  pc(): V;
  /** Address of the instruction after it, 64 bits. */
  nextPc(): V;

  /** Loads from guest memory at a linear (x86) or effective (PowerPC) address of 32 or 64 bits. May fault. */
  load(address: V, width: Width, options?: AccessOptions): V;
  /** Stores the value's width. May fault. */
  store(address: V, value: V, options?: AccessOptions): void;

  /** Goes on at `target` (64 bits), which ends the block. */
  branch(target: V): void;
  /** Goes on at `target` if `condition`, else at the next instruction; ends the block. */
  branchIf(condition: V, target: V): void;

  /** Runs `then` only if `condition`. Values made inside are not used outside. */
  when(condition: V, then: () => void): void;

  /**
   * Leaves compiled code for a named trap of the ISA (`Isa.traps`), with up to six arguments of any
   * width (passed zero-extended). All state is precise when it is handled, and the handler may change
   * any of it: read state after it again. With `resultWidth` the trap gives a value.
   */
  trap(name: string, args: readonly V[], resultWidth: Width): V;
  trap(name: string, args: readonly V[]): void;

  /** As `trap`, for one that never comes back to the instruction: an exception. */
  raise(name: string, args: readonly V[]): void;

  /** Commits flags: see `Recipe`. */
  flags(recipe: Recipe<V>): void;
  /**
   * A condition of the live recipe, or `otherwise` computed from the stored state. Where several recipes can be live, `of`
   * is the slot that the one in question writes.
   */
  condition(name: ConditionName, otherwise: () => V, of?: SlotRef): V;
}

/** What a definition gets of the decoded instruction: its fields by position. */
export interface Fields<V extends Value> {
  /** Field `index`, which holds a state slot's byte offset. */
  slot(index: number): SlotRef;
  /** Field `index` as a value: its low `width` bits. */
  value(index: number, width: Width): V;
}

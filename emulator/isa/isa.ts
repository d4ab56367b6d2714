/**
 * What an instruction set hands to the engine: forms with their meanings, a decoder, the state's layout,
 * and the traps that its definitions raise. The engine takes an `Isa` and imports none.
 */
import type { Fields, Ops, Value } from "../ir/ops.ts";
import type { KeptGroup } from "../ir/keeper.ts";
import type { StateView } from "../ir/state_view.ts";

export type { StateView };

/**
 * How a form's field is stored in a decoded record. `slot`: byte offset of a state slot (16 bits);
 * `i32`: sign-extended where it is read as 64 bits; `i64`: as it is.
 */
export type FieldKind = "slot" | "i32" | "i64";

/**
 * One form: a definition with its operands' kinds and widths fixed and only numbers left open
 * (registers, displacements, immediates). Each form is one handler of the interpreter.
 */
export interface Form {
  /** Unique within the ISA, e.g. `"add r32, m32"`. */
  readonly name: string;
  readonly fields: readonly FieldKind[];
  /** True if it may go on elsewhere than at the next instruction, or must be the last of its block. */
  readonly endsBlock: boolean;
  /** Key into the cost profile's instruction costs, e.g. `"alu"`, `"load"`. */
  readonly cycleClass: string;
  semantics<V extends Value>(b: Ops<V>, f: Fields<V>): void;
}

/** One decoded instruction: its form and the numbers for the form's fields. */
export interface Decoded {
  readonly form: Form;
  /** Bytes. */
  readonly length: number;
  readonly values: readonly (number | bigint)[];
  /** Elsewhere the same bytes have other values. */
  readonly relative?: boolean;
}

/** Bytes that are no instruction that this project implements. */
export interface Undecodable {
  readonly undecodable: true;
  /** How many bytes belong to it, as far as is known (at least 1). */
  readonly length: number;
  /** What is wrong, e.g. `"opcode 0f a2 is not implemented"`. */
  readonly reason: string;
  /** The architecture has no such instruction: an exception for the guest, not something missing here. */
  readonly invalid?: true;
  /** The bytes end before the instruction does: with more of them it may be one. */
  readonly truncated?: true;
}

/** A register as users name it. */
export interface RegisterName {
  /** Lower case, e.g. `"rax"`. */
  readonly name: string;
  /** Bits. */
  readonly width: 8 | 16 | 32 | 64;
  /** A group for `regs`, e.g. `"general"`, `"flags"`, `"segment"`, `"special"`. */
  readonly group: string;
}

/** A register, and where the engine keeps it. */
export interface RegisterInfo extends RegisterName {
  /** Byte offset in the vCPU's state area. */
  readonly offset: number;
  /** Where the register is not stored as it is seen (lazy flags, CR): how to see and set it. */
  readonly get?: (state: StateView) => bigint;
  readonly set?: (state: StateView, value: bigint) => void;
}

/** An instruction set in one mode, as users meet it. */
export interface InstructionSet {
  /** `"x86-16"`, `"x86-32"`, `"x86-64"`, `"ppc32"`, `"ppc64"`, `"ppc32le"`, `"ppc64le"`. */
  readonly name: string;
  /** Bits of an address: how wide `pc` wraps and what `load` and `store` take. */
  readonly addressWidth: 32 | 64;
  /** Bits of the program counter where they are fewer than `addressWidth`: 16 in x86 real mode. */
  readonly pcWidth?: 16;
  /** Byte order of data. */
  readonly order: "le" | "be";
  /** Longest instruction in bytes. */
  readonly maxLength: number;
  /** Names of the traps its definitions raise, in the order of their numbers. */
  readonly traps: readonly string[];
  /** Whole registers first, then parts such as `al`. */
  readonly registers: readonly RegisterName[];
  /** One line of text for the instruction at `pc`, or undefined for bytes that are none. */
  disassemble(bytes: Uint8Array, pc: bigint): { text: string; length: number } | undefined;
}

/**
 * Guest memory as compiled code reaches it: the address stands in `STATE.args`, a stored value in the slot after
 * it, a loaded one comes to `STATE.result`. The answer is a status of `engine/host.ts`, 0 for done.
 */
export interface HelperMemory {
  load(cpu: number, size: number, flags: number): number;
  store(cpu: number, size: number, flags: number): number;
}

/**
 * A trap that is part of an instruction's meaning and no exit, for what is too awkward to be written in `Ops`:
 * takes its arguments from `STATE.args`, leaves its result in `STATE.result`, answers 0 or what memory answered.
 * The instruction may be executed again from its start afterwards: that has to come to the same.
 */
export type Helper = (state: StateView, memory: HelperMemory) => number;

/** An instruction set in one mode, as the engine takes it. */
export interface Isa extends InstructionSet {
  readonly forms: readonly Form[];
  /** Traps that the ISA completes itself, by name; no backend has a rule for them. */
  readonly helpers?: Readonly<Record<string, Helper>>;
  readonly registers: readonly RegisterInfo[];
  /** State slot of the code segment's base, added to pc where code is fetched (x86-16 only). */
  readonly codeBase?: number;
  /** Slots of flags, if recipes of this ISA can be made again (`Again`): compiled code keeps what they are made of instead. */
  readonly kept?: readonly KeptGroup[];
  /** Reset values: state offset -> value. Everything else is 0. */
  readonly reset: ReadonlyMap<number, bigint>;
  /** Decodes at `pc` from `bytes` (up to `maxLength` of them, fewer at the end of mapped memory). */
  decode(bytes: Uint8Array, pc: bigint): Decoded | Undecodable;
}

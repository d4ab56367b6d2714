/** Writes one WebAssembly function body: typed locals, structured control with named depths. */
import { Bytes } from "./bytes.ts";
import {
  OP,
  type Opcode,
  TYPE,
  type ValueType,
  VECTOR_OP,
  VECTOR_PREFIX,
  VECTOR_TYPE,
  type VectorOpcode,
} from "./opcodes.ts";

/** Type of a block's result, if it has one. */
export type BlockType = ValueType | "none";

/** Which way a condition goes nearly always, where that is known: V8 then puts the other way's code out of the way. */
export type Hint = "likely" | "unlikely";

/** A label that `branch` can go to: the nesting depth at which its block was opened. */
export type Label = number;

export class FunctionWriter {
  readonly #code = new Bytes();
  readonly #parameters: readonly ValueType[];
  readonly #locals: (ValueType | "v128")[] = [];
  /** Locals of constants of 128 bits, by their bytes; set where the function begins. */
  readonly #constants = new Map<string, number>();
  readonly #hints: { readonly at: number; readonly hint: Hint }[] = [];
  readonly #free: Record<ValueType, number[]> = { i32: [], i64: [] };
  #depth = 0;

  constructor(parameters: readonly ValueType[]) {
    this.#parameters = parameters;
  }

  /** Bytes of code so far. */
  get size(): number {
    return this.#code.length;
  }

  /** A local that nobody else uses until it is given back with `release`. */
  local(type: ValueType): number {
    return this.#free[type].pop() ?? this.#parameters.length + this.#locals.push(type) - 1;
  }

  release(local: number, type: ValueType): void {
    this.#free[type].push(local);
  }

  /** Gives back all locals from this one on. */
  releaseFrom(local: number): void {
    this.#free.i32 = [];
    this.#free.i64 = [];
    for (let i = this.#locals.length - 1; i >= local - this.#parameters.length; i--) {
      const type = this.#locals[i];
      if (type !== "v128") this.#free[type].push(i + this.#parameters.length);
    }
  }

  /**
   * A local that holds a constant of 16 bytes all through the function: V8 would load it into a register again wherever it is
   * written as one.
   */
  constant128(bytes: readonly number[]): number {
    if (bytes.length !== 16) throw new RangeError(`16 bytes are wanted, not ${bytes.length}`);
    const key = bytes.join();
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const local = this.#parameters.length + this.#locals.push("v128") - 1;
    this.#constants.set(key, local);
    return local;
  }

  /** An instruction without immediates. */
  op(opcode: Opcode): this {
    this.#code.u8(OP[opcode]);
    return this;
  }
  i32(value: number): this {
    this.#code.u8(OP["i32.const"]).sleb32(value);
    return this;
  }
  i64(value: bigint): this {
    this.#code.u8(OP["i64.const"]).sleb64(value);
    return this;
  }
  get(local: number): this {
    this.#code.u8(OP["local.get"]).uleb(local);
    return this;
  }
  set(local: number): this {
    this.#code.u8(OP["local.set"]).uleb(local);
    return this;
  }
  tee(local: number): this {
    this.#code.u8(OP["local.tee"]).uleb(local);
    return this;
  }
  call(index: number): this {
    this.#code.u8(OP.call).uleb(index);
    return this;
  }
  callIndirect(type: number): this {
    this.#code.u8(OP.call_indirect).uleb(type).uleb(0);
    return this;
  }
  /** A load or store with a constant offset, no alignment promised. */
  memory(opcode: Opcode, offset = 0): this {
    this.#code.u8(OP[opcode]).uleb(0).uleb(offset);
    return this;
  }

  /** An instruction on 128 bits; the immediates of a load or store are its alignment, offset and lane. */
  vector(opcode: VectorOpcode, ...immediates: readonly number[]): this {
    this.#code.u8(VECTOR_PREFIX).uleb(VECTOR_OP[opcode]);
    for (const immediate of immediates) this.#code.uleb(immediate);
    return this;
  }

  block(type: BlockType = "none"): Label {
    return this.#open("block", type);
  }
  loop(type: BlockType = "none"): Label {
    return this.#open("loop", type);
  }
  /** Takes the condition (i32) from the stack. */
  if(type: BlockType = "none", hint?: Hint): Label {
    this.#hint(hint);
    return this.#open("if", type);
  }
  else(): this {
    return this.op("else");
  }
  end(): this {
    this.#depth--;
    return this.op("end");
  }
  branch(label: Label): this {
    this.#code.u8(OP.br).uleb(this.#depth - label);
    return this;
  }
  branchIf(label: Label, hint?: Hint): this {
    this.#hint(hint);
    this.#code.u8(OP.br_if).uleb(this.#depth - label);
    return this;
  }
  /** Takes the index from the stack. */
  branchTable(labels: readonly Label[], otherwise: Label): this {
    this.#code.u8(OP.br_table).uleb(labels.length);
    for (const label of labels) this.#code.uleb(this.#depth - label);
    this.#code.uleb(this.#depth - otherwise);
    return this;
  }

  /** The body as the code section holds it, its size included. */
  finish(): Uint8Array {
    const body = this.#beginning();
    body.append(this.#code.finish()).u8(OP.end);
    return new Bytes().uleb(body.length).append(body.finish()).finish();
  }

  /**
   * Hints as the custom section `metadata.code.branch_hint` holds them, each by its place in the body; undefined for none.
   * WebAssembly branch hinting proposal, "Binary Format".
   */
  hints(): Uint8Array | undefined {
    if (this.#hints.length === 0) return undefined;
    const before = this.#beginning().length;
    const bytes = new Bytes().uleb(this.#hints.length);
    for (const { at, hint } of this.#hints) bytes.uleb(before + at).uleb(1).u8(hint === "likely" ? 1 : 0);
    return bytes.finish();
  }

  /** The locals' declarations, and the code that sets those of constants. */
  #beginning(): Bytes {
    const bytes = new Bytes().uleb(this.#locals.length);
    for (const type of this.#locals) bytes.uleb(1).u8(type === "v128" ? VECTOR_TYPE : TYPE[type]);
    for (const [key, local] of this.#constants) {
      bytes.u8(VECTOR_PREFIX).uleb(VECTOR_OP["v128.const"]).append(Uint8Array.from(key.split(","), Number));
      bytes.u8(OP["local.set"]).uleb(local);
    }
    return bytes;
  }

  #hint(hint: Hint | undefined): void {
    if (hint !== undefined) this.#hints.push({ at: this.#code.length, hint });
  }

  #open(opcode: "block" | "loop" | "if", type: BlockType): Label {
    this.#code.u8(OP[opcode]).u8(type === "none" ? 0x40 : TYPE[type]);
    return ++this.#depth;
  }
}

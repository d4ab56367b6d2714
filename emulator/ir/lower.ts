/**
 * The reader for WebAssembly, second half: turns recorded steps into code. A value used once is computed
 * where it is used; one used more often, and every read of state or memory, goes to a local where it is
 * made, so that no read sinks past a write. A local is free again after its last use.
 */
import type { FunctionWriter } from "../wasm/function_writer.ts";
import type { Opcode } from "../wasm/opcodes.ts";
import { loadReversed, type Ordered, storeReversed } from "./byte_swap.ts";
import { STATE } from "./layout.ts";
import { FLAT, flatLimit, type FlatPlaces } from "./flat_layout.ts";
import type { KeptRecipe } from "./keeper.ts";
import type { Node, Step } from "./nodes.ts";
import type { AccessOptions, FieldRef, Width } from "./ops.ts";
import { TLB } from "./tlb_layout.ts";

/** Where code goes and how it reaches state: a handler works on a record, a region on constants and locals. */
export interface Target {
  readonly code: FunctionWriter;
  /** Pushes the state area's address in linear memory. */
  pushCpu(): void;
  /**
   * Whether V8 is told which branches are seldom taken: a region gains some percent by it, an interpreter, whose paths
   * meet in one place, loses a fifth.
   */
  readonly hints: boolean;
  /** Memory that is reached without the translation cache, where there is such. */
  readonly flat: FlatReach | undefined;
  /** Pushes `width` bits of state, zero-extended. */
  readSlot(slot: number | FieldRef, width: Width): void;
  /** Stores `width` bits of state; `push` pushes them (bits above may be garbage). */
  writeSlot(slot: number | FieldRef, width: Width, push: () => void): void;
  /** Pushes a field of the instruction. */
  readField(field: number, width: Width): void;
  pushPc(): void;
  pushNextPc(): void;
  /** Calls the host's load or store with state made precise: pushes the status. Address and value are in `STATE.args`. */
  callAccess(kind: "load" | "store", size: number, options: AccessOptions): void;
  /** Calls the host's trap with state made precise: pushes the status. Arguments are in `STATE.args`. */
  callTrap(trap: number): void;
  /** Takes a status; leaves compiled code with it unless it is `proceed`. */
  leaveUnlessProceed(): void;
  /** The host may have changed any state: forget what locals hold of it. */
  reloadState(): void;
  /**
   * The host may have changed the code that is being executed: where that can be, `finish` writes the rest of the
   * instruction once more, to be executed then, and compiled code is left behind it.
   */
  ifStale(finish: () => void): void;
  /** Ends the instruction: on at the i64 that `push` pushes. */
  branch(push: () => void, target: Node): void;
  /** On at `push` if `condition` pushes 1, else at the next instruction. */
  branchIf(condition: () => void, push: () => void, target: Node): void;
  /** Keeps a recipe as what it is made of, which `push` pushes, by index. */
  keep(recipe: KeptRecipe, push: (index: number) => void): void;
  /** Makes slots what the recipe that is kept writes. */
  settle(step: Step & { readonly kind: "settle" }): void;
}

/** Where flat memory lies, and what is called for an access that is not to it. */
export interface FlatReach extends FlatPlaces {
  /** A function as `writeFind` writes it. */
  readonly find: number;
}

/** A step of a list, and of those around it. */
interface StepPlace {
  readonly steps: readonly Step[];
  readonly index: number;
  readonly outer: StepPlace | undefined;
}

/** What a function that looks up the translation cache answers for an access that it does not hold. */
const NOT_FOUND = -1;

/**
 * Writes the function `(cpu, address: i64, bytes - 1, tag) -> i32`: the place in linear memory of an access whose page the
 * translation cache holds, or `NOT_FOUND`. `tag` is the offset in an entry.
 */
export function writeFind(code: FunctionWriter): void {
  const cpu = 0, address = 1, more = 2, tag = 3, entry = code.local("i32");
  code.get(address).op("i32.wrap_i64");
  code.i32(TLB.pageBits - Math.log2(TLB.entrySize)).op("i32.shr_u");
  code.i32((TLB.entries - 1) * TLB.entrySize).op("i32.and").get(cpu).op("i32.add").set(entry);
  code.get(address).get(entry).memory("i32.load", TLB.base + TLB.addend);
  code.op("i64.extend_i32_u").op("i64.add").op("i32.wrap_i64");
  code.i32(NOT_FOUND);
  code.get(address).get(more).op("i64.extend_i32_u").op("i64.add");
  code.i64(-1n << BigInt(TLB.pageBits)).op("i64.and");
  code.get(entry).get(tag).op("i32.add").memory("i64.load", TLB.base).op("i64.eq").op("select");
}

const LOAD: Record<number, Opcode> = {
  8: "i32.load8_u",
  16: "i32.load16_u",
  32: "i32.load",
  64: "i64.load",
};
const STORE: Record<number, Opcode> = {
  8: "i32.store8",
  16: "i32.store16",
  32: "i32.store",
  64: "i64.store",
};

export class Lowering {
  readonly #target: Target;
  readonly #code: FunctionWriter;
  #remaining = new Map<Node, number>();
  /** The step at hand. */
  #place: StepPlace | undefined;
  /** Values that have their locals only while the rest of an instruction is written apart. */
  #apart: Node[] | undefined;

  constructor(target: Target) {
    this.#target = target;
    this.#code = target.code;
  }

  steps(steps: readonly Step[]): void {
    const outer = this.#place;
    steps.forEach((step, index) => {
      this.#place = { steps, index, outer };
      this.#step(step);
    });
    this.#place = outer;
  }

  /** Writes the rest of the instruction for the case that its code has been changed by the host; `node` has its result. */
  #finishApart(node?: Node): void {
    if (this.#apart) return;
    this.#target.ifStale(() => {
      const remaining = this.#remaining, place = this.#place;
      this.#remaining = new Map(remaining);
      this.#apart = [];
      if (node) this.#takeResult(node);
      for (let at = place; at; at = at.outer) this.steps(at.steps.slice(at.index + 1));
      for (const one of this.#apart) {
        this.#code.release(one.local, one.type);
        one.local = -1;
      }
      this.#apart = undefined;
      this.#remaining = remaining;
      this.#place = place;
    });
  }

  #release(node: Node): void {
    // Apart, others still need it.
    if (!this.#apart) this.#code.release(node.local, node.type);
  }

  /** What the host answered becomes the node's value, if anybody wants it. */
  #takeResult(node: Node): void {
    if (node.uses === 0) return;
    this.#target.pushCpu();
    this.#code.memory(node.width === 1 ? "i32.load8_u" : LOAD[node.width], STATE.result);
    this.#keep(node);
  }

  #step(step: Step): void {
    switch (step.kind) {
      case "value":
        return this.#define(step.node);
      case "write":
        this.#target.writeSlot(step.slot, step.value.width, () => this.#push(step.value));
        return;
      case "store":
        return this.#store(step.address, step.value, step.options);
      case "when":
        this.#push(step.condition);
        this.#code.if();
        this.steps(step.then);
        this.#code.end();
        return;
      case "branch": {
        const { condition, target } = step;
        if (condition === undefined) return this.#target.branch(() => this.#push(target), target);
        return this.#target.branchIf(() => this.#push(condition), () => this.#push(target), target);
      }
      case "keep":
        return this.#target.keep(step.recipe, (index) => this.#push(step.recipe.again.from[index]));
      case "settle":
        return this.#target.settle(step);
    }
  }

  /** Computes a value now if it has to be now. */
  #define(node: Node): void {
    const { source } = node;
    switch (source.kind) {
      case "constant":
      case "pc":
      case "nextPc":
      case "field":
        return;
      case "operator":
      case "select":
        if (node.uses < 2) return;
        break;
      case "slot":
        if (node.uses === 0) return;
        break;
      case "load":
        break;
      case "trap":
        return this.#trap(node, source.trap, source.operands, source.final);
    }
    this.#compute(node);
    this.#keep(node);
  }

  /** Takes the node's value off the stack into a local, or drops it if nobody wants it. */
  #keep(node: Node): void {
    if (node.uses === 0) {
      this.#code.op("drop");
      return;
    }
    node.local = this.#code.local(node.type);
    this.#apart?.push(node);
    this.#remaining.set(node, node.uses);
    this.#code.set(node.local);
  }

  #push(node: Node): void {
    if (node.local < 0) return this.#compute(node);
    this.#code.get(node.local);
    // A value of an earlier instruction (a recipe's operand) is nobody's to release here.
    const left = (this.#remaining.get(node) ?? Infinity) - 1;
    this.#remaining.set(node, left);
    if (left === 0) this.#release(node);
  }

  #compute(node: Node): void {
    const { source } = node;
    switch (source.kind) {
      case "constant":
        if (node.width === 64) this.#code.i64(source.value);
        else this.#code.i32(Number(BigInt.asIntN(32, source.value)));
        return;
      case "operator":
        for (const operand of source.operands) this.#push(operand);
        for (const op of source.emit) this.#code.op(op);
        return;
      case "select":
        for (const operand of source.operands) this.#push(operand);
        this.#code.op("select");
        return;
      case "slot":
        return this.#target.readSlot(source.slot, node.width);
      case "field":
        return this.#target.readField(source.field, node.width);
      case "pc":
        return this.#target.pushPc();
      case "nextPc":
        return this.#target.pushNextPc();
      case "load":
        return this.#load(node, source.operands[0], source.options);
      case "trap":
        throw new TypeError("a trap's value is taken where the trap stands");
    }
  }

  #load(node: Node, address: Node, options: AccessOptions): void {
    const code = this.#code, { flat } = this.#target, { width } = node;
    if (flat) return this.#loadFlat(flat, node, address, options);
    const { addressLocal, entry } = this.#lookUp(address, width, options.forWrite ? TLB.write : TLB.read);
    code.if(width === 64 ? "i64" : "i32", this.#target.hints ? "likely" : undefined);
    this.#pushPlace(address, addressLocal, entry);
    this.#loadAt(width, options);
    code.else();
    this.#callLoad(node, address, addressLocal, options);
    code.end();
    code.release(addressLocal, address.type);
    code.release(entry, "i32");
  }

  /** Loads from the place in linear memory on the stack. */
  #loadAt(width: Width, { order }: AccessOptions, offset?: number): void {
    if (order !== "be" || width < 16) this.#code.memory(LOAD[width], offset);
    else loadReversed(this.#code, width as Ordered, offset);
  }

  /** Stores the value on the stack to the place in linear memory below it. */
  #storeAt(width: Width, { order }: AccessOptions, offset?: number): void {
    if (order !== "be" || width < 16) this.#code.memory(STORE[width], offset);
    else storeReversed(this.#code, width as Ordered, offset);
  }

  #callLoad(node: Node, address: Node, addressLocal: number, options: AccessOptions): void {
    const { width } = node;
    this.#spillArgument(0, address, addressLocal);
    this.#target.callAccess("load", width / 8, options);
    this.#target.leaveUnlessProceed();
    this.#finishApart(node);
    this.#target.pushCpu();
    this.#code.memory(LOAD[width], STATE.result);
  }

  /** What is not in flat memory is seldom: the translation cache is looked up by a function. */
  #loadFlat(flat: FlatReach, node: Node, address: Node, options: AccessOptions): void {
    const code = this.#code, { width, type: result } = node;
    const done = code.block(result);
    const addressLocal = this.#beginFlat(address, width, flat, options.forWrite === true);
    this.#loadAt(width, options, flat.place);
    code.branch(done).end();
    const place = this.#callFind(flat, address, addressLocal, width, options.forWrite ? TLB.write : TLB.read);
    code.if(result);
    code.get(place);
    this.#loadAt(width, options);
    code.else();
    this.#callLoad(node, address, addressLocal, options);
    code.end().end();
    code.release(addressLocal, address.type);
    code.release(place, "i32");
  }

  #storeFlat(flat: FlatReach, address: Node, value: Node, options: AccessOptions): void {
    const code = this.#code, { width } = value;
    const done = code.block();
    const addressLocal = this.#beginFlat(address, width, flat, true);
    this.#pushAgain(value);
    this.#storeAt(width, options, flat.place);
    code.branch(done).end();
    const place = this.#callFind(flat, address, addressLocal, width, TLB.write);
    code.if("none");
    code.get(place);
    this.#pushAgain(value);
    this.#storeAt(width, options);
    code.else();
    this.#callStore(address, addressLocal, value, options);
    code.end().end();
    this.#forget(value);
    code.release(addressLocal, address.type);
    code.release(place, "i32");
  }

  /**
   * Opens a block that is left for its end by an access that does not go to flat memory, or by a store of which somebody
   * has to be told; pushes the address.
   */
  #beginFlat(address: Node, width: Width, flat: FlatReach, stores: boolean): number {
    const code = this.#code, addressLocal = code.local(address.type);
    const pushLow = () => {
      code.get(addressLocal);
      if (address.type === "i64") code.op("i32.wrap_i64");
    };
    const elsewhere = code.block();
    this.#push(address);
    code.tee(addressLocal);
    this.#target.pushCpu();
    code.memory(`${address.type}.load`, flatLimit(width / 8)).op(
      `${address.type}.ge_u`,
    );
    code.branchIf(elsewhere, "unlikely");
    if (stores) {
      pushLow();
      code.i32(FLAT.lineBits).op("i32.shr_u").memory("i32.load8_u", flat.marks);
      code.branchIf(elsewhere, "unlikely");
    }
    pushLow();
    return addressLocal;
  }

  /** Pushes whether the translation cache has the page, whose place in linear memory is then in the local. */
  #callFind(flat: FlatReach, address: Node, addressLocal: number, width: Width, tag: number): number {
    const code = this.#code, place = code.local("i32");
    this.#target.pushCpu();
    code.get(addressLocal);
    if (address.type === "i32") code.op("i64.extend_i32_u");
    code.i32(width / 8 - 1).i32(tag).call(flat.find).tee(place).i32(NOT_FOUND).op("i32.ne");
    return place;
  }

  #store(address: Node, value: Node, options: AccessOptions): void {
    const code = this.#code, { flat } = this.#target;
    if (flat) return this.#storeFlat(flat, address, value, options);
    const { addressLocal, entry } = this.#lookUp(address, value.width, TLB.write);
    code.if("none", this.#target.hints ? "likely" : undefined);
    this.#pushPlace(address, addressLocal, entry);
    this.#pushAgain(value);
    this.#storeAt(value.width, options);
    code.else();
    this.#callStore(address, addressLocal, value, options);
    code.end();
    this.#forget(value);
    code.release(addressLocal, address.type);
    code.release(entry, "i32");
  }

  #callStore(address: Node, addressLocal: number, value: Node, options: AccessOptions): void {
    const code = this.#code;
    this.#spillArgument(0, address, addressLocal);
    this.#target.pushCpu();
    this.#pushAgain(value);
    if (value.type === "i32") {
      if (value.width < 32) code.i32(2 ** value.width - 1).op("i32.and");
      code.op("i64.extend_i32_u");
    }
    code.memory("i64.store", STATE.args + 8);
    this.#target.callAccess("store", value.width / 8, options);
    this.#target.leaveUnlessProceed();
    this.#finishApart();
  }

  /** A stored value stands on two paths: it is in a local already, or simple enough to be computed on each. */
  #pushAgain(value: Node): void {
    if (value.local >= 0) this.#code.get(value.local);
    else this.#compute(value);
  }

  /** Counts both uses of a stored value as done. */
  #forget(value: Node): void {
    if (value.local < 0) return;
    const left = (this.#remaining.get(value) ?? Infinity) - 2;
    this.#remaining.set(value, left);
    if (left === 0) this.#release(value);
  }

  /** Pushes whether the TLB holds the page of all bytes of the access. */
  #lookUp(address: Node, width: Width, tag: number): { addressLocal: number; entry: number } {
    const code = this.#code;
    const addressLocal = code.local(address.type), entry = code.local("i32");
    this.#push(address);
    code.tee(addressLocal);
    if (address.type === "i64") code.op("i32.wrap_i64");
    code.i32(TLB.pageBits - Math.log2(TLB.entrySize)).op("i32.shr_u");
    code.i32((TLB.entries - 1) * TLB.entrySize).op("i32.and");
    this.#target.pushCpu();
    code.op("i32.add").set(entry);
    // The last byte's page is compared: an access that crosses into another page misses.
    code.get(addressLocal);
    if (address.type === "i64") {
      if (width > 8) code.i64(BigInt(width / 8 - 1)).op("i64.add");
      code.i64(-1n << BigInt(TLB.pageBits)).op("i64.and");
      code.get(entry).memory("i64.load", TLB.base + tag).op("i64.eq");
    } else {
      if (width > 8) code.i32(width / 8 - 1).op("i32.add");
      code.i32(-1 << TLB.pageBits).op("i32.and");
      code.get(entry).memory("i32.load", TLB.base + tag).op("i32.eq");
    }
    return { addressLocal, entry };
  }

  /** Pushes the access's place in linear memory. */
  #pushPlace(address: Node, addressLocal: number, entry: number): void {
    this.#code.get(addressLocal);
    if (address.type === "i64") this.#code.op("i32.wrap_i64");
    this.#code.get(entry).memory("i32.load", TLB.base + TLB.addend).op("i32.add");
  }

  #spillArgument(index: number, node: Node, local: number): void {
    const code = this.#code;
    this.#target.pushCpu();
    code.get(local);
    if (node.type === "i32") code.op("i64.extend_i32_u");
    code.memory("i64.store", STATE.args + index * 8);
  }

  #trap(node: Node, trap: number, operands: readonly Node[], final: boolean): void {
    const code = this.#code;
    operands.forEach((operand, i) => {
      this.#target.pushCpu();
      this.#push(operand);
      code.memory("i64.store", STATE.args + i * 8);
    });
    this.#target.callTrap(trap);
    this.#target.leaveUnlessProceed();
    if (final) {
      code.op("unreachable");
      return;
    }
    this.#target.reloadState();
    this.#finishApart(node);
    this.#takeResult(node);
  }
}

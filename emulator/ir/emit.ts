/** The reader for WebAssembly, first half: records a definition as a list of steps (`nodes.ts`). */
import type { Opcode } from "../wasm/opcodes.ts";
import type { Keepers, Kept } from "./keeper.ts";
import { STATE } from "./layout.ts";
import { Node, type Source, type Step } from "./nodes.ts";
import type { AccessOptions, Ops, Recipe, SlotRef, Width } from "./ops.ts";

/** What the recorder asks of whoever binds the instruction. */
export interface Recording {
  /** Number of a trap, by name. */
  trapNumber(name: string): number;
  /** Where the steps go. */
  readonly steps: Step[];
  /** The recipes that made flags as they are, where those are known (inside a region). */
  recipes: readonly Recipe<Node>[];
  /** Whether recipes may be looked through at all: not by a handler, which sees one instruction. */
  readonly fuses: boolean;
  /** What may be kept of recipes instead of what they write (inside a region). */
  readonly keepers?: Keepers;
  /** Binds pc and nextPc to constants (a region), or leaves them to the record (a handler). */
  readonly pc?: bigint;
  readonly nextPc?: bigint;
}

const mask = (width: number) => (1n << BigInt(width)) - 1n;

export class EmitOps implements Ops<Node> {
  readonly #recording: Recording;
  #steps: Step[];
  /** Steps of the instruction that are on no condition. */
  readonly #top: Step[];

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#steps = this.#top = recording.steps;
  }

  constant(width: Width, value: number | bigint): Node {
    return this.#value(width, { kind: "constant", value: BigInt(value) & mask(width) });
  }

  add(a: Node, b: Node): Node {
    if (b.constant === 0n) return a;
    if (a.constant === 0n) return b;
    return this.#ring("add", a, b);
  }
  sub(a: Node, b: Node): Node {
    return b.constant === 0n ? a : this.#ring("sub", a, b);
  }
  mul(a: Node, b: Node): Node {
    return this.#ring("mul", a, b);
  }
  mulhu(a: Node, b: Node): Node {
    return a.width === 64 ? this.#mulhu64(a, b) : this.#mulh32(a, b, "i64.extend_i32_u");
  }
  mulhs(a: Node, b: Node): Node {
    if (a.width !== 64) return this.#mulh32(a, b, "i64.extend_i32_s");
    // Signed from unsigned: subtract the other factor for each negative one (Hacker's Delight 8-3).
    const zero = this.constant(64, 0);
    const fixA = this.select(this.lts(a, zero), b, zero);
    const fixB = this.select(this.lts(b, zero), a, zero);
    return this.sub(this.sub(this.#mulhu64(a, b), fixA), fixB);
  }
  divu(a: Node, b: Node): Node {
    return this.#plain("div_u", a, b);
  }
  divs(a: Node, b: Node): Node {
    return this.#plain("div_s", a, b);
  }
  remu(a: Node, b: Node): Node {
    return this.#plain("rem_u", a, b);
  }
  rems(a: Node, b: Node): Node {
    return this.#plain("rem_s", a, b);
  }

  and(a: Node, b: Node): Node {
    return this.#ring("and", a, b);
  }
  or(a: Node, b: Node): Node {
    return this.#ring("or", a, b);
  }
  xor(a: Node, b: Node): Node {
    return this.#ring("xor", a, b);
  }
  not(a: Node): Node {
    if (a.width === 1) return this.#operator(1, ["i32.eqz"], [a]);
    return this.#ring("xor", a, this.constant(a.width, -1n));
  }
  neg(a: Node): Node {
    return this.#ring("sub", this.constant(a.width, 0), a);
  }

  shl(a: Node, n: Node): Node {
    sameWidth(a, n);
    return this.#operator(a.width, [`${a.type}.shl`], [a, this.#clean(n)], a.width < 32);
  }
  shr(a: Node, n: Node): Node {
    return this.#plain("shr_u", a, n);
  }
  sar(a: Node, n: Node): Node {
    sameWidth(a, n);
    const wide = a.width === 64 ? a : this.sext(a, 32);
    return this.#operator(a.width, [`${a.type}.shr_s`], [wide, this.#clean(n)], a.width < 32);
  }
  rotl(a: Node, n: Node): Node {
    return this.#plain("rotl", a, n);
  }
  rotr(a: Node, n: Node): Node {
    return this.#plain("rotr", a, n);
  }

  clz(a: Node): Node {
    return this.#operator(a.width, [`${a.type}.clz`], [a]);
  }
  ctz(a: Node): Node {
    return this.#operator(a.width, [`${a.type}.ctz`], [a]);
  }
  popcnt(a: Node): Node {
    return this.#operator(a.width, [`${a.type}.popcnt`], [a]);
  }

  eq(a: Node, b: Node): Node {
    if (b.constant === 0n) return this.#operator(1, [`${a.type}.eqz`], [this.#clean(a)]);
    return this.#compare("eq", a, b);
  }
  ne(a: Node, b: Node): Node {
    return this.#compare("ne", a, b);
  }
  ltu(a: Node, b: Node): Node {
    return this.#compare("lt_u", a, b);
  }
  leu(a: Node, b: Node): Node {
    return this.#compare("le_u", a, b);
  }
  lts(a: Node, b: Node): Node {
    return this.#compare("lt_s", this.#signed(a), this.#signed(b));
  }
  les(a: Node, b: Node): Node {
    return this.#compare("le_s", this.#signed(a), this.#signed(b));
  }
  select(condition: Node, a: Node, b: Node): Node {
    sameWidth(a, b);
    if (condition.constant !== undefined) return condition.constant === 1n ? a : b;
    return this.#value(a.width, { kind: "select", operands: [a, b, condition] }, a.dirty || b.dirty);
  }

  zext(a: Node, width: Width): Node {
    if (width === a.width) return a;
    if (a.constant !== undefined) return this.constant(width, a.constant);
    const clean = this.#clean(a);
    return this.#operator(width, width === 64 ? ["i64.extend_i32_u"] : [], [clean]);
  }
  sext(a: Node, width: Width): Node {
    if (width === a.width) return a;
    if (a.constant !== undefined) return this.constant(width, BigInt.asIntN(a.width, a.constant));
    if (a.width === 1) return this.neg(this.zext(a, width));
    const extend: Opcode[] = a.width === 8 ? ["i32.extend8_s"] : a.width === 16 ? ["i32.extend16_s"] : [];
    if (width === 64) extend.push("i64.extend_i32_s");
    return this.#operator(width, extend, [a], width === 16);
  }
  trunc(a: Node, width: Width): Node {
    if (width === a.width) return a;
    if (a.constant !== undefined) return this.constant(width, a.constant);
    const narrow = a.width === 64 ? this.#operator(32, ["i32.wrap_i64"], [a]) : a;
    if (width === 1) return this.#operator(1, ["i32.and"], [narrow, this.constant(32, 1)]);
    return width === 32 ? narrow : this.#operator(width, [], [narrow], true);
  }

  read(slot: SlotRef, width: Width): Node {
    if (slot === STATE.zero) return this.constant(width, 0);
    const kept = this.#recording.keepers?.read(slot, width, this.#before);
    if (kept) return kept;
    return this.#value(width, { kind: "slot", slot });
  }
  write(slot: SlotRef, value: Node): void {
    this.#forget([slot]);
    this.#recording.keepers?.settleFor([slot], this.#before, this.#steps !== this.#top);
    this.#write(slot, value);
  }

  pc(): Node {
    const { pc } = this.#recording;
    return pc === undefined ? this.#value(64, { kind: "pc" }) : this.constant(64, pc);
  }
  nextPc(): Node {
    const { nextPc } = this.#recording;
    return nextPc === undefined ? this.#value(64, { kind: "nextPc" }) : this.constant(64, nextPc);
  }

  load(address: Node, width: Width, options: AccessOptions = {}): Node {
    return this.#value(width, { kind: "load", operands: [address], options });
  }
  store(address: Node, value: Node, options: AccessOptions = {}): void {
    // The value is needed on the fast and on the slow path: two uses keep it in a local.
    this.#use(address, value, value);
    this.#steps.push({ kind: "store", address, value, options });
  }

  branch(target: Node): void {
    this.#use(target);
    this.#steps.push({ kind: "branch", target });
  }
  branchIf(condition: Node, target: Node): void {
    this.#use(condition, target);
    this.#steps.push({ kind: "branch", target, condition });
  }
  when(condition: Node, then: () => void): void {
    this.#use(condition);
    const outer = this.#steps;
    const inner: Step[] = [];
    this.#steps = inner;
    const { recipes } = this.#recording;
    then();
    // Flags committed on one path only are nobody's recipe afterwards.
    this.#recording.recipes = this.#recording.recipes.filter((recipe) => recipes.includes(recipe));
    this.#steps = outer;
    this.#steps.push({ kind: "when", condition, then: inner });
  }

  trap(name: string, args: readonly Node[], resultWidth: Width): Node;
  trap(name: string, args: readonly Node[]): void;
  trap(name: string, args: readonly Node[], resultWidth?: Width): Node | void {
    const { keepers } = this.#recording;
    this.#recording.recipes = [];
    // Where it is on a condition, what is kept is the same with it and without.
    if (this.#steps !== this.#top) keepers?.settle(this.#before);
    const result = this.#trap(name, args, resultWidth ?? 32, false);
    keepers?.reloaded();
    return result;
  }
  raise(name: string, args: readonly Node[]): void {
    this.#trap(name, args, 32, true);
  }
  #trap(name: string, args: readonly Node[], width: Width, final: boolean): Node {
    const operands = args.map((arg) => this.zext(this.#clean(arg), 64));
    const trap = this.#recording.trapNumber(name);
    return this.#value(width, { kind: "trap", trap, operands, final });
  }

  flags(recipe: Recipe<Node>): void {
    const { keepers } = this.#recording, slots = recipe.writes.map(([slot]) => slot);
    const isSure = this.#steps === this.#top;
    const kept = isSure ? keepers?.keep(recipe) : undefined;
    if (kept) this.#keep(kept);
    else {
      // What is on a condition leaves some of them as they were.
      keepers?.settleFor(slots, this.#before, !isSure);
      for (const [slot, value] of recipe.writes) this.#write(slot, value);
    }
    if (!this.#recording.fuses) return;
    // A later condition may read the operands again: keep them.
    this.#use(...recipe.operands ?? [], ...recipe.operands ?? []);
    this.#forget(slots);
    this.#recording.recipes = [...this.#recording.recipes, recipe];
  }
  condition(name: string, otherwise: () => Node): Node {
    const recipe = this.#recording.recipes.find(({ conditions }) => conditions?.[name]);
    return (recipe?.conditions?.[name] ?? otherwise)();
  }

  #keep({ recipe, before }: Kept): void {
    for (const [slot, value] of before) this.#write(slot, value);
    this.#use(...recipe.again.from);
    this.#steps.push({ kind: "keep", recipe });
  }

  /** Recipes that have written one of the slots say no longer what is in it. */
  #forget(slots: readonly SlotRef[]): void {
    const isWritten = (one: number) => slots.some((slot) => sameSlot(one, slot));
    this.#recording.recipes = this.#recording.recipes.filter(({ writes }) =>
      !writes.some(([slot]) => isWritten(slot))
    );
  }

  /** Goes before whatever is on a condition. */
  readonly #before = (step: Step): void => void this.#top.push(step);

  #write(slot: SlotRef, value: Node): void {
    const whole = value.width === 1 ? this.zext(value, 8) : value;
    this.#use(whole);
    this.#steps.push({ kind: "write", slot, value: whole });
  }

  #value(width: Width, source: Source, dirty = false): Node {
    const node = new Node(width, source, dirty);
    if (source.kind !== "constant") this.#steps.push({ kind: "value", node });
    return node;
  }

  #operator(width: Width, emit: readonly Opcode[], operands: readonly Node[], dirty = false): Node {
    return this.#value(width, { kind: "operator", emit, operands }, dirty);
  }

  /** Ring operations: low bits depend on low bits only, so garbage above is no matter. */
  #ring(name: "add" | "sub" | "mul" | "and" | "or" | "xor", a: Node, b: Node): Node {
    sameWidth(a, b);
    if (a.width === 1) return this.#operator(1, [`i32.${MODULO_2[name]}`], [a, b]);
    const makesDirt = name === "and"
      ? a.dirty && b.dirty
      : name === "or" || name === "xor"
      ? a.dirty || b.dirty
      : true;
    return this.#operator(a.width, [`${a.type}.${name}`], [a, b], a.width < 32 && makesDirt);
  }

  /** Operations that look at every bit. */
  #plain(name: "div_u" | "div_s" | "rem_u" | "rem_s" | "shr_u" | "rotl" | "rotr", a: Node, b: Node): Node {
    sameWidth(a, b);
    return this.#operator(a.width, [`${a.type}.${name}`], [this.#clean(a), this.#clean(b)]);
  }

  #compare(name: "eq" | "ne" | "lt_u" | "le_u" | "lt_s" | "le_s", a: Node, b: Node): Node {
    sameWidth(a, b);
    return this.#operator(1, [`${a.type}.${name}`], [this.#clean(a), this.#clean(b)]);
  }

  #clean(a: Node): Node {
    if (!a.dirty) return a;
    return this.#operator(a.width, ["i32.and"], [
      a,
      new Node(32, { kind: "constant", value: mask(a.width) }),
    ]);
  }

  #signed(a: Node): Node {
    return a.width === 64 ? a : this.sext(a, 32);
  }

  #use(...nodes: readonly Node[]): void {
    for (const node of nodes) node.uses++;
  }

  #mulh32(a: Node, b: Node, extend: Opcode): Node {
    sameWidth(a, b);
    const product = this.mul(this.#operator(64, [extend], [a]), this.#operator(64, [extend], [b]));
    return this.trunc(this.shr(product, this.constant(64, 32)), 32);
  }

  /** 64 x 64 -> high 64 from four 32 x 32 products (Hacker's Delight 8-2). */
  #mulhu64(a: Node, b: Node): Node {
    sameWidth(a, b);
    const low = this.constant(64, 0xffffffffn), half = this.constant(64, 32);
    const [a0, a1, b0, b1] = [this.and(a, low), this.shr(a, half), this.and(b, low), this.shr(b, half)];
    const middle = this.add(this.mul(a1, b0), this.shr(this.mul(a0, b0), half));
    const carry = this.add(this.mul(a0, b1), this.and(middle, low));
    return this.add(this.add(this.mul(a1, b1), this.shr(middle, half)), this.shr(carry, half));
  }
}

/** Ring operations on truth values. */
const MODULO_2 = { add: "xor", sub: "xor", mul: "and", and: "and", or: "or", xor: "xor" } as const;

/** Whether a write to `slot` changes a part of the 8-byte slot `written`. */
function sameSlot(written: number, slot: SlotRef): boolean {
  return typeof slot === "number" && (written & ~7) === (slot & ~7);
}

function sameWidth(a: Node, b: Node): void {
  if (a.width !== b.width) throw new TypeError(`operands of ${a.width} and ${b.width} bits`);
}

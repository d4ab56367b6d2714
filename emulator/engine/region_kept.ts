/**
 * Flags in a region: while nobody wants them they are kept as what their recipe is made of (`ir/keeper.ts`), with the
 * recipe's number in a local of its own. Whoever leaves the region calls a function that stores what the recipe would have
 * written.
 */
import { EmitOps } from "../ir/emit.ts";
import type { KeptGroup, KeptRecipe, KeptSlot, Need } from "../ir/keeper.ts";
import { Lowering, type Target } from "../ir/lower.ts";
import type { Node, Step } from "../ir/nodes.ts";
import type { FieldRef, Width } from "../ir/ops.ts";
import type { FunctionWriter } from "../wasm/function_writer.ts";
import type { Signature } from "../wasm/module_writer.ts";
import type { RegionSlots } from "./region_slots.ts";

/** What is kept at a place in the region's code: known only when it runs, nothing, or the recipe of this number. */
export type Held = "unknown" | "settled" | number;

/** The function that stores what a recipe of a group would have written, to be filled in when all recipes are known. */
export interface SettleFunction {
  readonly index: number;
  readonly code: FunctionWriter;
}

/** Its parameters: the recipe's number, what the group has. */
const NUMBER = 0, PLACES = 1;

export function settleSignature(group: KeptGroup): Signature {
  return { parameters: ["i32", ...placesOf(group).map(typeOf)], results: [] };
}

/** What a group's slots and what holds its recipes take of locals: both may be one, as wide as the wider. */
export function placesOf({ slots, holding }: KeptGroup): readonly KeptSlot[] {
  const places = new Map<number, KeptSlot>();
  for (const one of [...slots, ...holding]) {
    if (one.width > (places.get(one.slot)?.width ?? 0)) places.set(one.slot, one);
  }
  return [...places.values()];
}

export function typeOf({ width }: KeptSlot): "i32" | "i64" {
  return width === 64 ? "i64" : "i32";
}

/** One group's. */
export class RegionKept {
  readonly #code: FunctionWriter;
  readonly #group: KeptGroup;
  readonly #places: readonly KeptSlot[];
  readonly #locals: RegionSlots;
  readonly #settle: SettleFunction;
  /** Number 0 is none. */
  readonly #recipes: KeptRecipe[] = [];
  readonly #numbers = new Map<string, number>();
  /** The local of the recipe's number: 0 when the region is entered. */
  readonly #number: number;
  held: Held = "unknown";

  constructor(code: FunctionWriter, group: KeptGroup, locals: RegionSlots, settle: SettleFunction) {
    this.#code = code;
    this.#group = group;
    this.#places = placesOf(group);
    this.#locals = locals;
    this.#settle = settle;
    this.#number = code.local("i32");
  }

  /** Keeps what `push` pushes, by index; a constant is part of what the number stands for. */
  keep(recipe: KeptRecipe, push: (index: number) => void): void {
    const code = this.#code, { again: { key, from } } = recipe;
    const held = heldOf(recipe, this.#group);
    held.forEach(({ node, place, index }) => {
      push(index);
      if (node.type !== typeOf(place)) code.op("i64.extend_i32_u");
    });
    for (const { place } of held.toReversed()) code.set(this.#locals.of(place.slot).local);
    const name = [key, ...from.map(({ constant }) => constant ?? "")].join();
    let number = this.#numbers.get(name);
    if (number === undefined) this.#numbers.set(name, number = this.#recipes.push(recipe));
    code.i32(number).set(this.#number);
    this.held = number;
  }

  /** Makes slots what the recipe that is kept writes. */
  settle(target: Target, recipe: KeptRecipe | undefined, slots: readonly number[], all: boolean): void {
    if (recipe && slots.length > 0) new Lowering(target).steps(remade(recipe, slots, this.#group));
    if (all) this.reset();
  }

  /** Settles what is kept as far as `need` goes, on the way to who has that need. */
  settleFor(target: Target, need: Need): void {
    if (need === 0 || typeof this.held === "string") return;
    const recipe = this.#recipes[this.held - 1], all = need === 2;
    const holds = (slot: number) => this.#group.holding.some((one) => one.slot === slot);
    this.settle(target, recipe, all ? recipe.slots : recipe.slots.filter((slot) => !holds(slot)), all);
  }

  /** Nothing is kept from here on. */
  reset(): void {
    if (this.held === "settled") return;
    this.#code.i32(0).set(this.#number);
    this.held = "settled";
  }

  /** Writes code that puts the slots into the state at `cpu`, behind the slots that its recipes read. */
  store(cpu: number): void {
    const code = this.#code;
    if (this.held === "settled") return this.#locals.storeOnly(cpu, this.#group.slots);
    if (this.held === "unknown") code.get(this.#number);
    else code.i32(this.held);
    for (const { slot } of this.#places) code.get(this.#locals.of(slot).local);
    code.call(this.#settle.index);
  }

  /** Writes the function, for the state at `cpu`: all recipes are known now. */
  finish(cpu: number): void {
    const { code } = this.#settle, target = new SettleTarget(code, cpu, this.#group);
    const { slots } = this.#group;
    const end = code.block();
    const labels = this.#recipes.map(() => code.block()).reverse();
    const none = code.block();
    code.get(NUMBER).branchTable([none, ...labels], none);
    code.end();
    for (const slot of slots) target.storeParameter(slot);
    code.branch(end);
    for (const recipe of this.#recipes) {
      code.end();
      for (const slot of slots) if (!recipe.slots.includes(slot.slot)) target.storeParameter(slot);
      new Lowering(target).steps(remade(recipe, recipe.slots, this.#group));
      code.branch(end);
    }
    code.end();
  }
}

/** Takes down what is held; the answer puts it back, for where code goes on from here another way. */
export function remembered(groups: Iterable<RegionKept>): () => void {
  const before = [...groups].map((group) => ({ group, held: group.held }));
  return () => before.forEach(({ group, held }) => group.held = held);
}

/** What a recipe is made of that is not constant, and where it is held. */
function heldOf({ again: { from } }: KeptRecipe, { holding }: KeptGroup) {
  return from.flatMap((node, index) => node.constant === undefined ? [{ node, index }] : [])
    .map((one, i) => ({ ...one, place: holding[i] }));
}

/** Steps that make a recipe again of what is kept, and write some of its slots. */
function remade(recipe: KeptRecipe, slots: readonly number[], group: KeptGroup): Step[] {
  const steps: Step[] = [], { again } = recipe;
  const ops = new EmitOps({ steps, fuses: false, recipes: [], trapNumber: () => -1 });
  const from: Node[] = again.from.map(({ width, constant }) => ops.constant(width, constant ?? 0n));
  for (const { node: { width }, place, index } of heldOf(recipe, group)) {
    from[index] = ops.trunc(ops.read(place.slot, place.width), width);
  }
  for (const [slot, value] of again.make(ops, from).writes) if (slots.includes(slot)) ops.write(slot, value);
  return steps;
}

/** Reads the parameters of the function, writes the state. */
class SettleTarget implements Target {
  readonly hints = false;
  readonly flat = undefined;
  readonly code: FunctionWriter;
  readonly #cpu: number;
  readonly #group: KeptGroup;
  readonly #places: readonly KeptSlot[];

  constructor(code: FunctionWriter, cpu: number, group: KeptGroup) {
    this.code = code;
    this.#cpu = cpu;
    this.#group = group;
    this.#places = placesOf(group);
  }

  readSlot(slot: number | FieldRef, width: Width): void {
    const isIt = (one: KeptSlot) => one.slot === slot;
    if (this.#group.holding.some(isIt)) this.code.get(PLACES + this.#places.findIndex(isIt));
    else if (typeof slot === "number" && width === 32 && this.#group.reads?.includes(slot)) {
      this.code.i32(this.#cpu).memory("i32.load", slot);
    } else throw new TypeError("a recipe is made of what is kept, and of slots that its group names");
  }
  writeSlot(slot: number | FieldRef, width: Width, push: () => void): void {
    if (typeof slot !== "number" || width < 32) throw new TypeError("a recipe writes whole slots");
    this.code.i32(this.#cpu);
    push();
    this.code.memory(width === 64 ? "i64.store" : "i32.store", slot);
  }
  storeParameter({ slot, width }: KeptSlot): void {
    const index = this.#places.findIndex((one) => one.slot === slot);
    this.writeSlot(slot, width, () => {
      this.code.get(PLACES + index);
      if (width < this.#places[index].width) this.code.op("i32.wrap_i64");
    });
  }

  pushCpu = impossible;
  readField = impossible;
  pushPc = impossible;
  pushNextPc = impossible;
  callAccess = impossible;
  callTrap = impossible;
  leaveUnlessProceed = impossible;
  reloadState = impossible;
  ifStale = impossible;
  branch = impossible;
  branchIf = impossible;
  keep = impossible;
  settle = impossible;
}

function impossible(): never {
  throw new TypeError("a recipe does nothing but compute");
}

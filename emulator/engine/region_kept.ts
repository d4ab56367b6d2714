/**
 * Flags in a region: while nobody wants them they are kept as what their recipe is made of (`ir/keeper.ts`), in the locals of
 * two of their slots, with the recipe's number in a local of its own. Whoever leaves the region calls a function that
 * stores what the recipe would have written.
 */
import { EmitOps } from "../ir/emit.ts";
import { HOLDING, type KeptRecipe } from "../ir/keeper.ts";
import { Lowering, type Target } from "../ir/lower.ts";
import type { Step } from "../ir/nodes.ts";
import type { FieldRef, Width } from "../ir/ops.ts";
import type { KeptSlot } from "../ir/keeper.ts";
import type { FunctionWriter } from "../wasm/function_writer.ts";
import type { Signature } from "../wasm/module_writer.ts";
import type { RegionSlots } from "./region_slots.ts";

/** What is kept at a place in the region's code: known only when it runs, nothing, or the recipe of this number. */
type Held = "unknown" | "settled" | number;

/** The function that stores what a recipe would have written, to be filled in when all recipes are known. */
export interface SettleFunction {
  readonly index: number;
  readonly code: FunctionWriter;
}

/** Its parameters: the recipe's number, the slots. */
const NUMBER = 0, SLOTS = 1;

export function settleSignature(slots: readonly KeptSlot[]): Signature {
  return { parameters: ["i32", ...slots.map(typeOf)], results: [] };
}

export class RegionKept {
  readonly #code: FunctionWriter;
  readonly #slots: readonly KeptSlot[];
  readonly #locals: RegionSlots;
  readonly #settle: SettleFunction | undefined;
  /** Number 0 is none. */
  readonly #recipes: KeptRecipe[] = [];
  readonly #numbers = new Map<string, number>();
  /** The local of the recipe's number: 0 when the region is entered. */
  readonly #number: number;
  held: Held = "unknown";

  constructor(
    code: FunctionWriter,
    slots: readonly KeptSlot[],
    locals: RegionSlots,
    settle: SettleFunction | undefined,
  ) {
    this.#code = code;
    this.#slots = slots;
    this.#locals = locals;
    this.#settle = settle;
    this.#number = locals.keeps ? code.local("i32") : -1;
  }

  /** Keeps what `push` pushes, by index. */
  keep(recipe: KeptRecipe, push: (index: number) => void): void {
    const code = this.#code, { again: { key, from } } = recipe;
    from.forEach((node, i) => {
      push(i);
      if (node.type === "i32") code.op("i64.extend_i32_u");
    });
    for (let i = from.length - 1; i >= 0; i--) code.set(this.#locals.of(this.#slots[i].slot).local);
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, number = this.#recipes.push(recipe));
    code.i32(number).set(this.#number);
    this.held = number;
  }

  /** Makes slots what the recipe that is kept writes. */
  settle(target: Target, recipe: KeptRecipe | undefined, slots: readonly number[], all: boolean): void {
    if (recipe) new Lowering(target).steps(remade(recipe, slots, this.#slots));
    if (all) this.reset();
  }

  /** Nothing is kept from here on. */
  reset(): void {
    if (this.held === "settled" || !this.#locals.keeps) return;
    this.#code.i32(0).set(this.#number);
    this.held = "settled";
  }

  /** Writes code that puts the slots into the state at `cpu`. */
  store(cpu: number): void {
    const code = this.#code;
    if (this.held === "settled") return this.#locals.storeOnly(cpu, this.#slots);
    if (this.held === "unknown") code.get(this.#number);
    else code.i32(this.held);
    for (const { slot } of this.#slots) code.get(this.#locals.of(slot).local);
    code.call(this.#settle!.index);
  }

  /** Writes the function, for the state at `cpu`: all recipes are known now. */
  finish(cpu: number): void {
    if (this.#settle === undefined) return;
    const { code } = this.#settle, target = new SettleTarget(code, cpu, this.#slots);
    const end = code.block();
    const labels = this.#recipes.map(() => code.block()).reverse();
    const none = code.block();
    code.get(NUMBER).branchTable([none, ...labels], none);
    code.end();
    this.#slots.forEach((_, i) => target.storeParameter(i));
    code.branch(end);
    for (const recipe of this.#recipes) {
      code.end();
      this.#slots.forEach(({ slot }, i) => recipe.slots.includes(slot) || target.storeParameter(i));
      new Lowering(target).steps(remade(recipe, recipe.slots, this.#slots));
      code.branch(end);
    }
    code.end();
  }
}

/** Steps that make a recipe again of what is kept, and write some of its slots. */
function remade({ again }: KeptRecipe, slots: readonly number[], kept: readonly KeptSlot[]): Step[] {
  const steps: Step[] = [];
  const ops = new EmitOps({ steps, fuses: false, trapNumber: () => -1 });
  const from = again.from.map(({ width }, i) => ops.trunc(ops.read(kept[i].slot, 64), width));
  for (const [slot, value] of again.make(ops, from).writes) if (slots.includes(slot)) ops.write(slot, value);
  return steps;
}

function typeOf({ width }: KeptSlot): "i32" | "i64" {
  return width === 64 ? "i64" : "i32";
}

/** Reads the parameters of the function, writes the state. */
class SettleTarget implements Target {
  readonly hints = false;
  readonly flat = undefined;
  readonly code: FunctionWriter;
  readonly #cpu: number;
  readonly #slots: readonly KeptSlot[];

  constructor(code: FunctionWriter, cpu: number, slots: readonly KeptSlot[]) {
    this.code = code;
    this.#cpu = cpu;
    this.#slots = slots;
  }

  readSlot(slot: number | FieldRef): void {
    const index = this.#slots.findIndex((one) => one.slot === slot);
    if (index < 0 || index >= HOLDING) throw new TypeError("a recipe is made of what is kept");
    this.code.get(SLOTS + index);
  }
  writeSlot(slot: number | FieldRef, width: Width, push: () => void): void {
    if (typeof slot !== "number" || width < 32) throw new TypeError("a recipe writes whole slots");
    this.code.i32(this.#cpu);
    push();
    this.code.memory(width === 64 ? "i64.store" : "i32.store", slot);
  }
  storeParameter(index: number): void {
    const { slot, width } = this.#slots[index];
    this.writeSlot(slot, width, () => this.code.get(SLOTS + index));
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

/**
 * Slots that a recipe writes, kept as what the recipe can be made of again: while a region's block is recorded, this knows
 * which recipe that is. Who reads one of the slots gets what the recipe writes; before one is written otherwise, the others
 * are `settled`: made what they would be.
 */
import type { Node, Step } from "./nodes.ts";
import type { Again, Recipe, SlotRef } from "./ops.ts";

/** A state slot that recipes write, 32 or 64 bits of it. */
export interface KeptSlot {
  readonly slot: number;
  readonly width: 32 | 64;
}

/** A recipe that is kept: what it is made of, and the slots that it writes. */
export interface KeptRecipe {
  readonly again: Again<Node>;
  readonly slots: readonly number[];
}

/** How many of the slots have to be settled at a block's beginning: none, those that hold nothing of a recipe, or all. */
export type Need = 0 | 1 | 2;

/** What is known of the slots: nothing yet, that all are settled, or the recipe that some are kept as. */
export type Keeping = "unknown" | "settled" | KeptRecipe;

/** Slots that can hold something of a recipe: the first ones of the list. */
export const HOLDING = 2;

export class Keeper {
  need: Need = 0;
  keeping: Keeping = "unknown";
  readonly #slots: readonly KeptSlot[];
  /** What the kept recipe writes. */
  #values = new Map<number, Node>();

  constructor(slots: readonly KeptSlot[] = []) {
    this.#slots = slots;
  }

  isKept(slot: SlotRef): boolean {
    return this.#find(slot) !== undefined;
  }

  /** What a slot holds where that is not the slot; the slot itself is good after it otherwise. */
  read(slot: SlotRef, width: number, push: (step: Step) => void): Node | undefined {
    const kept = this.#find(slot);
    if (kept === undefined || this.keeping === "settled") return undefined;
    if (this.keeping === "unknown") {
      if (this.#slots.indexOf(kept) < HOLDING) this.#settled(2);
      else this.need = Math.max(this.need, 1) as Need;
      return undefined;
    }
    const value = this.#values.get(kept.slot);
    if (value === undefined) return undefined;
    if (slot === kept.slot && value.width === width) return value;
    this.settle(push);
    return undefined;
  }

  /** Whether flags of this recipe can be kept. */
  takes({ again, writes }: Recipe<Node>): boolean {
    if (again === undefined || again.from.length > HOLDING) return false;
    return this.#slots.length > 0 &&
      this.#slots.every(({ slot }, i) => i >= HOLDING || writes.some(([written]) => written === slot)) &&
      writes.every(([written]) => this.isKept(written));
  }

  /** A recipe that is taken is kept from now on. Answers what has to be written before: slots that it leaves alone. */
  keep({ again, writes }: Recipe<Node>): { recipe: KeptRecipe; before: (readonly [number, Node])[] } {
    const slots = writes.map(([slot]) => slot);
    const others = this.#slots.filter(({ slot }) => !slots.includes(slot));
    if (this.keeping === "unknown" && others.length > 0) this.need = Math.max(this.need, 1) as Need;
    const before = others.flatMap(({ slot }) => {
      const value = this.#values.get(slot);
      return value ? [[slot, value] as const] : [];
    });
    const recipe = { again: again!, slots };
    this.keeping = recipe;
    this.#values = new Map(writes);
    return { recipe, before };
  }

  /** Some of the slots are about to be written: the others become what they are. */
  settle(push: (step: Step) => void, written: readonly number[] = []): void {
    const { keeping } = this;
    if (keeping === "settled") return;
    const others = this.#slots.filter(({ slot }) => !written.includes(slot));
    if (keeping === "unknown" && others.length > 0) return this.#settled(2);
    const recipe = keeping === "unknown" ? undefined : keeping;
    push({
      kind: "settle",
      recipe,
      slots: recipe?.slots.filter((slot) => !written.includes(slot)) ?? [],
      all: true,
    });
    this.#settled(this.need);
  }

  /** The host has changed what it liked. */
  reloaded(): void {
    this.#settled(this.need);
  }

  #settled(need: Need): void {
    this.need = need;
    this.keeping = "settled";
    this.#values.clear();
  }

  #find(slot: SlotRef): KeptSlot | undefined {
    return this.#slots.find((one) => typeof slot === "number" && one.slot === (slot & ~7));
  }
}

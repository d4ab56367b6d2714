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

/** Slots that are kept together, as one recipe. */
export interface KeptGroup {
  /** What its recipes write: nothing else, and all that is in `holding` too. */
  readonly slots: readonly KeptSlot[];
  /** What holds the values that a recipe is made of: some of `slots`, or places at `STATE.end` and beyond, no state at all. */
  readonly holding: readonly KeptSlot[];
  /** Other slots that a recipe reads when it is made again, 32 bits of each. */
  readonly reads?: readonly number[];
}

/** A recipe that is kept: what it is made of, and the slots that it writes. */
export interface KeptRecipe {
  /** The number of its group. */
  readonly group: number;
  readonly again: Again<Node>;
  readonly slots: readonly number[];
}

/** How many of the slots have to be settled at a block's beginning: none, those that hold nothing of a recipe, or all. */
export type Need = 0 | 1 | 2;

/** What is known of the slots: nothing yet, that all are settled, or the recipe that some are kept as. */
export type Keeping = "unknown" | "settled" | KeptRecipe;

/** What a block wants of a group's slots at its beginning, and what it leaves of them. */
export interface KeptThrough {
  readonly need: Need;
  readonly keeping: Keeping;
}

type Push = (step: Step) => void;

/** One group's. */
class Keeper implements KeptThrough {
  need: Need = 0;
  keeping: Keeping = "unknown";
  readonly #number: number;
  readonly #group: KeptGroup;
  /** What the kept recipe writes. */
  #values = new Map<number, Node>();

  constructor(number: number, group: KeptGroup) {
    this.#number = number;
    this.#group = group;
  }

  isKept(slot: SlotRef): boolean {
    return this.#find(slot) !== undefined;
  }

  /** Whether a recipe is not the same any more once the slot is written. */
  dependsOn(slot: SlotRef): boolean {
    return typeof slot === "number" && this.#group.reads?.includes(slot & ~7) === true;
  }

  read(slot: SlotRef, width: number, push: Push): Node | undefined {
    const kept = this.#find(slot);
    if (kept === undefined || this.keeping === "settled") return undefined;
    if (this.keeping === "unknown") {
      if (this.#holds(kept)) this.#settled(2);
      else this.need = Math.max(this.need, 1) as Need;
      return undefined;
    }
    const value = this.#values.get(kept.slot);
    if (value === undefined) return undefined;
    if (slot === kept.slot && value.width === width) return value;
    this.settle(push);
    return undefined;
  }

  takes({ again, writes }: Recipe<Node>): boolean {
    const { slots, holding } = this.#group;
    if (again === undefined || again.from.length > holding.length) return false;
    return slots.every((one) => !this.#holds(one) || writes.some(([written]) => written === one.slot)) &&
      writes.every(([written]) => this.isKept(written));
  }

  keep({ again, writes }: Recipe<Node>): Kept {
    const slots = writes.map(([slot]) => slot);
    const others = this.#group.slots.filter(({ slot }) => !slots.includes(slot));
    if (this.keeping === "unknown" && others.length > 0) this.need = Math.max(this.need, 1) as Need;
    const before = others.flatMap(({ slot }) => {
      const value = this.#values.get(slot);
      return value ? [[slot, value] as const] : [];
    });
    const recipe = { group: this.#number, again: again!, slots };
    this.keeping = recipe;
    this.#values = new Map(writes);
    return { recipe, before };
  }

  /** Some of the slots are about to be written: the others become what they are. */
  settle(push: Push, written: readonly number[] = []): void {
    const { keeping } = this;
    if (keeping === "settled") return;
    const others = this.#group.slots.filter(({ slot }) => !written.includes(slot));
    if (keeping === "unknown" && others.length > 0) return this.#settled(2);
    const recipe = keeping === "unknown" ? undefined : keeping;
    push({
      kind: "settle",
      group: this.#number,
      recipe,
      slots: recipe?.slots.filter((slot) => !written.includes(slot)) ?? [],
      all: true,
    });
    this.#settled(this.need);
  }

  reloaded(): void {
    this.#settled(this.need);
  }

  #settled(need: Need): void {
    this.need = need;
    this.keeping = "settled";
    this.#values.clear();
  }

  #holds({ slot }: KeptSlot): boolean {
    return this.#group.holding.some((one) => one.slot === slot);
  }

  #find(slot: SlotRef): KeptSlot | undefined {
    return this.#group.slots.find((one) => typeof slot === "number" && one.slot === (slot & ~7));
  }
}

/** A recipe that is kept, and what has to be written before: slots that it leaves alone. */
export interface Kept {
  readonly recipe: KeptRecipe;
  readonly before: readonly (readonly [number, Node])[];
}

/** All groups'. */
export class Keepers {
  readonly #keepers: readonly Keeper[];

  constructor(groups: readonly KeptGroup[] = []) {
    this.#keepers = groups.map((group, number) => new Keeper(number, group));
  }

  /** What is known now, by group. */
  get through(): KeptThrough[] {
    return this.#keepers.map(({ need, keeping }) => ({ need, keeping }));
  }

  /** What a slot holds where that is not the slot; the slot itself is good after it otherwise. */
  read(slot: SlotRef, width: number, push: Push): Node | undefined {
    return this.#keepers.find((keeper) => keeper.isKept(slot))?.read(slot, width, push);
  }

  /** Keeps a recipe from now on, if it can be. */
  keep(recipe: Recipe<Node>): Kept | undefined {
    return this.#keepers.find((keeper) => keeper.takes(recipe))?.keep(recipe);
  }

  /** Slots are about to be written; `perhaps`: or to stay as they are. */
  settleFor(slots: readonly SlotRef[], push: Push, perhaps: boolean): void {
    const written = perhaps ? [] : slots.filter((slot) => typeof slot === "number");
    for (const keeper of this.#keepers) {
      if (slots.some((slot) => keeper.isKept(slot))) keeper.settle(push, written);
      else if (slots.some((slot) => keeper.dependsOn(slot))) keeper.settle(push);
    }
  }

  settle(push: Push): void {
    for (const keeper of this.#keepers) keeper.settle(push);
  }

  /** The host has changed what it liked. */
  reloaded(): void {
    for (const keeper of this.#keepers) keeper.reloaded();
  }
}

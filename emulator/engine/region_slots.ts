/** The state slots that a region uses, each in a local while it runs. */
import type { Step } from "../ir/nodes.ts";
import type { Width } from "../ir/ops.ts";
import type { FunctionWriter } from "../wasm/function_writer.ts";
import type { KeptGroup, KeptSlot } from "../ir/keeper.ts";
import { STATE } from "../ir/layout.ts";
import type { ValueType } from "../wasm/opcodes.ts";
import { placesOf, typeOf } from "./region_kept.ts";

/** A state slot in a local: whole, or its low half where nobody touches the other. */
export interface SlotLocal {
  readonly local: number;
  readonly type: ValueType;
  /** The upper half is 0, whatever the type. */
  readonly isNarrow: boolean;
}

export class RegionSlots {
  /** The groups whose slots are kept as recipes: those are `RegionKept`'s to store. */
  readonly keeps: ReadonlySet<number>;
  readonly #code: FunctionWriter;
  /** By the slot's offset. */
  readonly #locals = new Map<number, SlotLocal>();
  readonly #written: readonly number[];

  /** Takes locals of the function for all that these steps read and write. */
  constructor(code: FunctionWriter, steps: readonly Step[], groups: readonly KeptGroup[]) {
    this.#code = code;
    const { used, written, keeps } = slotsOf(steps);
    this.keeps = keeps;
    const narrow = new Set<number>();
    for (const group of keeps) {
      for (const place of placesOf(groups[group])) {
        used.set(place.slot, typeOf(place));
        written.delete(place.slot);
        if (groups[group].slots.some(({ slot, width }) => slot === place.slot && width === 32)) {
          narrow.add(place.slot);
        }
      }
    }
    for (const [slot, type] of used) {
      const isNarrow = type === "i32" || narrow.has(slot);
      this.#locals.set(slot, { local: code.local(type), type, isNarrow });
    }
    this.#written = [...written];
  }

  /** The local of the slot that has this byte. */
  of(offset: number): SlotLocal {
    return this.#locals.get(offset & ~7)!;
  }

  /** Writes code that reads all of them from the state at `cpu`. */
  load(cpu: number): void {
    for (const [slot, { local, type }] of this.#locals) {
      if (slot >= STATE.end) continue;
      this.#code.i32(cpu).memory(type === "i64" ? "i64.load" : "i32.load", slot).set(local);
    }
  }
  /** Writes code that puts those back that may have changed. */
  store(cpu: number): void {
    for (const slot of this.#written) this.#storeOne(cpu, slot);
  }
  /** The same for these. */
  storeOnly(cpu: number, slots: readonly KeptSlot[]): void {
    for (const { slot } of slots) this.#storeOne(cpu, slot);
  }

  #storeOne(cpu: number, slot: number): void {
    const { local, type } = this.of(slot);
    this.#code.i32(cpu).get(local).memory(type === "i64" ? "i64.store" : "i32.store", slot);
  }
}

/** State slots in use, by what holds all that is read and written of them. */
function slotsOf(
  steps: readonly Step[],
): { used: Map<number, ValueType>; written: Set<number>; keeps: Set<number> } {
  const keeps = new Set<number>();
  const used = new Map<number, ValueType>(), written = new Set<number>();
  const touch = (slot: number, width: Width) => {
    const whole = (slot & 7) * 8 + (width === 1 ? 8 : width) > 32;
    if (whole || !used.has(slot & ~7)) used.set(slot & ~7, whole ? "i64" : "i32");
  };
  const walk = (list: readonly Step[]) => {
    for (const step of list) {
      if (step.kind === "value" && step.node.source.kind === "slot") {
        touch(Number(step.node.source.slot), step.node.width);
      }
      if (step.kind === "write") {
        touch(Number(step.slot), step.value.width);
        written.add(Number(step.slot) & ~7);
      }
      if (step.kind === "keep") keeps.add(step.recipe.group);
      if (step.kind === "when") walk(step.then);
    }
  };
  walk(steps);
  return { used, written, keeps };
}

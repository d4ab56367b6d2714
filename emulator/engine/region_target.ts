/** Where an instruction's definition is lowered to in a region: state slots are locals, fields and addresses constants. */
import { STATE } from "../ir/layout.ts";
import type { FlatReach, Target } from "../ir/lower.ts";
import type { KeptRecipe } from "../ir/keeper.ts";
import type { Node, Step } from "../ir/nodes.ts";
import type { AccessOptions, FieldRef, Width } from "../ir/ops.ts";
import type { FunctionWriter } from "../wasm/function_writer.ts";
import { accessTag, trapTag } from "../ir/way_layout.ts";
import { ACCESS } from "./host.ts";
import { type RegionKept, remembered } from "./region_kept.ts";
import type { SlotLocal } from "./region_slots.ts";
import { ACCESS_WORDS, type Asked, VALUE } from "./region_ways.ts";

export type HostCall = "load" | "store" | "trap" | "again";

/** Where an instruction stands in its block. */
export interface Place {
  readonly pc: bigint;
  readonly nextPc: bigint;
  readonly cost: number;
  readonly restCount: number;
  readonly restCycles: number;
  /** It asks the host for one thing at most. */
  readonly asksOnce: boolean;
}

/** The region around it. */
export interface RegionFrame {
  readonly code: FunctionWriter;
  readonly flat: FlatReach | undefined;
  /** By group; those that are kept somewhere in the region. */
  readonly kept: ReadonlyMap<number, RegionKept>;
  /** Pushes the state area's address. */
  pushCpu(): void;
  /** The local of a state slot. */
  slot(offset: number): SlotLocal;
  /** Makes the state precise as of an instruction, it counted in. */
  spill(place: Place): void;
  /** Pushes the status of what `ask` asks of the host, which takes the number of a way from `ask`'s argument. */
  ask(name: Exclude<HostCall, "again">, asked: Asked | undefined, push: () => void): void;
  /** What decides where a trap's exit goes. */
  wordsOf(trap: number): readonly number[] | undefined;
  leaveUnlessProceed(): void;
  /** The host may have changed any state, and counted further executions of the instruction. */
  reload(place: Place): void;
  /** The instruction is the last one that is executed: the block's others are not counted. */
  takeBackRest(): void;
  /** Leaves for an address, on in code that is not stale. */
  leaveFor(pushPc: () => void): void;
}

/** One instruction's. */
export class RegionTarget implements Target {
  readonly hints = true;
  readonly code: FunctionWriter;
  readonly flat: FlatReach | undefined;
  /** What is written is executed only when the region's code has changed. */
  #isApart = false;
  readonly #frame: RegionFrame;
  #place: Place;
  readonly #goTo: (push: () => void, constant: bigint | undefined) => void;

  constructor(
    frame: RegionFrame,
    place: Place,
    goTo: (push: () => void, constant: bigint | undefined) => void,
  ) {
    this.#frame = frame;
    this.code = frame.code;
    this.flat = frame.flat;
    this.#place = place;
    this.#goTo = goTo;
  }

  pushCpu(): void {
    this.#frame.pushCpu();
  }

  readSlot(slot: number | FieldRef, width: Width): void {
    const { local, type, shift } = this.#slot(slot);
    this.code.get(local);
    if (type === "i32") {
      if (shift > 0) this.code.i32(shift).op("i32.shr_u");
      if (width < 32) this.code.i32(maskOf(width)).op("i32.and");
      return;
    }
    if (shift > 0) this.code.i64(BigInt(shift)).op("i64.shr_u");
    if (width === 64) return;
    this.code.op("i32.wrap_i64");
    if (width < 32) this.code.i32(maskOf(width)).op("i32.and");
  }

  writeSlot(slot: number | FieldRef, width: Width, push: () => void): void {
    const { local, type, shift, isNarrow } = this.#slot(slot);
    const code = this.code;
    if (width === (isNarrow ? 32 : 64)) {
      push();
      if (isNarrow && type === "i64") code.op("i64.extend_i32_u");
      code.set(local);
      return;
    }
    if (type === "i32") {
      const mask = maskOf(width);
      code.get(local).i32(~(mask << shift)).op("i32.and");
      push();
      code.i32(mask).op("i32.and");
      if (shift > 0) code.i32(shift).op("i32.shl");
      code.op("i32.or").set(local);
      return;
    }
    const mask = (1n << BigInt(width === 1 ? 8 : width)) - 1n;
    code.get(local).i64(~(mask << BigInt(shift))).op("i64.and");
    push();
    code.op("i64.extend_i32_u");
    if (width < 32) code.i64(mask).op("i64.and");
    if (shift > 0) code.i64(BigInt(shift)).op("i64.shl");
    code.op("i64.or").set(local);
  }

  readField(): void {
    throw new TypeError("a region's fields are constants");
  }
  pushPc(): void {
    this.code.i64(this.#place.pc);
  }
  pushNextPc(): void {
    this.code.i64(this.#place.nextPc);
  }

  callAccess(kind: "load" | "store", size: number, options: AccessOptions): void {
    this.#frame.spill(this.#place);
    const flags = (options.forWrite ? ACCESS.forWrite : 0) | (options.order === "be" ? ACCESS.bigEndian : 0);
    const asked = this.#place.asksOnce && size < 8
      ? {
        tag: accessTag(kind, size, flags),
        words: ACCESS_WORDS,
        value: kind === "store" ? VALUE.store : undefined,
      }
      : undefined;
    this.#frame.ask(kind, asked, () => {
      this.pushCpu();
      this.code.i32(size).i32(flags);
    });
  }
  callTrap(trap: number): void {
    this.#frame.spill(this.#place);
    const words = this.#place.asksOnce ? this.#frame.wordsOf(trap) : undefined;
    const asked = words && { tag: trapTag(trap), words, value: VALUE.trap };
    this.#frame.ask("trap", asked, () => {
      this.pushCpu();
      this.code.i32(trap);
    });
  }
  leaveUnlessProceed(): void {
    this.#frame.leaveUnlessProceed();
  }
  reloadState(): void {
    this.#frame.reload(this.#place);
  }

  ifStale(finish: () => void): void {
    const code = this.code, frame = this.#frame;
    const putBack = remembered(frame.kept.values());
    this.pushCpu();
    code.memory("i32.load", STATE.stale).if("none", "unlikely");
    const place = this.#place;
    frame.takeBackRest();
    this.#isApart = true;
    this.#place = { ...place, restCount: 0, restCycles: 0 };
    finish();
    frame.leaveFor(() => this.pushNextPc());
    this.#isApart = false;
    this.#place = place;
    putBack();
    code.end();
  }

  branch(push: () => void, target: Node): void {
    if (this.#isApart) this.#frame.leaveFor(push);
    else this.#goTo(push, target.constant);
  }
  branchIf(condition: () => void, push: () => void, target: Node): void {
    condition();
    this.code.if();
    this.branch(push, target);
    this.code.end();
  }

  keep(recipe: KeptRecipe, push: (index: number) => void): void {
    this.#frame.kept.get(recipe.group)!.keep(recipe, push);
  }
  settle({ group, recipe, slots, all }: Step & { readonly kind: "settle" }): void {
    this.#frame.kept.get(group)?.settle(this, recipe, slots, all);
  }

  #slot(slot: number | FieldRef): SlotLocal & { readonly shift: number } {
    if (typeof slot !== "number") throw new TypeError("a region's slots are constants");
    return { ...this.#frame.slot(slot), shift: (slot & 7) * 8 };
  }
}

/** The low bits of a value of 8 or 16 bits; a truth value takes a byte. */
function maskOf(width: Width): number {
  return width === 16 ? 0xffff : 0xff;
}

/** Writes a region's function: blocks inside a loop with a branch table, state slots in locals. */
import { STATE } from "../ir/layout.ts";
import { Lowering, type Target } from "../ir/lower.ts";
import type { Node, Step } from "../ir/nodes.ts";
import type { AccessOptions, FieldRef, Width } from "../ir/ops.ts";
import type { FunctionWriter, Label } from "../wasm/function_writer.ts";
import { ACCESS } from "./host.ts";
import { LEFT } from "./interpreter_module.ts";
import type { RegionBlock } from "./region_blocks.ts";

/** Parameters of the function. */
const CPU = 0, LEFT_NOW = 1;

export interface HostImports {
  readonly load: number;
  readonly store: number;
  readonly trap: number;
}

export class RegionWriter {
  readonly #code: FunctionWriter;
  readonly #imports: HostImports;
  readonly #blocks: readonly RegionBlock[];
  /** Addresses that are gone on at from outside only. */
  readonly #stops: ReadonlySet<bigint>;
  /** Slot of the code segment's base, where there is one. */
  readonly #codeBase: number | undefined;
  readonly #returnSites: readonly number[];
  /** Local of each state slot in use, by the slot's offset. */
  readonly #slots = new Map<number, number>();
  readonly #written: readonly number[];
  readonly #cycles: number;
  readonly #pc: number;
  readonly #status: number;
  readonly #stale: number;
  readonly #index: number;
  #leave: Label = 0;
  #dispatch: Label = 0;

  constructor(
    code: FunctionWriter,
    imports: HostImports,
    blocks: readonly RegionBlock[],
    stops: ReadonlySet<bigint>,
    codeBase: number | undefined,
  ) {
    this.#stops = stops;
    this.#codeBase = codeBase;
    this.#returnSites = returnSites(blocks, stops);
    this.#code = code;
    this.#imports = imports;
    this.#blocks = blocks;
    const steps = blocks.flatMap((block) => block.instructions.flatMap((instruction) => instruction.steps));
    const { used, written } = slotsOf(steps);
    for (const slot of used) this.#slots.set(slot, code.local("i64"));
    this.#written = [...written];
    this.#cycles = code.local("i64");
    this.#pc = code.local("i64");
    this.#status = code.local("i32");
    this.#stale = code.local("i32");
    this.#index = code.local("i32");
  }

  write(): void {
    const code = this.#code;
    this.#loadSlots();
    code.get(CPU).memory("i64.load", STATE.cycles).set(this.#cycles);
    this.#leave = code.block();
    this.#dispatch = code.loop();
    const labels = this.#blocks.map(() => code.block()).toReversed();
    code.get(this.#index).branchTable(labels, labels[labels.length - 1]);
    this.#blocks.forEach((_, i) => {
      code.end();
      this.#writeBlock(i);
    });
    code.end();
    code.end();
    code.get(this.#status);
  }

  /** A block in a loop of its own, so that a branch to itself is one jump. */
  #writeBlock(index: number): void {
    const code = this.#code;
    const block = this.#blocks[index];
    const self = code.loop();
    code.get(LEFT_NOW).i32(block.instructions.length).op("i32.sub").tee(LEFT_NOW).i32(0).op("i32.lt_s").if();
    code.get(LEFT_NOW).i32(block.instructions.length).op("i32.add").set(LEFT_NOW);
    this.#leaveAt(() => code.i64(block.pc), LEFT.budget);
    code.end();
    code.get(this.#cycles).i64(BigInt(block.cycles)).op("i64.add").set(this.#cycles);
    let restCount = block.instructions.length, restCycles = block.cycles;
    for (const instruction of block.instructions) {
      restCount--;
      restCycles -= instruction.cost;
      const { pc, nextPc, cost } = instruction;
      const place: Place = { pc, nextPc, cost, restCount, restCycles };
      const target = new RegionTarget(
        this,
        place,
        (push, constant) =>
          constant === undefined && !this.#leavesSegment(instruction.steps)
            ? this.#goToComputed(push)
            : this.#goTo(index, self, push, constant),
      );
      new Lowering(target).steps(instruction.steps);
      if (target.mayGoStale) this.leaveIfStale(place, () => code.i64(nextPc));
    }
    // Not reached where the last instruction has branched.
    this.#goTo(index, self, () => code.i64(block.nextPc), block.nextPc);
    code.end();
  }

  /** On at an address: inside the region by a jump, outside by leaving it. */
  #goTo(from: number, self: Label, push: () => void, constant: bigint | undefined): void {
    const code = this.#code;
    const inside = constant !== undefined && !this.#stops.has(constant);
    const to = inside ? this.#blocks.findIndex((block) => block.pc === constant) : -1;
    if (to < 0) return this.#leaveAt(push, LEFT.miss);
    if (to === from) {
      code.branch(self);
      return;
    }
    code.i32(to).set(this.#index).branch(this.#dispatch);
  }

  /** A computed target is most often a return: looked for among the addresses behind this region's jumps and calls. */
  #goToComputed(push: () => void): void {
    const code = this.#code;
    push();
    code.set(this.#pc);
    for (const site of this.#returnSites) {
      code.get(this.#pc).i64(this.#blocks[site].pc).op("i64.eq").if();
      code.i32(site).set(this.#index).branch(this.#dispatch);
      code.end();
    }
    this.#leaveAt(() => code.get(this.#pc), LEFT.miss);
  }

  /** Whether an instruction loads the code segment: the same offset is another place then. */
  #leavesSegment(steps: readonly Step[]): boolean {
    return steps.some((step) =>
      (step.kind === "write" && step.slot === this.#codeBase) ||
      (step.kind === "when" && this.#leavesSegment(step.then))
    );
  }

  #leaveAt(pushPc: () => void, status: number): void {
    const code = this.#code;
    pushPc();
    code.set(this.#pc);
    this.#storeSlots();
    code.get(CPU).get(this.#pc).memory("i64.store", STATE.pc);
    code.get(CPU).get(LEFT_NOW).memory("i32.store", STATE.left);
    code.get(CPU).get(this.#cycles).memory("i64.store", STATE.cycles);
    code.i32(status).set(this.#status).branch(this.#leave);
  }

  /** The host has dropped this region while it runs: the instruction is finished, on outside at `pushPc`. */
  leaveIfStale({ restCount, restCycles }: Place, pushPc: () => void): void {
    const code = this.#code;
    code.get(this.#stale).if();
    code.get(CPU).i32(0).memory("i32.store", STATE.stale);
    code.get(LEFT_NOW).i32(restCount).op("i32.add").set(LEFT_NOW);
    code.get(this.#cycles).i64(BigInt(restCycles)).op("i64.sub").set(this.#cycles);
    this.#leaveAt(pushPc, LEFT.miss);
    code.end();
  }

  /** Takes an address off the stack: answers how to push it. */
  keepPc(): () => void {
    this.#code.set(this.#pc);
    return () => this.#code.get(this.#pc);
  }

  /** Makes the state precise as of an instruction, it counted in. */
  spill({ pc, nextPc, cost, restCount, restCycles }: Place): void {
    const code = this.#code;
    this.#storeSlots();
    code.get(CPU).i64(pc).memory("i64.store", STATE.pc);
    code.get(CPU).i64(nextPc).memory("i64.store", STATE.nextPc);
    code.get(CPU).i32(cost).memory("i32.store", STATE.cost);
    code.get(CPU).get(LEFT_NOW).i32(restCount).op("i32.add").memory("i32.store", STATE.left);
    code.get(CPU).get(this.#cycles).i64(BigInt(restCycles)).op("i64.sub").memory("i64.store", STATE.cycles);
  }

  call(name: keyof HostImports): void {
    this.#code.call(this.#imports[name]);
    this.#code.get(CPU).memory("i32.load", STATE.stale).set(this.#stale);
  }

  leaveUnlessProceed(): void {
    this.#code.tee(this.#status).branchIf(this.#leave);
  }

  /** The host may have changed any state, and counted further executions of the instruction. */
  reload({ restCount, restCycles }: Place): void {
    const code = this.#code;
    this.#loadSlots();
    code.get(CPU).memory("i32.load", STATE.left).i32(restCount).op("i32.sub").set(LEFT_NOW);
    code.get(CPU).memory("i64.load", STATE.cycles).i64(BigInt(restCycles)).op("i64.add").set(this.#cycles);
  }

  get code(): FunctionWriter {
    return this.#code;
  }

  /** The local of a state slot. */
  slot(offset: number): number {
    return this.#slots.get(offset & ~7)!;
  }

  #loadSlots(): void {
    for (const [slot, local] of this.#slots) this.#code.get(CPU).memory("i64.load", slot).set(local);
  }
  #storeSlots(): void {
    for (const slot of this.#written) this.#code.get(CPU).get(this.slot(slot)).memory("i64.store", slot);
  }
}

/** Computed targets that a region looks for, at most: each is a comparison. */
const RETURN_SITES = 8;

/** The blocks that stand behind an unconditional branch to inside the region, as code does behind a call. */
function returnSites(blocks: readonly RegionBlock[], stops: ReadonlySet<bigint>): number[] {
  const inside = new Set(blocks.map(({ pc }) => pc));
  const follows = (i: number) =>
    i > 0 && !stops.has(blocks[i].pc) && blocks[i - 1].nextPc === blocks[i].pc &&
    blocks[i - 1].instructions.at(-1)!.steps.some((step) =>
      step.kind === "branch" && step.condition === undefined && step.target.constant !== undefined &&
      inside.has(step.target.constant)
    );
  return blocks.map((_, i) => i).filter(follows).slice(0, RETURN_SITES);
}

/** Where an instruction stands in its block. */
interface Place {
  readonly pc: bigint;
  readonly nextPc: bigint;
  readonly cost: number;
  readonly restCount: number;
  readonly restCycles: number;
}

class RegionTarget implements Target {
  readonly cpu = CPU;
  readonly code: FunctionWriter;
  /** The instruction has called the host, which may have changed the region's code. */
  mayGoStale = false;
  readonly #writer: RegionWriter;
  readonly #place: Place;
  readonly #goTo: (push: () => void, constant: bigint | undefined) => void;

  constructor(
    writer: RegionWriter,
    place: Place,
    goTo: (push: () => void, constant: bigint | undefined) => void,
  ) {
    this.#writer = writer;
    this.code = writer.code;
    this.#place = place;
    this.#goTo = goTo;
  }

  readSlot(slot: number | FieldRef, width: Width): void {
    const { local, shift } = this.#slot(slot);
    this.code.get(local);
    if (shift > 0) this.code.i64(BigInt(shift)).op("i64.shr_u");
    if (width === 64) return;
    this.code.op("i32.wrap_i64");
    if (width < 32) this.code.i32(width === 16 ? 0xffff : 0xff).op("i32.and");
  }

  writeSlot(slot: number | FieldRef, width: Width, push: () => void): void {
    const { local, shift } = this.#slot(slot);
    const code = this.code;
    if (width === 64) {
      push();
      code.set(local);
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
    this.mayGoStale = true;
    this.#writer.spill(this.#place);
    const flags = (options.forWrite ? ACCESS.forWrite : 0) | (options.order === "be" ? ACCESS.bigEndian : 0);
    this.code.get(CPU).i32(size).i32(flags);
    this.#writer.call(kind);
  }
  callTrap(trap: number): void {
    this.mayGoStale = true;
    this.#writer.spill(this.#place);
    this.code.get(CPU).i32(trap);
    this.#writer.call("trap");
  }
  leaveUnlessProceed(): void {
    this.#writer.leaveUnlessProceed();
  }
  reloadState(): void {
    this.#writer.reload(this.#place);
  }

  branch(push: () => void, target: Node): void {
    if (!this.mayGoStale) return this.#goTo(push, target.constant);
    push();
    const again = this.#writer.keepPc();
    this.#writer.leaveIfStale(this.#place, again);
    this.#goTo(again, target.constant);
  }
  branchIf(condition: () => void, push: () => void, target: Node): void {
    condition();
    this.code.if();
    this.branch(push, target);
    this.code.end();
  }

  #slot(slot: number | FieldRef): { local: number; shift: number } {
    if (typeof slot !== "number") throw new TypeError("a region's slots are constants");
    return { local: this.#writer.slot(slot), shift: (slot & 7) * 8 };
  }
}

function slotsOf(steps: readonly Step[]): { used: Set<number>; written: Set<number> } {
  const used = new Set<number>(), written = new Set<number>();
  for (const step of steps) {
    if (step.kind === "value" && step.node.source.kind === "slot") {
      used.add(Number(step.node.source.slot) & ~7);
    }
    if (step.kind === "write") {
      used.add(Number(step.slot) & ~7);
      written.add(Number(step.slot) & ~7);
    }
    if (step.kind === "when") {
      const inner = slotsOf(step.then);
      for (const slot of inner.used) used.add(slot);
      for (const slot of inner.written) written.add(slot);
    }
  }
  return { used, written };
}

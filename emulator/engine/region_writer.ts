/** Writes a region's function: blocks in the shape of WebAssembly's control flow, state slots in locals. */
import { STATE } from "../ir/layout.ts";
import type { KeptGroup, Need } from "../ir/keeper.ts";
import { type FlatReach, Lowering } from "../ir/lower.ts";
import type { FunctionWriter, Label } from "../wasm/function_writer.ts";
import { NO_WAY } from "../ir/way_layout.ts";
import { LEFT } from "./interpreter_module.ts";
import type { BlockMap, RegionLinks } from "./region.ts";
import { branchesAnywhere, needsOf, wantedBehind } from "./region_flow.ts";
import { leavesSegment, type RegionGraph } from "./region_graph.ts";
import { RegionKept, remembered, type SettleFunction } from "./region_kept.ts";
import type { Loop } from "./region_shape.ts";
import { RegionSlots, type SlotLocal } from "./region_slots.ts";
import { LEFT_REGION } from "./region_table.ts";
import { type HostCall, type Place, type RegionFrame, RegionTarget } from "./region_target.ts";
import { type Asked, asksOnce, type WayNumbers, writeWay } from "./region_ways.ts";

/**
 * Parameters of the function after the vCPU, which is known; `BLOCK` is the block that a branch table is to lead to.
 */
const LEFT_NOW = 1, BLOCK = 2;

/**
 * Entries that are told apart by comparing addresses. A branch table needs a look into the map first, and how well the
 * host foretells where its one jump goes depends on how V8 has laid out the code: the same loop took 1 to 3 times as long.
 */
export const MOST_COMPARED = 8;

/** Functions of the host, by their numbers. */
export type HostImports = Readonly<Record<HostCall, number>>;

/** What a region is made of. */
export interface RegionParts {
  readonly graph: RegionGraph;
  /** What has to be left at the beginning of some of them. */
  readonly looks: ReadonlyMap<number, number>;
  /** Blocks that it is entered at. */
  readonly entries: readonly number[];
  /** Place of the vCPU's state area. */
  readonly cpu: number;
  /** Addresses that are gone on at from outside only. */
  readonly stops: ReadonlySet<bigint>;
  /** Slot of the code segment's base, where there is one. */
  readonly codeBase: number | undefined;
  readonly links: RegionLinks;
  readonly map: BlockMap | undefined;
  readonly flat: FlatReach | undefined;
  /** Slots of flags; and makes the function that stores those of a group. */
  readonly groups: readonly KeptGroup[];
  readonly settle: (group: KeptGroup) => SettleFunction;
  /** For exits by ways that are known, where there are such. */
  readonly ways: WayNumbers | undefined;
}

/** A loop of the shape while it is written. */
interface OpenLoop {
  readonly loop: Loop;
  readonly label: Label;
  /** Where each item begins; the first one's only where a branch table leads to it. */
  readonly items: Label[];
}

/** Where a block stands: the loops around it, and which item of each it is in. */
type Path = readonly { readonly loop: Loop; readonly item: number }[];

export class RegionWriter implements RegionFrame {
  readonly #code: FunctionWriter;
  readonly #imports: HostImports;
  readonly #parts: RegionParts;
  readonly #shape: Loop;
  /** Entries are found by their addresses, in `#pc`; else by their numbers, in `BLOCK`. */
  readonly #compares: boolean;
  /** The blocks that each may go on to, the entries where that is known only when it runs. */
  readonly #following: readonly (readonly number[])[];
  readonly #paths: ReadonlyMap<number, Path>;
  /** Loops that are being written, outermost first. */
  readonly #open: OpenLoop[] = [];
  readonly #slots: RegionSlots;
  readonly kept: ReadonlyMap<number, RegionKept>;
  /** What each block wants of the slots that may be kept, by group. */
  readonly #needs: ReadonlyMap<number, readonly Need[]>;
  /** Cycles of most of the instructions, each. */
  readonly #rate: number;
  /** The local of cycles and `#rate` for each instruction left: where blocks cost the rate, only what is left changes. */
  readonly #cyclesAndLeft: number;
  readonly #pc: number;
  readonly #status: number;
  #leave: Label = 0;

  constructor(code: FunctionWriter, imports: HostImports, parts: RegionParts) {
    this.#code = code;
    this.#imports = imports;
    this.#parts = parts;
    const { entries, groups, settle, graph: { blocks, successors, shape } } = parts;
    this.#shape = shape;
    this.#paths = pathsOf(this.#shape);
    this.#compares = entries.length > 1 && entries.length <= MOST_COMPARED;
    const steps = blocks.flatMap((block) => block.instructions.flatMap((instruction) => instruction.steps));
    const slots = this.#slots = new RegionSlots(code, steps, groups);
    this.kept = new Map(
      [...slots.keeps].map((i) => [i, new RegionKept(code, groups[i], slots, settle(groups[i]))]),
    );
    this.#following = successors.map((list, i) => branchesAnywhere(blocks[i]) ? [...list, ...entries] : list);
    this.#needs = new Map(
      [...slots.keeps].map((i) => [i, needsOf(blocks.map(({ kept }) => kept[i]), this.#following)]),
    );
    this.#rate = mostOf(blocks.flatMap(({ instructions }) => instructions.map(({ cost }) => cost)));
    this.#cyclesAndLeft = code.local("i64");
    this.#pc = code.local("i64");
    this.#status = code.local("i32");
  }

  write(): void {
    const code = this.#code;
    this.#slots.load(this.#cpu);
    code.i32(this.#cpu).memory("i64.load", STATE.cycles);
    this.#setCycles();
    if (this.#compares) code.i32(this.#cpu).memory("i64.load", STATE.pc).set(this.#pc);
    this.#leave = code.block();
    this.#writeLoop(this.#shape);
    code.end();
    code.get(this.#status);
    for (const kept of this.kept.values()) kept.finish(this.#cpu);
  }

  #writeLoop(loop: Loop): void {
    const code = this.#code;
    const { heads, items } = loop;
    const open: OpenLoop = { loop, label: code.loop(), items: [] };
    const several = heads.length > 1;
    for (let i = items.length - 1; i >= (several ? 0 : 1); i--) open.items[i] = code.block();
    this.#open.push(open);
    if (this.#isCompared(loop)) this.#writeComparison(open);
    else if (several) {
      const labels = new Map(heads.map((head) => [head, open.items[this.#itemOf(loop, head)]]));
      const first = labels.get(heads[0])!;
      code.get(BLOCK);
      code.branchTable(this.#parts.graph.blocks.map((_, block) => labels.get(block) ?? first), first);
    }
    items.forEach((item, i) => {
      if (i > 0 || several) code.end();
      if (item.kind === "loop") this.#writeLoop(item);
      else this.#writeBlock(item.block);
    });
    this.#open.pop();
    code.end();
  }

  #isCompared(loop: Loop): boolean {
    return this.#compares && loop === this.#shape;
  }

  /** To the entry at the address in `#pc`; leaves for it if there is none. */
  #writeComparison({ loop, items }: OpenLoop): void {
    const code = this.#code, { links, graph: { blocks } } = this.#parts;
    const pcOf = (head: number) => blocks[head].pc;
    const among = (heads: readonly number[]): void => {
      if (heads.length > 2) {
        const half = heads.length >> 1;
        code.get(this.#pc).i64(pcOf(heads[half])).op("i64.lt_u").if();
        among(heads.slice(0, half));
        code.else();
        among(heads.slice(half));
        code.end();
        return;
      }
      for (const head of heads) {
        code.get(this.#pc).i64(pcOf(head)).op("i64.eq").if();
        this.#nameBlock(head, this.#paths.get(head)!.slice(1));
        code.branch(items[this.#itemOf(loop, head)]).end();
      }
    };
    for (const kept of this.kept.values()) kept.held = "unknown";
    among(loop.heads.toSorted((a, b) => pcOf(a) < pcOf(b) ? -1 : 1));
    this.#leaveAt(() => code.get(this.#pc), LEFT.miss, links.own + 1);
  }

  /** Says which block is gone to, for the loops that are entered on the way there. */
  #nameBlock(to: number, entered: Path): void {
    const code = this.#code;
    if (entered.length > 0 && this.#isCompared(entered[0].loop)) {
      code.i64(this.#parts.graph.blocks[to].pc).set(this.#pc);
    } else if (entered.some(({ loop }) => loop.heads.length > 1)) code.i32(to).set(BLOCK);
  }

  #itemOf(loop: Loop, block: number): number {
    return this.#paths.get(block)!.find((step) => step.loop === loop)!.item;
  }

  #writeBlock(index: number): void {
    const code = this.#code;
    const block = this.#parts.graph.blocks[index];
    for (const [group, kept] of this.kept) {
      kept.held = this.#needs.get(group)![index] === 2 ? "settled" : "unknown";
    }
    const { length } = block.instructions, needed = this.#parts.looks.get(index);
    code.get(LEFT_NOW).i32(length).op("i32.sub").set(LEFT_NOW);
    if (needed !== undefined) {
      code.get(LEFT_NOW).i32(needed - length).op("i32.lt_s").if("none", "unlikely");
      code.get(LEFT_NOW).i32(length).op("i32.add").set(LEFT_NOW);
      this.#leaveAt(() => code.i64(block.pc), LEFT.budget);
      code.end();
    }
    this.#addCycles(block.cycles - this.#rate * block.instructions.length);
    let restCount = block.instructions.length, restCycles = block.cycles;
    let target: RegionTarget | undefined;
    for (const instruction of block.instructions) {
      restCount--;
      restCycles -= instruction.cost;
      const { pc, nextPc, cost } = instruction;
      const place: Place = { pc, nextPc, cost, restCount, restCycles, asksOnce: asksOnce(instruction.steps) };
      const elsewhere = leavesSegment(this.#parts.codeBase, instruction.steps);
      const at: RegionTarget = target = new RegionTarget(this, place, (push, constant) => {
        if (elsewhere) this.#leaveAt(push, LEFT.miss);
        else if (constant === undefined) this.#goToComputed(at, push);
        else this.#goTo(at, index, constant);
      });
      new Lowering(target).steps(instruction.steps);
    }
    if (block.nextPc !== undefined) this.#goTo(target!, index, block.nextPc);
  }

  /** On at an address: inside the region by a jump, outside by leaving it. */
  #goTo(target: RegionTarget, from: number, pc: bigint): void {
    const code = this.#code, to = this.#parts.graph.next(from, pc);
    if (to === undefined) return this.#leaveAt(() => code.i64(pc), LEFT.miss);
    const putBack = remembered(this.kept.values());
    this.#settleFor(target, [to]);
    const there = this.#paths.get(to)!, open = this.#open;
    let common = 0;
    while (common + 1 < open.length && there[common + 1]?.loop === open[common + 1].loop) common++;
    const here = this.#paths.get(from)![common].item;
    const isForward = there[common].item > here;
    if (!isForward) { while (!open[common].loop.heads.includes(to)) common--; }
    const entered = there.slice(isForward ? common + 1 : common);
    this.#nameBlock(to, entered);
    const { label, items } = open[common];
    code.branch(isForward ? items[there[common].item] : label);
    putBack();
  }

  /** Settles what blocks want at their beginnings, on the way to one of them. */
  #settleFor(target: RegionTarget, blocks: readonly number[]): void {
    for (const [group, kept] of this.kept) {
      kept.settleFor(target, wantedBehind(this.#needs.get(group)!, blocks));
    }
  }

  /** A computed target is looked for among the entries. */
  #goToComputed(target: RegionTarget, push: () => void): void {
    const code = this.#code;
    const { links, map, entries, stops, graph: { blocks } } = this.#parts;
    const putBack = remembered(this.kept.values());
    push();
    code.set(this.#pc);
    this.#settleFor(target, entries);
    if (this.#compares) {
      for (const { pc } of entries.map((entry) => blocks[entry]).filter(({ pc }) => stops.has(pc))) {
        code.get(this.#pc).i64(pc).op("i64.eq").if();
        this.#leaveAt(() => code.get(this.#pc), LEFT.miss, links.own + 1);
        code.end();
      }
      code.branch(this.#open[0].label);
    } else {
      if (map) {
        const at = code.local("i64");
        code.get(this.#pc).i64(map.first).op("i64.sub").tee(at).i64(BigInt(map.bytes.length)).op("i64.lt_u")
          .if();
        code.get(at).op("i32.wrap_i64").memory("i32.load8_u", map.place).tee(BLOCK).if();
        code.get(BLOCK).i32(1).op("i32.sub").set(BLOCK).branch(this.#open[0].label);
        code.end().end();
        code.release(at, "i64");
      }
      this.#leaveAt(() => code.get(this.#pc), LEFT.miss, links.own + 1);
    }
    putBack();
  }

  #leaveAt(pushPc: () => void, status: number, from = 0): void {
    const code = this.#code;
    pushPc();
    code.set(this.#pc);
    this.#store();
    code.i32(this.#cpu).get(this.#pc).memory("i64.store", STATE.pc);
    code.i32(this.#cpu).get(LEFT_NOW).memory("i32.store", STATE.left);
    code.i32(this.#cpu);
    this.#pushCycles();
    code.memory("i64.store", STATE.cycles);
    if (status === LEFT.miss) code.i32(this.#cpu).i32(from).memory("i32.store", LEFT_REGION);
    code.i32(status).set(this.#status).branch(this.#leave);
  }

  takeBackRest(): void {
    const code = this.#code;
    // As both were spilled for the host, which may have ended the slice.
    code.i32(this.#cpu).memory("i32.load", STATE.left).set(LEFT_NOW);
    code.i32(this.#cpu).memory("i64.load", STATE.cycles);
    this.#setCycles();
  }
  leaveFor(pushPc: () => void): void {
    this.#code.i32(this.#cpu).i32(0).memory("i32.store", STATE.stale);
    this.#leaveAt(pushPc, LEFT.miss);
  }

  #store(): void {
    this.#slots.store(this.#cpu);
    for (const kept of this.kept.values()) kept.store(this.#cpu);
  }

  /** Makes the state precise as of an instruction, it counted in. */
  spill({ pc, nextPc, cost, restCount, restCycles }: Place): void {
    const code = this.#code;
    this.#store();
    code.i32(this.#cpu).i64(pc).memory("i64.store", STATE.pc);
    code.i32(this.#cpu).i64(nextPc).memory("i64.store", STATE.nextPc);
    code.i32(this.#cpu).i32(cost).memory("i32.store", STATE.cost);
    code.i32(this.#cpu).get(LEFT_NOW).i32(restCount).op("i32.add").memory("i32.store", STATE.left);
    code.i32(this.#cpu);
    this.#pushCycles();
    code.i64(BigInt(restCycles)).op("i64.sub").memory("i64.store", STATE.cycles);
  }

  /** Pushes `#rate` for each instruction left. */
  #pushOfLeft(): void {
    this.#code.get(LEFT_NOW).op("i64.extend_i32_s").i64(BigInt(this.#rate)).op("i64.mul");
  }
  /** Pushes cycles. */
  #pushCycles(): void {
    this.#code.get(this.#cyclesAndLeft);
    this.#pushOfLeft();
    this.#code.op("i64.sub");
  }
  /** Takes cycles, when what is left is known. */
  #setCycles(): void {
    this.#pushOfLeft();
    this.#code.op("i64.add").set(this.#cyclesAndLeft);
  }
  #addCycles(more: number): void {
    if (more !== 0) {
      this.#code.get(this.#cyclesAndLeft).i64(BigInt(more)).op("i64.add").set(this.#cyclesAndLeft);
    }
  }

  ask(name: Exclude<HostCall, "again">, asked: Asked | undefined, push: () => void): void {
    const code = this.#code, { ways, cpu } = this.#parts;
    const ask = (way: number) => {
      push();
      code.i32(way).call(this.#imports[name]);
    };
    if (!asked || !ways) return ask(NO_WAY);
    writeWay({ code, cpu, again: this.#imports.again, status: this.#status }, ways.next(), asked, ask);
  }
  wordsOf(trap: number): readonly number[] | undefined {
    return this.#parts.ways?.wordsOf(trap);
  }

  leaveUnlessProceed(): void {
    this.#code.tee(this.#status).branchIf(this.#leave, "unlikely");
  }

  /** The host may have changed any state, and counted further executions of the instruction. */
  reload({ restCount, restCycles }: Place): void {
    const code = this.#code;
    this.#slots.load(this.#cpu);
    for (const kept of this.kept.values()) kept.reset();
    code.i32(this.#cpu).memory("i32.load", STATE.left).i32(restCount).op("i32.sub").set(LEFT_NOW);
    code.i32(this.#cpu).memory("i64.load", STATE.cycles).i64(BigInt(restCycles)).op("i64.add");
    this.#setCycles();
  }

  get #cpu(): number {
    return this.#parts.cpu;
  }
  pushCpu(): void {
    this.#code.i32(this.#cpu);
  }
  get code(): FunctionWriter {
    return this.#code;
  }
  get flat(): FlatReach | undefined {
    return this.#parts.flat;
  }

  /** The local of a state slot. */
  slot(offset: number): SlotLocal {
    return this.#slots.of(offset);
  }
}

/** What comes up most often. */
function mostOf(numbers: readonly number[]): number {
  const times = new Map<number, number>();
  for (const one of numbers) times.set(one, (times.get(one) ?? 0) + 1);
  return [...times].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

function pathsOf(shape: Loop): Map<number, Path> {
  const paths = new Map<number, Path>();
  const walk = (loop: Loop, around: Path) =>
    loop.items.forEach((item, i) => {
      const path = [...around, { loop, item: i }];
      if (item.kind === "loop") walk(item, path);
      else paths.set(item.block, path);
    });
  walk(shape, []);
  return paths;
}

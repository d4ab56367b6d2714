/** Cuts a region's instructions into blocks at branches and their targets, and reads their definitions. */
import { EmitOps, type Recording } from "../ir/emit.ts";
import { Keepers, type KeptThrough } from "../ir/keeper.ts";
import type { Node, Step } from "../ir/nodes.ts";
import type { Recipe } from "../ir/ops.ts";
import type { Decoded, Isa } from "../isa/isa.ts";

export interface RegionInstruction {
  readonly pc: bigint;
  readonly nextPc: bigint;
  readonly decoded: Decoded;
  readonly cost: number;
}

/** A block with the steps of each of its instructions. */
export interface RegionBlock {
  readonly pc: bigint;
  /** Where it goes on when its last instruction does not branch, if that may be. */
  readonly nextPc: bigint | undefined;
  readonly cycles: number;
  readonly instructions: readonly (RegionInstruction & { readonly steps: readonly Step[] })[];
  /** Slots that may be kept, by group. */
  readonly kept: readonly KeptThrough[];
}

/** Straight runs of instructions, none of which is entered or left but at its ends; `stops` begin one. */
export function findBlocks(
  isa: Isa,
  instructions: readonly RegionInstruction[],
  stops: ReadonlySet<bigint>,
): RegionInstruction[][] {
  const targets = new Set([
    ...stops,
    ...instructions.flatMap((one) => branchTargets(recordBlock(isa, [one]).instructions[0].steps)),
  ]);
  const blocks: RegionInstruction[][] = [];
  let next: bigint | undefined;
  for (const instruction of instructions) {
    if (instruction.pc !== next || targets.has(instruction.pc)) blocks.push([]);
    blocks[blocks.length - 1].push(instruction);
    next = instruction.decoded.form.endsBlock ? undefined : instruction.nextPc;
  }
  return blocks;
}

/** Where an instruction that ends its block leads to. */
export interface Leads {
  /** Targets that are known. */
  readonly targets: readonly bigint[];
  /** The address behind it, if the guest keeps that to come back to: a call. */
  readonly returnsTo?: bigint;
  /** It may go on at the next instruction. */
  readonly falls: boolean;
}

export function leads(isa: Isa, instruction: RegionInstruction): Leads {
  const { steps } = recordBlock(isa, [instruction]).instructions[0], { nextPc } = instruction;
  return {
    targets: branchTargets(steps),
    falls: fallsThrough(steps),
    ...keeps(steps, nextPc) && { returnsTo: nextPc },
  };
}

/** Whether an instruction may go on at the next one, by its steps. */
export function fallsThrough(steps: readonly Step[]): boolean {
  return !steps.some((step) => step.kind === "branch" && step.condition === undefined);
}

/** Whether an address is stored or put into a register. */
function keeps(steps: readonly Step[], address: bigint): boolean {
  return steps.some((step) => {
    if (step.kind === "when") return keeps(step.then, address);
    if (step.kind !== "store" && step.kind !== "write") return false;
    return step.value.constant === BigInt.asUintN(step.value.width, address);
  });
}

/** Reads the definitions of a block's instructions, flags' recipes carried from one to the next. */
export function recordBlock(isa: Isa, instructions: readonly RegionInstruction[]): RegionBlock {
  const recording = new BlockRecording(isa);
  const ops = new EmitOps(recording);
  const recorded = instructions.map((instruction) => {
    const { decoded, pc, nextPc } = instruction;
    const from = recording.steps.length;
    recording.pc = pc;
    recording.nextPc = nextPc;
    decoded.form.semantics(ops, {
      slot: (index) => Number(decoded.values[index]),
      value: (index, width) => ops.constant(width, decoded.values[index]),
    });
    return { ...instruction, steps: recording.steps.slice(from) };
  });
  const last = recorded[recorded.length - 1];
  return {
    pc: instructions[0].pc,
    nextPc: fallsThrough(last.steps) ? last.nextPc : undefined,
    cycles: instructions.reduce((sum, { cost }) => sum + cost, 0),
    instructions: recorded,
    kept: recording.keepers.through,
  };
}

class BlockRecording implements Recording {
  readonly steps: Step[] = [];
  readonly fuses = true;
  readonly keepers: Keepers;
  recipes: readonly Recipe<Node>[] = [];
  pc?: bigint;
  nextPc?: bigint;
  readonly #isa: Isa;

  constructor(isa: Isa) {
    this.#isa = isa;
    this.keepers = new Keepers(isa.kept);
  }

  trapNumber(name: string): number {
    return this.#isa.traps.indexOf(name);
  }
}

/** Constant targets of branches among the steps. */
export function branchTargets(steps: readonly Step[]): bigint[] {
  return steps.flatMap((step) => {
    if (step.kind === "when") return branchTargets(step.then);
    return step.kind === "branch" && step.target.constant !== undefined ? [step.target.constant] : [];
  });
}

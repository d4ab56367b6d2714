/**
 * Exits of a region by the ways that they went before: compiled code compares what decides on it, counts and charges the
 * exit, and calls the host by a number alone, which then has nothing to look up (`WAY`).
 */
import { STATE } from "../ir/layout.ts";
import type { Step } from "../ir/nodes.ts";
import { COUNTED, MAPPINGS, WAY, wayAt } from "../ir/way_layout.ts";
import type { FunctionWriter } from "../wasm/function_writer.ts";
import { UNKNOWN_WAY } from "./host.ts";

/** What of an access decides where it goes: its address, and the state of the translations. */
export const ACCESS_WORDS: readonly number[] = [STATE.args, STATE.args + 4, MAPPINGS];

/** Where the value stands that goes out. */
export const VALUE = { store: STATE.args + 8, trap: STATE.args + 16 } as const;

/** Numbers for ways, and what traps depend on. */
export interface WayNumbers {
  /** The number for another place in the code that exits. */
  next(): number;
  /** Offsets of the words that decide where a trap's exit goes, where those are all. */
  wordsOf(trap: number): readonly number[] | undefined;
}

/** What is asked of the host at one place. */
export interface Asked {
  readonly tag: number;
  readonly words: readonly number[];
  /** Offset of the value that goes out, if one does. */
  readonly value: number | undefined;
}

/**
 * Pushes the status of a call of the host: by a way that is known, or by what `ask` writes, which takes the number of the
 * way from the stack.
 */
export function writeWay(
  { code, cpu, again, status }: {
    readonly code: FunctionWriter;
    readonly cpu: number;
    readonly again: number;
    readonly status: number;
  },
  number: number,
  { tag, words, value }: Asked,
  ask: (way: number) => void,
): void {
  const way = wayAt(number);
  const done = code.block("i32"), other = code.block();
  code.i32(cpu).memory("i32.load", way + WAY.tag).i32(tag).op("i32.ne").branchIf(other, "unlikely");
  words.forEach((offset, i) => {
    code.i32(cpu).memory("i32.load", offset).i32(cpu).memory("i32.load", way + WAY.words + 4 * i);
    code.op("i32.ne").branchIf(other, "unlikely");
  });
  add(code, cpu, way + WAY.count, "i32", () => code.i32(1));
  add(code, cpu, COUNTED.cycles, "i64", () => code.i32(cpu).memory("i64.load32_u", way + WAY.price));
  code.i32(cpu).i32(number).memory("i32.store", COUNTED.last);
  code.i32(number);
  if (value === undefined) code.i32(0);
  else code.i32(cpu).memory("i32.load", value);
  code.call(again).tee(status);
  code.get(status).i32(UNKNOWN_WAY).op("i32.ne").branchIf(done, "likely").op("drop");
  code.end();
  ask(number);
  code.end();
}

function add(code: FunctionWriter, cpu: number, at: number, type: "i32" | "i64", push: () => void): void {
  code.i32(cpu).i32(cpu).memory(`${type}.load`, at);
  push();
  code.op(`${type}.add`).memory(`${type}.store`, at);
}

/** Whether an instruction asks the host for one thing at most: what follows in it would be of the same exit. */
export function asksOnce(steps: readonly Step[]): boolean {
  return countCalls(steps) === 1;
}

function countCalls(steps: readonly Step[]): number {
  let count = 0;
  for (const step of steps) {
    if (step.kind === "when") count += countCalls(step.then);
    else if (step.kind === "store") count++;
    else if (step.kind === "value") {
      const { kind } = step.node.source;
      if (kind === "load" || kind === "trap") count++;
    }
  }
  return count;
}

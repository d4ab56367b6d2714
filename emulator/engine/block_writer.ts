/** Writes decoded instructions as the records of a block (`record.ts`). */
import type { Decoded, Form, Isa } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import { handlersOf } from "./interpreter.ts";
import { HANDLER } from "./interpreter_module.ts";
import { fieldOffsets, hasLinks, LINK, RECORD } from "./record.ts";

export interface Decoding {
  readonly pc: bigint;
  readonly nextPc: bigint;
  readonly instruction: Decoded;
}

/** Records as they are entered. */
export interface Block {
  /** Place of the first record. */
  readonly record: number;
  readonly count: number;
  readonly cycles: number;
}

/** Whether the record at a place is one of the block's. */
export function holds({ record, count }: Block, at: number): boolean {
  return at >= record && at < record + count * RECORD.size;
}

export class BlockWriter {
  readonly #arena: Arena;
  /** Cycles that an instruction of a class costs. */
  readonly #costOf: (cycleClass: string) => number;
  readonly #handlers: ReturnType<typeof handlersOf>;
  readonly #offsets = new Map<Form, readonly number[]>();

  constructor(isa: Isa, arena: Arena, costOf: (cycleClass: string) => number) {
    this.#arena = arena;
    this.#costOf = costOf;
    this.#handlers = handlersOf(isa);
  }

  /** A block's records from the place `record` on, one more than it has instructions. */
  write(decoded: readonly Decoding[], record: number): Block {
    const costs = decoded.map(({ instruction }) => this.#costOf(instruction.form.cycleClass));
    const cycles = costs.reduce((sum, cost) => sum + cost, 0);
    const { view } = this.#arena;
    let rest = cycles;
    for (let i = 0; i < decoded.length; i++) {
      const { pc, nextPc, instruction } = decoded[i], at = record + i * RECORD.size;
      rest -= costs[i];
      view.setUint16(at + RECORD.handler, this.#handlers.numberOf(instruction.form), true);
      view.setUint16(at + RECORD.restCount, decoded.length - 1 - i, true);
      view.setUint16(at + RECORD.cost, costs[i], true);
      view.setUint32(at + RECORD.restCycles, rest, true);
      view.setBigUint64(at + RECORD.pc, pc, true);
      view.setBigUint64(at + RECORD.nextPc, nextPc, true);
      this.#writeFields(at, instruction);
    }
    if (decoded.length > 1) this.#pair(decoded, record);
    view.setUint16(record + RECORD.blockCount, decoded.length, true);
    view.setUint32(record + RECORD.blockCycles, cycles, true);
    const last = decoded[decoded.length - 1], { form } = last.instruction;
    if (form.endsBlock) {
      if (hasLinks(form.fields)) this.#unlink(record + (decoded.length - 1) * RECORD.size);
    } else {
      const at = record + decoded.length * RECORD.size;
      this.#unlink(at);
      view.setUint16(at + RECORD.handler, HANDLER.fallThrough, true);
      view.setBigUint64(at + RECORD.nextPc, last.nextPc, true);
    }
    return { record, count: decoded.length, cycles };
  }

  /** Lets one handler execute the last two instructions, if there is one for both. */
  #pair(decoded: readonly Decoding[], record: number): void {
    const [first, second] = decoded.slice(-2);
    const number = this.#handlers.pairOf(first.instruction.form, second.instruction.form);
    if (number === undefined) return;
    const at = record + (decoded.length - 2) * RECORD.size;
    this.#arena.view.setUint16(at + RECORD.handler, number, true);
  }

  #unlink(record: number): void {
    const { view } = this.#arena;
    for (const link of Object.values(LINK)) view.setBigUint64(record + link, 0n, true);
  }

  #writeFields(record: number, { form, values }: Decoded): void {
    const { view } = this.#arena;
    let offsets = this.#offsets.get(form);
    if (!offsets) this.#offsets.set(form, offsets = fieldOffsets(form.fields));
    for (let i = 0; i < offsets.length; i++) {
      const at = record + offsets[i];
      switch (form.fields[i]) {
        case "slot":
          view.setUint16(at, Number(values[i]), true);
          break;
        case "i32":
          view.setInt32(at, Number(values[i]), true);
          break;
        case "i64":
          view.setBigInt64(at, BigInt.asIntN(64, BigInt(values[i])), true);
      }
    }
  }
}

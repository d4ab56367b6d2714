/** Writes decoded instructions as a block (`record.ts`). */
import type { Decoded, Form, Isa } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import { LOOKUP } from "./block_hash.ts";
import { handlersOf } from "./interpreter.ts";
import { HANDLER } from "./interpreter_module.ts";
import { fieldOffsets, HEAD, RECORD, recordBytes, STRUCK, TAIL, UNIT } from "./record.ts";

/** Instructions in a row. */
export interface Decoding {
  readonly instructions: readonly Decoded[];
  /** Bytes of code. */
  readonly length: number;
  /** Address of the instruction after the last one, as the program counter has it. */
  readonly end: bigint;
}

/** A block as it is entered. */
export interface Block {
  /** Place of its head. */
  readonly head: number;
  readonly count: number;
  readonly cycles: number;
}

/** Of a form: what each of its records has. */
interface FormLayout {
  readonly number: number;
  readonly cost: number;
  readonly costClass: number;
  readonly bytes: number;
  readonly offsets: readonly number[];
}

export class BlockWriter {
  readonly #arena: Arena;
  /** Cycles that an instruction of a class costs. */
  readonly #costOf: (cycleClass: string) => number;
  readonly #handlers: ReturnType<typeof handlersOf>;
  readonly #layouts = new Map<Form, FormLayout>();
  readonly #classes = new Map<string, number>();
  /** Place of the `LOOKUP` that costs are written to. */
  readonly #lookup: () => number;

  constructor(isa: Isa, arena: Arena, costOf: (cycleClass: string) => number, lookup: () => number) {
    this.#arena = arena;
    this.#costOf = costOf;
    this.#handlers = handlersOf(isa);
    this.#lookup = lookup;
  }

  /** Costs may have changed. */
  forget(): void {
    this.#layouts.clear();
  }

  costOf({ form }: Decoded): number {
    return this.#layoutOf(form).cost;
  }

  /** Writes a block from the place `head` on; the place of its tail. What else its head and tail hold is the caller's. */
  write({ instructions, length, end }: Decoding, head: number): number {
    const { view } = this.#arena, count = instructions.length;
    let at = head + HEAD.size, cycles = 0, toEnd = length;
    for (let i = 0; i < count; i++) {
      const instruction = instructions[i], layout = this.#layoutOf(instruction.form);
      view.setUint16(at + RECORD.handler, layout.number, true);
      view.setUint8(at + RECORD.counts, count - 1 - i | instruction.length - 1 << 4);
      view.setUint8(at + RECORD.toEnd, toEnd);
      view.setUint8(at + RECORD.cost, layout.costClass);
      this.#writeFields(at, instruction, layout.offsets);
      toEnd -= instruction.length;
      cycles += layout.cost;
      at += layout.bytes;
    }
    if (count > 1) this.#pair(instructions, at);
    if (!instructions[count - 1].form.endsBlock) {
      view.setUint16(at + RECORD.handler, HANDLER.fallThrough, true);
      view.setUint8(at + RECORD.toTail, 1);
      at += UNIT;
    }
    const tail = at;
    let record = head + HEAD.size, rest = cycles;
    for (let i = 0; i < count; i++) {
      const { cost, bytes } = this.#layoutOf(instructions[i].form);
      rest -= cost;
      view.setUint16(record + RECORD.restCycles, rest, true);
      view.setUint8(record + RECORD.toTail, (tail - record) / UNIT);
      record += bytes;
    }
    view.setUint8(head + HEAD.count, count);
    view.setUint8(head + HEAD.toTail, (tail - head) / UNIT);
    view.setUint8(head + HEAD.codeBytes, length);
    view.setUint8(head + HEAD.flags, 0);
    view.setUint32(head + HEAD.cycles, cycles, true);
    view.setBigUint64(tail + TAIL.taken, 0n, true);
    view.setBigUint64(tail + TAIL.next, 0n, true);
    view.setBigUint64(tail + TAIL.end, end, true);
    return tail;
  }

  /** Strikes out a block's records from one of them on, or undoes it: one that is struck out looks its address up anew. */
  strike(record: number, struck: boolean): void {
    const { view } = this.#arena;
    const tail = record + view.getUint8(record + RECORD.toTail) * UNIT;
    for (let at = record; at < tail;) {
      const number = view.getUint16(at + RECORD.handler, true) & ~STRUCK;
      // Nothing is paid for it, and where it leads to is looked at.
      if (number === HANDLER.fallThrough) return;
      view.setUint16(at + RECORD.handler, struck ? number | STRUCK : number, true);
      at += this.#handlers.bytesOf(number);
    }
  }

  /** Lets one handler execute the last two instructions, if there is one for both. */
  #pair(instructions: readonly Decoded[], end: number): void {
    const [first, second] = instructions.slice(-2).map(({ form }) => form);
    const number = this.#handlers.pairOf(first, second);
    if (number === undefined) return;
    const at = end - this.#layoutOf(first).bytes - this.#layoutOf(second).bytes;
    this.#arena.view.setUint16(at + RECORD.handler, number, true);
  }

  #layoutOf(form: Form): FormLayout {
    let layout = this.#layouts.get(form);
    if (layout) return layout;
    const { cycleClass, fields } = form, cost = this.#costOf(cycleClass);
    let costClass = this.#classes.get(cycleClass);
    if (costClass === undefined) this.#classes.set(cycleClass, costClass = this.#classes.size);
    if (costClass >= LOOKUP.classes) throw new RangeError(`more than ${LOOKUP.classes} cycle classes`);
    this.#arena.view.setUint16(this.#lookup() + LOOKUP.costs + 2 * costClass, cost, true);
    layout = {
      ...{ number: this.#handlers.numberOf(form), cost, costClass },
      ...{ bytes: recordBytes(fields), offsets: fieldOffsets(fields) },
    };
    this.#layouts.set(form, layout);
    return layout;
  }

  #writeFields(record: number, { form, values }: Decoded, offsets: readonly number[]): void {
    const { view } = this.#arena;
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

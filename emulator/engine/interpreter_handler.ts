/** A handler: a form's definition read with the operands taken from the record at hand. */
import { STATE } from "../ir/layout.ts";
import { Lowering, type Target } from "../ir/lower.ts";
import type { Node, Step } from "../ir/nodes.ts";
import type { AccessOptions, FieldRef, Width } from "../ir/ops.ts";
import type { Isa } from "../isa/isa.ts";
import type { FunctionWriter, Label } from "../wasm/function_writer.ts";
import type { Opcode } from "../wasm/opcodes.ts";
import { NO_WAY } from "../ir/way_layout.ts";
import { ACCESS } from "./host.ts";
import { readSteps, type Sequence } from "./form_steps.ts";
import { EPOCH, fieldOffsets, RECORD, recordBytes, TAIL, UNIT } from "./record.ts";

/** Local variables of the interpreter's functions: parameters, and a constant that V8 knows as one. */
export const RECORD_AT = 0, LEFT_NOW = 1, LOOKUP_AT = 2, CPU = 3;

/** The function that handlers are part of. */
export interface HandlerContext {
  readonly isa: Isa;
  readonly code: FunctionWriter;
  /** Functions. */
  readonly load: number;
  readonly store: number;
  readonly trap: number;
  readonly spill: number;
  /** Locals. */
  readonly cycles: number;
  readonly pc: number;
  /** Place of the link that the search for `pc` is to fill in, or 0. */
  readonly link: number;
  readonly status: number;
  /** From here on they are the handler's. */
  readonly firstFree: number;
  /** Leaves with `status`. */
  readonly leave: Label;
  /** Executes the record at `RECORD_AT`. */
  readonly next: Label;
  /** Pays for the block at `RECORD_AT` and executes it. */
  readonly enter: Label;
  /** Goes on at `pc`. */
  readonly goto: Label;
}

/** The code of a handler, which does not end where its code ends: of one form, or of two that follow each other. */
export function writeHandler(context: HandlerContext, forms: Sequence): void {
  const { isa, code, next, goto, pc, link } = context;
  const form = forms[forms.length - 1];
  const { before, steps } = readSteps(isa, forms);
  const last = steps.at(-1);
  const target = new HandlerTarget(
    context,
    forms,
    last?.kind === "branch" && isFixed(isa, steps, last.target),
  );
  // A branch on some paths only: the others go on at the next instruction.
  const bytes = forms.reduce((sum, { fields }) => sum + recordBytes(fields), 0);
  if (steps.some(branchesInside)) code.get(RECORD_AT).memory("i64.load", bytes + TAIL.end).set(pc);
  new Lowering(target).steps([...before, ...steps]);
  // What one form has left in locals for the other is nobody's any more.
  code.releaseFrom(context.firstFree);
  if (!form.endsBlock) {
    if (target.branches) throw new TypeError(`form "${form.name}" branches but does not end its block`);
    code.get(RECORD_AT).i32(bytes).op("i32.add").set(RECORD_AT).branch(next);
    return;
  }
  if (target.links) return;
  if (!target.branches) code.get(RECORD_AT).memory("i64.load", bytes + TAIL.end).set(pc);
  code.i32(0).set(link).branch(goto);
}

/** Whether a branch to `target`, the last of the steps, leads to the same block each time that the same record is executed. */
function isFixed(isa: Isa, steps: readonly Step[], target: Node): boolean {
  return isOfRecord(target) && !steps.some((step) => mayChangeCode(isa, step));
}

/** Whether a value depends on the record only. */
function isOfRecord({ source }: Node): boolean {
  if (source.kind === "operator") return source.operands.every(isOfRecord);
  return ["constant", "field", "pc", "nextPc"].includes(source.kind);
}

/** Whether a step may change what code is where. */
function mayChangeCode(isa: Isa, step: Step): boolean {
  if (step.kind === "when") return step.then.some((inner) => mayChangeCode(isa, inner));
  if (step.kind === "value") return step.node.source.kind === "trap";
  return step.kind === "write" && isa.codeBase !== undefined &&
    (typeof step.slot !== "number" || step.slot === isa.codeBase);
}

function branchesInside(step: Step): boolean {
  return step.kind === "when" && step.then.some((inner) => inner.kind === "branch" || branchesInside(inner));
}

/** On at the address that `push` pushes, which is always the same, by the link at `at` bytes after the record at hand. */
export function follow(context: HandlerContext, at: number, push: () => void): void {
  const { code, pc, enter, goto } = context, both = code.local("i64");
  code.get(RECORD_AT).memory("i64.load", at).tee(both).i64(32n).op("i64.shr_u").op("i32.wrap_i64");
  code.get(CPU).memory("i32.load", EPOCH).op("i32.eq");
  code.if();
  code.get(both).op("i32.wrap_i64").set(RECORD_AT).branch(enter);
  code.end();
  code.release(both, "i64");
  push();
  code.set(pc);
  code.get(RECORD_AT).i32(at).op("i32.add").set(context.link).branch(goto);
}

/** A handler's way to state: slots and immediates come from the record. */
class HandlerTarget implements Target {
  readonly hints = false;
  readonly flat = undefined;
  readonly code: FunctionWriter;
  branches = false;
  /** Its branch is its end, and goes by links. */
  readonly links: boolean;
  readonly #context: HandlerContext;
  readonly #offsets: readonly number[];
  readonly #kinds: readonly string[];
  /** The last form's record, in bytes after the one at hand. Only that form knows its address. */
  readonly #last: number;
  /** What follows that, in the same way: the tail, if the form ends its block. */
  readonly #end: number;
  readonly #endsBlock: boolean;

  constructor(context: HandlerContext, forms: Sequence, fixed: boolean) {
    this.#context = context;
    this.code = context.code;
    const bytes = forms.map(({ fields }) => recordBytes(fields)), last = forms[forms.length - 1];
    this.#last = forms.length > 1 ? bytes[0] : 0;
    this.#end = this.#last + bytes[bytes.length - 1];
    this.#endsBlock = last.endsBlock;
    this.#offsets = forms.flatMap(({ fields }, i) =>
      fieldOffsets(fields).map((at) => at + (i > 0 ? this.#last : 0))
    );
    this.#kinds = forms.flatMap(({ fields }) => fields);
    this.links = fixed;
  }

  pushCpu(): void {
    this.code.get(CPU);
  }

  readSlot(slot: number | FieldRef, width: Width): void {
    this.#pushSlotBase(slot);
    this.code.memory(READ[width], constantOf(slot));
  }

  writeSlot(slot: number | FieldRef, width: Width, push: () => void): void {
    this.#pushSlotBase(slot);
    push();
    this.code.memory(WRITE[width], constantOf(slot));
  }

  readField(field: number, width: Width): void {
    const kind = this.#kinds[field], offset = this.#offsets[field];
    this.code.get(RECORD_AT);
    if (width === 64) {
      this.code.memory(
        kind === "i64" ? "i64.load" : kind === "i32" ? "i64.load32_s" : "i64.load32_u",
        offset,
      );
      return;
    }
    this.code.memory(READ[width], offset);
  }

  pushPc(): void {
    const { code, isa } = this.#context;
    this.#pushEnd();
    code.get(RECORD_AT).memory("i64.load8_u", RECORD.toEnd + this.#last).op("i64.sub");
    wrap(code, isa);
  }

  pushNextPc(): void {
    if (this.#endsBlock) return this.#pushEnd();
    const { code, isa } = this.#context;
    writeNextPc(code, isa, () => this.pushPc(), () => code.get(RECORD_AT));
  }

  /** Pushes the address behind the block. */
  #pushEnd(): void {
    const { code } = this.#context;
    if (this.#endsBlock) code.get(RECORD_AT).memory("i64.load", this.#end + TAIL.end);
    else writeEnd(code);
  }

  callAccess(kind: "load" | "store", size: number, options: AccessOptions): void {
    this.#spill();
    const flags = (options.forWrite ? ACCESS.forWrite : 0) | (options.order === "be" ? ACCESS.bigEndian : 0);
    this.code.get(CPU).i32(size).i32(flags).i32(NO_WAY).call(this.#context[kind]);
  }

  callTrap(trap: number): void {
    this.#spill();
    this.code.get(CPU).i32(trap).i32(NO_WAY).call(this.#context.trap);
  }

  leaveUnlessProceed(): void {
    this.code.tee(this.#context.status).branchIf(this.#context.leave);
  }

  /** The host may have counted further executions of the instruction. */
  reloadState(): void {
    const { code, cycles } = this.#context;
    code.get(CPU).memory("i32.load", STATE.left);
    writeRestCount(code);
    code.op("i32.sub").set(LEFT_NOW);
    code.get(CPU).memory("i64.load", STATE.cycles).get(RECORD_AT).memory("i64.load16_u", RECORD.restCycles);
    code.op("i64.add").set(cycles);
  }

  /** A record that was struck out is noticed when it comes. */
  ifStale(): void {}

  keep(): void {
    throw new TypeError("a handler keeps no recipe: each form leaves its flags");
  }
  settle(): void {
    this.keep();
  }

  branch(push: () => void): void {
    this.branches = true;
    if (this.links) return follow(this.#context, this.#end + TAIL.taken, push);
    push();
    this.code.set(this.#context.pc);
  }

  branchIf(condition: () => void, push: () => void): void {
    this.branches = true;
    if (this.links) {
      condition();
      this.code.if();
      follow(this.#context, this.#end + TAIL.taken, push);
      this.code.end();
      return follow(this.#context, this.#end + TAIL.next, () => this.pushNextPc());
    }
    push();
    this.pushNextPc();
    condition();
    this.code.op("select").set(this.#context.pc);
  }

  #spill(): void {
    const { code, spill, cycles } = this.#context;
    code.get(RECORD_AT).get(LEFT_NOW).get(LOOKUP_AT).get(cycles).call(spill);
  }

  /** Pushes the address that a slot's constant offset (if any) is added to. */
  #pushSlotBase(slot: number | FieldRef): void {
    this.code.get(CPU);
    if (typeof slot === "number") return;
    this.code.get(RECORD_AT).memory("i32.load16_u", this.#offsets[slot.field]).op("i32.add");
  }
}

/** Pushes the address behind the block of the record at hand, wherever in the block that is. */
export function writeEnd(code: FunctionWriter): void {
  code.get(RECORD_AT).memory("i32.load8_u", RECORD.toTail).i32(Math.log2(UNIT)).op("i32.shl");
  code.get(RECORD_AT).op("i32.add").memory("i64.load", TAIL.end);
}

/** Pushes the address of the instruction after one: `pushPc` pushes that one's, `pushRecord` its record. */
export function writeNextPc(
  code: FunctionWriter,
  isa: Isa,
  pushPc: () => void,
  pushRecord: () => void,
): void {
  pushPc();
  pushRecord();
  code.memory("i64.load8_u", RECORD.counts).i64(4n).op("i64.shr_u").op("i64.add").i64(1n).op("i64.add");
  wrap(code, isa);
}

/** Pushes how many instructions of the block come after the record at hand. */
export function writeRestCount(code: FunctionWriter): void {
  code.get(RECORD_AT).memory("i32.load8_u", RECORD.counts).i32(15).op("i32.and");
}

/** The address on the stack as the program counter holds it. */
export function wrap(code: FunctionWriter, { pcWidth, addressWidth }: Isa): void {
  const bits = pcWidth ?? addressWidth;
  if (bits < 64) code.i64(2n ** BigInt(bits) - 1n).op("i64.and");
}

/** What of a slot's address is known when the handler is made. */
function constantOf(slot: number | FieldRef): number {
  return typeof slot === "number" ? slot : slot.plus ?? 0;
}

const READ: Record<Width, Opcode> = {
  1: "i32.load8_u",
  8: "i32.load8_u",
  16: "i32.load16_u",
  32: "i32.load",
  64: "i64.load",
};
const WRITE: Record<Width, Opcode> = {
  1: "i32.store8",
  8: "i32.store8",
  16: "i32.store16",
  32: "i32.store",
  64: "i64.store",
};

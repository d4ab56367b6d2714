/**
 * Builds an ISA's interpreter: one WebAssembly function, `loop` + `br_table` over its forms' handlers,
 * each read from the form's definition with the operands taken from the record.
 *
 * `run(cpu, record, left, hash) -> status`: executes from `record` on, whose block the caller has paid for
 * (`left` instructions are left after it, `STATE.cycles` includes it). Blocks are paid for when they
 * are entered; what a block has left over is given back when it is left half-way.
 */
import { EmitOps } from "../ir/emit.ts";
import { STATE } from "../ir/layout.ts";
import { Lowering, type Target } from "../ir/lower.ts";
import { Node, type Step } from "../ir/nodes.ts";
import type { AccessOptions, FieldRef, Width } from "../ir/ops.ts";
import type { Isa } from "../isa/isa.ts";
import type { FunctionWriter, Label } from "../wasm/function_writer.ts";
import { ModuleWriter } from "../wasm/module_writer.ts";
import type { Opcode } from "../wasm/opcodes.ts";
import { HASH } from "./block_hash.ts";
import { ACCESS } from "./host.ts";
import { fieldOffsets, RECORD } from "./record.ts";

/** Statuses that only compiled code gives, beside the host's. */
export const LEFT = {
  /** The block at `STATE.pc` is not in the hash. */
  miss: 16,
  /** The block at `STATE.pc` has more instructions than are left. */
  budget: 17,
} as const;

/** Local variables of `run`: its parameters first. */
const CPU = 0, RECORD_AT = 1, LEFT_NOW = 2, HASH_AT = 3;

/** Handlers that are no form's, numbered after the forms. */
export const EXTRA_HANDLERS = {
  /** Ends a block that no branch ends: on to the block at the record's next address, nothing executed. */
  fallThrough: 0,
  /** Put over a record whose code was changed: takes back what is paid for and looks the address up anew. */
  stale: 1,
} as const;

/** The number of an extra handler in an ISA's interpreter. */
export function extraHandler(isa: Isa, name: keyof typeof EXTRA_HANDLERS): number {
  return isa.forms.length + EXTRA_HANDLERS[name];
}

const modules = new WeakMap<Isa, WebAssembly.Module>();

/** The compiled interpreter of an ISA, made at the first call. */
export function interpreterModule(isa: Isa): WebAssembly.Module {
  const known = modules.get(isa);
  if (known) return known;
  const module = new WebAssembly.Module(interpreterBytes(isa));
  modules.set(isa, module);
  return module;
}

/** The interpreter's module, not yet compiled. */
export function interpreterBytes(isa: Isa): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter();
  const access = module.importFunction("host", "load", {
    parameters: ["i32", "i32", "i32"],
    results: ["i32"],
  });
  const store = module.importFunction("host", "store", {
    parameters: ["i32", "i32", "i32"],
    results: ["i32"],
  });
  const trap = module.importFunction("host", "trap", { parameters: ["i32", "i32"], results: ["i32"] });
  const spill = defineSpill(module);
  const { code } = module.define({ parameters: ["i32", "i32", "i32", "i32"], results: ["i32"] }, "run");
  const parts: Parts = { isa, code, load: access, store, trap, spill };
  writeRun(parts);
  return module.finish();
}

interface Parts {
  readonly isa: Isa;
  readonly code: FunctionWriter;
  readonly load: number;
  readonly store: number;
  readonly trap: number;
  readonly spill: number;
}

/** `spill(cpu, record, left, cycles)`: makes the state precise as of the record's instruction, it counted in. */
function defineSpill(module: ModuleWriter): number {
  const { index, code } = module.define({ parameters: ["i32", "i32", "i32", "i64"], results: [] });
  const cycles = 3;
  code.get(CPU).get(RECORD_AT).memory("i64.load", RECORD.pc).memory("i64.store", STATE.pc);
  code.get(CPU).get(RECORD_AT).memory("i64.load", RECORD.nextPc).memory("i64.store", STATE.nextPc);
  code.get(CPU).get(LEFT_NOW).get(RECORD_AT).memory("i32.load16_u", RECORD.restCount).op("i32.add");
  code.memory("i32.store", STATE.left);
  code.get(CPU).get(cycles).get(RECORD_AT).memory("i64.load32_u", RECORD.restCycles).op("i64.sub");
  code.memory("i64.store", STATE.cycles);
  code.get(CPU).get(RECORD_AT).memory("i32.load16_u", RECORD.cost).memory("i32.store", STATE.cost);
  code.get(CPU).get(RECORD_AT).memory("i32.store", STATE.record);
  return index;
}

function writeRun(parts: Parts): void {
  const { isa, code } = parts;
  const cycles = code.local("i64"), pc = code.local("i64"), status = code.local("i32");
  code.get(CPU).memory("i64.load", STATE.cycles).set(cycles);
  const leave = code.block();
  const next = code.loop();
  const goto = code.block();
  const stale = code.block();
  const fallThrough = code.block();
  const handlers = isa.forms.map(() => code.block());
  // The innermost block is the first handler's: where it ends, that handler's code starts.
  code.get(RECORD_AT).memory("i32.load16_u", RECORD.handler);
  code.branchTable([...handlers.toReversed(), fallThrough], stale);
  const context = { ...parts, cycles, pc, status, leave, next, goto };
  for (let i = 0; i < isa.forms.length; i++) {
    code.end();
    writeHandler(context, i);
  }
  code.end();
  code.get(RECORD_AT).memory("i64.load", RECORD.nextPc).set(pc).branch(goto);
  code.end();
  writeStale(context);
  code.end();
  writeGoto(context);
  code.end();
  code.end();
  code.get(status);
}

interface Context extends Parts {
  readonly cycles: number;
  readonly pc: number;
  readonly status: number;
  readonly leave: Label;
  readonly next: Label;
  readonly goto: Label;
}

function writeHandler(context: Context, index: number): void {
  const { isa, code, next, goto, pc } = context;
  const form = isa.forms[index];
  const target = new HandlerTarget(
    context,
    form.fields.length === 0 ? [] : fieldOffsets(form.fields),
    form.fields,
  );
  const steps: Step[] = [];
  const ops = new EmitOps({
    steps,
    fuses: false,
    trapNumber: (name) => {
      const number = isa.traps.indexOf(name);
      if (number < 0) {
        throw new TypeError(`form "${form.name}" raises trap "${name}", which ${isa.name} lacks`);
      }
      return number;
    },
  });
  form.semantics(ops, {
    slot: (field) => ({ field }),
    value: (field, width) => new Node(width, { kind: "field", field }),
  });
  // A branch on some paths only: the others go on at the next instruction.
  if (steps.some(branchesInside)) code.get(RECORD_AT).memory("i64.load", RECORD.nextPc).set(pc);
  new Lowering(target).steps(steps);
  if (!form.endsBlock) {
    if (target.branches) throw new TypeError(`form "${form.name}" branches but does not end its block`);
    code.get(RECORD_AT).i32(RECORD.size).op("i32.add").set(RECORD_AT).branch(next);
    return;
  }
  if (!target.branches) code.get(RECORD_AT).memory("i64.load", RECORD.nextPc).set(pc);
  code.branch(goto);
}

function branchesInside(step: Step): boolean {
  return step.kind === "when" && step.then.some((inner) => inner.kind === "branch" || branchesInside(inner));
}

/** Gives back this record and the rest of its block, and goes on at its address, which is decoded anew. */
function writeStale({ code, cycles, pc }: Context): void {
  code.get(LEFT_NOW).get(RECORD_AT).memory("i32.load16_u", RECORD.restCount).op("i32.add");
  code.i32(1).op("i32.add").set(LEFT_NOW);
  code.get(cycles).get(RECORD_AT).memory("i64.load32_u", RECORD.restCycles).op("i64.sub");
  code.get(RECORD_AT).memory("i32.load16_u", RECORD.cost).op("i64.extend_i32_u").op("i64.sub").set(cycles);
  code.get(RECORD_AT).memory("i64.load", RECORD.pc).set(pc);
}

/** On at the address in `pc`: finds its block and pays for it. */
function writeGoto({ isa, code, cycles, pc, status, leave, next }: Context): void {
  const low = code.local("i32"), entry = code.local("i32"), linear = code.local("i64");
  code.get(pc);
  if (isa.codeBase !== undefined) code.get(CPU).memory("i64.load", isa.codeBase).op("i64.add");
  code.tee(linear).op("i32.wrap_i64").tee(low);
  code.get(low).i32(12).op("i32.shr_u").op("i32.xor").i32(HASH.entries - 1).op("i32.and");
  code.i32(Math.log2(HASH.entrySize)).op("i32.shl").get(HASH_AT).op("i32.add").tee(entry);
  code.memory("i64.load", HASH.tag).get(linear);
  if (isa.codeBase !== undefined) {
    code.get(CPU).memory("i64.load", isa.codeBase).i64(32n).op("i64.shl").op("i64.xor");
  }
  code.op("i64.ne");
  code.if();
  leaveAt(LEFT.miss);
  code.end();
  code.get(entry).memory("i32.load", HASH.record).set(RECORD_AT);
  code.get(LEFT_NOW).get(RECORD_AT).memory("i32.load16_u", RECORD.blockCount).op("i32.sub").tee(low);
  code.i32(0).op("i32.lt_s");
  code.if();
  leaveAt(LEFT.budget);
  code.end();
  code.get(low).set(LEFT_NOW);
  code.get(cycles).get(RECORD_AT).memory("i64.load32_u", RECORD.blockCycles).op("i64.add").set(cycles);
  code.branch(next);
  code.release(low, "i32");
  code.release(entry, "i32");
  code.release(linear, "i64");

  function leaveAt(why: number): void {
    code.get(CPU).get(pc).memory("i64.store", STATE.pc);
    code.get(CPU).get(LEFT_NOW).memory("i32.store", STATE.left);
    code.get(CPU).get(cycles).memory("i64.store", STATE.cycles);
    code.i32(why).set(status).branch(leave);
  }
}

/** A handler's way to state: slots and immediates come from the record. */
class HandlerTarget implements Target {
  readonly cpu = CPU;
  readonly hints = false;
  readonly flat = undefined;
  readonly code: FunctionWriter;
  branches = false;
  readonly #context: Context;
  readonly #offsets: readonly number[];
  readonly #kinds: readonly string[];

  constructor(context: Context, offsets: readonly number[], kinds: readonly string[]) {
    this.#context = context;
    this.code = context.code;
    this.#offsets = offsets;
    this.#kinds = kinds;
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
    this.code.get(RECORD_AT).memory("i64.load", RECORD.pc);
  }

  pushNextPc(): void {
    this.code.get(RECORD_AT).memory("i64.load", RECORD.nextPc);
  }

  callAccess(kind: "load" | "store", size: number, options: AccessOptions): void {
    this.#spill();
    const flags = (options.forWrite ? ACCESS.forWrite : 0) | (options.order === "be" ? ACCESS.bigEndian : 0);
    this.code.get(CPU).i32(size).i32(flags).call(this.#context[kind]);
  }

  callTrap(trap: number): void {
    this.#spill();
    this.code.get(CPU).i32(trap).call(this.#context.trap);
  }

  leaveUnlessProceed(): void {
    this.code.tee(this.#context.status).branchIf(this.#context.leave);
  }

  /** The host may have counted further executions of the instruction. */
  reloadState(): void {
    const { code, cycles } = this.#context;
    code.get(CPU).memory("i32.load", STATE.left).get(RECORD_AT).memory("i32.load16_u", RECORD.restCount);
    code.op("i32.sub").set(LEFT_NOW);
    code.get(CPU).memory("i64.load", STATE.cycles).get(RECORD_AT).memory("i64.load32_u", RECORD.restCycles);
    code.op("i64.add").set(cycles);
  }

  branch(push: () => void): void {
    this.branches = true;
    push();
    this.code.set(this.#context.pc);
  }

  branchIf(condition: () => void, push: () => void): void {
    this.branches = true;
    push();
    this.pushNextPc();
    condition();
    this.code.op("select").set(this.#context.pc);
  }

  keep(): void {
    throw new TypeError("a handler keeps no recipe: it sees one instruction");
  }
  settle(): void {
    this.keep();
  }

  #spill(): void {
    const { code, spill, cycles } = this.#context;
    code.get(CPU).get(RECORD_AT).get(LEFT_NOW).get(cycles).call(spill);
  }

  /** Pushes the address that a slot's constant offset (if any) is added to. */
  #pushSlotBase(slot: number | FieldRef): void {
    this.code.get(CPU);
    if (typeof slot === "number") return;
    this.code.get(RECORD_AT).memory("i32.load16_u", this.#offsets[slot.field]).op("i32.add");
  }
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

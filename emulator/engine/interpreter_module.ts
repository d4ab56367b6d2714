/**
 * Builds an interpreter for some of an ISA's forms: one WebAssembly function, `loop` + `br_table` over their handlers.
 *
 * `run(record, left, lookup) -> status`: executes from `record` on, whose block the caller has paid for
 * (`left` instructions are left after it, `STATE.cycles` includes it). Blocks are paid for when they
 * are entered; what a block has left over is given back when it is left half-way.
 *
 * The vCPU's state area is at an address that the code names. Deno's V8 tests the bounds of each access to memory, but for
 * such an address: a state slot then takes one machine instruction instead of four.
 */
import { STATE } from "../ir/layout.ts";
import type { Isa } from "../isa/isa.ts";
import type { FunctionWriter } from "../wasm/function_writer.ts";
import { ModuleWriter } from "../wasm/module_writer.ts";
import type { Sequence } from "./form_steps.ts";
import { HASH, LOOKUP, writeHashOffset } from "./block_hash.ts";
import {
  CPU,
  follow,
  type HandlerContext,
  LEFT_NOW,
  LOOKUP_AT,
  RECORD_AT,
  wrap,
  writeEnd,
  writeHandler,
  writeNextPc,
  writeRestCount,
} from "./interpreter_handler.ts";
import { EPOCH, HEAD, LINK_EPOCH, LINK_SOUGHT, RECORD, STRUCK, TAIL, UNIT } from "./record.ts";
import { STATE_BYTES } from "./state.ts";

/** Statuses that only compiled code gives, beside the host's. */
export const LEFT = {
  /** The block at `STATE.pc` is not in the hash. */
  miss: 16,
  /** The block at `STATE.pc` has more instructions than are left. */
  budget: 17,
  /** The form of the record at `STATE.record`, whose block is paid for, is another interpreter's; `STATE.left` as `left`. */
  elsewhere: 18,
} as const;

/** Handlers by their numbers in records: those that are no form's, then those of forms. */
export const HANDLER = {
  /** Ends a block that no branch ends: on to the block at the record's next address, nothing executed. */
  fallThrough: 0,
  /** The first form's. */
  forms: 1,
} as const;

/** What an interpreter is made for. */
export interface InterpreterPlan {
  readonly isa: Isa;
  /** Place of the vCPU's state area. */
  readonly cpu: number;
  /** What its handlers execute, and the number of the first one; the others follow. */
  readonly handlers: readonly Sequence[];
  readonly from: number;
}

/** The module, not yet compiled. */
export function interpreterBytes(plan: InterpreterPlan): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter();
  const access = { parameters: ["i32", "i32", "i32", "i32"], results: ["i32"] } as const;
  const load = module.importFunction("host", "load", access);
  const store = module.importFunction("host", "store", access);
  const trap = module.importFunction("host", "trap", { parameters: ["i32", "i32", "i32"], results: ["i32"] });
  const spill = defineSpill(module, plan);
  const { code } = module.define({ parameters: ["i32", "i32", "i32"], results: ["i32"] }, "run");
  nameCpu(code, plan.cpu);
  writeRun(plan, { code, load, store, trap, spill });
  return module.finish(plan.cpu + STATE_BYTES);
}

/** The first local: it is set but once, so V8 takes it for the number that it is. */
function nameCpu(code: FunctionWriter, cpu: number): void {
  if (code.local("i32") !== CPU) throw new TypeError("the address of the state area is not the first local");
  code.i32(cpu).set(CPU);
}

/** `spill(record, left, lookup, cycles)`: makes the state precise as of the record's instruction, it counted in. */
function defineSpill(module: ModuleWriter, { isa, cpu }: InterpreterPlan): number {
  const { index, code } = module.define({ parameters: ["i32", "i32", "i32", "i64"], results: [] });
  const cycles = 3, pc = code.local("i64");
  code.i32(cpu);
  writePc(code, isa);
  code.tee(pc).memory("i64.store", STATE.pc);
  code.i32(cpu);
  writeNextPc(code, isa, () => code.get(pc), () => code.get(RECORD_AT));
  code.memory("i64.store", STATE.nextPc);
  code.i32(cpu).get(LEFT_NOW);
  writeRestCount(code);
  code.op("i32.add").memory("i32.store", STATE.left);
  code.i32(cpu).get(cycles).get(RECORD_AT).memory("i64.load16_u", RECORD.restCycles).op("i64.sub");
  code.memory("i64.store", STATE.cycles);
  code.i32(cpu);
  writeCost(code);
  code.memory("i32.store", STATE.cost);
  code.i32(cpu).get(RECORD_AT).memory("i32.store", STATE.record);
  return index;
}

/** Pushes the address of the instruction of the record at hand. */
function writePc(code: FunctionWriter, isa: Isa): void {
  writeEnd(code);
  code.get(RECORD_AT).memory("i64.load8_u", RECORD.toEnd).op("i64.sub");
  wrap(code, isa);
}

/** Pushes what the instruction of the record at hand costs. */
function writeCost(code: FunctionWriter): void {
  code.get(RECORD_AT).memory("i32.load8_u", RECORD.cost).i32(1).op("i32.shl");
  code.get(LOOKUP_AT).op("i32.add").memory("i32.load16_u", LOOKUP.costs);
}

function writeRun(
  { isa, handlers, from }: InterpreterPlan,
  parts: Pick<HandlerContext, "code" | "load" | "store" | "trap" | "spill">,
): void {
  const { code } = parts;
  const locals = {
    cycles: code.local("i64"),
    pc: code.local("i64"),
    status: code.local("i32"),
    link: code.local("i32"),
  };
  code.get(CPU).memory("i64.load", STATE.cycles).set(locals.cycles);
  const leave = code.block();
  const next = code.loop();
  const enter = code.block();
  const goto = code.block();
  const stale = code.block();
  const fallThrough = code.block();
  const other = code.block();
  const labels = handlers.map(() => code.block());
  // The innermost block is the first handler's: where it ends, that handler's code starts.
  code.get(RECORD_AT).memory("i32.load16_u", RECORD.handler);
  code.i32(from).op("i32.sub").branchTable(labels.toReversed(), other);
  const context = { ...parts, ...locals, isa, leave, next, enter, goto, firstFree: locals.link + 1 };
  for (const forms of handlers) {
    code.end();
    writeHandler(context, forms);
  }
  code.end();
  code.get(RECORD_AT).memory("i32.load16_u", RECORD.handler).op("i32.eqz").branchIf(fallThrough);
  code.get(RECORD_AT).memory("i32.load16_u", RECORD.handler).i32(STRUCK).op("i32.ge_u").branchIf(stale);
  code.get(CPU).get(RECORD_AT).memory("i32.store", STATE.record);
  leaveBetween(context, LEFT.elsewhere);
  code.end();
  follow(context, UNIT + TAIL.next, () => code.get(RECORD_AT).memory("i64.load", UNIT + TAIL.end));
  code.end();
  writeStale(context);
  code.end();
  writeFind(context);
  code.end();
  writeEnter(context);
  code.end();
  code.end();
  code.get(locals.status);
}

/** Gives back this record and the rest of its block, and goes on at its address, which is decoded anew. */
function writeStale({ isa, code, cycles, pc, link }: HandlerContext): void {
  code.get(LEFT_NOW);
  writeRestCount(code);
  code.op("i32.add").i32(1).op("i32.add").set(LEFT_NOW);
  code.get(cycles).get(RECORD_AT).memory("i64.load16_u", RECORD.restCycles).op("i64.sub");
  writeCost(code);
  code.op("i64.extend_i32_u").op("i64.sub").set(cycles);
  writePc(code, isa);
  code.set(pc);
  code.i32(0).set(link);
}

/** Finds the block at the address in `pc`, and notes it in the link that asked, if one did. */
function writeFind({ isa, code, pc, link, cycles, status, leave }: HandlerContext): void {
  const entry = code.local("i32"), linear = code.local("i64");
  code.get(pc);
  if (isa.codeBase !== undefined) code.get(CPU).memory("i64.load", isa.codeBase).op("i64.add");
  code.tee(linear).op("i32.wrap_i64");
  writeHashOffset(code, () => void code.get(LOOKUP_AT).memory("i32.load", LOOKUP.shift));
  code.get(LOOKUP_AT).op("i32.add").tee(entry);
  code.memory("i64.load", LOOKUP.entries + HASH.tag).get(linear);
  if (isa.codeBase !== undefined) {
    code.get(CPU).memory("i64.load", isa.codeBase).i64(32n).op("i64.shl").op("i64.xor");
  }
  code.op("i64.ne");
  code.if();
  code.get(CPU).get(pc).memory("i64.store", STATE.pc);
  code.get(CPU).get(link).memory("i32.store", LINK_SOUGHT);
  leaveBetween({ code, cycles, status, leave }, LEFT.miss);
  code.end();
  code.get(entry).memory("i32.load", LOOKUP.entries + HASH.record).set(RECORD_AT);
  code.get(link);
  code.if();
  code.get(link).get(RECORD_AT).memory("i32.store");
  code.get(link).get(CPU).memory("i32.load", EPOCH).memory("i32.store", LINK_EPOCH);
  code.end();
  code.release(entry, "i32");
  code.release(linear, "i64");
}

/** Pays for the block whose head is at `RECORD_AT` and executes it, if what is left covers it. */
function writeEnter({ isa, code, cycles, status, leave, next }: HandlerContext): void {
  const left = code.local("i32");
  code.get(LEFT_NOW).get(RECORD_AT).memory("i32.load8_u", HEAD.count).op("i32.sub").tee(left);
  code.i32(0).op("i32.lt_s");
  code.if();
  code.get(RECORD_AT).i32(HEAD.size).op("i32.add").set(RECORD_AT);
  code.get(CPU);
  writePc(code, isa);
  code.memory("i64.store", STATE.pc);
  leaveBetween({ code, cycles, status, leave }, LEFT.budget);
  code.end();
  code.get(left).set(LEFT_NOW);
  code.get(cycles).get(RECORD_AT).memory("i64.load32_u", HEAD.cycles).op("i64.add").set(cycles);
  code.get(RECORD_AT).i32(HEAD.size).op("i32.add").set(RECORD_AT);
  code.branch(next);
  code.release(left, "i32");
}

function leaveBetween(
  { code, cycles, status, leave }: Pick<HandlerContext, "code" | "cycles" | "status" | "leave">,
  why: number,
): void {
  code.get(CPU).get(LEFT_NOW).memory("i32.store", STATE.left);
  code.get(CPU).get(cycles).memory("i64.store", STATE.cycles);
  code.i32(why).set(status).branch(leave);
}

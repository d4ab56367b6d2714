/**
 * String instructions. SDM vol. 2A and 2B, by mnemonic, and REP/REPE/REPNE.
 *
 * With a repeat prefix one execution is one iteration: it counts rCX down and branches to itself until rCX is 0
 * (or, for REPE and REPNE, ZF is not what the prefix asks for). So interrupts, budgets and exits come between
 * iterations, as the manual has it.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { FLAG } from "../flag_bits.ts";
import { subFlags } from "../flags.ts";
import { type Operand, writeRegister } from "../operand.ts";
import type { Definition, Instance } from "../record.ts";
import { isChecked } from "../variant.ts";
import { EFLAGS_REST, RAX, RCX, RDI, RDX, RSI } from "../slots.ts";

/** Moves an index register by an element, down if DF. */
function advance<V extends Value>(b: Ops<V>, { mode, address }: Instance, slot: number, width: number): void {
  const down = b.ne(b.and(b.read(EFLAGS_REST, 16), b.constant(16, FLAG.DF)), b.constant(16, 0));
  const step = b.select(down, b.constant(address, -width / 8), b.constant(address, width / 8));
  writeRegister(b, mode, slot, b.add(b.read(slot, address), step));
}

/** Fewer iterations than this are not worth a trap. */
const WORTH = 16;
/** Kinds of the trap `repeat`: see traps.ts. */
type Bulk = 0 | 1 | 2 | 3 | 4;

/**
 * Offers the machine to do iterations before this one, all at once: those after which the loop goes on for sure. The
 * trap counts them and moves the registers by them. Not where offsets are checked against limits.
 */
function offer<V extends Value>(
  b: Ops<V>,
  bulk: Bulk,
  operands: readonly Operand<V>[],
  instance: Instance,
): void {
  const { address, repeat, variant } = instance;
  if (isChecked(variant)) return;
  b.when(b.ltu(b.constant(address, WORTH), b.read(RCX, address)), () => {
    // Looked at afresh: the iteration behind this one is elsewhere.
    const places = operands.map((operand) => operand.displaced(b, b.constant(address, 0)).address(b));
    const numbers = [bulk, operands[0].width / 8, address, repeat === "f3" ? 1 : 0];
    b.trap("repeat", [...numbers.map((n) => b.constant(32, n)), ...places]);
  });
}

type Once = <V extends Value>(b: Ops<V>, operands: readonly Operand<V>[], instance: Instance) => V | void;

/** Runs `once`, or an iteration of it; its result (width 1) says whether the last comparison was equal. */
function iterate<V extends Value>(
  b: Ops<V>,
  operands: readonly Operand<V>[],
  instance: Instance,
  { once, bulk }: Pick<Shared, "once" | "bulk">,
): void {
  const { mode, address, repeat } = instance;
  if (repeat === undefined) {
    once(b, operands, instance);
    return;
  }
  if (bulk !== undefined) offer(b, bulk, operands, instance);
  const count = b.read(RCX, address);
  b.when(b.ne(count, b.constant(address, 0)), () => {
    const equal = once(b, operands, instance);
    const left = b.sub(count, b.constant(address, 1)), more = b.ne(left, b.constant(address, 0));
    writeRegister(b, mode, RCX, left);
    const wanted = equal === undefined || repeat === "f3" ? equal : b.not(equal);
    b.branchIf(wanted === undefined ? more : b.and(more, wanted), b.pc());
  });
}

interface Shared {
  readonly name: string;
  /** Opcode of the byte form; the other one is the next. */
  readonly opcode: number;
  readonly operands: string;
  readonly repeats: "rep" | "repe";
  /** Largest element: INS and OUTS have no 64-bit form. */
  readonly attributes?: string;
  readonly once: Once;
  readonly bulk?: Bulk;
  readonly examples: readonly (readonly string[])[];
}

/** The byte form and the one of operand size. */
function pair(shared: Shared): readonly [Definition, Definition] {
  const { name, opcode, operands, repeats, attributes = "" } = shared;
  const make = (wide: 0 | 1): Definition => {
    const key = (opcode + wide).toString(16), value = operands.replaceAll("?", wide ? "v" : "b");
    const text = wide ? `${value};${attributes}` : value;
    return {
      mnemonic: wide ? name : `${name}b`,
      encodings: { [key]: text, [`f3 ${key}`]: text, [`f2 ${key}`]: text },
      sized: wide ? "suffix" : undefined,
      addressed: true,
      repeats,
      memory: operands.startsWith("Y") ? "store" : undefined,
      cycleClass: attributes === "" ? "alu" : "io",
      semantics: (b, given, instance) => iterate(b, given, instance, shared),
      examples: shared.examples[wide],
    };
  };
  return [make(0), make(1)];
}

/** MOVS: [ES:rDI] <- [DS:rSI]. */
export const [movsb, movs] = pair({
  name: "movs",
  opcode: 0xa4,
  operands: "Y?,X?",
  repeats: "rep",
  bulk: 0,
  once(b, [to, from], instance) {
    to.write(b, from.read(b));
    advance(b, instance, RSI, to.width);
    advance(b, instance, RDI, to.width);
  },
  examples: [[
    "a4 | movsb | esi=2000 edi=3000 b[2000]=7 => b[3000]=7 esi=2001 edi=3001",
    "f3 a4 | rep movsb | pc=1000 ecx=2 esi=2000 edi=3000 b[2000]=7 => b[3000]=7 ecx=1 pc=1000",
    "f3 a4 | rep movsb | pc=1000 ecx=1 => ecx=0 pc=1002",
    "f3 a4 | rep movsb | pc=1000 ecx=0 esi=5 => ecx=0 esi=5 pc=1002",
    "26 a4 | es movsb | esi=1 edi=2 es_base=4000 b[4001]=9 => b[4002]=9 | 16",
    "67 a4 | a32 movsb | rsi=ffffffff00002000 rdi=3000 b[2000]=7 => b[3000]=7 rsi=2001 | 64",
  ], [
    "48 a5 | movsq | rsi=2000 rdi=3000 q[2000]=123456789 => q[3000]=123456789 rsi=2008 rdi=3008 | 64",
    "a5 | movsd | esi=2000 edi=3000 d[2000]=5 eflags=402 => d[3000]=5 esi=1ffc edi=2ffc | 32",
    "a5 | movsw | esi=ffffffff edi=2 eflags=2 => trap=exception(d,0) | 16",
  ]],
});

/** CMPS: flags of [DS:rSI] - [ES:rDI]. */
export const [cmpsb, cmps] = pair({
  name: "cmps",
  opcode: 0xa6,
  operands: "X?,Y?",
  repeats: "repe",
  bulk: 2,
  once(b, [first, second], instance) {
    const x = first.read(b), y = second.read(b), recipe = subFlags(b, x, y, b.sub(x, y));
    advance(b, instance, RSI, x.width);
    advance(b, instance, RDI, x.width);
    b.flags(recipe);
    return b.eq(x, y);
  },
  examples: [[
    "a6 | cmpsb | esi=2000 edi=3000 b[2000]=1 b[3000]=2 => cf=1 zf=0 esi=2001 edi=3001",
    "f3 a6 | repe cmpsb | pc=1000 ecx=5 esi=2000 edi=3000 => ecx=4 zf=1 pc=1000",
    "f2 a6 | repne cmpsb | pc=1000 ecx=5 esi=2000 edi=3000 => ecx=4 zf=1 pc=1002",
  ], ["a7 | cmpsd | esi=2000 edi=3000 d[2000]=5 => zf=0 esi=2004 | 32"]],
});

/** STOS: [ES:rDI] <- accumulator. */
export const [stosb, stos] = pair({
  name: "stos",
  opcode: 0xaa,
  operands: "Y?",
  repeats: "rep",
  bulk: 1,
  once(b, [to], instance) {
    to.write(b, b.read(RAX, to.width));
    advance(b, instance, RDI, to.width);
  },
  examples: [["aa | stosb | eax=1234 edi=3000 => b[3000]=34 edi=3001"], [
    "f3 48 ab | rep stosq | rax=5 rcx=2 rdi=3000 pc=1000 => q[3000]=5 rdi=3008 rcx=1 pc=1000 | 64",
  ]],
});

/** LODS: accumulator <- [DS:rSI]. */
export const [lodsb, lods] = pair({
  name: "lods",
  opcode: 0xac,
  operands: "X?",
  repeats: "rep",
  bulk: 4,
  once(b, [from], instance) {
    const value = from.read(b);
    writeRegister(b, instance.mode, RAX, value);
    advance(b, instance, RSI, from.width);
  },
  examples: [["ac | lodsb | eax=1234 esi=2000 b[2000]=ff => eax=12ff esi=2001"], [
    "ad | lodsd | rax=ffffffffffffffff rsi=2000 d[2000]=7 => rax=7 rsi=2004 | 64",
  ]],
});

/** SCAS: flags of accumulator - [ES:rDI]. */
export const [scasb, scas] = pair({
  name: "scas",
  opcode: 0xae,
  operands: "Y?",
  repeats: "repe",
  bulk: 3,
  once(b, [where], instance) {
    const y = where.read(b), x = b.read(RAX, where.width), recipe = subFlags(b, x, y, b.sub(x, y));
    advance(b, instance, RDI, x.width);
    b.flags(recipe);
    return b.eq(x, y);
  },
  examples: [[
    "ae | scasb | eax=5 edi=3000 b[3000]=5 => zf=1 edi=3001",
    "f2 ae | repne scasb | pc=1000 eax=0 ecx=ffffffff edi=3000 b[3000]=5 => zf=0 ecx=fffffffe pc=1000",
  ], ["af | scasd | eax=5 edi=3000 d[3000]=6 => zf=0 cf=1 edi=3004 | 32"]],
});

/** The trap of a port access: an iteration of a repeated one tells how many are left, for those who do several at once. */
function port<V extends Value>(
  b: Ops<V>,
  direction: "in" | "out",
  width: number,
  { repeat, address }: Instance,
  value?: V,
): [string, V[]] {
  const args = [b.read(RDX, 16), b.constant(32, width / 8)];
  if (repeat === undefined) return [direction, value === undefined ? args : [...args, value]];
  return [`${direction}s`, [...args, value ?? b.constant(32, 0), b.read(RCX, address)]];
}

/** INS: [ES:rDI] <- port DX. */
export const [insb, ins] = pair({
  name: "ins",
  opcode: 0x6c,
  operands: "Y?",
  repeats: "rep",
  attributes: "max32",
  once(b, [to], instance) {
    // The place is looked at first: a port that has been read cannot be read again.
    to.address(b, "write");
    to.write(b, b.trap(...port(b, "in", to.width, instance), to.width));
    advance(b, instance, RDI, to.width);
  },
  examples: [["6c | insb | edx=10080 edi=3000 result=7 => b[3000]=7 edi=3001 trap=in(80,1)"], [
    "6d | insd | edx=80 edi=3000 result=12345678 => d[3000]=12345678 edi=3004 trap=in(80,4)",
    "f3 6d | rep insd | pc=1000 edx=80 ecx=2 edi=3000 result=7 => d[3000]=7 edi=3004 ecx=1 pc=1000 trap=ins(80,4,0,2)",
  ]],
});

/** OUTS: port DX <- [DS:rSI]. */
export const [outsb, outs] = pair({
  name: "outs",
  opcode: 0x6e,
  operands: "X?",
  repeats: "rep",
  attributes: "max32",
  once(b, [from], instance) {
    const value = from.read(b);
    b.trap(...port(b, "out", from.width, instance, value));
    advance(b, instance, RSI, from.width);
  },
  examples: [["6e | outsb | edx=80 esi=2000 b[2000]=7 => esi=2001 trap=out(80,1,7)"], [
    "6f | outsd | edx=80 esi=2000 d[2000]=7 => esi=2004 trap=out(80,4,7)",
    "f3 66 6f | rep outsw | pc=1000 edx=80 ecx=3 esi=2000 w[2000]=7 => esi=2002 ecx=2 pc=1000 trap=outs(80,2,7,3)",
  ]],
});

/** XLAT: AL <- [DS:rBX + AL]. */
export const xlat: Definition = {
  mnemonic: "xlatb",
  aliases: ["xlat"],
  encodings: { "d7": "Bb" },
  addressed: true,
  cycleClass: "load",
  semantics(b, [table]) {
    b.write(RAX, table.read(b));
  },
  examples: [
    "d7 | xlatb | rbx=2000 rax=1203 b[2003]=7f => rax=127f | 64",
    "d7 | xlatb | ebx=ffff eax=2 ds_base=4000 b[4001]=9 => eax=9 | 16",
  ],
};

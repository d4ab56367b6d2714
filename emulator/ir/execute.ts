/**
 * The oracle: reads a definition by executing it on plain values, one instruction at a time. Slow and
 * obvious, for tests and as an engine of last resort; it checks what the fast readers take for granted
 * (equal widths, shift amounts in range, divisors that are not zero).
 */
import type { StateView } from "./state_view.ts";
import type { AccessOptions, Fields, Ops, Recipe, SlotRef, Value, Width } from "./ops.ts";

/** A value of the oracle: an unsigned number below 2^width. */
export interface Plain extends Value {
  readonly value: bigint;
}

/** The oracle's outside. Each may throw to abandon the instruction. */
export interface ExecuteHost {
  readonly state: StateView;
  /** The `size` bytes at `address` as a number, in the given order. */
  load(address: bigint, size: number, options: AccessOptions): bigint;
  store(address: bigint, size: number, value: bigint, options: AccessOptions): void;
  /** The result of a trap, any bigint where the trap has none. */
  trap(name: string, args: readonly bigint[]): bigint;
}

/** The part of a decoded instruction that its meaning depends on. */
export interface Executable {
  readonly form: { semantics<V extends Value>(b: Ops<V>, f: Fields<V>): void };
  readonly values: readonly (number | bigint)[];
  readonly length: number;
}

const mask = (width: number) => (1n << BigInt(width)) - 1n;

/**
 * Executes one instruction at `pc` and returns the address to go on at (64 bits, not yet wrapped to the
 * ISA's address width). State is written as the definition writes it.
 */
export function execute(instruction: Executable, pc: bigint, host: ExecuteHost): bigint {
  const reader = new ExecuteOps(pc, pc + BigInt(instruction.length), host);
  instruction.form.semantics(reader, {
    slot: (index) => Number(instruction.values[index]),
    value: (index, width) => reader.constant(width, instruction.values[index]),
  });
  return reader.target;
}

class ExecuteOps implements Ops<Plain> {
  target: bigint;
  readonly #pc: bigint;
  readonly #next: bigint;
  readonly #host: ExecuteHost;

  constructor(pc: bigint, next: bigint, host: ExecuteHost) {
    this.#pc = pc;
    this.#next = next;
    this.#host = host;
    this.target = next;
  }

  constant(width: Width, value: number | bigint): Plain {
    return { width, value: BigInt(value) & mask(width) };
  }

  add(a: Plain, b: Plain): Plain {
    return this.#same(a, b, (x, y) => x + y);
  }
  sub(a: Plain, b: Plain): Plain {
    return this.#same(a, b, (x, y) => x - y);
  }
  mul(a: Plain, b: Plain): Plain {
    return this.#same(a, b, (x, y) => x * y);
  }
  mulhu(a: Plain, b: Plain): Plain {
    wide(a);
    return this.#same(a, b, (x, y) => (x * y) >> BigInt(a.width));
  }
  mulhs(a: Plain, b: Plain): Plain {
    wide(a);
    return this.#same(a, b, () => (signed(a) * signed(b)) >> BigInt(a.width));
  }
  divu(a: Plain, b: Plain): Plain {
    return this.#divide(a, b, (x, y) => x / y);
  }
  divs(a: Plain, b: Plain): Plain {
    return this.#divide(a, b, () => signed(a) / signed(b));
  }
  remu(a: Plain, b: Plain): Plain {
    return this.#divide(a, b, (x, y) => x % y);
  }
  rems(a: Plain, b: Plain): Plain {
    return this.#divide(a, b, () => signed(a) % signed(b));
  }

  and(a: Plain, b: Plain): Plain {
    return this.#same(a, b, (x, y) => x & y);
  }
  or(a: Plain, b: Plain): Plain {
    return this.#same(a, b, (x, y) => x | y);
  }
  xor(a: Plain, b: Plain): Plain {
    return this.#same(a, b, (x, y) => x ^ y);
  }
  not(a: Plain): Plain {
    return this.constant(a.width, ~a.value);
  }
  neg(a: Plain): Plain {
    return this.constant(a.width, -a.value);
  }

  shl(a: Plain, n: Plain): Plain {
    return this.constant(a.width, a.value << amount(a, n));
  }
  shr(a: Plain, n: Plain): Plain {
    return this.constant(a.width, a.value >> amount(a, n));
  }
  sar(a: Plain, n: Plain): Plain {
    return this.constant(a.width, signed(a) >> amount(a, n));
  }
  rotl(a: Plain, n: Plain): Plain {
    wide(a);
    sameWidth(a, n);
    const by = n.value % BigInt(a.width);
    return this.constant(a.width, (a.value << by) | (a.value >> (BigInt(a.width) - by)));
  }
  rotr(a: Plain, n: Plain): Plain {
    return this.rotl(a, this.neg(n));
  }

  clz(a: Plain): Plain {
    wide(a);
    const bits = a.value === 0n ? 0 : a.value.toString(2).length;
    return this.constant(a.width, a.width - bits);
  }
  ctz(a: Plain): Plain {
    wide(a);
    const text = a.value.toString(2);
    return this.constant(a.width, a.value === 0n ? a.width : text.length - 1 - text.lastIndexOf("1"));
  }
  popcnt(a: Plain): Plain {
    wide(a);
    return this.constant(a.width, a.value.toString(2).replaceAll("0", "").length);
  }

  eq(a: Plain, b: Plain): Plain {
    return this.#compare(a, b, a.value === b.value);
  }
  ne(a: Plain, b: Plain): Plain {
    return this.#compare(a, b, a.value !== b.value);
  }
  ltu(a: Plain, b: Plain): Plain {
    return this.#compare(a, b, a.value < b.value);
  }
  leu(a: Plain, b: Plain): Plain {
    return this.#compare(a, b, a.value <= b.value);
  }
  lts(a: Plain, b: Plain): Plain {
    return this.#compare(a, b, signed(a) < signed(b));
  }
  les(a: Plain, b: Plain): Plain {
    return this.#compare(a, b, signed(a) <= signed(b));
  }
  select(condition: Plain, a: Plain, b: Plain): Plain {
    truth(condition);
    sameWidth(a, b);
    return condition.value === 1n ? a : b;
  }

  zext(a: Plain, width: Width): Plain {
    if (width < a.width) throw new TypeError(`zext from ${a.width} to ${width} bits narrows; use trunc`);
    return { width, value: a.value };
  }
  sext(a: Plain, width: Width): Plain {
    if (width < a.width) throw new TypeError(`sext from ${a.width} to ${width} bits narrows; use trunc`);
    return this.constant(width, signed(a));
  }
  trunc(a: Plain, width: Width): Plain {
    if (width > a.width) {
      throw new TypeError(`trunc from ${a.width} to ${width} bits widens; use zext or sext`);
    }
    return this.constant(width, a.value);
  }

  read(slot: SlotRef, width: Width): Plain {
    const offset = bound(slot);
    const inSlot = this.#host.state.get64(offset & ~7) >> BigInt((offset & 7) * 8);
    return this.constant(width, inSlot);
  }
  write(slot: SlotRef, value: Plain): void {
    const offset = bound(slot);
    const width = value.width === 1 ? 8 : value.width;
    const shift = BigInt((offset & 7) * 8);
    const old = this.#host.state.get64(offset & ~7);
    const hole = old & ~(mask(width) << shift);
    this.#host.state.set64(offset & ~7, (hole | (value.value << shift)) & mask(64));
  }

  pc(): Plain {
    return this.constant(64, this.#pc);
  }
  nextPc(): Plain {
    return this.constant(64, this.#next);
  }

  load(address: Plain, width: Width, options: AccessOptions = {}): Plain {
    return this.constant(width, this.#host.load(address.value, width / 8, options));
  }
  store(address: Plain, value: Plain, options: AccessOptions = {}): void {
    this.#host.store(address.value, value.width / 8, value.value, options);
  }

  branch(target: Plain): void {
    if (target.width !== 64) throw new TypeError(`branch target has ${target.width} bits, not 64`);
    this.target = target.value;
  }
  branchIf(condition: Plain, target: Plain): void {
    truth(condition);
    if (condition.value === 1n) this.branch(target);
  }
  when(condition: Plain, then: () => void): void {
    truth(condition);
    if (condition.value === 1n) then();
  }

  raise(name: string, args: readonly Plain[]): void {
    this.trap(name, args);
  }
  trap(name: string, args: readonly Plain[], resultWidth: Width): Plain;
  trap(name: string, args: readonly Plain[]): void;
  trap(name: string, args: readonly Plain[], resultWidth?: Width): Plain | void {
    const result = this.#host.trap(name, args.map((arg) => arg.value));
    if (resultWidth !== undefined) return this.constant(resultWidth, result);
  }

  flags(recipe: Recipe<Plain>): void {
    for (const [slot, value] of recipe.writes) this.write(slot, value);
  }
  condition(_name: string, otherwise: () => Plain): Plain {
    return otherwise();
  }

  #same(a: Plain, b: Plain, f: (x: bigint, y: bigint) => bigint): Plain {
    sameWidth(a, b);
    return this.constant(a.width, f(a.value, b.value));
  }
  #divide(a: Plain, b: Plain, f: (x: bigint, y: bigint) => bigint): Plain {
    wide(a);
    if (b.value === 0n) throw new TypeError("division by zero: the definition has to rule it out");
    return this.#same(a, b, f);
  }
  #compare(a: Plain, b: Plain, holds: boolean): Plain {
    sameWidth(a, b);
    return this.constant(1, holds ? 1 : 0);
  }
}

function signed(a: Plain): bigint {
  return BigInt.asIntN(a.width, a.value);
}

function sameWidth(a: Plain, b: Plain): void {
  if (a.width !== b.width) throw new TypeError(`operands of ${a.width} and ${b.width} bits`);
}

function wide(a: Plain): void {
  if (a.width !== 32 && a.width !== 64) throw new TypeError(`operand of ${a.width} bits, not 32 or 64`);
}

function truth(a: Plain): void {
  if (a.width !== 1) throw new TypeError(`condition of ${a.width} bits, not 1`);
}

function amount(a: Plain, n: Plain): bigint {
  sameWidth(a, n);
  const limit = a.width === 64 ? 64n : 32n;
  if (n.value >= limit) throw new TypeError(`shift of ${a.width} bits by ${n.value}, not below ${limit}`);
  return n.value;
}

function bound(slot: SlotRef): number {
  if (typeof slot !== "number") throw new TypeError("the oracle binds every field to a number");
  return slot;
}

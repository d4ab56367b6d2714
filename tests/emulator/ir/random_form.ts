/** Random definitions over every operation of `Ops`: the same seed gives the same definition. */
import type { Form } from "../../../emulator/isa/isa.ts";
import type { Fields, Ops, SlotRef, Value, Width } from "../../../emulator/ir/ops.ts";
import type { Random } from "../../support/random.ts";
import { FLAG_SLOTS, MEMORY_AT, SLOTS } from "./toy_machine.ts";

const WIDTHS = [1, 8, 16, 32, 64] as const;
const WIDE = [32, 64] as const;
const RING = ["add", "sub", "mul", "and", "or", "xor"] as const;
const UNARY = ["not", "neg"] as const;
const SHIFTS = ["shl", "shr", "sar"] as const;
const ROTATES = ["rotl", "rotr"] as const;
const COUNTS = ["clz", "ctz", "popcnt"] as const;
const HIGH = ["mulhu", "mulhs"] as const;
const DIVISIONS = ["divu", "divs", "remu", "rems"] as const;
const COMPARES = ["eq", "ne", "ltu", "leu", "lts", "les"] as const;
const CONDITIONS = ["z", "l", "b"] as const;

/** Values made so far, by width; a reader's own. */
type Pool<V> = Record<Width, V[]>;

/** One thing that a definition does, chosen before any reader sees it. */
type Act = <V extends Value>(b: Ops<V>, f: Fields<V>, pool: Pool<V>) => void;

const EDGES = [0n, 1n, -1n, 0x80n, 0x7fffn, 0x8000n, 0x7fff_ffffn, 0x8000_0000n, 1n << 63n];

/** Picks a value of a width by a number that is fixed when the definition is made. */
function at<V>(pool: Pool<V>, width: Width, pick: number): V {
  const values = pool[width];
  return values[values.length - 1 - pick % Math.min(values.length, 8)];
}

function randomAct(random: Random, depth: number): Act {
  const [p, q, r] = [random.u32(), random.u32(), random.u32()];
  const width: Width = random.pick(WIDTHS), narrow: Width = random.pick([8, 16, 32, 64] as const);
  const wide = random.pick(WIDE);
  // Flags' slots often, so that a recipe is overwritten in part and in whole.
  const slot = random.below(3) === 0 ? random.pick(FLAG_SLOTS) : 8 * random.below(SLOTS) + 128;
  const part = slot + (narrow === 8 ? random.below(8) : narrow === 16 ? 2 * random.below(4) : 0);
  const order = random.pick(["le", "be"] as const);
  switch (random.below(22)) {
    case 0: {
      const value = random.below(2) === 0 ? random.pick(EDGES) : random.u64();
      return (b, _f, pool) => pool[width].push(b.constant(width, value));
    }
    case 1:
    case 2: {
      const name = random.pick(RING);
      return (b, _f, pool) => pool[width].push(b[name](at(pool, width, p), at(pool, width, q)));
    }
    case 3: {
      const name = random.pick(UNARY);
      return (b, _f, pool) => pool[width].push(b[name](at(pool, width, p)));
    }
    case 4: {
      const name = random.pick(SHIFTS);
      return (b, _f, pool) => {
        const amount = b.and(at(pool, narrow, q), b.constant(narrow, narrow === 64 ? 63 : 31));
        pool[narrow].push(b[name](at(pool, narrow, p), amount));
      };
    }
    case 5: {
      const name = random.pick(ROTATES);
      return (b, _f, pool) => pool[wide].push(b[name](at(pool, wide, p), at(pool, wide, q)));
    }
    case 6: {
      const name = random.pick(COUNTS);
      return (b, _f, pool) => pool[wide].push(b[name](at(pool, wide, p)));
    }
    case 7: {
      const name = random.pick(HIGH);
      return (b, _f, pool) => pool[wide].push(b[name](at(pool, wide, p), at(pool, wide, q)));
    }
    case 8: {
      const name = random.pick(DIVISIONS);
      return (b, _f, pool) => {
        // Odd and positive: neither zero nor -1.
        const odd = b.or(at(pool, wide, q), b.constant(wide, 1));
        const divisor = b.and(odd, b.shr(b.constant(wide, -1), b.constant(wide, 1)));
        pool[wide].push(b[name](at(pool, wide, p), divisor));
      };
    }
    case 9: {
      const name = random.pick(COMPARES);
      return (b, _f, pool) => pool[1].push(b[name](at(pool, width, p), at(pool, width, q)));
    }
    case 10:
      return (b, _f, pool) =>
        pool[width].push(b.select(at(pool, 1, p), at(pool, width, q), at(pool, width, r)));
    case 11: {
      const to = random.pick(WIDTHS.filter((one) => one >= width));
      const name = random.pick(["zext", "sext"] as const);
      return (b, _f, pool) => pool[to].push(b[name](at(pool, width, p), to));
    }
    case 12: {
      const to = random.pick(WIDTHS.filter((one) => one <= width));
      return (b, _f, pool) => pool[to].push(b.trunc(at(pool, width, p), to));
    }
    case 13: {
      // Through a field as often as at a fixed place; parts of slots too.
      const field = random.below(3);
      return (b, f, pool) => {
        const ref: SlotRef = field < 2 ? f.slot(field) : part;
        pool[narrow].push(b.read(ref, narrow));
      };
    }
    case 14: {
      const field = random.below(4);
      return (b, f, pool) => b.write(field < 2 ? f.slot(field) : part, at(pool, narrow, p));
    }
    case 15: {
      const far = random.below(6) === 0, store = random.below(2) === 0, forWrite = random.below(4) === 0;
      return (b, _f, pool) => {
        const inside = b.and(at(pool, wide, p), b.constant(wide, 0x3fff));
        const address = far ? at(pool, wide, p) : b.add(inside, b.constant(wide, MEMORY_AT));
        if (store) b.store(address, at(pool, narrow, q), { order });
        else pool[narrow].push(b.load(address, narrow, { order, forWrite }));
      };
    }
    case 16:
    case 17:
    case 18:
    case 19: {
      const operands = random.pick([8, 16, 32, 64] as const);
      const name = random.pick(CONDITIONS);
      const commit = random.below(2) === 0;
      return (b, _f, pool) => {
        if (commit) commitFlags(b, at(pool, operands, p), at(pool, operands, q));
        else pool[1].push(condition(b, name));
      };
    }
    default: {
      if (depth === 2) return (b, _f, pool) => pool[64].push(p & 1 ? b.pc() : b.nextPc());
      if (random.below(4) === 0) {
        return (b, _f, pool) =>
          pool[narrow].push(b.trap("mix", [at(pool, narrow, p), at(pool, 64, q)], narrow));
      }
      const inner = Array.from({ length: 1 + random.below(5) }, () => randomAct(random, depth + 1));
      return (b, f, pool) =>
        b.when(at(pool, 1, p), () => {
          const own = {
            1: [...pool[1]],
            8: [...pool[8]],
            16: [...pool[16]],
            32: [...pool[32]],
            64: [...pool[64]],
          };
          for (const act of inner) act(b, f, own);
        });
    }
  }
}

/** Flags as two operands: what a condition says of them is the same from the recipe and from the slots. */
function commitFlags<V extends Value>(b: Ops<V>, x: V, y: V): void {
  b.flags({
    writes: [[FLAG_SLOTS[0], b.sext(x, 64)], [FLAG_SLOTS[1], b.sext(y, 64)]],
    conditions: { z: () => b.eq(x, y), l: () => b.lts(x, y), b: () => b.ltu(x, y) },
    operands: [x, y],
  });
}

function condition<V extends Value>(b: Ops<V>, name: (typeof CONDITIONS)[number]): V {
  const compare = ({ z: "eq", l: "lts", b: "ltu" } as const)[name];
  return b.condition(name, () => b[compare](b.read(FLAG_SLOTS[0], 64), b.read(FLAG_SLOTS[1], 64)));
}

/**
 * A form with two slot fields, a 32-bit one and a 64-bit one. One that branches goes to the address in the
 * 64-bit field, on a condition or always.
 */
export function randomForm(name: string, random: Random, branches: boolean): Form {
  const acts = Array.from({ length: 6 + random.below(14) }, () => randomAct(random, 0));
  const how = random.below(3), pick = random.u32();
  const write = random.below(SLOTS);
  return {
    name,
    fields: ["slot", "slot", "i32", "i64"],
    endsBlock: branches,
    cycleClass: "toy",
    semantics(b, f) {
      const pool: Pool<typeof value32> = { 1: [], 8: [], 16: [], 32: [], 64: [] };
      const value32 = f.value(2, 32);
      pool[32].push(value32, b.read(f.slot(0), 32));
      pool[64].push(f.value(3, 64), f.value(2, 64), b.read(f.slot(1), 64));
      pool[16].push(b.read(f.slot(0), 16), f.value(2, 16));
      pool[8].push(b.read(f.slot(1), 8), f.value(2, 8));
      pool[1].push(b.eq(pool[8][0], pool[8][1]), b.constant(1, 1));
      for (const act of acts) act(b, f, pool);
      // Whatever was computed last is seen.
      const last = ([1, 8, 16, 32, 64] as const).map((width) => b.zext(at(pool, width, 0), 64));
      b.write(128 + 8 * write, last.reduce((x, y) => b.add(b.rotl(x, b.constant(64, 7)), y)));
      if (!branches) return;
      const taken = at(pool, 1, pick);
      if (how === 0) b.branch(f.value(3, 64));
      else if (how === 1) b.branchIf(taken, f.value(3, 64));
      else b.branch(b.select(taken, f.value(3, 64), b.nextPc()));
    },
  };
}

/**
 * Flag recipes: a condition taken directly from the operands is what the stored flags say, for every recipe,
 * width and condition that has a shortcut.
 */
import { assert, assertEquals } from "@std/assert";
import { execute } from "../../../emulator/ir/execute.ts";
import type { Ops, Recipe, Value } from "../../../emulator/ir/ops.ts";
import * as flags from "../../../emulator/x86/flags.ts";
import { setFlags } from "../../../emulator/x86/flag_bits.ts";
import { createState } from "../../support/named_state.ts";
import { random } from "./samples.ts";

type Make = <V extends Value>(b: Ops<V>, x: V, y: V) => Recipe<V>;

const one = <V extends Value>(b: Ops<V>, x: V) => b.constant(x.width, 1);

const RECIPES: Readonly<Record<string, Make>> = {
  add: (b, x, y) => flags.addFlags(b, x, y, b.add(x, y)),
  sub: (b, x, y) => flags.subFlags(b, x, y, b.sub(x, y)),
  adc: (b, x, y) => flags.adcFlags(b, x, y, b.add(b.add(x, y), one(b, x))),
  sbb: (b, x, y) => flags.sbbFlags(b, x, y, b.sub(b.sub(x, y), one(b, x))),
  logic: (b, x, y) => flags.logicFlags(b, b.and(x, y)),
  inc: (b, x) => flags.incFlags(b, x, b.add(x, one(b, x))),
  dec: (b, x) => flags.decFlags(b, x, b.sub(x, one(b, x))),
  shift: (b, x, y) => flags.shiftFlags(b, b.and(x, y), flags.topBits(b, x)),
};

/** Condition names and the codes that ask for them. */
const CODES: Readonly<Record<string, number>> = { o: 0, b: 2, z: 4, be: 6, s: 8, p: 10, l: 12, le: 14 };

const EDGES = [
  0n,
  1n,
  2n,
  -1n,
  -2n,
  0x7fn,
  0x80n,
  0x81n,
  0x7fffn,
  0x8000n,
  0x7fffffffn,
  0x80000000n,
  1n << 63n,
  (1n << 63n) - 1n,
];

for (const [name, make] of Object.entries(RECIPES)) {
  Deno.test(`conditions of the ${name} recipe are those of the flags that it stores`, () => {
    const next = random(name.length * 1001);
    const operands: (readonly [bigint, bigint])[] = EDGES.flatMap((x) => EDGES.map((y) => [x, y] as const));
    for (let i = 0; i < 100; i++) operands.push([BigInt(next()), BigInt(next()) << 30n]);
    let compared = 0;
    for (const width of [8, 16, 32, 64] as const) {
      for (const [x, y] of operands) {
        const state = createState();
        setFlags(state, BigInt(next() & 1));
        const semantics = <V extends Value>(b: Ops<V>) => {
          const recipe = make(b, b.constant(width, x), b.constant(width, y));
          // Read after the commit, as a following branch would; INC and DEC have then changed what they read.
          b.flags(recipe);
          Object.entries(recipe.conditions ?? {}).forEach(([condition, direct], i) => {
            b.write(1024 + 8 * i, b.zext(direct(), 8));
            b.write(1280 + 8 * i, b.zext(flags.cond(b, CODES[condition]), 8));
            names.push(condition);
          });
          const { writes, again } = recipe;
          const remade = again?.make(b, again.from.map((value) => b.trunc(b.zext(value, 64), value.width)));
          assertEquals(remade?.writes.map(([slot, value]) => [slot, value]) ?? writes, writes);
        };
        const names: string[] = [];
        execute({ form: { semantics }, values: [], length: 1 }, 0n, {
          state,
          load: () => 0n,
          store: () => {},
          trap: () => 0n,
        });
        names.forEach((condition, i) => {
          compared++;
          assertEquals(
            state.get8(1024 + 8 * i),
            state.get8(1280 + 8 * i),
            `${condition} of ${x}, ${y}, ${width} bits`,
          );
        });
      }
    }
    assert(compared > 1000);
  });
}

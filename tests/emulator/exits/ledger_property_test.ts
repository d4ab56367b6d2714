/** The ledger against a model that keeps every exit and sums them one by one. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Direction } from "../../../emulator/engine/native_reason.ts";
import { Ledger, OTHER_KEYS } from "../../../emulator/exits/ledger.ts";
import type { CostProfile } from "../../../emulator/exits/profile.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { NATIVES, site } from "./fixtures.ts";

type HandledIn = "kernel" | "userspace";
type Op =
  | { do: "charge"; native: number; key: number; direction: Direction; size: number; handledIn: HandledIn }
  | { do: "again"; direction: Direction; size: number; handledIn: HandledIn }
  | { do: "device"; cycles: number }
  | { do: "look" };

const access = {
  direction: fc.constantFrom<Direction>("in", "out", "none"),
  size: fc.constantFrom(0, 1, 2, 4, 8, 16),
  handledIn: fc.constantFrom<HandledIn>("kernel", "userspace"),
};
const key = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom(2 ** 32, Number.MAX_SAFE_INTEGER));
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("charge"), native: fc.nat(NATIVES.length - 1), key, ...access }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("again"), ...access }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("device"), cycles: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("look") }) },
) as fc.Arbitrary<Op>;

interface ModelExit {
  native: number;
  key: number;
  direction: Direction;
  handledIn: HandledIn;
  accesses: number;
  returns: number;
  cycles: number;
}

/** Runs `ops` on a ledger and on the model; returns what `charge` and `accessAgain` answered, summed. */
function run(
  ops: readonly Op[],
  ledger: Ledger,
  profile: CostProfile,
): { exits: ModelExit[]; answered: number } {
  const exits: ModelExit[] = [];
  let answered = 0;
  for (const step of ops) {
    const last = exits.at(-1);
    if (step.do === "charge") {
      const native = NATIVES[step.native];
      answered += ledger.charge(native, step.key, step.direction, step.size, step.handledIn, site());
      const cycles = profile.stagesFor(native.reason, step.direction, step.handledIn).total;
      exits.push({ ...step, accesses: 1, returns: step.handledIn === "userspace" ? 1 : 0, cycles });
    } else if (step.do === "look") {
      ledger.aggregates();
    } else if (last === undefined) {
      continue;
    } else if (step.do === "again") {
      answered += ledger.accessAgain(0, step.direction, step.size, step.handledIn, site());
      const { dispatch, userspace } = profile.stagesFor(
        NATIVES[last.native].reason,
        step.direction,
        step.handledIn,
      );
      last.cycles += dispatch + userspace;
      last.accesses++;
      if (step.handledIn === "userspace") last.returns++;
    } else {
      ledger.chargeDevice(step.cycles);
      answered += step.cycles;
      last.cycles += step.cycles;
    }
  }
  return { exits, answered };
}

const sum = <T>(list: readonly T[], of: (item: T) => number) => list.reduce((all, item) => all + of(item), 0);
const profile = loadProfile("pci-testdev");
const RUNS = { numRuns: 150, seed: 1 };

Deno.test("aggregates, rows and totals equal the sum of the exits", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
      const ledger = new Ledger(profile, { record: true });
      const { exits, answered } = run(ops, ledger, profile);
      const { count, accesses, returns, cycles, sizes, min, max } = ledger.totals();
      assertEquals([count, accesses, returns, cycles.total], [
        exits.length,
        sum(exits, (e) => e.accesses),
        sum(exits, (e) => e.returns),
        sum(exits, (e) => e.cycles),
      ]);
      assertEquals([ledger.count, ledger.cycles, answered], [count, cycles.total, cycles.total]);
      assertEquals(sizes[1] + sizes[2] + sizes[4] + sizes[8] + sizes.other, accesses);
      assertEquals(
        cycles.worldSwitch + cycles.dispatch + cycles.decode + cycles.userspace + cycles.device,
        cycles.total,
      );
      if (count > 0) {
        assertEquals([min, max], [
          Math.min(...exits.map((e) => e.cycles)),
          Math.max(...exits.map((e) => e.cycles)),
        ]);
      }
      assertEquals(ledger.rows.map((row) => [row.key, row.accesses, row.returns, row.cycles.total]), [
        ...exits.map((e) => [e.key, e.accesses, e.returns, e.cycles]),
      ]);
      for (const stage of ["worldSwitch", "dispatch", "decode", "userspace", "device", "total"] as const) {
        assertEquals(sum(ledger.rows, (row) => row.cycles[stage]), cycles[stage]);
      }
      for (const one of ledger.aggregates()) {
        const own = exits.filter((e) =>
          NATIVES[e.native] === one.native && e.key === one.key && e.direction === one.direction &&
          e.handledIn === one.handledIn
        );
        assertEquals([one.count, one.cycles.total, one.min, one.max], [
          own.length,
          sum(own, (e) => e.cycles),
          Math.min(...own.map((e) => e.cycles)),
          Math.max(...own.map((e) => e.cycles)),
        ]);
      }
    }),
    RUNS,
  );
});

Deno.test("few keys and few rows change neither totals nor the number of aggregates beyond its bound", () => {
  const limits = fc.record({ keyLimit: fc.nat(4), rowLimit: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), limits, (ops, { keyLimit, rowLimit }) => {
      const ledger = new Ledger(profile, { record: true, keyLimit, rowLimit });
      const free = new Ledger(profile, { record: true });
      run(ops, ledger, profile);
      run(ops, free, profile);
      assertEquals(ledger.totals(), free.totals());
      assertEquals(ledger.rows, free.rows.slice(-rowLimit));
      assertEquals(ledger.rows.length + ledger.droppedRows, ledger.count);
      for (const native of NATIVES) {
        const own = ledger.aggregates().filter((one) => one.native === native);
        assertEquals(own.filter(({ key }) => key !== OTHER_KEYS).length <= keyLimit, true);
      }
    }),
    RUNS,
  );
});

Deno.test("reprice() gives what charging under the other profile would have given", () => {
  const other = loadProfile("kvm-unit-tests-2012");
  fc.assert(
    fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
      const ledger = new Ledger(profile, { record: true });
      const direct = new Ledger(other, { record: true });
      run(ops, ledger, profile);
      run(ops, direct, other);
      const priced = ledger.reprice(other);
      assertEquals(priced.totals().cycles, direct.totals().cycles);
      assertEquals(priced.rows.map(({ cycles }) => cycles), direct.rows.map(({ cycles }) => cycles));
      const known = priced.aggregates().map((one, i) =>
        one.min === undefined
          ? { ...direct.aggregates()[i], min: undefined, max: undefined }
          : direct.aggregates()[i]
      );
      assertEquals(priced.aggregates(), known);
    }),
    RUNS,
  );
});

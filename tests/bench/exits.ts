/** Exits a second, each handled by a device in TypeScript, with the ledger's aggregates on. */
import type { Device, Vm } from "../../mod.ts";
import { type ExitKind, type ExitLoop, EXITS, expectValue, HYPERCALL, type IsaName } from "./guests/guest.ts";
import { type EngineKind, type Machine, makeVm, Prepared } from "./machines.ts";
import { pick } from "./only.ts";
import { alternate, type Sample } from "./statistics.ts";

export interface ExitRow {
  readonly isa: IsaName;
  readonly kind: ExitKind;
  /** Millions of exits a second. */
  readonly interpreter: Sample;
  readonly region: Sample;
}

const LEAST_MS = 20;
/** 1 + 2 + ... + EXITS, as a 32-bit register holds it. */
const SUM = BigInt.asUintN(32, BigInt(EXITS) * BigInt(EXITS + 1) / 2n);

/** Adds up what is stored, answers loads with 1, 2, 3 ..., counts calls. */
class Counter implements Device {
  readonly name = "counter";
  stores = 0;
  stored = 0;
  loads = 0;
  calls = 0;

  read(): number {
    return ++this.loads;
  }
  write(_offset: number, _size: number, value: number | bigint): void {
    this.stores++;
    this.stored += Number(value);
  }
  reset(): void {
    this.stores =
      this.stored =
      this.loads =
      this.calls =
        0;
  }
}

/** What the handlers have seen after a pass, by kind: all of it, once. */
const CHECKS: Readonly<Record<ExitKind, (counter: Counter, vm: Vm, isa: IsaName) => void>> = {
  "out": checkStores,
  "mmio store": checkStores,
  "in": (counter, vm) => checkLoads(counter, vm, "ebx"),
  "mmio load": (counter, vm, isa) => checkLoads(counter, vm, isa.startsWith("ppc") ? "r3" : "edx"),
  "hypercall": (counter) => expectValue("hypercalls", BigInt(counter.calls), BigInt(EXITS)),
};

function checkStores(counter: Counter): void {
  expectValue("stores", BigInt(counter.stores), BigInt(EXITS));
  expectValue("sum of the stored values", BigInt.asUintN(32, BigInt(counter.stored)), SUM);
}

function checkLoads(counter: Counter, vm: Vm, register: string): void {
  expectValue("loads", BigInt(counter.loads), BigInt(EXITS));
  expectValue("sum of the loaded values", BigInt.asUintN(32, vm.vcpu.registers.get(register)), SUM);
}

class Timed {
  readonly #prepared: Prepared;
  readonly #counter: Counter;
  readonly #kind: ExitKind;
  readonly #isa: IsaName;

  constructor(machine: Machine, kind: ExitKind, engine: EngineKind) {
    const { vm, counter, loops } = exitMachine(machine, engine);
    this.#counter = counter;
    this.#kind = kind;
    this.#isa = machine.isa;
    this.#prepared = new Prepared(vm, loops.find((loop) => loop.name === kind)!);
  }

  /** One timing that does not count, for V8 to compile what is hot. */
  async warm(): Promise<void> {
    await this.#prepared.warm();
    await this.run();
  }

  async run(): Promise<number> {
    const { vm } = this.#prepared;
    vm.exits.reset();
    let passes = 0, elapsed = 0;
    const start = performance.now();
    do {
      this.#counter.reset();
      await this.#prepared.pass();
      passes++;
      elapsed = performance.now() - start;
    } while (elapsed < LEAST_MS);
    this.#check(passes);
    return passes * EXITS / elapsed / 1000;
  }

  #check(passes: number): void {
    const { vm } = this.#prepared;
    CHECKS[this.#kind](this.#counter, vm, this.#isa);
    const { exits } = vm;
    const totals = exits.totals();
    const direction = this.#kind === "hypercall"
      ? "none"
      : this.#kind === "in" || this.#kind === "mmio load"
      ? "in"
      : "out";
    const { reason } = exits.aggregates()[0];
    const price = vm.profile.stagesFor(reason, direction, "userspace").total;
    expectValue("exits in the ledger", BigInt(totals.count), BigInt(passes * EXITS));
    expectValue("accesses in the ledger", BigInt(totals.accesses), BigInt(passes * EXITS));
    expectValue("returns in the ledger", BigInt(totals.returns), BigInt(passes * EXITS));
    expectValue("cycles in the ledger", BigInt(totals.cycles.total), BigInt(passes * EXITS * price));
    expectValue("cycles charged", BigInt(exits.cycles), BigInt(totals.cycles.total));
  }
}

function exitMachine(
  machine: Machine,
  engine: EngineKind,
): { vm: Vm; counter: Counter; loops: readonly ExitLoop[] } {
  const vm = makeVm(machine, engine);
  const counter = new Counter();
  const { window, ports } = vm.devices.add(counter);
  vm.hypercalls.register(HYPERCALL, { name: "counter", call: () => void counter.calls++ });
  return { vm, counter, loops: machine.exitLoops({ window: window.gpa, port: ports?.base ?? 0 }) };
}

export async function measureExits(
  machine: Machine,
  runs: number,
  only?: readonly string[],
): Promise<ExitRow[]> {
  const rows: ExitRow[] = [];
  const { loops } = exitMachine(machine, "interpreter");
  for (const { name } of pick(loops, only, ({ name }) => [name, machine.isa])) {
    const interpreter = new Timed(machine, name, "interpreter");
    const region = new Timed(machine, name, "region");
    await interpreter.warm();
    await region.warm();
    const samples = await alternate(
      { interpreter: () => interpreter.run(), region: () => region.run() },
      runs,
    );
    rows.push({ isa: machine.isa, kind: name, ...samples });
  }
  return rows;
}

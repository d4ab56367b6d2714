/** Guest instructions a second: interpreter and region, the same program, in turn. */
import { checkOutcome, type IsaName, type Workload } from "./guests/guest.ts";
import { type EngineKind, type Machine, makeVm, Prepared } from "./machines.ts";
import { pick } from "./only.ts";
import { alternate, type Sample } from "./statistics.ts";

export interface InstructionRow {
  readonly isa: IsaName;
  readonly workload: string;
  /** Guest instructions of one pass. */
  readonly instructions: number;
  /** Millions of guest instructions a second. */
  readonly interpreter: Sample;
  readonly region: Sample;
}

/** A timing lasts at least this long, so that the clock's grain and the entry do not show. */
const LEAST_MS = 20;

/** Runs passes for `LEAST_MS` and gives instructions a second; then asserts result, counts and cycles. */
export class Timed {
  readonly #prepared: Prepared;
  readonly #workload: Workload;
  instructions = 0;
  cycles = 0;

  constructor(machine: Machine, workload: Workload, engine: EngineKind) {
    this.#prepared = new Prepared(makeVm(machine, engine), workload);
    this.#workload = workload;
  }

  /** One timing that does not count, for V8 to compile what is hot. */
  async warm(): Promise<void> {
    await this.#prepared.warm();
    await this.run();
  }

  async run(): Promise<number> {
    const { vm } = this.#prepared;
    this.#workload.prepare?.(vm);
    const before = vm.vcpu.instructions, cyclesBefore = vm.vcpu.cycles;
    let passes = 0, elapsed = 0;
    const start = performance.now();
    do {
      await this.#prepared.pass();
      passes++;
      elapsed = performance.now() - start;
    } while (elapsed < LEAST_MS);
    const executed = vm.vcpu.instructions - before;
    checkOutcome(vm, this.#workload.outcome);
    if (vm.exits.totals().count !== 0) {
      throw new Error(`${this.#workload.name} made exits, it should make none`);
    }
    this.#same("instructions", executed / passes);
    this.#same("cycles", (vm.vcpu.cycles - cyclesBefore) / passes);
    return executed / elapsed / 1000;
  }

  #same(what: "instructions" | "cycles", perPass: number): void {
    this[what] ||= perPass;
    if (this[what] !== perPass) {
      throw new Error(`${this.#workload.name}: ${perPass} ${what} a pass, ${this[what]} in an earlier one`);
    }
  }
}

export async function measureInstructions(
  machine: Machine,
  runs: number,
  only?: readonly string[],
): Promise<InstructionRow[]> {
  const rows: InstructionRow[] = [];
  for (const workload of pick(machine.workloads, only, ({ name }) => [name, machine.isa])) {
    const interpreter = new Timed(machine, workload, "interpreter");
    const region = new Timed(machine, workload, "region");
    await interpreter.warm();
    await region.warm();
    const samples = await alternate(
      { interpreter: () => interpreter.run(), region: () => region.run() },
      runs,
    );
    for (const what of ["instructions", "cycles"] as const) {
      if (interpreter[what] !== region[what]) {
        throw new Error(
          `${machine.isa} ${workload.name}: ${interpreter[what]} ${what} interpreted, ${
            region[what]
          } in the region`,
        );
      }
    }
    rows.push({
      isa: machine.isa,
      workload: workload.name,
      instructions: interpreter.instructions,
      ...samples,
    });
  }
  return rows;
}

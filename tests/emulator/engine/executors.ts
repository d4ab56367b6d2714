/** Runs one guest program on the oracle, the interpreter and as a region, and holds that they do the same. */
import { assertEquals } from "@std/assert";
import type { RegionPolicy } from "../../../emulator/engine/hot_code.ts";
import { snapshot } from "../../../emulator/exits/snapshot.ts";
import type { RunOptions } from "../../../emulator/machine/run.ts";
import type { Stop } from "../../../emulator/machine/stop.ts";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";

/**
 * `forced` compiles all that is entered, before it is entered; `interpreter` nothing; `settled` neither, but has handlers made
 * for what is executed again.
 */
export type Executor = "oracle" | "interpreter" | "region" | "forced" | "settled";
export const EXECUTORS: readonly Executor[] = ["oracle", "interpreter", "region", "forced", "settled"];

const REGIONS: Readonly<Record<Executor, RegionPolicy>> = {
  ...{ oracle: "off", interpreter: "off", region: "off", forced: "first" },
  settled: { interval: 20, found: Infinity, leftFor: Infinity, longest: 20 },
};

/** Where programs stand. */
export const ORIGIN = 0x2000n;

export interface Guest extends Partial<VmOptions> {
  readonly source: string;
  readonly at?: bigint;
  /** Devices, breakpoints, further memory. */
  readonly setUp?: (vm: Vm) => void;
}

/** What can be told of a run, the same for every executor. */
export interface Outcome {
  readonly stop: Pick<Stop, "reason" | "pc" | "message">;
  readonly registers: Readonly<Record<string, string>>;
  readonly instructions: number;
  readonly cycles: number;
  readonly ledger: unknown;
}

/** A VM with the program loaded; as a region it is compiled from its first instruction on. */
export function makeVm(guest: Guest, executor: Executor): Vm {
  const { source, at = ORIGIN, setUp, arch = "x86", ...options } = guest;
  const engine = executor === "oracle" ? "oracle" : "interpreter";
  const regions = REGIONS[executor];
  const vm = createVm({ memory: 0x10_0000, recordRows: true, arch, ...options, engine, regions });
  const program = vm.assemble(source, at);
  vm.load(program);
  setUp?.(vm);
  if (executor === "region") {
    const length = program.symbols.get("end_of_region") ?? at + BigInt(program.bytes.length);
    vm.compileRegion(vm.vcpu.pc, Number(length - at));
  }
  return vm;
}

export function outcome(vm: Vm, { reason, pc, message }: Stop): Outcome {
  const { vcpu } = vm;
  return {
    stop: { reason, pc, message },
    registers: Object.fromEntries(
      vcpu.registers.list().filter(({ group }) => group !== "part").map((
        { name, value },
      ) => [name, value.toString(16)]),
    ),
    instructions: vcpu.instructions,
    cycles: vcpu.cycles,
    ledger: snapshot(vm.exits),
  };
}

/** Runs the guest on every executor; answers what all of them did. */
export async function runEverywhere(
  guest: Guest,
  run: RunOptions = { instructions: 100_000 },
): Promise<Outcome> {
  const outcomes = [];
  for (const executor of EXECUTORS) {
    const vm = makeVm(guest, executor);
    outcomes.push(outcome(vm, await vm.run(run)));
  }
  for (const [i, other] of outcomes.entries()) {
    assertEquals(other, outcomes[0], `${EXECUTORS[i]} differs from the oracle`);
  }
  return outcomes[0];
}

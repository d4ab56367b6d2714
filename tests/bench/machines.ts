/** The machines that are measured, and their programs. */
import { createVm, type RegionPolicy, type Vm, type VmOptions } from "../../mod.ts";
import { AT, type ExitLoop, type IsaName, type Workload } from "./guests/guest.ts";
import { ppcExitLoops, ppcWorkloads } from "./guests/ppc.ts";
import { x86ExitLoops, x86Workloads } from "./guests/x86.ts";

export type EngineKind = "interpreter" | "region";

export interface Machine {
  readonly isa: IsaName;
  readonly options: VmOptions;
  readonly workloads: readonly Workload[];
  exitLoops(where: { window: number; port: number }): readonly ExitLoop[];
}

/** A region is compiled within milliseconds; V8 replaces its baseline code some tenths of a second later. */
const WARM_MS = 200;
const MEMORY = 2 ** 20;

function x86(bits: 16 | 32 | 64): Machine {
  return {
    isa: `x86-${bits}`,
    options: { arch: "x86", mode: bits, memory: MEMORY },
    workloads: x86Workloads(bits),
    exitLoops: (where) => x86ExitLoops(bits, where),
  };
}

function ppc(bits: 32 | 64): Machine {
  return {
    isa: `ppc${bits}`,
    options: { arch: "ppc", mode: bits, memory: MEMORY },
    workloads: ppcWorkloads(bits),
    exitLoops: (where) => ppcExitLoops(bits, where),
  };
}

export const MACHINES: readonly Machine[] = [x86(16), x86(32), x86(64), ppc(32), ppc(64)];

/** Where a program is loaded. */
function codeOf(program: Workload | ExitLoop): bigint {
  return "code" in program && program.code !== undefined ? program.code : AT.code;
}

/** A loaded program, ready to be run over and over. */
export class Prepared {
  readonly vm: Vm;
  readonly #program: Workload | ExitLoop;
  readonly #symbols: ReadonlyMap<string, bigint>;
  readonly #start: bigint;
  readonly #end: bigint;

  constructor(vm: Vm, program: Workload | ExitLoop) {
    this.vm = vm;
    this.#program = program;
    const image = vm.assemble(`${program.source}\nend: nop`, codeOf(program));
    this.#symbols = image.symbols;
    this.#start = vm.load(image).entry;
    this.#end = this.#label("end");
  }

  /** Runs the program until what is hot is compiled, by the engine if it does that and by V8. */
  async warm(): Promise<void> {
    const start = performance.now();
    do await this.pass(); while (performance.now() - start < WARM_MS);
  }

  /** One pass from the first instruction to the label `end`. */
  async pass(): Promise<void> {
    this.vm.vcpu.pc = this.#start;
    const stop = await this.vm.run({ until: this.#end });
    if (stop.reason !== "UNTIL") {
      throw new Error(`the program stopped early: ${stop.reason}, ${stop.message}`);
    }
  }

  #label(name: string): bigint {
    const address = this.#symbols.get(name);
    if (address === undefined) throw new RangeError(`${this.#program.name} has no label ${name}`);
    return address;
  }
}

/** `region` compiles hot code by itself, or as `policy` says. */
export function makeVm(machine: Machine, engine: EngineKind, policy: RegionPolicy = "hot"): Vm {
  return createVm({ ...machine.options, regions: engine === "interpreter" ? "off" : policy });
}

/** V8 takes some 0.3 s on an idle machine until its optimised code replaces an interpreter's baseline code. */
const SETTLE_MS = 1000;

/** Runs until the ISA's interpreter is as fast as it gets; its module is compiled once for all machines. */
export async function settle(machine: Machine): Promise<void> {
  const prepared = new Prepared(makeVm(machine, "interpreter"), machine.workloads[0]);
  const start = performance.now();
  while (performance.now() - start < SETTLE_MS) await prepared.pass();
}

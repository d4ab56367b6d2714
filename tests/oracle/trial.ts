/** One machine per engine, on which random programs are run from the same state: what each leaves is compared. */
import { Buffer } from "node:buffer";
import type { RegionPolicy } from "../../emulator/engine/hot_code.ts";
import type { InterpreterEngine } from "../../emulator/engine/engine.ts";
import { STATE } from "../../emulator/ir/layout.ts";
import { createVm, type Vm } from "../../emulator/machine/vm.ts";
import type { Random } from "../support/random.ts";
import { vcpuOf } from "../support/vcpu.ts";

/** `forced` compiles what branches lead to before it is entered; `settled` has handlers for what was met before. */
export type Executor = "oracle" | "interpreter" | "region" | "forced" | "settled";
export const EXECUTORS: readonly Executor[] = ["oracle", "interpreter", "region", "forced", "settled"];

const REGIONS: Readonly<Record<Executor, RegionPolicy>> = {
  ...{ oracle: "off", interpreter: "off", region: "off", forced: "first" },
  settled: { interval: 12, found: Infinity, leftFor: Infinity, longest: 12 },
};

/** Guest RAM of a trial in bytes; the program stands at `PROGRAM_AT`. */
export const RAM = 0x6000;
export const PROGRAM_AT = 0x2000;
/** Instructions a program may execute: loops end here. */
const BUDGET = 64;

export interface TrialMode {
  readonly arch: "x86" | "ppc";
  readonly mode: 16 | 32 | 64;
  readonly backend: string;
}

/** The start of a trial. */
export interface TrialStart {
  readonly program: Uint8Array;
  readonly state: Uint8Array;
  readonly memory: Uint8Array;
}

/** What an executor leaves, in a form that can be compared as text. */
export interface TrialEnd {
  readonly stop: string;
  readonly registers: string;
  readonly memory: Uint8Array;
  readonly instructions: number;
  readonly cycles: number;
  readonly exits: string;
}

export class TrialMachine {
  readonly vm: Vm;

  constructor(readonly where: TrialMode, readonly executor: Executor) {
    const engine = executor === "oracle" ? "oracle" : "interpreter";
    this.vm = createVm({
      ...where,
      memory: 0x4000,
      engine,
      regions: REGIONS[executor],
    });
    // The last two pages lie in linear memory the other way round, so that an access across them is seen.
    this.vm.memory.addSlot({ name: "last", gpa: 0x5000, size: 0x1000 });
    this.vm.memory.addSlot({ name: "last but one", gpa: 0x4000, size: 0x1000 });
  }

  run({ program, state, memory }: TrialStart): TrialEnd {
    const { vm } = this;
    const vcpu = vcpuOf(vm);
    vm.memory.write(0, memory);
    vm.memory.write(PROGRAM_AT, program);
    vcpu.restoreState(state);
    vm.exits.reset();
    // What was decoded went with the old program; the TLB stays warm, so that most accesses take the fast path.
    const { engine } = vcpu;
    if (this.executor === "region") (engine as InterpreterEngine).compile(BigInt(PROGRAM_AT), program.length);
    const before = { instructions: engine.instructions, cycles: vcpu.cycles };
    const end = engine.instructions + BUDGET;
    let stop = engine.run(BUDGET, true);
    while (stop.kind === "yield") stop = engine.run(end - engine.instructions, true);
    const detail = vcpu.exits.stops.take();
    const slots = new BigUint64Array(vcpu.saveState().slice(STATE.isa, STATE.isa + 8 * 96).buffer);
    return {
      stop: `${stop.kind} ${detail?.message ?? ""}`,
      registers: `pc=${vcpu.pc.toString(16)} ${Array.from(slots, (slot) => slot.toString(16)).join(" ")}`,
      memory: vm.memory.read(0, RAM),
      instructions: engine.instructions - before.instructions,
      cycles: vcpu.cycles - before.cycles,
      exits: JSON.stringify(
        vm.exits.aggregates().map((one) => [one.reason, one.key, one.count, one.accesses, one.cycles.total]),
      ),
    };
  }
}

/** What differs between two ends, or undefined. */
export function difference(a: TrialEnd, b: TrialEnd): string | undefined {
  for (const field of ["stop", "instructions", "cycles", "exits", "registers"] as const) {
    if (a[field] !== b[field]) return `${field}: ${a[field]} against ${b[field]}`;
  }
  if (Buffer.compare(a.memory, b.memory) === 0) return undefined;
  for (let i = 0; i < a.memory.length; i++) {
    if (a.memory[i] !== b.memory[i]) {
      return `memory at 0x${i.toString(16)}: ${a.memory[i]} against ${b.memory[i]}`;
    }
  }
  return undefined;
}

const EDGES = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
];
const WIDE_EDGES = [0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];

/** A register's value: small, an edge, an address in RAM, or anything. */
export function registerValue(random: Random, width: number): bigint {
  const value = (() => {
    switch (random.below(6)) {
      case 0:
        return BigInt(random.below(64));
      case 1:
        return random.pick(width === 64 ? [...EDGES, ...WIDE_EDGES] : EDGES);
      case 2:
        return random.u64();
      default:
        // Somewhere in RAM, now and then just before a page's end.
        return BigInt(
          random.below(4) === 0 ? (random.below(5) + 1) * 0x1000 - random.below(9) : random.below(RAM),
        );
    }
  })();
  return BigInt.asUintN(width, value);
}

/** A state with every general register and the flags random. */
export function randomState(vm: Vm, random: Random): Uint8Array {
  const { vcpu } = vm;
  vcpu.restoreState(vcpu.resetState());
  for (const { name, width, group } of vcpu.registers.list()) {
    if (group === "general") vcpu.registers.set(name, registerValue(random, width));
    // Status flags only: the rest of EFLAGS has effects that are not implemented.
    else if (name === "eflags") vcpu.registers.set(name, BigInt(random.u32() & 0x8d5));
    // Floating point is available, and no exception is enabled.
    else if (name === "msr") vcpu.registers.set(name, vcpu.registers.get(name) | 0x2000n);
    else if (name === "fpscr") vcpu.registers.set(name, BigInt(random.u32() & 3));
    else if (group === "float") vcpu.registers.set(name, random.u64());
    else if (group === "flags" || name === "lr" || name === "ctr") {
      vcpu.registers.set(
        name,
        name === "xer" ? BigInt(random.u32() & 0xe000_0000 | 0) & 0xe000_0000n : registerValue(random, width),
      );
    }
  }
  vcpu.pc = BigInt(PROGRAM_AT);
  return vcpu.saveState();
}

/** Guests with interrupt handlers, and runs of them cut in many ways. */
import type { Stop } from "../../../../emulator/machine/stop.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";
import { traceOf } from "../guests.ts";

/** The interpreter with the guest's loop compiled, without, and the oracle. */
export const ENGINES = ["interpreter", "region", "oracle"] as const;
export type EngineName = typeof ENGINES[number];

export interface GuestSource {
  readonly options: VmOptions;
  /** Assembled at 0x1000; a region is compiled at `region` up to the symbol `after`. */
  readonly main: string;
  readonly region?: string;
  /** Handlers by address. */
  readonly handlers: Readonly<Record<number, string>>;
  /** What is done to the VM before it runs. */
  readonly prepare?: (vm: Vm) => void;
}

export function machine(source: GuestSource, engine: EngineName): Vm {
  const vm = createVm({
    memory: 0x2_0000,
    recordRows: true,
    interrupts: true,
    ...source.options,
    engine: engine === "oracle" ? "oracle" : "interpreter",
  });
  for (const [address, text] of Object.entries(source.handlers)) {
    vm.memory.write(Number(address), vm.assemble(text, BigInt(address)).bytes);
  }
  const program = vm.assemble(source.main, 0x1000n);
  vm.load(program, { at: 0x1000n });
  source.prepare?.(vm);
  const loop = source.region && program.symbols.get(source.region);
  if (engine === "region" && loop) vm.compileRegion(loop, Number(program.symbols.get("after")! - loop));
  return vm;
}

/** Real mode's table entry for a vector leads to segment 0. */
export function vector(vm: Vm, number: number, offset: number): void {
  vm.memory.write(4 * number, Uint8Array.of(offset, offset >> 8, 0, 0));
}

/** Runs to the end in pieces whose lengths `next` gives. */
export async function inPieces(vm: Vm, next: () => number): Promise<Stop> {
  for (let pieces = 0; pieces < 100_000; pieces++) {
    const stop = await vm.run({ instructions: next() });
    if (stop.reason !== "BUDGET") return stop;
  }
  throw new Error("the guest does not end");
}

/** A repeatable stream of lengths from 1 to `most`. */
export function lengths(seed: number, most: number): () => number {
  let x = seed >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return 1 + (x >>> 0) % most;
  };
}

/** Everything that a run leaves, the ledger's rows too. */
export function fullTrace(vm: Vm, stop: Stop): unknown {
  return {
    ...traceOf(vm, stop) as object,
    rows: vm.exits.rows.map((row) => ({ ...row, symbol: undefined })),
  };
}

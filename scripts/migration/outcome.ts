/** What becomes of a guest that stays, or is cut and goes on elsewhere. */
import { restoreVm, saveVm, type Vm } from "../../mod.ts";
import { Numbered, REQUESTS, serve, start } from "./driver.ts";
import { type Move, PAGE, TEXT } from "./moves.ts";

/** More instructions than a driver takes: one that goes on for longer is lost in its exception vectors. */
const PATIENCE = 5_000;

/** Numbers of a seed, the same on every machine (mulberry32). */
export function numbers(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return Math.floor(((t ^ t >>> 14) >>> 0) / 2 ** 32 * below);
  };
}

/** A guest that has come to its end, or to where it stays. */
export interface Outcome {
  readonly answered: number;
  readonly lost: number;
  readonly doubled: number;
  readonly undefinedOpcodes: number;
  readonly exits: number;
  readonly cycles: number;
  readonly ended: string;
  readonly patched: number;
  readonly bytes: number;
}

function outcome(vm: Vm, device: Numbered, ended: string, before: Uint8Array, bytes: number): Outcome {
  const ledgers = [...vm.earlier.map(({ exits }) => exits), vm.exits];
  const after = textOf(vm);
  // Instructions of three bytes, of which one differs.
  const patched = before.filter((byte, i) => byte !== after[i]).length;
  const answered = Number(vm.vcpu.registers.get(vm.arch === "x86" ? "r13" : "r21"));
  return {
    answered,
    lost: device.lost + REQUESTS - device.last,
    doubled: device.doubled,
    undefinedOpcodes: vm.exits.aggregates()
      .filter(({ reason, key }) => reason === "EXCEPTION" && key === 6)
      .reduce((sum, { count }) => sum + count, 0),
    exits: ledgers.reduce((sum, ledger) => sum + ledger.count, 0),
    cycles: vm.vcpu.cycles,
    ended,
    patched,
    bytes,
  };
}

const textOf = (vm: Vm) => vm.memory.read(TEXT, PAGE + 4096 - TEXT);

async function finish(vm: Vm, end: bigint): Promise<string> {
  if (vm.vcpu.pc === end) return "UNTIL";
  const stop = await vm.run({ until: end, instructions: PATIENCE });
  return stop.reason;
}

/** The guest that stays where it is. */
export async function stays(
  move: Move,
  spoil?: (vm: Vm) => void,
): Promise<Outcome & { instructions: number }> {
  const { vm, device, end } = start(move, spoil), before = textOf(vm);
  const ended = await finish(vm, end);
  return { ...outcome(vm, device, ended, before, 0), instructions: vm.vcpu.instructions };
}

/** A guest that is cut after so many instructions, rising, and goes on on the other host from each of the cuts. */
export async function moves(move: Move, cuts: readonly number[]): Promise<Outcome[]> {
  const { vm, device, end } = start(move), outcomes: Outcome[] = [];
  for (const cut of cuts) {
    const instructions = cut - vm.vcpu.instructions;
    if (instructions > 0) await vm.run({ instructions });
    const file = saveVm(vm), there = new Numbered();
    const other = restoreVm(file, { devices: [there], ...move.to, profile: vm.profile });
    serve(other, there);
    if (device.last !== there.last) throw new Error("the device's state was not in the snapshot");
    const before = textOf(other);
    outcomes.push(outcome(other, there, await finish(other, end), before, file.length));
  }
  return outcomes;
}

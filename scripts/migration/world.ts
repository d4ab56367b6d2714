/** A guest on its hosts: started, cut, saved, restored and run to its end. */
import { createIo, createVm, restoreVm, type Ring, saveVm, type Vm, type VmOptions } from "../../mod.ts";
import { PROPERTY } from "../support/tree_walk.ts";
import { Numbered, serve } from "./device.ts";
import { driver, ringDriver } from "./drivers.ts";
import { GPA, type Move, NAME, PAGE, PATIENCE, PORT, REQUESTS, RING_PATIENCE, SLICE, TEXT } from "./moves.ts";

/** A guest, its device, the ring that it drives if it drives one, and where it ends. */
export interface World {
  readonly vm: Vm;
  readonly device: Numbered;
  readonly ring: Ring | undefined;
  readonly end: bigint;
}

/** A guest on its first host. `spoil` may change it before it starts. */
export async function start(
  { way, from, wrongHypercall }: Move,
  spoil: (vm: Vm) => void = () => {},
): Promise<World> {
  const arch = from.backend === "vmx" || from.backend === "svm" ? "x86" : "ppc";
  const options: VmOptions = {
    arch,
    mode: 64,
    ...from,
    wrongHypercall,
    memory: 2 ** 16,
    profile: profileOf(arch),
  };
  const vm = createVm(options), device = new Numbered();
  vm.devices.add(device, arch === "x86" ? { gpa: GPA, port: PORT } : { gpa: GPA });
  let ring: Ring | undefined, text: string;
  if ("ring" in way) {
    ring = await (await createIo(vm).open(device.name, { via: way.via })).ring(way.ring);
    text = ringDriver(way, await ring.code(), arch);
  } else {
    serve(vm, device);
    text = driver(way, arch);
  }
  if (arch === "ppc") {
    vm.memory.write(PAGE, vm.assemble("li r3, 12\n nop\n nop\n nop\n blr", BigInt(PAGE)).bytes);
    vm.memory.write(NAME, PROPERTY);
  }
  const program = vm.assemble(text, BigInt(TEXT));
  vm.load(program);
  spoil(vm);
  return { vm, device, ring, end: program.symbols.get("end")! };
}

/** One profile on both sides: the guest's clock must not jump, and differences are then those of the exits alone. */
export const profileOf = (arch: "x86" | "ppc") => arch === "x86" ? "x86-default" : "ppc64-hv-assumed";

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

export function outcome(vm: Vm, device: Numbered, ended: string, before: Uint8Array, bytes: number): Outcome {
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

export const textOf = (vm: Vm) => vm.memory.read(TEXT, PAGE + 4096 - TEXT);

/**
 * Runs to the end, or for so many instructions. Between slices, whose ends are the same wherever a guest is cut, the device
 * looks after kicks that the kernel half took.
 */
export async function go({ vm, ring, end }: World, most: number): Promise<string> {
  const last = vm.vcpu.instructions + most;
  for (;;) {
    if (vm.vcpu.pc === end) return "UNTIL";
    const { instructions: now } = vm.vcpu;
    if (now >= last) return "BUDGET";
    const slice = ring ? SLICE - now % SLICE : most;
    const stop = await vm.run({ until: end, instructions: Math.min(slice, last - now) });
    if (stop.reason !== "BUDGET") return stop.reason;
    if (vm.vcpu.instructions % SLICE === 0) await ring?.serve();
  }
}

export const patienceOf = ({ way }: Move) => "ring" in way ? RING_PATIENCE : PATIENCE;

/** The guest that stays where it is. */
export async function stays(
  move: Move,
  spoil?: (vm: Vm) => void,
): Promise<Outcome & { instructions: number; lastExit: number }> {
  const world = await start(move, spoil), { vm, device } = world, before = textOf(vm);
  vm.exits.record(true);
  const ended = await go(world, patienceOf(move)), lastExit = vm.exits.rows.at(-1)?.instructions ?? 0;
  return { ...outcome(vm, device, ended, before, 0), instructions: vm.vcpu.instructions, lastExit };
}

/** A guest that is cut after so many instructions, rising, and goes on on the other host from each of the cuts. */
export async function moves(move: Move, cuts: readonly number[]): Promise<Outcome[]> {
  const world = await start(move), { vm, device } = world, outcomes: Outcome[] = [];
  for (const cut of cuts) {
    await go(world, cut - vm.vcpu.instructions);
    const file = saveVm(vm), there = new Numbered();
    const other = restoreVm(file, { devices: [there], ...move.to, profile: vm.profile });
    const rings = world.ring && createIo(other).rings;
    if (!rings) serve(other, there);
    if (device.last !== there.last) throw new Error("the device's state was not in the snapshot");
    const before = textOf(other), moved = { vm: other, device: there, ring: rings?.[0], end: world.end };
    outcomes.push(outcome(other, there, await go(moved, patienceOf(move)), before, file.length));
  }
  return outcomes;
}

/**
 * Random worlds: a machine whose memory holds random bytes, sampled instructions and pointers, with tables so that
 * exceptions go on to more of it, devices that answer at random, and interrupts. Whatever it does, the host goes on.
 * A world is made from its seed alone and runs alone: what goes wrong in it is found again by its number.
 */
import { STATE } from "../../emulator/ir/layout.ts";
import type { Device } from "../../emulator/machine/device.ts";
import { snapshot } from "../../emulator/exits/snapshot.ts";
import type { Stop } from "../../emulator/machine/stop.ts";
import { createVm, type Vm } from "../../emulator/machine/vm.ts";
import type { VmOptions } from "../../emulator/machine/vm_options.ts";
import { Random } from "../support/random.ts";
import type { SamplePool } from "./samples.ts";

/** What a mode brings: a machine and how its memory and registers are made fit to run long. */
export interface EnduranceMode {
  readonly name: string;
  readonly options: VmOptions & { readonly memory: number };
  /** Encodings to strew: sampled ones, and ones that lead somewhere. Made once. */
  readonly code: () => Promise<CodeSource>;
  /** `prepare` leaves pc where the world is to go on. */
  readonly entersItself?: boolean;
  /** Tables and system registers; called after memory and general registers were filled. */
  prepare(world: World): void | Promise<void>;
}

export interface CodeSource {
  /** An instruction by chance, to stand at `at`. */
  next(random: Random, at: number): Uint8Array;
}

/** Evenly by form. */
export function sampler({ accepted }: SamplePool): (random: Random) => Uint8Array {
  const names = [...accepted.keys()].sort();
  return (random) => random.pick(accepted.get(random.pick(names))!);
}

/** Made when it is first asked for. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

export interface World {
  readonly vm: Vm;
  readonly random: Random;
  /** Bytes of RAM from 0 on. */
  readonly ram: number;
  /** Where devices answer. */
  readonly window: number;
  /** Whether its engine compiles regions. */
  readonly regions: boolean;
}

/** What a world leaves. */
export interface WorldEnd {
  readonly instructions: number;
  readonly cycles: number;
  readonly exits: number;
  readonly stops: ReadonlyMap<string, number>;
  /** Ledger, registers and memory in one number. */
  readonly digest: string;
}

/** The documented reasons that such a run may end for. */
const EXPECTED: ReadonlySet<Stop["reason"]> = new Set<Stop["reason"]>([
  "BUDGET",
  "HLT",
  "INTERNAL_ERROR",
  "SHUTDOWN",
  "SYSTEM_EVENT",
  "UNIMPLEMENTED",
]);

/** Instructions of a run; few are long, since most of those are of loops that go on for ever. */
const SHORT_RUN = 4000, LONG_RUN = 200_000;
/** A world ends after so many runs in a row that lead nowhere, or after this many in all. */
const BARREN = 40, RUNS = 3000;
/** A block of one kind of memory. */
const BLOCK = 128;

/** What may become of a world between two runs: another machine in the place of the one it was. */
export type Meddle = (vm: Vm) => Vm;

/** Makes the world of that seed and runs it for about `length` instructions. */
export async function runWorld(
  mode: EnduranceMode,
  seed: number,
  length: number,
  meddle: Meddle = (vm) => vm,
): Promise<WorldEnd & { readonly vm: Vm }> {
  const random = new Random(seed);
  let vm = createVm({ ...mode.options, interrupts: random.below(8) === 0 });
  const { window, ports } = vm.devices.add(chanceDevice(random.u32()));
  const number = random.below(16);
  const answer = () => vm.hypercalls.register(number, { name: "chance", call: () => {} });
  answer();
  const regions = mode.options.engine !== "oracle";
  let world: World = { vm, random, ram: mode.options.memory, window: window.gpa, regions };
  fillMemory(world, await mode.code());
  const stops = new Map<string, number>();
  const port = ports?.base ?? 0;
  await renew(world, mode, port);
  for (let runs = 0, barren = 0; vm.vcpu.instructions < length && barren < BARREN && runs < RUNS; runs++) {
    const before = vm.vcpu.instructions, other = meddle(vm);
    if (other !== vm) {
      vm = other;
      answer();
      world = { ...world, vm };
    }
    disturb(world);
    const most = 1 + random.below(random.below(16) === 0 ? LONG_RUN : SHORT_RUN);
    const stop = await vm.run({ instructions: Math.min(most, length - before) });
    if (!EXPECTED.has(stop.reason)) throw new Error(`stop ${stop.reason}: ${stop.message}`);
    stops.set(stop.reason, (stops.get(stop.reason) ?? 0) + 1);
    barren = vm.vcpu.instructions - before < 4 ? barren + 1 : 0;
    // On from where it is, elsewhere, or from the start with new registers.
    if (stop.reason !== "BUDGET" || random.below(2) === 0) {
      if (random.below(4) === 0 || barren > 8) await renew(world, mode, port);
      else vm.vcpu.pc = BigInt(random.below(world.ram) & ~3);
    }
  }
  const { instructions, cycles } = vm.vcpu;
  return { vm, instructions, cycles, exits: vm.exits.totals().count, stops, digest: digestOf(vm) };
}

/** How the world of that seed ends, without its machine. */
export async function endOfWorld(mode: EnduranceMode, seed: number, length: number): Promise<WorldEnd> {
  const { vm: _vm, ...end } = await runWorld(mode, seed, length);
  return end;
}

/** Blocks of sampled code for the most part, of noise, of pointers, of nothing. */
function fillMemory({ vm, random, ram }: World, code: CodeSource): void {
  const bytes = new Uint8Array(ram);
  const view = new DataView(bytes.buffer);
  const littleEndian = vm.isa.order === "le";
  for (let block = 0; block < ram; block += BLOCK) {
    const kind = random.below(8);
    if (kind < 5) {
      for (let at = block; at < block + BLOCK - 16;) {
        const one = code.next(random, at);
        bytes.set(one, at);
        at += one.length;
      }
    } else if (kind === 5) {
      for (let at = block; at < block + BLOCK; at += 4) view.setUint32(at, random.u32());
    } else if (kind === 6) {
      for (let at = block; at < block + BLOCK; at += 4) view.setUint32(at, random.below(ram), littleEndian);
    }
  }
  vm.memory.write(0, bytes);
}

/** Registers anew: small, edges, addresses of RAM and of the device. */
async function renew(world: World, mode: EnduranceMode, port: number): Promise<void> {
  const { vm, random, ram, window } = world;
  vm.vcpu.reset();
  for (const { name, width, group } of vm.vcpu.registers.list()) {
    if (group === "general") {
      vm.vcpu.registers.set(name, BigInt.asUintN(width, chanceValue(random, ram, window, port)));
    } else if (group === "float" && name !== "fpscr") {
      vm.vcpu.registers.set(name, BigInt.asUintN(width, random.u64()));
    }
  }
  await mode.prepare(world);
  if (mode.entersItself) return;
  vm.vcpu.pc = BigInt(random.below(ram) & ~3);
}

const EDGES = [0n, 1n, 0x7fn, 0x80n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, -1n, 1n << 63n];

function chanceValue(random: Random, ram: number, window: number, port: number): bigint {
  switch (random.below(8)) {
    case 0:
      return random.pick(EDGES);
    case 1:
      return random.u64();
    case 2:
      return BigInt(random.below(64));
    case 3:
      return BigInt(window + random.below(8));
    case 4:
      return BigInt(port + random.below(8));
    default:
      return BigInt(random.below(ram));
  }
}

/** What may happen from outside between two runs. */
function disturb(world: World): void {
  const { vm, random, ram } = world;
  const { vcpu } = vm;
  switch (random.below(64)) {
    case 0:
    case 4:
    case 5:
      // Lines exist only with a controller; both have at least 16, and a PC's timer drives line 0 itself.
      if (hasInterrupts(vm)) vm.irq(1 + random.below(15), random.below(2) === 0);
      break;
    case 1:
      compileSomething(world);
      break;
    case 2: {
      const from = vcpu.saveState();
      vcpu.restoreState(from);
      break;
    }
    case 3:
      vm.memory.write(random.below(ram - 4), Uint8Array.of(random.u32(), random.u32() >>> 8));
      break;
  }
}

/** A region of what stands somewhere; where that is no code, it says so. */
function compileSomething({ vm, random, ram, regions }: World): void {
  const pc = BigInt(random.below(ram) & ~3), length = 16 + random.below(128);
  if (!regions) return;
  try {
    vm.compileRegion(pc, length);
  } catch (error) {
    const isOracle = error instanceof TypeError && error.message.includes("interpreter engine");
    if (!(error instanceof RangeError) && !isOracle) throw error;
  }
}

function hasInterrupts(vm: Vm): boolean {
  return [...vm.ports.list, ...vm.mmio.list].some(({ name }) => /^(pic|openpic)/.test(name));
}

/** Answers at random, charges, writes to memory, asks for interrupts, is slow or ends the run. */
export function chanceDevice(seed: number): Device {
  const random = new Random(seed);
  return {
    name: "chance",
    size: 16,
    save: () => random.state,
    load: (state) => void (random.state = Number(state)),
    read(_offset, size) {
      const value = size === 8 ? random.u64() : random.u32() >>> 32 - 8 * size;
      return random.below(64) === 0 ? Promise.resolve(value) : value;
    },
    write(_offset, _size, _value, context) {
      switch (random.below(64)) {
        case 0:
          return Promise.resolve();
        case 1:
          return context.charge(random.below(10_000));
        case 2:
          return context.memory.write(random.below(0x8000), Uint8Array.of(random.u32()));
        case 3:
          return context.stop(1);
      }
    },
  };
}

/** Slots between two instructions of which only the engine knows; the one of `stale` holds `record` too. */
const ENGINES_OWN = [
  ...[STATE.nextPc, STATE.left, STATE.result, STATE.cost, STATE.stale],
  ...Array.from({ length: 6 }, (_, i) => STATE.args + 8 * i),
];

/** FNV-1a over 32-bit words of the machine's ledger, registers and memory. */
function digestOf(vm: Vm): string {
  let hash = 0x811c_9dc5;
  const take = (word: number) => hash = Math.imul(hash ^ word, 0x0100_0193);
  const ledger = new TextEncoder().encode(JSON.stringify(snapshot(vm.exits)));
  for (const byte of ledger) take(byte);
  const state = vm.vcpu.saveState();
  // What the engine leaves behind is nothing that a guest could see, and differs between engines.
  for (const slot of ENGINES_OWN) state.fill(0, slot, slot + 8);
  for (const byte of state) take(byte);
  take(vm.vcpu.instructions);
  take(vm.vcpu.cycles);
  for (const { gpa, size } of vm.memory.slots) {
    const bytes = vm.memory.read(gpa, size);
    for (const word of new Uint32Array(bytes.buffer, bytes.byteOffset, size >> 2)) take(word);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

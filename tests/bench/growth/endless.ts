/** Guests that never stop: a program over and over, and one exit after another. */
import { createVm, type Vm } from "../../../mod.ts";
import { AT, expectValue } from "../guests/guest.ts";
import { x86Workloads } from "../guests/x86.ts";
import { type Axis, runFor, type Timing } from "./axis.ts";

const WARM = 50_000_000;
const DECADES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/** The sieve, for ever: of all programs that with the most memory and branches. */
export function loadSieve(vm: Vm): bigint {
  const { source } = x86Workloads(32).find(({ name }) => name === "sieve")!;
  return vm.load(vm.assemble(`again:\n${source}\nend: jmp again`, AT.code)).entry;
}

async function instructions(size: number): Promise<Timing> {
  const vm = createVm({ arch: "x86", mode: 32, memory: 2 ** 20 });
  vm.vcpu.pc = loadSieve(vm);
  await runFor(vm, WARM);
  return { time: async () => ({ nanoseconds: await runFor(vm, size) * 1e6 / size }) };
}

const PORT = 0x5c0, WARM_EXITS = 500_000;

async function exits(size: number): Promise<Timing> {
  const vm = createVm({ arch: "x86", mode: 32, memory: 2 ** 20 });
  let stores = 0;
  vm.ports.add({ base: PORT, size: 4, name: "counter" }, { read: () => 0, write: () => void stores++ });
  const image = vm.assemble(`mov edx, ${PORT}\nhot: out dx, eax\n jmp hot`, AT.code);
  vm.vcpu.pc = vm.load(image).entry;
  await runFor(vm, 1);
  await runFor(vm, 2 * WARM_EXITS);
  return {
    async time() {
      vm.exits.reset();
      stores = 0;
      const milliseconds = await runFor(vm, 2 * size);
      const { count, cycles } = vm.exits.totals();
      expectValue("stores", BigInt(stores), BigInt(size));
      expectValue("exits in the ledger", BigInt(count), BigInt(size));
      expectValue("cycles in the ledger", BigInt(cycles.total), BigInt(vm.exits.cycles));
      return { nanoseconds: milliseconds * 1e6 / size };
    },
  };
}

export const INSTRUCTIONS: Axis = {
  name: "instructions",
  per: "instruction",
  unit: "",
  sizes: DECADES.slice(3, 7),
  long: DECADES.slice(7),
  prepare: instructions,
};

export const EXITS: Axis = {
  name: "exits",
  per: "exit",
  unit: "",
  sizes: DECADES.slice(0, 5),
  long: DECADES.slice(5, 6),
  prepare: exits,
};

/** Ledgers that questions are put to: each is recorded once, of guest code that ran and trapped. */
import {
  type CostProfile,
  createIo,
  createVm,
  type Device,
  type HandledIn,
  type Io,
  type Repriceable,
  type RingOptions,
  type VehicleName,
  type Vm,
} from "../../mod.ts";
import type { Machine } from "../support/machines.ts";
import { messageOf } from "../support/text.ts";

/** Exits that were recorded, and what the device saw of them. */
export interface Recorded {
  readonly ledger: Repriceable;
  readonly label: string;
  /** Requests that the guest was to make, and that the device got. */
  readonly wanted: number;
  readonly served: number;
  /** Why it is not to be priced: the guest did not do what the ledger is said to be of. */
  readonly fails?: string;
}

/** Changes the guest after its stubs are in memory and before it is recorded. */
export type Spoil = (vm: Vm) => void;

const PAYLOAD = Uint8Array.from({ length: 64 }, (_, i) => i);

/** A device in the kernel and one in userspace that cost nothing, and count. */
function bench({ options }: Machine, interrupts = false): { vm: Vm; io: Io; counted: { served: number } } {
  const vm = createVm({ ...options, interrupts, memory: 2 ** 20, recordRows: true }), counted = { served: 0 };
  const device = (handledIn: HandledIn): Device => ({
    name: `in-${handledIn}`,
    handledIn,
    read: (_offset, size) => (counted.served++, size === 8 ? 42n : 42),
    write: () => void counted.served++,
    call: (_fn, data) => (counted.served++, data.length),
    queue: (data) => (counted.served++, data.length),
  });
  for (const place of ["kernel", "userspace"] as const) vm.devices.add(device(place));
  return { vm, io: createIo(vm), counted };
}

/** Runs `work` once for the first touches of pages, then again into an empty ledger. */
async function recorded(
  { vm, counted }: ReturnType<typeof bench>,
  label: string,
  wanted: number,
  work: () => Promise<unknown>,
  spoil: Spoil,
): Promise<Recorded> {
  await work();
  spoil(vm);
  vm.exits.reset();
  counted.served = 0;
  const failed = await work().then(() => undefined, messageOf);
  const { served } = counted;
  const fails = failed ?? (served === wanted ? undefined : `the device got ${served} of ${wanted} requests`);
  return { ledger: vm.exits, label, wanted, served, ...fails !== undefined && { fails } };
}

const untouched: Spoil = () => {};

/** One store of 4 bytes to a device's register: a doorbell. */
export async function recordStore(machine: Machine, via: VehicleName, place: HandledIn, spoil = untouched) {
  const made = bench(machine), handle = await made.io.open(`in-${place}`, { via });
  return await recorded(made, handle.label, 1, () => handle.write(0, 4, 7), spoil);
}

/** One call of 64 bytes that is answered with 8, by a descriptor in RAM. */
export async function recordCall(machine: Machine, via: VehicleName, spoil = untouched) {
  const made = bench(machine), handle = await made.io.open("in-userspace", { via, data: "descriptor" });
  return await recorded(made, handle.label, 1, () => handle.call(1, PAYLOAD), spoil);
}

/** One batch of such requests by a ring. */
export async function recordBatch(
  machine: Machine,
  via: VehicleName,
  way: RingOptions,
  batch: number,
  spoil = untouched,
) {
  const made = bench(machine, way.poll === false), handle = await made.io.open("in-userspace", { via });
  const ring = await handle.ring({ ...way, batch, bytes: 128 });
  return await recorded(made, handle.label, batch, async () => {
    for (let i = 0; i < batch; i++) await ring.submit(PAYLOAD, { reply: 8 });
    await ring.flush();
  }, spoil);
}

/** By each vehicle: doorbells that the kernel takes, register reads and calls that go to userspace. */
export const TRAFFIC = { doorbells: 32, reads: 4, calls: 8 } as const;

/** A driver's traffic by all vehicles, in one ledger. */
export async function recordTraffic(machine: Machine, spoil = untouched): Promise<Recorded> {
  const made = bench(machine), { io } = made, { doorbells, reads, calls } = TRAFFIC;
  const handles = await Promise.all(
    (["hypercall", "pio", "mmio"] as const).map(async (via) => ({
      bell: await io.open("in-kernel", { via }),
      device: await io.open("in-userspace", { via, data: "descriptor" }),
    })),
  );
  const wanted = handles.length * (doorbells + reads + calls);
  return await recorded(made, "traffic", wanted, async () => {
    for (const { bell, device } of handles) {
      for (let i = 0; i < doorbells; i++) await bell.write(0, 4, i);
      for (let i = 0; i < reads; i++) await device.read(0, 4);
      for (let i = 0; i < calls; i++) await device.call(1, PAYLOAD);
    }
  }, spoil);
}

/** A guest that looks at its clock between two accesses: TSC or timebase. */
export async function recordClockReader({ options }: Machine): Promise<Repriceable> {
  const vm = createVm({ ...options, memory: 2 ** 16 });
  vm.load(vm.assemble(
    vm.arch === "x86"
      ? "out 0x80, al\n rdtsc\n out 0x80, al\nend: hlt"
      : `lis r3, 0x7eb0\n stw r4, 0(r3)\n mftb r4\n stw r4, 0(r3)\nend: nop`,
  ));
  await vm.run({ until: vm.symbols.lookup("end"), instructions: 100 });
  return vm.exits;
}

/** The same exits as charged by another profile, to be asked on. */
export function under(ledger: Repriceable, profile: CostProfile): Repriceable {
  return { ...ledger.reprice(profile), reprice: (other) => ledger.reprice(other) };
}

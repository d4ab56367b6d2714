/** The bench: machines with a device in the kernel and one in userspace, and what an operation on them costs. */
import {
  type Cost,
  createIo,
  createVm,
  type DataMode,
  type Device,
  type HandledIn,
  startMeter,
  type VehicleName,
  type Vm,
  type VmOptions,
} from "../../mod.ts";
import { provenanceLines } from "../support/provenance.ts";
import { type Host, PLACES } from "./hosts.ts";
import type { Measured } from "./verdict.ts";

/** Answers with the sum of the bytes; costs no cycles of its own, so that only the way to it is priced. */
function summer(handledIn: HandledIn): Device {
  const sum = (data: Uint8Array) => data.reduce((total, byte) => total + byte, 0);
  return {
    name: `in-${handledIn}`,
    handledIn,
    size: 8,
    read: (_offset, size) => (size === 8 ? 42n : 42),
    write() {},
    call: (_fn, data) => sum(data),
    queue: sum,
  };
}

/** What a call sends, and the sum that answers it. */
export const PAYLOAD = Uint8Array.from({ length: 64 }, (_, i) => i);
export const SUM = 2016;

/** Costs of all measurements, for where their figures are from. */
export class Lab {
  readonly costs: Cost[] = [];

  machine(host: Host, more: Partial<VmOptions> = {}) {
    const vm = createVm({ ...host.options, ...more, memory: 2 ** 20 });
    for (const place of PLACES) vm.devices.add(summer(place));
    return { vm, io: createIo(vm) };
  }

  /** The second time: a page's first touch is an exit of another kind. */
  async measure(vm: Vm, work: () => Promise<unknown>): Promise<Measured> {
    await work();
    const meter = startMeter(vm);
    await work();
    return this.read(meter());
  }

  read(cost: Cost): Measured {
    this.costs.push(cost);
    const { total, ...stages } = cost.cycles;
    return { exits: cost.exits, stages, guest: cost.guestCycles, cycles: total + cost.guestCycles };
  }

  async call(host: Host, via: VehicleName, data: DataMode, bytes: Uint8Array, place: HandledIn = "kernel") {
    const { vm, io } = this.machine(host);
    const handle = await io.open(`in-${place}`, { via, data });
    return await this.measure(vm, () => handle.call(1, bytes));
  }

  /** A doorbell: one store of 4 bytes. */
  async store(host: Host, via: VehicleName, place: HandledIn = "kernel") {
    const { vm, io } = this.machine(host);
    const handle = await io.open(`in-${place}`, { via });
    return await this.measure(vm, () => handle.write(0, 4, 7));
  }

  provenance(): string[] {
    return provenanceLines(this.costs);
  }
}

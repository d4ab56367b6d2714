/** The emulator as the shell loads it: on demand, since `help` needs none of it. */
import type { Io, Vm, VmOptions } from "./machine_types.ts";

/** What the shell calls of the layers below. */
export interface MachineLayer {
  createVm(options: VmOptions): Vm;
  createIo(vm: Vm): Io;
}

/** Imports the emulator and the transports. */
export async function loadMachine(): Promise<MachineLayer> {
  const [machine, transports] = await Promise.all([
    import("../emulator/machine/vm.ts"),
    import("../transports/io.ts"),
  ]);
  return { createVm: machine.createVm, createIo: transports.createIo };
}

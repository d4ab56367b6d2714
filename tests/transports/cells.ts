/** The machines that transports are tested on, and the ways to each. */
import type { Device } from "../../emulator/machine/device.ts";
import { createVm, type Vm } from "../../emulator/machine/vm.ts";
import type { VmOptions } from "../../emulator/machine/vm_options.ts";
import { createIo, type DataMode, type Handle, type Io, type VehicleName } from "../../transports/io.ts";

export interface Cell {
  readonly name: string;
  readonly options: VmOptions;
}

/** The four cells of the matrix, and x86's other modes. */
export const CELLS: readonly Cell[] = [
  { name: "x86-64 vmx", options: { arch: "x86", mode: 64, backend: "vmx" } },
  { name: "x86-64 svm", options: { arch: "x86", mode: 64, backend: "svm" } },
  { name: "x86-32 vmx", options: { arch: "x86", mode: 32, backend: "vmx" } },
  { name: "x86-16 svm", options: { arch: "x86", mode: 16, backend: "svm" } },
  { name: "ppc32 kvm-pr", options: { arch: "ppc", mode: 32, backend: "kvm-pr" } },
  { name: "ppc64 kvm-pr", options: { arch: "ppc", mode: 64, backend: "kvm-pr" } },
  { name: "ppc64 kvm-hv", options: { arch: "ppc", mode: 64, backend: "kvm-hv" } },
  { name: "ppc64le kvm-hv", options: { arch: "ppc", mode: 64, order: "le", backend: "kvm-hv" } },
];

export const VIAS: readonly VehicleName[] = ["hypercall", "pio", "mmio"];
export const DATA: readonly DataMode[] = ["auto", "words", "descriptor"];

/** A machine of a cell with devices and transports; 1 MiB of RAM, rows recorded. */
export function machine(cell: Cell, ...devices: readonly Device[]): { vm: Vm; io: Io } {
  const vm = createVm({ memory: 0x10_0000, recordRows: true, ...cell.options });
  const io = createIo(vm);
  for (const device of devices) vm.devices.add(device);
  return { vm, io };
}

/** A device opened on a new machine. */
export async function opened(
  cell: Cell,
  device: Device,
  via: VehicleName,
  data: DataMode = "auto",
): Promise<{ vm: Vm; io: Io; handle: Handle }> {
  const { vm, io } = machine(cell, device);
  return { vm, io, handle: await io.open(device.name, { via, data }) };
}

/** `length` bytes that are not all alike. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + 5) & 0xff);
}

/** A guest run to its end, with the devices that `exec` gives it. */
import { debugExitDevice } from "../../emulator/machine/devices/debug_exit.ts";
import { Uart16550 } from "../../emulator/machine/devices/uart16550.ts";
import { createVm, type Vm } from "../../emulator/machine/vm.ts";
import type { VmOptions } from "../../emulator/machine/vm_options.ts";

/** Far more than a guest needs, so that one that runs wild ends. */
const BUDGET = 100_000_000;

/** Where the two devices stand that guests expect, as `shell/` places them. */
function place(vm: Vm, port: number) {
  return vm.arch === "x86" ? { port } : { gpa: 0xfe00_0000 + port };
}

/** Runs an image, or a program of the VM's own assembler. `status` is a number if the guest ended itself. */
export async function runGuest(options: VmOptions, guest: Uint8Array | string, input = "") {
  const vm = createVm(options);
  const sent: number[] = [];
  const uart = new Uart16550({ transmit: (byte) => void sent.push(byte) });
  uart.feed(new TextEncoder().encode(input));
  uart.end();
  vm.devices.add(uart, place(vm, 0x3f8));
  vm.devices.add(debugExitDevice(), place(vm, 0x501));
  vm.load(typeof guest === "string" ? vm.assemble(guest) : guest);
  const stop = await vm.run({ instructions: BUDGET });
  const text = new TextDecoder().decode(Uint8Array.from(sent));
  const status = stop.reason === "SYSTEM_EVENT" ? stop.code : `${stop.reason}: ${stop.message}`;
  return { status, text, instructions: vm.vcpu.instructions, totals: vm.exits.totals() };
}

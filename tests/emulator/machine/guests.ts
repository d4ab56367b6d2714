/** Small guests for tests of the machine. */
import { snapshot } from "../../../emulator/exits/snapshot.ts";
import type { Stop } from "../../../emulator/machine/stop.ts";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";

/** Where the first device's registers lie. */
export const PORT = 0x1000, WINDOW = 0xfeb0_0000;

/** A VM of 64 KiB with rows recorded and the program loaded at 0x1000 (x86 real mode: 0x7c00). */
export function guest(source: string, options: Partial<VmOptions> = {}): Vm {
  const vm = createVm({ arch: "x86", memory: 0x1_0000, recordRows: true, ...options });
  vm.load(vm.assemble(source));
  return vm;
}

/** The exits so far, one text each: reason, native name, key, direction, size, accesses and returns. */
export function exitsOf(vm: Vm): string[] {
  return vm.exits.rows.map(({ reason, native, key, direction, size, accesses, returns }) =>
    `${reason} ${native.name} 0x${key.toString(16)} ${direction} ${size} ${accesses}/${returns}`
  );
}

/** All that a run leaves: what two runs that should be alike are compared by. */
export function traceOf(vm: Vm, stop: Stop): unknown {
  const { error: _, ...rest } = { error: undefined, ...stop };
  return {
    stop: rest,
    registers: vm.vcpu.registers.list().map(({ name, value }) => `${name}=${value.toString(16)}`),
    instructions: vm.vcpu.instructions,
    cycles: vm.vcpu.cycles,
    ledger: snapshot(vm.exits),
  };
}

/** What a device's handlers may do in the VM that the device is in. */
import type { Device, DeviceContext } from "./device.ts";
import type { GuestMemory } from "./memory.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** The VM. */
interface Surroundings {
  readonly memory: GuestMemory;
  /** The vCPU whose exit it is. */
  readonly acting: VirtualCpu;
  irq(line: number, level: boolean): void;
}

export function deviceContext({ name }: Device, vm: Surroundings): DeviceContext {
  return {
    charge: (cycles) => vm.acting.chargeDevice(cycles),
    memory: vm.memory,
    get cycles() {
      return vm.acting.cycles;
    },
    irq: (line, level) => vm.irq(line, level),
    stop: (code) =>
      vm.acting.requestStop({
        reason: "SYSTEM_EVENT",
        code,
        message: `device ${name} ended the run with code ${code}`,
      }),
  };
}

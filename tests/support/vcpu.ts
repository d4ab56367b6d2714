/** The engine's side of a vCPU, which tests of the engine need and the public type leaves out. */
import { Vcpu } from "../../emulator/machine/vcpu.ts";
import type { Vm } from "../../emulator/machine/vm.ts";

/** The first vCPU of a VM with all that it has. */
export function vcpuOf(vm: Vm, index = 0): Vcpu {
  const vcpu = vm.vcpus[index];
  if (vcpu instanceof Vcpu) return vcpu;
  throw new TypeError("the VM's vCPU is not this module's Vcpu");
}

/** A machine that is saved and restored while it runs. */
import { assert } from "@std/assert";
import type { Device } from "../../../../emulator/machine/device.ts";
import type { Stop } from "../../../../emulator/machine/stop.ts";
import { type RestoreOptions, restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import type { Vm } from "../../../../emulator/machine/vm.ts";

/** The same machine from its snapshot, which it gives again to the byte; its devices are the old one's own. */
export function moved(vm: Vm, options: RestoreOptions = {}): Vm {
  const devices: readonly Device[] = vm.devices.list().map(({ device }) => device);
  const bytes = saveVm(vm), other = restoreVm(bytes, { devices, ...options });
  const same = options.backend === undefined && !options.hypervisor && options.profile === undefined;
  assert(!same || isSame(saveVm(other), bytes), "saved, restored and saved: other bytes");
  return other;
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/**
 * Runs for `limit` instructions of all vCPUs in pieces whose lengths `next` gives, and goes on with what `between` makes of
 * the machine after each.
 */
export async function runCut(
  vm: Vm,
  limit: number,
  next: () => number,
  between: (vm: Vm) => Vm,
): Promise<{ vm: Vm; stop: Stop }> {
  for (;;) {
    const stop = await vm.run({ instructions: Math.min(next(), limit - executed(vm)) });
    if (stop.reason !== "BUDGET") return { vm, stop };
    if (executed(vm) >= limit) return { vm, stop: { ...stop, message: "" } };
    vm = between(vm);
  }
}

function executed(vm: Vm): number {
  return vm.vcpus.reduce((sum, { instructions }) => sum + instructions, 0);
}

/** A machine layer small enough to see through, for tests of the shell alone. */
import type { MachineLayer } from "../../shell/machine_loader.ts";
import type { Device, Io, Stop, Vm } from "../../shell/machine_types.ts";

/** Counts the machines made; `run` ends when its signal fires, or at once without one. */
export function fakeLayer(log: string[] = []): MachineLayer {
  return {
    createVm(options) {
      log.push(`createVm ${options.arch}`);
      return fakeVm(options.arch, log) as unknown as Vm;
    },
    createIo: () => ({ open: () => Promise.reject(new Error("no transports here")) }) as unknown as Io,
  };
}

function fakeVm(arch: string, log: string[]) {
  const values = new Map<string, bigint>([["rax", 0n], ["rbx", 7n]]);
  const vcpu = {
    pc: 0x7c00n,
    registers: {
      names: [...values.keys()],
      get: (name: string) => values.get(name) ?? 0n,
      set: (name: string, value: bigint) => void values.set(name, value),
    },
  };
  return {
    arch,
    vcpu,
    vcpus: [vcpu],
    symbols: {
      lookup: (name: string) => name === "start" ? 0x7c00n : undefined,
      list: () => [{ name: "start" }],
    },
    devices: {
      add: (device: Device) => void log.push(`add ${device.name}`),
      reload: (name: string) => void log.push(`reload ${name}`),
      remove: (name: string) => void log.push(`remove ${name}`),
    },
    exits: { totals: () => ({ exits: 3 }) },
    run: (options: { signal?: AbortSignal }) =>
      new Promise<Stop>((resolve) => {
        const stop = () => resolve({ reason: "INTERRUPTED", pc: 0n, message: "interrupted" } as Stop);
        options.signal?.addEventListener("abort", stop);
      }),
  };
}

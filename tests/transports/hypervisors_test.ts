/** The same device, the same replies, over every cell: architecture, backend, personality, vehicle, data mode. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HYPERVISORS } from "../../emulator/machine/hypervisors/hypervisors.ts";
import { createVm } from "../../emulator/machine/vm.ts";
import type { VmOptions } from "../../emulator/machine/vm_options.ts";
import { createIo } from "../../transports/io.ts";
import type { VehicleName } from "../../transports/negotiate.ts";

const MACHINES: readonly VmOptions[] = [
  ...(["vmx", "svm"] as const).flatMap((backend) =>
    ([16, 32, 64] as const).map((mode) => ({ arch: "x86", mode, backend } as const))
  ),
  { arch: "ppc", mode: 64, backend: "kvm-hv" },
  { arch: "ppc", mode: 64, backend: "kvm-hv", order: "le" },
  { arch: "ppc", mode: 64, backend: "kvm-pr" },
  { arch: "ppc", mode: 32, backend: "kvm-pr" },
];

const CELLS = MACHINES.flatMap((options) =>
  HYPERVISORS
    .filter(({ carriers }) => carriers[options.backend as "vmx"]?.includes(options.mode!))
    .map(({ name }) => ({ ...options, hypervisor: name, memory: 2 ** 20 }))
);

/** Answers with the payload backwards, and `fn` more bytes. */
function device() {
  const registers = new Map<number, number | bigint>();
  return {
    name: "dut",
    size: 16,
    read: (offset: number, size: number) => registers.get(offset) ?? (size === 8 ? 0n : 0),
    write: (offset: number, _size: number, value: number | bigint) => void registers.set(offset, value),
    call(fn: number, data: Uint8Array) {
      const reply = Uint8Array.of(...data.toReversed(), ...new Uint8Array(fn).fill(7));
      // Some of them later: the instruction is gone on with when the answer is there.
      return data.length % 2 ? new Promise<Uint8Array>((resolve) => setTimeout(() => resolve(reply))) : reply;
    },
  };
}

const SIZES = [0, 1, 7, 8, 17, 64, 300, 4090, 5000];

for (const options of CELLS) {
  const { arch, mode, backend, order = "", hypervisor } = options;
  Deno.test(`${hypervisor} on ${backend}, ${arch} ${mode} ${order}: every vehicle, equal replies`, async () => {
    for (const via of ["hypercall", "pio", "mmio"] as VehicleName[]) {
      for (const data of ["auto", "words", "descriptor"] as const) {
        const vm = createVm(options);
        vm.devices.add(device());
        const io = createIo(vm);
        const abi = vm.hypervisor.abi(vm.backend.name, vm.mode);
        if (via === "hypercall" && typeof abi === "string") {
          await assertRejects(() => io.open("dut", { via, data }), Error, abi);
          assertStringIncludes((await io.open("dut")).why[0], abi);
          await assertRejects(() => io.guest.hypercall(1), Error, abi);
          continue;
        }
        const handle = await io.open("dut", { via, data });
        const before = vm.exits.count;
        await handle.write(0, 4, 0x1234_5678);
        await handle.write(8, 8, 0x1122_3344_5566_7788n);
        assertEquals(await handle.read(0, 4), 0x1234_5678n);
        assertEquals(await handle.read(8, 8), 0x1122_3344_5566_7788n);
        // Three of VMware's registers carry arguments: 8 bytes are two calls.
        const exits = hypervisor === "vmware" ? 6 : 4;
        if (via === "hypercall") assertEquals(vm.exits.count - before, exits, "a register access is an exit");
        for (const size of SIZES) {
          const bytes = Uint8Array.from({ length: size }, (_, i) => i * 3 + size);
          const reply = await handle.call(100, bytes);
          assertEquals(reply, Uint8Array.of(...bytes.toReversed(), ...new Uint8Array(100).fill(7)));
        }
        io.close();
      }
    }
  });
}

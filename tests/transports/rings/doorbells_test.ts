/** Doorbells by hypercall: each hypervisor's own call, and its own word for what is not there. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { HYPERVISORS } from "../../../emulator/machine/hypervisors/hypervisors.ts";
import type { HypervisorName } from "../../../emulator/machine/hypervisors/hypervisor.ts";
import { createVm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { createIo, type Io } from "../../../transports/io.ts";
import { pattern } from "../cells.ts";

const MACHINES: readonly VmOptions[] = [
  ...(["vmx", "svm"] as const).flatMap((backend) =>
    ([16, 32, 64] as const).map((mode) => ({ arch: "x86", mode, backend } as const))
  ),
  { arch: "ppc", mode: 64, backend: "kvm-hv" },
  { arch: "ppc", mode: 64, backend: "kvm-hv", order: "le" },
  { arch: "ppc", mode: 64, backend: "kvm-pr" },
  { arch: "ppc", mode: 32, backend: "kvm-pr" },
];

/** Number of the call as its exit shows it, and how the ring of number 1 is named. */
const CALLS: Readonly<Partial<Record<HypervisorName, number>>> = {
  kvm: 0x5453_002c,
  xen: 32,
  hyperv: 0x5d,
  vmware: 0x540b,
  epapr: 0x1_000e,
  papr: 0x108,
  osi: 0x5453_002c,
};

const made = (options: VmOptions) => {
  const vm = createVm({ memory: 2 ** 20, recordRows: true, interrupts: true, ...options });
  const seen: Uint8Array[] = [];
  vm.devices.add({ name: "dut", queue: (bytes) => (seen.push(bytes), bytes.slice().reverse()) });
  return { vm, io: createIo(vm), seen };
};

for (const machine of MACHINES) {
  for (const { name, carriers, abi } of HYPERVISORS) {
    if (!carriers[machine.backend as "vmx"]?.includes(machine.mode!)) continue;
    const options = { ...machine, hypervisor: name }, { backend, mode, order = "" } = machine;
    if (typeof abi(machine.backend as "vmx", machine.mode!) === "string") continue;
    Deno.test(`${name} on ${backend}, ${mode} ${order}: a ring is kicked by the hypervisor's own call`, async () => {
      for (const kind of ["ioq", "virtqueue"] as const) {
        for (const doorbell of ["userspace", "kernel"] as const) {
          for (const poll of [true, false]) {
            const { vm, io } = made(options);
            const handle = await io.open("dut", { via: "hypercall" });
            const ring = await handle.ring({ kind, doorbell, poll, entries: 4, batch: 2 });
            vm.exits.reset();
            await ring.submit(pattern(3));
            await ring.submit(pattern(5));
            const answers = await ring.flush();
            assertEquals(answers.map(({ bytes }) => bytes), [3, 5].map((n) => pattern(n).reverse()));
            // VMware's is an IN at the backdoor's port, and 0x20 is an interrupt controller's port too.
            const [reason, key] = name === "vmware" ? ["IO", 0x5658] : [undefined, CALLS[name]];
            const kicks = vm.exits.rows.filter((row) =>
              row.key === key && (reason ? row.reason === reason : row.reason !== "IO")
            );
            assertEquals([kicks.length, kicks[0].handledIn, ring.stats.kicks], [1, doorbell, 1]);
            if (poll) assertEquals(vm.exits.count, 1);
            ring.close();
            assertEquals(vm.hypercalls.find(CALLS[name]!), undefined);
          }
        }
      }
    });
  }
}

async function statuses(io: Io, number: number, calls: readonly (readonly (number | bigint)[])[]) {
  const all: bigint[] = [];
  for (const args of calls) all.push((await io.guest.hypercall(number, args)).status);
  return all;
}
const minus = (n: number, bits = 64) => BigInt.asUintN(bits, BigInt(-n));

/** A machine with a ring that has a request in it, which its doorbell would have answered. */
async function rung(options: VmOptions) {
  const { vm, io, seen } = made(options);
  const ring = await (await io.open("dut", { via: "hypercall" })).ring({ entries: 4, batch: 4 });
  await ring.submit(pattern(2));
  return { vm, io, seen, ring };
}

Deno.test("Xen: EVTCHNOP_send takes a port in guest memory; ports, commands and pointers that are wrong get -errno", async () => {
  for (const [mode, bits] of [[64, 64], [32, 32]] as const) {
    const { vm, io, seen } = await rung({ arch: "x86", mode, hypervisor: "xen" });
    const AT = 0x2000, END = 2 ** 20;
    vm.memory.write(AT, Uint8Array.of(1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0));
    assertEquals(
      // No such port, port 0, another command, a pointer to nowhere, one that goes past the end of memory.
      await statuses(io, 32, [[4, AT + 4], [4, AT + 8], [3, AT], [4, 0x7000_0000], [4, END - 2]]),
      [minus(22, bits), minus(22, bits), minus(38, bits), minus(14, bits), minus(14, bits)],
    );
    assertEquals(seen.length, 0);
    assertEquals([await statuses(io, 32, [[4, AT]]), seen.length], [[0n], 1]);
  }
});

Deno.test("Hyper-V: HvSignalEvent takes a connection; wrong ones, flags and reserved bits get HV_STATUS codes", async () => {
  for (const mode of [32, 64] as const) {
    const { vm, io, seen } = await rung({ arch: "x86", mode, hypervisor: "hyperv" });
    assertEquals(
      await statuses(io, 0x5d, [[9], [0], [1n | 1n << 32n], [1n | 1n << 48n], [1n << 24n]]),
      [18n, 18n, 18n, 3n, 3n],
    );
    assertEquals(seen.length, 0);
    assertEquals([await statuses(io, 0x5d, [[1]]), seen.length], [[0n], 1]);
    if (mode === 32) continue;
    // The same with its input in memory, of which a page's end and what is no memory are refused.
    const page = Number(vm.memory.slots.find(({ name }) => name === "transport stubs")!.gpa) + 0xf000;
    vm.memory.write(0x2000, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    const slow = async (input: number) => {
      const { symbols, bytes } = vm.assemble(
        `mov esp, 0x9000\nmov rcx, 0x5d\nmov rdx, ${input}\nmov r8, 0\nmov rax, ${page}\ncall rax\nend: hlt`,
        0x1000n,
      );
      vm.memory.write(0x1000, bytes);
      vm.vcpu.pc = 0x1000n;
      await vm.run({ until: symbols.get("end")!, instructions: 100 });
      return vm.vcpu.registers.get("rax");
    };
    assertEquals([await slow(0x2000), await slow(0x7000_0000), await slow(0x2004)], [0n, 4n, 4n]);
  }
});

Deno.test("ePAPR, PAPR, KVM, VMware and OSI: what names no ring gets each one's own error", async () => {
  const cases: readonly (readonly [VmOptions, number, number, bigint])[] = [
    [{ arch: "ppc", mode: 32, backend: "kvm-pr", hypervisor: "epapr" }, 0x1_000e, 1, 8n],
    [{ arch: "ppc", mode: 64, backend: "kvm-pr", hypervisor: "epapr" }, 0x1_000e, 1, 8n],
    [{ arch: "ppc", mode: 64, backend: "kvm-hv", hypervisor: "papr" }, 0x108, 0x7100_0001, minus(4)],
    [{ arch: "x86", mode: 64, hypervisor: "kvm" }, 0x5453_002c, 1, minus(22)],
    [{ arch: "x86", mode: 32, hypervisor: "vmware" }, 0x540b, 1, minus(22, 32)],
    [{ arch: "ppc", mode: 32, backend: "kvm-pr", hypervisor: "osi" }, 0x5453_002c, 1, minus(22, 32)],
  ];
  for (const [options, number, named, error] of cases) {
    const { io, seen, ring } = await rung(options);
    assertEquals(
      await statuses(io, number, [[named + 1], [0xffff_ffff]]),
      [error, error],
      options.hypervisor,
    );
    assertEquals(seen.length, 0);
    assertEquals([await statuses(io, number, [[named]]), seen.length], [[0n], 1], options.hypervisor);
    ring.close();
    // Nobody is there any more, and what the hypervisor says then is its own.
    assert((await statuses(io, number, [[named]]))[0] !== 0n, options.hypervisor);
  }
});

Deno.test("a doorbell's hypercall that is somebody else's is not taken away", async () => {
  const { vm, io } = made({ arch: "x86", hypervisor: "xen" });
  vm.hypercalls.register(32, { name: "mine", call: () => {} });
  const handle = await io.open("dut", { via: "hypercall" });
  await assertRejects(() => handle.ring(), RangeError, "hypercall 0x20 is taken by mine");
  assertEquals(vm.memory.slots.some(({ name }) => name.startsWith("ring")), false);
});

/** Guests that call with whatever is in their registers, and place pages wherever: never more than a stopped guest. */
import { assert } from "@std/assert";
import fc from "fast-check";
import { HYPERVISORS } from "../../../../emulator/machine/hypervisors/hypervisors.ts";
import type { BackendName } from "../../../../emulator/machine/hypervisors/hypervisor.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";
import { createIo } from "../../../../transports/io.ts";

const MODES: readonly [BackendName, 16 | 32 | 64][] = [
  ["vmx", 16],
  ["vmx", 32],
  ["vmx", 64],
  ["svm", 64],
  ["kvm-hv", 64],
  ["kvm-pr", 32],
  ["kvm-pr", 64],
];

const STOPS = new Set(["HLT", "SHUTDOWN", "BUDGET", "INTERNAL_ERROR", "UNIMPLEMENTED"]);

/** Edges of pages, of RAM, of what has meaning, and anything. */
const value = fc.oneof(
  fc.constantFrom(0n, 1n, 3n, 0x3000n, 0x3001n, 0x3ff8n, 0xf_fff8n, 0x10_0000n, 0x10_0001n, 0xffe0_f001n),
  fc.constantFrom(
    0x564d_5868n,
    0x1137_24fan,
    0x7781_0f9bn,
    0x4b56_4d21n,
    10n,
    0x7f01n,
    0x1_7f02n,
    0x70n,
    0x5401n,
  ),
  fc.constantFrom(0x5453_0004n, 0x5453_0008n, 0x5453_000cn, 0x5453_0014n, 0x4000_0000n, 0x4000_0001n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);

const X86 = ["vmcall", "vmmcall", "wrmsr", "rdmsr", "cpuid", "in eax, dx"];
const PPC = ["sc", "sc 1"];

for (const [backend, mode] of MODES) {
  const arch = backend.startsWith("kvm") ? "ppc" : "x86";
  for (const { name, carriers } of HYPERVISORS) {
    if (!carriers[backend]?.includes(mode)) continue;
    Deno.test(`random registers and pages: ${name} on ${backend}, ${mode} bits`, async () => {
      const lines = arch === "x86" ? X86 : PPC;
      const step = fc.record({
        line: fc.constantFrom(...lines),
        values: fc.array(value, { minLength: 10, maxLength: 10 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
          const vm = createVm({ arch, mode, backend, hypervisor: name, memory: 2 ** 20 });
          vm.memory.addSlot({ name: "rom", gpa: 0x10_0000, size: 4096, readOnly: true });
          vm.devices.add({ name: "dut", call: (_fn, data) => data, read: () => 1, write() {} });
          const io = createIo(vm);
          const names = arch === "ppc"
            ? ["r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"]
            : ["ax", "bx", "cx", "dx", "si", "di"].map((one) => (mode === 64 ? "r" : "e") + one);
          for (const { line, values } of steps) {
            vm.load(vm.assemble(`${line}\n${arch === "x86" ? "hlt" : "b 0x2004"}`, 0x2000n));
            names.forEach((one, i) => {
              const width = BigInt(mode === 64 ? 64 : 32);
              vm.vcpu.registers.set(one, values[i] & (1n << width) - 1n);
            });
            const stop = await vm.run({ instructions: 50 });
            assert(STOPS.has(stop.reason), `${stop.reason}: ${stop.message}`);
          }
          vm.reset();
          io.close();
        }),
        { seed: 20261122, numRuns: 60 },
      );
    });
  }
}

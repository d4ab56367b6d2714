/** The same program gives the same ledger, to the last row, however it is executed. */
import { assertEquals } from "@std/assert";
import type { Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { guest, traceOf } from "./guests.ts";

const PROGRAMS: readonly (Partial<VmOptions> & { source: string })[] = [
  {
    source: `mov ebx, 0xfeb00000
             mov edx, 0x1000
             mov ecx, 40
             again: out dx, al
             in ax, dx
             add [rbx], ecx
             mov esi, [rbx + 0x2ffe]
             mov eax, ecx
             cpuid
             mov ecx, edi
             inc edi
             rdtsc
             mov [0x4000], eax
             mov edx, 0x1000
             cmp edi, 40
             mov eax, edi
             vmcall
             mov ebx, 0xfeb00000
             jb again
             hlt`,
  },
  {
    arch: "ppc",
    mode: 32,
    source: `lis r5, -336
             li r6, 30
             mtctr r6
             again: stw r6, 0(r5)
             lhbrx r7, r0, r5
             mfspr r8, 272
             mftb r9
             lis r0, 0x4b56
             ori r0, r0, 0x4d21
             mfctr r11
             sc
             lwz r4, 0x1ffe(r5)
             bdnz again
             stop: b stop`,
  },
];

function device(vm: Vm): void {
  let value = 1;
  vm.devices.add({
    name: "d",
    size: 0x1000,
    read(_offset, _size, context) {
      context.charge(value % 7);
      value = value * 5 + context.cycles % 3 & 0xffff;
      return value;
    },
    write: (offset, size) => void (value += offset + size),
  });
}

for (const { source, ...options } of PROGRAMS) {
  Deno.test(`the same ledger twice, and on every engine: ${options.arch ?? "x86"}`, async () => {
    const traces: string[] = [];
    for (const how of ["interpreter", "interpreter", "oracle", "region", "pieces"] as const) {
      const vm = guest(source, { ...options, engine: how === "oracle" ? "oracle" : "interpreter" });
      device(vm);
      if (how === "region") vm.compileRegion(0x1000n, vm.assemble(source).bytes.length);
      const limit = 600;
      if (how === "pieces") { while (vm.vcpu.instructions < 300) await vm.run({ instructions: 7 }); }
      const stop = await vm.run({ instructions: limit - vm.vcpu.instructions });
      const trace = traceOf(vm, { ...stop, message: "" });
      traces.push(
        JSON.stringify(trace, (_key, value) => typeof value === "bigint" ? `0x${value.toString(16)}` : value),
      );
    }
    for (const trace of traces) assertEquals(trace, traces[0]);
  });
}

Deno.test("totals are the sum of the rows", async () => {
  const vm = guest(PROGRAMS[0].source);
  device(vm);
  await vm.run();
  const { count, accesses, returns, cycles } = vm.exits.totals();
  const sum = (f: (row: (typeof vm.exits.rows)[number]) => number) =>
    vm.exits.rows.reduce((n, row) => n + f(row), 0);
  assertEquals([count, accesses, returns, cycles.total], [
    vm.exits.rows.length,
    sum((row) => row.accesses),
    sum((row) => row.returns),
    sum((row) => row.cycles.total),
  ]);
  // And time is instructions and exits, nothing else.
  const last = vm.exits.rows.at(-1)!;
  assertEquals(vm.vcpu.cycles, last.at + last.cycles.total);
});

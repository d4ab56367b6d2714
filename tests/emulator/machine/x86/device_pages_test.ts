/** Device pages in translated addresses: the way to one is remembered, and forgotten when the tables change. */
import { assertEquals } from "@std/assert";
import { createVm } from "../../../../emulator/machine/vm.ts";

const DIRECTORY = 0x1000, TABLE = 0x2000, CODE = 0x4000n;

for (const regions of ["off", "first"] as const) {
  Deno.test(`stores go where the guest's table leads now, regions ${regions}`, async () => {
    const vm = createVm({ arch: "x86", mode: 32, memory: 2 ** 20, regions });
    const seen: string[] = [];
    const pages = ["a", "b"].map((name) => {
      const write = (_offset: number, _size: number, value: number | bigint) =>
        void seen.push(`${name}${value}`);
      return vm.devices.add({ name, size: 4096, read: () => 0, write }).window.gpa;
    });
    const table = new DataView(new ArrayBuffer(4096));
    for (let page = 0; page < 256; page++) table.setUint32(page * 4, page * 4096 | 3, true);
    table.setUint32(0x80 * 4, pages[0] | 3, true);
    vm.memory.write(TABLE, new Uint8Array(table.buffer));
    vm.memory.write(DIRECTORY, Uint8Array.of(0x03, TABLE >> 8, 0, 0));
    vm.load(vm.assemble(
      `mov eax, ${DIRECTORY}
       mov cr3, eax
       mov eax, cr0
       or eax, 0x80000000
       mov cr0, eax
       mov ecx, 1
again: mov [0x80000], ecx
       inc ecx
       cmp ecx, 4
       jne again
       mov dword ptr [${TABLE + 0x80 * 4}], ${pages[1] | 3}
       invlpg [0x80000]
       mov [0x80000], ecx
       mov dword ptr [${TABLE + 0x80 * 4}], 0x9003
       invlpg [0x80000]
       mov dword ptr [0x80000], 77
       mov edx, [0x9000]
       hlt`,
      CODE,
    ));
    vm.vcpu.pc = CODE;
    const stop = await vm.run();
    assertEquals(stop.reason, "HLT", stop.message);
    assertEquals([seen, vm.vcpu.registers.get("edx")], [["a1", "a2", "a3", "b4"], 77n]);
  });
}

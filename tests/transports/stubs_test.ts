/** Figures come from traps: a stub without its trap fails. Guests' own use of the transports, good and bad. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DESCRIPTOR, DESCRIPTOR_SIZE } from "../../transports/descriptor.ts";
import { HYPERCALL } from "../../transports/numbers.ts";
import { CELLS, opened, pattern, VIAS } from "./cells.ts";
import { recorder } from "./recorder.ts";

for (const cell of CELLS) {
  for (const via of VIAS) {
    for (const data of ["words", "descriptor"] as const) {
      Deno.test(`on ${cell.name} via ${via}, ${data}, a stub whose trap was overwritten by no-ops fails`, async () => {
        const { device } = recorder();
        const { vm, handle } = await opened(cell, device, via, data);
        await handle.call(1, 5);
        const stubs = vm.memory.slots.find((slot) => slot.name === "transport stubs")!;
        const trap = vm.exits.rows[0];
        const at = Number(trap.pc) + (vm.mode === 16 ? stubs.gpa : 0);
        const [line] = vm.disassemble(BigInt(at), 1);
        const nops = vm.arch === "x86"
          ? new Uint8Array(line.bytes.length).fill(0x90)
          : Uint8Array.of(...(vm.isa.order === "be" ? [0x60, 0, 0, 0] : [0, 0, 0, 0x60]));
        const before = vm.memory.read(at, nops.length);
        vm.memory.write(at, nops);
        const error = await assertRejects(() => handle.call(1, 5), Error);
        // Where there are several traps the others still make their exits; the call fails all the same.
        const only = via === "hypercall" || data === "descriptor";
        if (only) assertStringIncludes(error.message, "ran to its end without a VM exit");
        vm.memory.write(at, before);
        assertEquals((await handle.call(1, 5))[0], 5);
      });
    }
  }
}

Deno.test("a stub of register access whose trap was overwritten fails", async () => {
  const { device } = recorder();
  const { vm, handle } = await opened(CELLS[0], device, "pio");
  await handle.write(0, 4, 1);
  vm.memory.write(Number(vm.exits.rows[0].pc), Uint8Array.of(0x90));
  await assertRejects(
    () => handle.write(0, 4, 1),
    Error,
    'write(0, 4) of device "dut" by pio: the stub "pio_write32" at 0xffe00000 ran to its end without a VM exit',
  );
});

Deno.test("a stub that was overwritten by nonsense stops, and says where", async () => {
  const { device } = recorder();
  const { vm, handle } = await opened(CELLS[0], device, "pio");
  await handle.write(0, 4, 1);
  vm.memory.write(Number(vm.exits.rows[0].pc), Uint8Array.of(0x0f, 0x0b));
  await assertRejects(() => handle.write(0, 4, 1), Error, "stopped with");
  // A jump to itself.
  vm.memory.write(Number(vm.exits.rows[0].pc), Uint8Array.of(0xeb, 0xfe));
  await assertRejects(() => handle.write(0, 4, 1), Error, "BUDGET");
});

/** What a guest of the user's own may put in a descriptor, and what it gets. */
const BAD: readonly [string, (view: DataView) => void, number][] = [
  ["a payload outside of RAM", (view) => view.setBigUint64(DESCRIPTOR.data, 0x9000_0000n, true), -14],
  ["a length of 2 GiB", (view) => view.setUint32(DESCRIPTOR.length, 0x8000_0000, true), -7],
  ["a payload that wraps", (view) => view.setBigUint64(DESCRIPTOR.data, (1n << 64n) - 4n, true), -14],
  ["a reply buffer outside of RAM", (view) => view.setBigUint64(DESCRIPTOR.reply, 0xffff_f000n, true), -14],
];

for (const [what, spoil, status] of BAD) {
  Deno.test(`a guest's descriptor with ${what} gets an errno, and the guest goes on`, async () => {
    const { device, asked } = recorder();
    const { vm } = await opened(CELLS[0], device, "hypercall");
    const bytes = new Uint8Array(DESCRIPTOR_SIZE);
    const view = new DataView(bytes.buffer);
    view.setUint32(DESCRIPTOR.length, 8, true);
    view.setUint32(DESCRIPTOR.capacity, 8, true);
    view.setBigUint64(DESCRIPTOR.data, 0x3000n, true);
    view.setBigUint64(DESCRIPTOR.reply, 0x3100n, true);
    spoil(view);
    vm.memory.write(0x2000, bytes);
    vm.load(vm.assemble(
      `
      mov eax, ${HYPERCALL.CALL_DESCRIPTOR}
      mov ebx, ${vm.devices.get("dut")!.handle}
      mov ecx, 0x2000
      vmcall
      hlt
      `,
      0x1000n,
    ));
    const stop = await vm.run({ instructions: 100 });
    assertEquals(stop.reason, "HLT");
    assertEquals(BigInt.asIntN(64, vm.vcpu.registers.get("rax")), BigInt(status));
    const after = vm.memory.read(0x2000, DESCRIPTOR_SIZE);
    assertEquals(new DataView(after.buffer).getInt32(DESCRIPTOR.status, true), status);
    assertEquals(asked, []);
  });
}

Deno.test("a guest's doorbell at an address outside of RAM leaves an errno in RESULT", async () => {
  const { device } = recorder();
  const { vm } = await opened(CELLS[0], device, "pio");
  const port = vm.devices.get("dut")!.callPorts!.base;
  vm.load(vm.assemble(
    `
    mov edx, ${port + 0x18}
    mov eax, 0xe0000000
    out dx, eax
    mov edx, ${port + 0x10}
    in eax, dx
    hlt
    `,
    0x1000n,
  ));
  assertEquals((await vm.run({ instructions: 100 })).reason, "HLT");
  assertEquals(BigInt.asIntN(32, vm.vcpu.registers.get("eax")), -14n);
});

Deno.test("a guest's hypercall for a device that is not there gets ENODEV", async () => {
  const { vm } = await opened(CELLS[0], recorder().device, "hypercall");
  vm.load(vm.assemble(`mov eax, ${HYPERCALL.CALL}\n mov ebx, 0x77\n vmcall\n hlt`, 0x1000n));
  assertEquals((await vm.run({ instructions: 10 })).reason, "HLT");
  assertEquals(BigInt.asIntN(64, vm.vcpu.registers.get("rax")), -19n);
});

Deno.test("totals are the sum of the rows, whatever was called", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      const { device } = recorder((_fn, data, context) => {
        context.charge(100);
        return data;
      });
      const { vm, handle } = await opened(cell, device, via);
      for (const size of [0, 5, 64, 20_000]) await handle.call(1, pattern(size));
      await handle.read(0, 8);
      const totals = vm.exits.totals();
      for (const stage of ["worldSwitch", "dispatch", "decode", "userspace", "device", "total"] as const) {
        assertEquals(totals.cycles[stage], vm.exits.rows.reduce((sum, row) => sum + row.cycles[stage], 0));
      }
      assertEquals(totals.cycles.device, 400);
      assert(totals.count === vm.exits.rows.length);
    }
  }
});

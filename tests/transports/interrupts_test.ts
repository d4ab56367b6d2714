/** Calls of a script while the guest waits for an interrupt, or while one waits for the guest. */
import { assertEquals } from "@std/assert";
import { createVm } from "../../emulator/machine/vm.ts";
import { echoDevice } from "../../emulator/machine/devices/echo.ts";
import { createIo } from "../../transports/io.ts";

Deno.test("a halted guest is halted after a call, and an interrupt that waits is not taken by the stub", async () => {
  const vm = createVm({ arch: "x86", mode: 16, interrupts: true });
  const setup = [[0x20, 0x13], [0x21, 8], [0x21, 3], [0x21, 0]]
    .map(([port, value]) => `mov al, ${value}\nout ${port}, al`).join("\n");
  vm.load(vm.assemble(`${setup}\nsti\nhlt\ninc si\nhlt`, 0x1000n));
  vm.memory.write(4 * 11, Uint8Array.of(0, 0x20, 0, 0));
  vm.memory.write(0x2000, vm.assemble("inc di\niret", 0x2000n).bytes);
  vm.vcpu.registers.set("sp", 0x8000);
  vm.devices.add(echoDevice());
  assertEquals((await vm.run()).reason, "HLT");
  vm.irq(3);
  const echo = await createIo(vm).open("echo");
  assertEquals(await echo.call(1, Uint8Array.of(1, 2, 3)), Uint8Array.of(1, 2, 3));
  const get = (name: string) => vm.vcpu.registers.get(name);
  assertEquals([get("di"), get("si"), vm.vcpu.halted], [0n, 0n, true]);
  assertEquals([(await vm.run()).reason, get("di"), get("si")], ["HLT", 1n, 1n]);
});

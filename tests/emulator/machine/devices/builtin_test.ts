import { assertEquals } from "@std/assert";
import { debugExitDevice } from "../../../../emulator/machine/devices/debug_exit.ts";
import { echoDevice } from "../../../../emulator/machine/devices/echo.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";

Deno.test("debugExitDevice() ends the run with the stored value", async () => {
  const vm = createVm({ arch: "x86", mode: 32 });
  vm.devices.add(debugExitDevice(), { port: 0x501 });
  vm.load(vm.assemble("mov al, 33\nmov dx, 0x501\nout dx, al\nmov ecx, 5\nhlt\n", 0x1000n));
  const stop = await vm.run();
  assertEquals([stop.reason, stop.reason === "SYSTEM_EVENT" && stop.code], ["SYSTEM_EVENT", 33]);
  assertEquals(vm.vcpu.registers.get("ecx"), 0n);
  assertEquals(vm.disassemble(stop.pc, 1)[0].text.split(" ")[0], "mov");
});

Deno.test("echoDevice() keeps its registers, little-endian, and answers a call with its data", () => {
  const { read, write, call, reset } = echoDevice() as Required<ReturnType<typeof echoDevice>>;
  const context = createVm({ arch: "x86" }).devices;
  const at = context.context(context.add({ name: "none", call: () => 0 }));
  write(0, 4, 0x12345678, at);
  assertEquals([read(0, 1, at), read(1, 1, at), read(0, 2, at)], [0x78, 0x56, 0x5678]);
  write(8, 8, 2n ** 63n, at);
  assertEquals(read(8, 8, at), 2n ** 63n);
  assertEquals(call(1, Uint8Array.of(1, 2), at), Uint8Array.of(1, 2));
  reset();
  assertEquals(read(0, 4, at), 0);
});

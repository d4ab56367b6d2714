/** Non-maskable interrupts: taken with interrupts disabled, held off within their own handler, and saved. */
import { assertEquals, assertThrows } from "@std/assert";
import { restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { machine, vector } from "./guests.ts";

const ENGINES = ["interpreter", "oracle"] as const;

function x86(main: string, handler: string, engine: typeof ENGINES[number] = "interpreter"): Vm {
  const vm = machine({ options: { arch: "x86", mode: 16 }, main, handlers: { 0x2000: handler } }, engine);
  vector(vm, 2, 0x2000);
  vm.vcpu.registers.set("sp", 0x8000);
  return vm;
}
const get = (vm: Vm, name: string) => vm.vcpu.registers.get(name);

for (const engine of ENGINES) {
  Deno.test(`an NMI comes with IF clear, at the next instruction, ${engine}`, async () => {
    const vm = x86("cli\nnop\nmov bx, di\nhlt", "inc di\niret", engine);
    await vm.run({ instructions: 1 });
    vm.nmi();
    assertEquals([(await vm.run()).reason, get(vm, "di"), get(vm, "bx")], ["HLT", 1n, 1n]);
    assertEquals(vm.exits.rows.map(({ native }) => native.name), ["EXTERNAL_INTERRUPT", "HLT"]);
  });

  Deno.test(`an NMI wakes a halted vCPU, ${engine}`, async () => {
    const vm = x86("cli\nhlt\nmov bx, di\nhlt", "inc di\niret", engine);
    assertEquals([(await vm.run()).reason, get(vm, "di")], ["HLT", 0n]);
    vm.nmi();
    assertEquals([(await vm.run()).reason, get(vm, "di"), get(vm, "bx")], ["HLT", 1n, 1n]);
  });

  Deno.test(`the next NMI waits for IRET, and a third is lost, ${engine}`, async () => {
    const vm = x86("nop\nmov bx, di\nhlt", "inc di\nmov cx, di\nadd cx, 5\niret", engine);
    vm.nmi();
    await vm.run({ instructions: 2 });
    vm.nmi();
    vm.nmi();
    await vm.run({ instructions: 2 });
    assertEquals([get(vm, "di"), get(vm, "cx")], [1n, 6n]);
    await vm.run({ instructions: 2 });
    assertEquals(get(vm, "di"), 2n);
    assertEquals([(await vm.run()).reason, get(vm, "di"), get(vm, "bx")], ["HLT", 2n, 2n]);
  });
}

Deno.test("what waits is in a snapshot", async () => {
  const vm = x86("nop\nmov bx, di\nhlt", "inc di\niret");
  vm.nmi();
  await vm.run({ instructions: 1 });
  vm.nmi();
  const other = restoreVm(saveVm(vm));
  for (const one of [vm, other]) {
    assertEquals([(await one.run()).reason, get(one, "di"), get(one, "bx")], ["HLT", 2n, 2n]);
  }
});

Deno.test("on PowerPC it is the system reset interrupt", async () => {
  const vm = createVm({ arch: "ppc", interrupts: true, vcpus: 2 });
  vm.load(vm.assemble("again: b again"));
  vm.memory.write(0x100, vm.assemble("here: b here").bytes);
  await vm.run({ instructions: 3 });
  vm.nmi();
  const stop = await vm.run({ instructions: 1 });
  assertEquals([stop.pc, vm.vcpu.registers.get("srr0")], [0x100n, 0x1000n]);
});

Deno.test("nmi() wants an interrupt controller, and a vCPU that has it", () => {
  assertThrows(() => createVm({ arch: "x86" }).nmi(), Error, "no interrupt controller");
  const vm = createVm({ arch: "x86", interrupts: true, vcpus: 2 });
  assertThrows(() => vm.nmi(1), RangeError, "vCPU 1 takes no non-maskable interrupts");
});

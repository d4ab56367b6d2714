/** Catchpoints: runs stop after the instruction whose exit is meant. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { EXECUTORS, type Guest, makeVm } from "../../engine/executors.ts";

const GUEST: Guest = {
  source: `mov edx, 0x80
           mov ebx, 0x7000000
           again: out dx, al
           mov eax, [ebx]
           in eax, dx
           cpuid
           mov edx, 0x80
           mov ebx, 0x7000000
           dec esi
           jnz again
           hlt`,
  setUp: (vm) => vm.vcpu.registers.set("rsi", 2n),
};

Deno.test("run() stops after the instruction of an exit that is caught, alike on every executor", async () => {
  for (
    const [place, expected] of [
      [{ reason: "pio", key: 0x80 }, ["IO out 1 200b", "IO in 4 200f", "IO out 1 200b", "IO in 4 200f"]],
      [{ reason: "MMIO" }, ["MMIO in 4 200e", "MMIO in 4 200e"]],
      [{ reason: "cpuid" }, ["CPUID none 0 2011", "CPUID none 0 2011"]],
      [{ reason: "io", key: 0x81 }, []],
    ] as const
  ) {
    for (const executor of EXECUTORS) {
      const vm = makeVm(GUEST, executor);
      const { id } = vm.catchpoints.add(place);
      const seen: string[] = [];
      for (let stop = await vm.run(); stop.reason === "DEBUG"; stop = await vm.run()) {
        assert(stop.catchpoint?.id === id);
        const { reason, direction, size } = stop.catchpoint;
        seen.push(`${reason} ${direction} ${size} ${stop.pc.toString(16)}`);
      }
      assertEquals(seen, [...expected], executor);
    }
  }
});

Deno.test("an exit whose device answers later is caught when its instruction is complete", async () => {
  const source = "mov edx, 0x80\nin al, dx\nnop\nnop\nhlt";
  for (const executor of EXECUTORS) {
    const vm = makeVm({ source }, executor);
    vm.ports.add({ base: 0x80, size: 1, name: "slow" }, {
      read: () => Promise.resolve(5),
      write: () => {},
    });
    vm.catchpoints.add({ reason: "IO" });
    const stop = await vm.run();
    assertEquals([stop.reason, stop.pc, vm.vcpu.registers.get("al")], ["DEBUG", 0x2006n, 5n], executor);
    assertEquals(stop.message, "catchpoint 1: IO (IO_INSTRUCTION) 0x80 in (1 byte), by 0x2005");
    assertEquals((await vm.run()).reason, "HLT");
  }
});

Deno.test("hypercalls of PowerPC are caught by kind, by name and by number", async () => {
  const source = "li r3, 0x3c\nsc 1\nli r3, 0x40\nsc 1\nagain: b again";
  for (const place of [{ reason: "hypercall", key: 0x40 }, { reason: "papr_hcall", key: 0x40 }]) {
    const vm = makeVm({ arch: "ppc", source }, "interpreter");
    vm.catchpoints.add(place);
    const stop = await vm.run({ instructions: 100 });
    assertEquals(stop.reason === "DEBUG" && [stop.catchpoint!.key, stop.pc], [0x40, 0x2010n]);
  }
});

Deno.test("another stop of the same instruction is told first, and the catchpoint counts it", async () => {
  const vm = makeVm({ source: "hlt" }, "interpreter");
  const { id } = vm.catchpoints.add({ reason: "HLT" });
  assertEquals([(await vm.run()).reason, vm.catchpoints.get(id)!.hits], ["HLT", 1]);
});

Deno.test("add() names the exits that there are", () => {
  const vm = makeVm({ source: "hlt" }, "interpreter");
  assertThrows(
    () => vm.catchpoints.add({ reason: "no" }),
    RangeError,
    "vmx has no exit no: it has pio, hypercall, ",
  );
});

Deno.test("points are numbered together, and change() and remove() find them", () => {
  const vm = makeVm({ source: "hlt" }, "interpreter");
  const ids = [
    vm.breakpoints.add(0n).id,
    vm.watchpoints.add({ address: 0n, length: 1, kind: "read" }).id,
    vm.catchpoints.add().id,
  ];
  assertEquals(ids, [1, 2, 3]);
  assertEquals([vm.breakpoints.remove(2), vm.watchpoints.remove(2), vm.watchpoints.remove(2)], [
    false,
    true,
    false,
  ]);
  assertThrows(() => vm.breakpoints.change(9, {}), RangeError, "there is no point 9");
});

/** Events of `vm.ioevents` in a snapshot: the same matches and counts, and a signal that is given again. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { snapshot } from "../../../../emulator/exits/snapshot.ts";
import { KernelIoError } from "../../../../emulator/machine/io_events.ts";
import { restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { guest } from "../guests.ts";
import { isSame, moved, runCut } from "./going_on.ts";

const PORT = 0x1000, GPA = 0xfeb0_0000;
/** Three writes a turn, of which events match two: any data by address alone, and one number in four. */
const SOURCE = `mov ebx, ${GPA}
 mov edx, ${PORT}
 mov ecx, 40
again: mov [rbx], ecx
 mov eax, ecx
 and eax, 3
 out dx, al
 dec ecx
 jnz again
 hlt`;

function machine(signal: (name: string) => void): Vm {
  const vm = guest(SOURCE);
  events(vm, signal);
  return vm;
}

function events(vm: Vm, signal: (name: string) => void): void {
  vm.ioevents.add({ bus: "mmio", address: GPA, length: 0, name: "bell", signal: () => signal("bell") });
  vm.ioevents.add({
    bus: "pio",
    address: PORT,
    length: 1,
    datamatch: 3,
    name: "three",
    signal: () => signal("three"),
  });
}

Deno.test("matches go on after a restore at any boundary: the same ledger, counts and signals", async () => {
  const run = async (between: (vm: Vm, signal: (name: string) => void) => Vm, piece: number) => {
    const seen: string[] = [], signal = (name: string) => void seen.push(name);
    const { vm, stop } = await runCut(machine(signal), 500, () => piece, (vm) => between(vm, signal));
    return {
      seen,
      stop: stop.reason,
      exits: snapshot(vm.exits),
      counts: vm.ioevents.list.map(({ count }) => count),
    };
  };
  for (const piece of [7, 31]) {
    const straight = await run((vm) => vm, piece);
    assertEquals([straight.stop, straight.seen.length, straight.counts], ["HLT", 50, [10, 40]]);
    // Another machine's signals, or each added again.
    assertEquals(await run((vm) => moved(vm, { ioevents: vm.ioevents }), piece), straight);
    const again = await run((vm, signal) => {
      const other = moved(vm);
      assertEquals(other.ioevents.waiting.map(({ name }) => name), ["three", "bell"]);
      events(other, signal);
      assertEquals(other.ioevents.waiting, []);
      return other;
    }, piece);
    assertEquals(again, straight);
  }
});

Deno.test("a write that an event waits for ends the run, and is made once its signal is there", async () => {
  const seen: string[] = [], signal = (name: string) => void seen.push(name);
  const straight = machine(signal);
  await straight.run();
  seen.length = 0;
  const vm = restoreVm(saveVm(machine(signal)));
  const stop = await vm.run();
  assertEquals([stop.reason, stop.pc], ["DEVICE_ERROR", vm.symbols.lookup("again")]);
  assert(stop.message.includes("bell (mmio 0xfeb00000, any length, any data) is a snapshot's"), stop.message);
  assertEquals((await vm.run()).reason, "DEVICE_ERROR");
  // Even from here it can be saved and gone on with.
  const there = restoreVm(saveVm(vm));
  assertEquals(seen, []);
  events(there, signal);
  assertEquals((await there.run()).reason, "HLT");
  assertEquals(seen.length, 50);
  assertEquals(there.ioevents.list.map(({ count }) => count), [10, 40]);
  // As with any device that fails, each try has left the guest once.
  assertEquals(there.exits.count, straight.exits.count + 2);
});

Deno.test("a restored event is replaced by the same match alone, and not by another machine's own", () => {
  const vm = createVm({ arch: "x86" });
  const own = { bus: "mmio", address: GPA, length: 4, signal() {} } as const;
  vm.ioevents.add({ ...own, name: "of this machine", ofThisVm: true });
  vm.ioevents.add({ ...own, address: GPA + 8, name: "anybody's" });
  const bytes = saveVm(vm), other = restoreVm(bytes, { ioevents: vm.ioevents });
  assert(isSame(saveVm(other), bytes));
  assertEquals(other.ioevents.waiting.map(({ name }) => name), ["of this machine"]);
  const wider = { ...own, length: 0 } as const;
  assertEquals(assertThrows(() => other.ioevents.add(wider), KernelIoError).errno, "EEXIST");
  const taken = other.ioevents.add(own);
  assertEquals(assertThrows(() => other.ioevents.add(own), KernelIoError).errno, "EEXIST");
  // Who has it may go on with it as it is, or take it for its own.
  other.ioevents.add({ ...own, address: GPA + 8 });
  assertEquals([other.ioevents.waiting, other.ioevents.remove(taken)], [[], true]);
});

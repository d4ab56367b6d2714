/** A machine goes on from its snapshot as if it had never stopped: the same ledger, registers, memory, time and stop. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { SavedState } from "../../../../emulator/engine/saved_state.ts";
import { snapshot } from "../../../../emulator/exits/snapshot.ts";
import { echoDevice } from "../../../../emulator/machine/devices/echo.ts";
import { Uart16550 } from "../../../../emulator/machine/devices/uart16550.ts";
import { hypervPage } from "../../../../emulator/machine/hypervisors/hyperv.ts";
import { describeSnapshot, restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import type { Stop } from "../../../../emulator/machine/stop.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { Random } from "../../../support/random.ts";
import { guest } from "../guests.ts";
import { GUESTS } from "../interrupts/delivery_guests.ts";
import { fullTrace, machine } from "../interrupts/guests.ts";
import { trace } from "../vcpus/guests.ts";
import { guest as manyGuest } from "../vcpus/random_guest.ts";
import { isSame, moved, runCut } from "./going_on.ts";

/** `TRAPSH_CASES` (random ways to cut each guest) makes a longer run. */
const WAYS = Number(Deno.env.get("TRAPSH_CASES") ?? 0) || 2;

/** Cuts a run in two ways at the same places: without a snapshot, and with one and another engine by chance. */
async function compare(
  make: () => Vm,
  limit: number,
  most: number,
  way: number,
  trace: (vm: Vm, stop: Stop) => unknown,
) {
  const pieces = () => {
    const random = new Random(way);
    return () => 1 + random.below(most);
  };
  const straight = await runCut(make(), limit, pieces(), (vm) => vm);
  const cut = await runCut(make(), limit, pieces(), (vm) => moved(vm));
  assertEquals(trace(cut.vm, cut.stop), trace(straight.vm, straight.stop));
  assert(isSame(saveVm(cut.vm), saveVm(straight.vm)), "another state");
  const engines = new Random(way);
  const other = await runCut(make(), limit, pieces(), (vm) => {
    return moved(vm, { engine: engines.below(3) === 0 ? "oracle" : "interpreter" });
  });
  assertEquals(trace(other.vm, other.stop), trace(straight.vm, straight.stop), "other engines");
}

for (const [name, source] of Object.entries(GUESTS)) {
  Deno.test(`${name}: saved and restored at any boundary`, async () => {
    const limit = source.options.arch === "ppc" ? 2000 : 20_000;
    for (let way = 0; way < WAYS; way++) {
      const make = () => machine(source, way % 2 === 0 ? "interpreter" : "region");
      await compare(make, limit, [900, 200, 40][way % 3], way, fullTrace);
    }
  });
}

for (let seed = 1; seed <= 4; seed++) {
  const vcpus = 1 + seed % 4;
  Deno.test(`${vcpus} vCPUs that interrupt each other, seed ${seed}: saved and restored at any boundary`, async () => {
    for (let way = 0; way < WAYS; way++) {
      const how = { engine: "interpreter", pieces: 0, later: way % 2 === 1 } as const;
      await compare(() => manyGuest(seed, vcpus, how), 8000, 700, way + seed, trace);
    }
  });
}

Deno.test("a snapshot holds the state of a serial port and of echo, and bytes on their way", async () => {
  const source = "mov edx, 0x3f8\nagain: in al, dx\nmov [0x4000], al\nout dx, al\njmp again";
  const sent: number[] = [];
  const uart = () => new Uart16550({ transmit: (byte) => void sent.push(byte) });
  const vm = guest(source), port = uart();
  vm.devices.add(port, { port: 0x3f8 });
  vm.devices.add(echoDevice());
  port.feed(new TextEncoder().encode("hello"));
  await vm.run({ instructions: 1 + 4 * 2 });
  const devices = [uart(), echoDevice()];
  const other = restoreVm(saveVm(vm), { devices });
  assertEquals(other.devices.list().map(({ ports, window, handle }) => ({ ports, window, handle })), [
    ...vm.devices.list().map(({ ports, window, handle }) => ({ ports, window, handle })),
  ]);
  await other.run({ instructions: 4 * 3 });
  assertEquals(new TextDecoder().decode(Uint8Array.from(sent)), "hello");
});

Deno.test("a device that keeps something and cannot be saved is named, and so is one that is missing", () => {
  const vm = createVm({ arch: "x86" });
  vm.devices.add({ name: "pure", call: () => 1, stateless: true });
  saveVm(vm);
  vm.devices.add({ name: "keeper", call: () => 1 });
  vm.devices.add({ name: "other", call: () => 1 });
  assertThrows(() => saveVm(vm), TypeError, "no snapshot can hold keeper, other");
  vm.devices.remove("keeper");
  vm.devices.remove("other");
  vm.devices.add(echoDevice());
  const bytes = saveVm(vm);
  assertThrows(() => restoreVm(bytes), RangeError, "not given: pure, echo");
  const deaf = { name: "echo", size: 64, call: () => 1, stateless: true };
  const pure = { name: "pure", call: () => 1, stateless: true };
  assertThrows(() => restoreVm(bytes, { devices: [pure, deaf] }), TypeError, "no load(state)");
  const small = { ...echoDevice(), size: 8 };
  assertThrows(
    () => restoreVm(bytes, { devices: [pure, small] }),
    RangeError,
    "8 bytes of registers, 64 were there",
  );
  assertThrows(
    () => vm.devices.add({ name: "half", call: () => 1, save: () => null }),
    TypeError,
    "has save and no load",
  );
  assertThrows(
    () => {
      const bad = createVm({ arch: "x86" });
      bad.devices.add({ name: "bad", call: () => 1, save: () => new Map() as never, load() {} });
      saveVm(bad);
    },
    TypeError,
    "object of Map",
  );
});

Deno.test("devices are as they were where one of them cannot load its state", () => {
  const vm = createVm({ arch: "x86" }), counter = { value: 1 };
  const first = {
    name: "first",
    call: () => 1,
    save: () => counter.value,
    load: (state: SavedState) => void (counter.value = Number(state)),
  };
  const load = (state: SavedState) => {
    if (state === 5) throw new RangeError("not five");
  };
  vm.devices.add(first);
  vm.devices.add({ name: "second", call: () => 1, save: () => 5, load });
  const bytes = saveVm(vm);
  counter.value = 2;
  const devices = vm.devices.list().map(({ device }) => device);
  assertThrows(() => restoreVm(bytes, { devices }), RangeError, "not five");
  assertEquals(counter.value, 2);
});

Deno.test("a machine cannot be saved in the middle of an exit, and can be when the device has answered", async () => {
  const vm = guest("mov edx, 0x1000\nin eax, dx\nhlt");
  let refused: unknown;
  const answer = Promise.withResolvers<number>();
  vm.devices.add({ name: "late", stateless: true, read: () => answer.promise });
  const abort = new AbortController();
  const running = vm.run({ signal: abort.signal });
  try {
    saveVm(vm);
  } catch (error) {
    refused = error;
  }
  assert(refused instanceof Error && refused.message.includes("in the middle of a run"));
  abort.abort();
  await running;
  assertThrows(() => saveVm(vm), Error, "waits for its device");
  answer.resolve(7);
  await vm.run();
  assertEquals(moved(vm).vcpu.registers.get("eax"), 7n);
});

Deno.test("an instruction that was left half-way is completed after a restore, and its accesses are not repeated", async () => {
  const seen: string[] = [];
  let works = false;
  const device = {
    name: "d",
    size: 0x2000,
    stateless: true,
    read(offset: number) {
      seen.push(`read ${offset.toString(16)}`);
      if (offset === 0x1000 && !works) throw new Error("not yet");
      return 0x55;
    },
  };
  // A load across a page is two accesses: the second one fails.
  const make = () => {
    const vm = guest("mov ebx, 0xfeb00fff\nmov ax, [rbx]\nhlt");
    vm.devices.add(device);
    return vm;
  };
  const vm = make();
  assertEquals((await vm.run()).reason, "DEVICE_ERROR");
  const other = moved(vm);
  assertThrows(() => moved(vm, { backend: "svm" }), RangeError, "in the middle of the instruction at 0x1005");
  works = true;
  for (const one of [vm, other]) {
    seen.length = 0;
    assertEquals((await one.run()).reason, "HLT");
    assertEquals([seen, one.vcpu.registers.get("ax")], [["read 1000"], 0x5555n]);
  }
  assertEquals(snapshot(other.exits), snapshot(vm.exits));
});

Deno.test("symbols, slots, recorded rows and the clock's mark are kept; breakpoints are not", async () => {
  const vm = guest("start: rdtsc\nout 0x80, al\njmp start");
  vm.memory.addSlot({ name: "rom", gpa: 0x800_0000, size: 0x3000, readOnly: true });
  vm.memory.write(0x800_2000, Uint8Array.of(1, 2, 3));
  vm.breakpoints.add(0x1000n);
  await vm.run({ instructions: 10 });
  const other = moved(vm);
  const bare = ({ name, gpa, size, readOnly }: Vm["memory"]["slots"][number]) => ({
    name,
    gpa,
    size,
    readOnly,
  });
  assertEquals(other.memory.slots.map(bare), vm.memory.slots.map(bare));
  assertEquals(other.memory.read(0x800_2000, 3), Uint8Array.of(1, 2, 3));
  assertEquals([other.symbols.lookup("start"), other.breakpoints.list().length], [0x1000n, 0]);
  assertEquals([other.exits.clockRead, other.exits.recording], [true, true]);
  assertEquals(other.exits.rows, vm.exits.rows);
  const { arch, mode, backend, vcpus, memory, exits } = describeSnapshot(saveVm(vm));
  assertEquals([arch, mode, backend, vcpus, memory.kept, exits], ["x86", 64, "vmx", 1, 8192, vm.exits.count]);
});

Deno.test("parts that layers above add wait for them in a restored machine", () => {
  const vm = createVm({ arch: "x86" });
  vm.parts.add("mine", { save: () => ({ n: 5n }), load: () => {} });
  assertThrows(() => vm.parts.add("mine", { save: () => 1, load() {} }), RangeError, "a part mine");
  const other = moved(vm);
  assertEquals(other.parts.waiting, ["mine"]);
  let loaded: unknown;
  other.parts.add("mine", { save: () => 1, load: (state) => void (loaded = state) });
  assertEquals([loaded, other.parts.waiting], [{ n: 5n }, []]);
});

for (
  const [from, to, options, source] of [
    [
      "vmx",
      "svm",
      { arch: "x86" },
      "mov ebx, 0xfeb00000\nagain: mov [rbx], eax\nout 0x80, al\ninc eax\njmp again",
    ],
    [
      "kvm-hv",
      "kvm-pr",
      { arch: "ppc" },
      "li r5, 0\noris r5, r5, 0xfeb0\nagain: stw r6, 0(r5)\naddi r6, r6, 1\nb again",
    ],
  ] as const
) {
  Deno.test(`on from ${from} to ${to}: the ledger begins anew, and time goes on`, async () => {
    const vm = guest(source, { ...options, backend: from });
    await vm.run({ instructions: 400 });
    const other = moved(vm, { backend: to });
    assertEquals([other.backend.name, other.exits.count, other.exits.recording], [to, 0, true]);
    assertEquals([other.vcpu.cycles, other.vcpu.instructions], [vm.vcpu.cycles, 400]);
    assertEquals(other.earlier.map(({ backend }) => backend.name), [from]);
    assertEquals(snapshot(other.earlier[0].exits), snapshot(vm.exits));
    await other.run({ instructions: 400 });
    await vm.run({ instructions: 400 });
    assertEquals(other.vcpu.registers.list(), vm.vcpu.registers.list());
    // And back, and once more with all that was counted on the way.
    const back = moved(moved(other, { backend: from }));
    assertEquals(back.earlier.map(({ backend }) => backend.name), [from, to]);
    await back.run({ instructions: 100 });
    assertEquals(snapshot(back.earlier[1].exits), snapshot(other.exits));
    // First touches are first ones again: the new hypervisor has tables of its own.
    if (from !== "vmx") return;
    const names = back.exits.rows.filter(({ reason }) => reason === "MMIO").map(({ native }) => native.name);
    assertEquals(names.slice(0, 2), ["EPT_VIOLATION", "EPT_MISCONFIG"]);
  });
}

Deno.test("what a hypervisor remembers is kept, and the page of Hyper-V is written for the processor that is there", () => {
  const vm = createVm({ arch: "x86", hypervisor: "hyperv" }), at = 0x5000, under = Uint8Array.of(1, 2, 3);
  vm.memory.write(at, hypervPage("vmx"));
  const bytes = new Uint8Array(4096);
  bytes.set(under);
  Object.assign(vm.hypervisorState, {
    guestOsId: 5n,
    hypercallPage: 0x5001n,
    covered: { gpa: at, bytes },
  });
  const same = moved(vm), there = moved(vm, { backend: "svm" });
  assertEquals([same.hypervisor.name, same.hypervisorState], ["hyperv", vm.hypervisorState]);
  assertEquals(there.hypervisorState, vm.hypervisorState);
  assertEquals(there.memory.read(at, 3), Uint8Array.of(0x0f, 0x01, 0xd9));
  // Xen knows nothing of that page.
  const xen = moved(vm, { hypervisor: "xen" });
  assertEquals([xen.hypervisor.name, xen.memory.read(at, 3), xen.hypervisorState.guestOsId], [
    "xen",
    under,
    0n,
  ]);
  assertEquals(xen.earlier.map(({ hypervisor }) => hypervisor), ["hyperv"]);
  assertThrows(() => moved(vm, { hypervisor: "papr" }), RangeError, "vmx carries no papr");
  const tree = createVm({ arch: "ppc", mode: 64, backend: "kvm-hv", hypervisor: "papr" });
  const pr = moved(tree, { backend: "kvm-pr" });
  assertEquals([pr.hypervisor.name, pr.vcpu.registers.get("r3")], ["papr", tree.vcpu.registers.get("r3")]);
  assertEquals(describeSnapshot(saveVm(pr)).hypervisor, "papr");
});

Deno.test("what cannot go on is refused with the reason", async () => {
  const vm = guest("again: out 0x80, al\njmp again");
  await vm.run({ instructions: 10 });
  assertThrows(() => moved(vm, { backend: "kvm-hv" }), RangeError, "there is no backend kvm-hv for x86");
  assertThrows(() => moved(vm, { profile: "ppc64-hv-assumed" }), RangeError);
  const { data } = vm.profile;
  const other = Object.create(vm.profile, {
    data: { value: data },
    tscHz: { value: 1 },
    name: { value: "slow" },
  });
  assertThrows(() => moved(vm, { profile: other }), RangeError, "clocks run at other rates");
  const priced = moved(vm, { profile: "tsirkin-2013" });
  assertEquals([priced.profile.name, priced.exits.count, priced.earlier.length], ["tsirkin-2013", 0, 1]);
  const wide = guest("nop", { arch: "ppc", mode: 32 });
  assertThrows(() => moved(wide, { backend: "kvm-hv" }), RangeError, "runs no 32-bit");
  const busy = guest("again: jmp again");
  const running = busy.run({ instructions: 10_000_000 });
  assertThrows(() => saveVm(busy), Error, "in the middle of a run");
  await running;
  await assertRejects(async () => await restoreVm(saveVm(busy)).run({ vcpu: 1 }), RangeError);
});

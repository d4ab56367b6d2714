/** Turns of several vCPUs: the same ledger however they are executed, and each stop exact and with its vCPU's name. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadProfile } from "../../../../emulator/exits/profiles/profiles.ts";
import { checkProfile } from "../../../../emulator/exits/profile_check.ts";
import { echoDevice } from "../../../../emulator/machine/devices/echo.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { createIo } from "../../../../transports/io.ts";
import { ENGINES, inPieces, machine, type ManyGuest, PPC_LOCK, trace, X86_LOCK } from "./guests.ts";

const ARCHES: Readonly<Record<string, ManyGuest>> = {
  x86: X86_LOCK,
  ppc: PPC_LOCK,
  "ppc32": { ...PPC_LOCK, options: { arch: "ppc", mode: 32 } },
};
/** The counter that the lock protects. */
const counter = (vm: Vm) =>
  new DataView(vm.memory.read(0x4008, 4).buffer).getUint32(0, vm.isa.order === "le");
const text = (value: unknown) =>
  JSON.stringify(value, (_key, part) => typeof part === "bigint" ? part.toString(16) : part);

for (const [name, guest] of Object.entries(ARCHES)) {
  for (const vcpus of [1, 2, 4]) {
    Deno.test(`a lock of ${vcpus} vCPUs leaves the same on every engine and in pieces: ${name}`, async () => {
      const short: ManyGuest = { ...guest, options: { ...guest.options, turn: 100 } };
      let first: string | undefined;
      for (const engine of ENGINES) {
        for (const piece of engine === "oracle" ? [Infinity] : [Infinity, 7, 100, 2503]) {
          const vm = machine(short, vcpus, engine);
          const stop = await inPieces(vm, () => piece === Infinity ? 1_000_000 : piece);
          assertEquals([stop.reason, counter(vm)], ["SYSTEM_EVENT", 8 * vcpus * (vcpus + 1)]);
          const left = text(trace(vm, stop));
          first ??= left;
          assert(left === first, `${engine} in pieces of ${piece} leaves something else`);
        }
      }
    });
  }
}

Deno.test("clocks are apart by a turn or by an exit at most, and rows come with their vCPU and in its time", async () => {
  const vm = machine({ ...X86_LOCK, options: { ...X86_LOCK.options, turn: 100 } }, 4);
  const dearest = 30_000;
  for (let i = 0; i < 40; i++) {
    await vm.run({ instructions: 7177 });
    const clocks = vm.vcpus.map(({ cycles }) => cycles);
    assert(Math.max(...clocks) - Math.min(...clocks) < 2 * 100 + dearest, clocks.join(" "));
  }
  const rows = vm.exits.rows;
  assertEquals(new Set(rows.map(({ vcpu }) => vcpu)).size, 4);
  for (const vcpu of [0, 1, 2, 3]) {
    const times = rows.filter((row) => row.vcpu === vcpu).map(({ at }) => at);
    assertEquals(times, times.toSorted((a, b) => a - b));
  }
});

Deno.test("exits of vCPUs that took turns are not priced again: their order depends on prices", async () => {
  const several = machine(X86_LOCK, 2), one = machine(X86_LOCK, 1);
  for (const vm of [several, one]) await vm.run();
  assertThrows(() => several.exits.reprice(several.profile), TypeError, "took turns by it");
  assertEquals(one.exits.reprice(one.profile).totals(), one.exits.totals());
});

Deno.test("each vCPU's clock is its instructions, its exits and its waits", async () => {
  const vm = machine(X86_LOCK, 3);
  await vm.run();
  const charged = vm.vcpus.map(({ index }) =>
    vm.exits.rows.filter((row) => row.vcpu === index).reduce((sum, { cycles }) => sum + cycles.total, 0)
  );
  assertEquals(charged.reduce((a, b) => a + b), vm.exits.cycles);
  const alone = vm.vcpus.map((vcpu, i) => vcpu.cycles - vcpu.idleCycles - charged[i]);
  for (const [i, vcpu] of vm.vcpus.entries()) {
    // What exits costs nothing beside its exit, everything else a cycle or some.
    assert(alone[i] >= vcpu.instructions - vm.exits.count && alone[i] < 40 * vcpu.instructions);
  }
});

Deno.test("createVm() names what is wrong with the number of vCPUs or of instructions in a turn", () => {
  for (const vcpus of [0, 65, 1.5, -1, NaN]) {
    assertThrows(
      () => createVm({ arch: "x86", vcpus }),
      RangeError,
      `${vcpus} vCPUs: give a whole number from 1 to 64`,
    );
  }
  for (const turn of [0, 99, 1_000_001, 200.5]) {
    assertThrows(
      () => createVm({ arch: "ppc", vcpus: 2, turn }),
      RangeError,
      `a turn of ${turn} instructions`,
    );
  }
  const many = { arch: "ppc", interrupts: true, vcpus: 33 } as const;
  assertThrows(() => createVm(many), RangeError, "an OpenPIC serves 32 vCPUs and not 33");
  assertEquals(createVm({ ...many, vcpus: 32, memory: 4096 }).vcpus.length, 32);
  assertEquals(createVm({ arch: "x86", vcpus: 64, memory: 4096 }).vcpus.length, 64);
});

Deno.test("all vCPUs but the first are parked until they are started, and again after reset", async () => {
  const vm = createVm({ arch: "x86", vcpus: 3, memory: 0x1_0000 });
  vm.load(vm.assemble("mov ecx, 3000\nagain: dec ecx\njne again\nhlt"));
  assertEquals(vm.vcpus.map(({ parked }) => parked), [false, true, true]);
  vm.vcpus[1].pc = 0x1000n;
  assertEquals((await vm.run({ instructions: 2000 })).reason, "BUDGET");
  assertEquals(vm.vcpus.map(({ instructions, cycles }) => [instructions, cycles > 0]), [
    [2000, true],
    [0, false],
    [0, false],
  ]);
  await assertRejectsParked(vm);
  vm.vcpus[2].start(0x1000n);
  assertEquals(vm.vcpus[2].cycles, vm.vcpu.cycles, "its clock shows what the others' show");
  const stop = await vm.run();
  assertEquals([stop.reason, vm.vcpus.map((vcpu) => vcpu.instructions)], ["HLT", [6002, 0, 6002]]);
  assertEquals(vm.vcpus.map(({ halted }) => halted), [true, false, true]);
  assertEquals((await vm.run()).reason, "HLT", "nothing can wake them");
  assertEquals([(await vm.step(1, { vcpu: 0 })).reason, vm.vcpu.instructions], ["HLT", 6002]);
  vm.reset();
  assertEquals(vm.vcpus.map(({ parked, halted }) => parked || halted), [false, true, true]);
});

async function assertRejectsParked(vm: Vm): Promise<void> {
  for (const [vcpu, message] of [[1, "vCPU 1 is parked"], [3, "no vCPU 3: the VM has 3"]] as const) {
    const error: unknown = await vm.step(1, { vcpu }).then(() => undefined, (error) => error);
    assert(error instanceof Error && error.message.includes(message), String(error));
  }
}

Deno.test("a guest starts another vCPU by a hypercall that a script answers", async () => {
  const vm = createVm({ arch: "x86", vcpus: 2, memory: 0x1_0000, recordRows: true });
  vm.load(
    vm.assemble(
      "mov eax, 77\nmov ebx, 0x2000\nmov ecx, 1\nvmcall\nwait: cmp dword ptr [0x4000], 5\njne wait\nhlt",
    ),
  );
  vm.load(vm.assemble("mov dword ptr [0x4000], 5\nhlt", 0x2000n));
  vm.vcpu.pc = 0x1000n;
  vm.hypercalls.register(77, {
    name: "start",
    call: ({ registers }) => vm.vcpus[Number(registers.get("rcx"))].start(registers.get("rbx")),
  });
  assertEquals((await vm.run({ instructions: 100_000 })).reason, "HLT");
  assertEquals(vm.vcpus[1].instructions, 2);
  const [call] = vm.exits.rows;
  assert(
    vm.vcpus[1].idleCycles >= call.at + call.cycles.total,
    "started when the hypercall was made, not before",
  );
});

Deno.test("a stop names its vCPU, and the next run goes on as if there had been none", async () => {
  const plain = machine(X86_LOCK, 3), stopped = machine(X86_LOCK, 3);
  const end = await plain.run();
  const at = stopped.symbols.lookup("quiet")!;
  const { id } = stopped.breakpoints.add(at);
  const seen: number[] = [];
  let stop = await stopped.run();
  for (; stop.reason === "DEBUG"; stop = await stopped.run()) {
    assertEquals([stop.breakpoint, stop.pc, stopped.vcpus[stop.vcpu].pc, stopped.acting.index], [
      id,
      at,
      at,
      stop.vcpu,
    ]);
    seen.push(stop.vcpu);
  }
  assertEquals([0, 1, 2].map((vcpu) => seen.filter((one) => one === vcpu).length), [16, 16, 16]);
  assertEquals(text(trace(stopped, stop)), text(trace(plain, end)));
});

Deno.test("step() executes instructions of one vCPU alone, by default of the one that executed last", async () => {
  const vm = machine(PPC_LOCK, 3);
  const counts = () => vm.vcpus.map(({ instructions }) => instructions);
  const stop = await vm.step(5, { vcpu: 2 });
  assertEquals([stop.reason, stop.vcpu, counts()], ["DEBUG", 2, [0, 0, 5]]);
  await vm.step();
  assertEquals(counts(), [0, 0, 6]);
  await vm.step(2, { vcpu: 0 });
  assertEquals([vm.acting.index, counts()], [0, [2, 0, 6]]);
  // The turn of the first ends with an exit; the one that was stepped waits until the other has caught up.
  await vm.run({ instructions: 1000 });
  assertEquals(counts(), [15, 987, 6]);
});

Deno.test("a breakpoint that several vCPUs reach stops each of them once", async () => {
  const vm = createVm({ arch: "x86", vcpus: 3, memory: 0x1_0000 });
  vm.load(vm.assemble("nop\nhere: nop\nhlt"));
  vm.breakpoints.add(0x1001n);
  for (const vcpu of vm.vcpus) vcpu.start(0x1000n);
  const stops = [];
  for (let i = 0; i < 3; i++) {
    stops.push((await vm.run()).vcpu);
    // A look at another one in between changes nothing.
    await vm.step(1, { vcpu: (stops[i] + 1) % 3 });
  }
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(vm.vcpus.map(({ instructions }) => instructions), [3, 3, 3]);
});

Deno.test("UNIMPLEMENTED, SHUTDOWN and a device's error stop all, name their vCPU and come again or go on", async () => {
  const vm = createVm({ arch: "ppc", vcpus: 2, memory: 0x1_0000 });
  vm.load(vm.assemble("here: b here\n.org 0x1100\nli r3, 1\n.long 0x7c75faa6"));
  vm.vcpus[1].start(0x1100n);
  vm.vcpu.pc = 0x1000n;
  for (let i = 0; i < 2; i++) {
    const stop = await vm.run({ instructions: 10_000 });
    assertEquals([stop.reason, stop.vcpu, stop.pc], ["UNIMPLEMENTED", 1, 0x1104n]);
  }
  vm.vcpus[1].pc = 0x1000n;
  assertEquals((await vm.run({ instructions: 10_000 })).reason, "BUDGET");
});

Deno.test("where instructions cost nothing every vCPU gets its turn all the same", async () => {
  const { data } = loadProfile("tsirkin-2013");
  const free = Object.fromEntries(
    Object.entries(data.instructions).map(([name, figure]) => [name, { ...figure, cycles: 0 }]),
  );
  const profile = checkProfile({ ...data, instructions: free });
  const vm = machine({ ...X86_LOCK, options: { ...X86_LOCK.options, profile } }, 3);
  assertEquals((await vm.run({ instructions: 1_000_000 })).reason, "SYSTEM_EVENT");
});

Deno.test("a vCPU that does nothing but raise exceptions stops all", async () => {
  const vm = createVm({ arch: "ppc", vcpus: 2, memory: 0x1_0000 });
  vm.memory.write(0x700, vm.assemble("trap").bytes);
  vm.load(vm.assemble("here: b here\nstorm: trap"));
  vm.vcpus[1].start(0x1004n);
  const stop = await vm.run({ instructions: 1_000_000 });
  assertEquals([stop.reason, stop.vcpu], ["INTERNAL_ERROR", 1]);
});

Deno.test("calls by transports run on the first vCPU alone, and leave the others as they are", async () => {
  const vm = machine(X86_LOCK, 3), plain = machine(X86_LOCK, 3);
  vm.devices.add(echoDevice());
  const echo = await createIo(vm).open("echo");
  await vm.run({ instructions: 30_500 });
  const before = vm.vcpus.map((vcpu) => [vcpu.saveState(), vcpu.instructions] as const);
  assertEquals(await echo.call(1, Uint8Array.of(1, 2, 3)), Uint8Array.of(1, 2, 3));
  const after = vm.vcpus.map((vcpu) => [vcpu.saveState(), vcpu.instructions] as const);
  assertEquals(after.slice(1), before.slice(1));
  assert(after[0][1] > before[0][1]);
  assertEquals((await vm.run()).reason, (await plain.run()).reason);
  assertEquals(counter(vm), counter(plain));
});

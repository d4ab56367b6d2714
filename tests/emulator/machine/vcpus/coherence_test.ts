/** What one vCPU does to another one's code, reservations and exits; and what a vCPU takes of the VM's memory. */
import { assert, assertEquals } from "@std/assert";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { STATE_BYTES } from "../../../../emulator/engine/state.ts";
import { vcpuOf } from "../../../support/vcpu.ts";

function vmOf(arch: "x86" | "ppc", engine: "interpreter" | "oracle", programs: readonly string[]): Vm {
  const vm = createVm({ arch, vcpus: programs.length, memory: 0x1_0000, engine, recordRows: true });
  const origin = (i: number) => BigInt(0x1000 * (i + 1));
  programs.forEach((source, i) => vm.load(vm.assemble(source, origin(i))));
  vm.vcpus.forEach((vcpu, i) => vcpu.start(origin(i)));
  return vm;
}

for (const engine of ["interpreter", "oracle"] as const) {
  Deno.test(`a vCPU executes the code that another one has written: ${engine}`, async () => {
    // 0 calls a routine over and over; 1 waits a while and changes its mov eax, 1 into mov eax, 7.
    const vm = vmOf("x86", engine, [
      "mov esp, 0x8000\nagain: call 0x3000\ncmp eax, 7\njne again\nhlt",
      "mov ecx, 1500\nwait: dec ecx\njne wait\nmov byte ptr [0x3001], 7\nhlt",
      "mov eax, 1\nret\n.org 0x3100\nhlt",
    ]);
    vm.vcpus[2].start(0x3100n);
    const stop = await vm.run({ instructions: 50_000 });
    assertEquals([stop.reason, vm.vcpu.registers.get("rax")], ["HLT", 7n]);
    assert(vm.vcpu.instructions > 1500);
  });

  Deno.test(`a reservation is lost when another vCPU has its turn, as it may store the same value: ${engine}`, async () => {
    for (const [wait, kept] of [[200, true], [3000, false]] as const) {
      const vm = vmOf("ppc", engine, [
        `li r4, 0x4000\nli r6, ${wait}\nmtctr r6\nlwarx r5, r0, r4\nwait: bdnz wait\nstwcx. r5, r0, r4\nmfcr r7\nend: nop`,
        "li r4, 0x4000\nloop: li r5, 0\nstw r5, 0(r4)\nb loop",
      ]);
      const stop = await vm.run({ instructions: 50_000, until: vm.symbols.lookup("end") });
      assertEquals([stop.reason, stop.vcpu], ["UNTIL", 0]);
      assertEquals(vm.vcpu.registers.get("r7") >> 28n, kept ? 2n : 0n, `${wait} instructions`);
    }
  });
}

Deno.test("all vCPUs wait for a device, and what it charges is the exit's that called it", async () => {
  for (const later of [false, true]) {
    const vm = vmOf("x86", "interpreter", [
      "mov edx, 0x1000\nmov ecx, 9\nagain: in al, dx\ndec ecx\njne again\nhlt",
      "mov edx, 0x1004\nmov ecx, 9\nagain: out dx, ax\ndec ecx\njne again\nhlt",
    ]);
    const seen: string[] = [];
    vm.devices.add({
      name: "slow",
      async read(_offset, _size, context) {
        const at = context.cycles, others = vm.vcpus[1].cycles;
        if (later) await new Promise((resolve) => setTimeout(resolve, 1));
        assertEquals(
          [context.cycles, vm.vcpus[1].cycles, vm.acting.index],
          [at, others, 0],
          "time stands still",
        );
        context.charge(11);
        return 1;
      },
      write: (_offset, _size, _value, context) => (seen.push(`${context.cycles}`), context.charge(5)),
    });
    assertEquals((await vm.run()).reason, "HLT");
    for (const row of vm.exits.rows.filter(({ reason }) => reason === "IO")) {
      assertEquals(row.cycles.device, row.vcpu === 0 ? 11 : 5);
    }
    assertEquals(seen.length, 9);
  }
});

Deno.test("an exit that is gone on with later is charged its own, whoever exited meanwhile", async () => {
  const vm = vmOf("x86", "interpreter", [
    "mov edx, 0x1000\nin al, dx\nhlt",
    "mov edx, 0x1004\nout dx, al\nout dx, al\nhlt",
  ]);
  let settle = (_value: number) => {};
  const device = {
    name: "slow",
    read: (_o: number, _s: number, context: { charge(cycles: number): void }) =>
      new Promise<number>((resolve) => settle = resolve).then((value) => (context.charge(40), value)),
    write: () => {},
  };
  vm.devices.add(device);
  const patience = new AbortController();
  const first = vm.run({ signal: patience.signal });
  setTimeout(() => patience.abort(), 1);
  assertEquals((await first).reason, "INTERRUPTED");
  // Nobody overtakes: the other vCPU alone waits as well.
  const other = vm.step(2, { vcpu: 1 });
  settle(3);
  assertEquals((await other).vcpu, 1);
  assertEquals(vm.vcpus.map(({ instructions }) => instructions), [1, 2]);
  assertEquals((await vm.run()).reason, "HLT");
  const cost = (vcpu: number) =>
    vm.exits.rows.filter((row) => row.vcpu === vcpu).map(({ cycles }) => cycles.device);
  assertEquals([cost(0), cost(1)], [[40, 0], [0, 0, 0]]);
  assertEquals(vm.exits.totals().cycles.device, 40);
});

Deno.test("a further access is counted with its own vCPU's exit, whoever exited meanwhile", async () => {
  // Across a page in three accesses. The second one waits; the other vCPU exits before the third.
  const vm = vmOf("x86", "interpreter", [
    "mov ebx, 0xfeb00000\nmov rax, [rbx + 0xffe]\nhlt",
    "mov edx, 0x80\nout dx, al\nhlt",
  ]);
  let settle = (_value: number) => {};
  vm.devices.add({
    name: "wide",
    size: 0x1800,
    read(offset, _size, context) {
      context.charge(7);
      return offset === 0x1000 ? new Promise((resolve) => settle = resolve) : 8;
    },
  });
  const patience = new AbortController();
  const first = vm.run({ signal: patience.signal, vcpu: 0 });
  setTimeout(() => patience.abort(), 1);
  assertEquals((await first).reason, "INTERRUPTED");
  const other = vm.step(2, { vcpu: 1 });
  settle(9);
  await other;
  await vm.step(1, { vcpu: 0 });
  assertEquals(vm.vcpu.registers.get("rax"), 0x0008_0000_0009_0008n);
  assertEquals(vm.exits.rows.map((row) => [row.vcpu, row.accesses, row.cycles.device]), [[0, 3, 21], [
    1,
    1,
    0,
  ]]);
  const [port, memory] = ["IO", "MMIO"].map((name) =>
    vm.exits.aggregates().find(({ reason }) => reason === name)!
  );
  assertEquals([port.cycles.device, memory.cycles.device, memory.accesses], [0, 21, 3]);
  assertEquals([memory.min, memory.max, port.max], [
    memory.cycles.total,
    memory.cycles.total,
    port.cycles.total,
  ]);
});

Deno.test("locked instructions are atomic between vCPUs, others are not torn by turns either", async () => {
  const add =
    "mov ecx, 3000\nagain: lock inc dword ptr [0x5000]\nmov eax, [0x5004]\ninc eax\nmov [0x5004], eax\ndec ecx\njne again\nhlt";
  const vm = vmOf("x86", "interpreter", [add, add]);
  assertEquals((await vm.run()).reason, "HLT");
  const view = new DataView(vm.memory.read(0x5000, 8).buffer);
  assertEquals(view.getUint32(0, true), 6000);
  const lost = view.getUint32(4, true);
  assert(
    lost < 6000 && lost > 3000,
    `${lost}: a read, an increment and a write in three instructions lose some`,
  );
});

Deno.test("vCPUs that never ran have no decoded code, no engine, and cost some KiB", () => {
  const size = (vcpus: number) => {
    const vm = createVm({ arch: "x86", memory: 4096, vcpus });
    assertEquals(
      vm.vcpus.map((_, i) => i > 0 && vcpuOf(vm, i).engineSoFar !== undefined).includes(true),
      false,
    );
    const { arena } = vcpuOf(vm).board, last = vcpuOf(vm, vcpus - 1).state.base;
    // Linear memory that is 0 was never written: no page of the process's stands behind it.
    const touched = arena.u8.subarray(last, last + STATE_BYTES).findLastIndex((byte) => byte !== 0);
    return { reserved: arena.u8.length, touched };
  };
  const many = size(64);
  assert(many.reserved - size(1).reserved <= 63 * (STATE_BYTES + 4096));
  assert(many.touched < 4096, `${many.touched} bytes touched`);
});

Deno.test("a producer and a consumer share a ring, and neither runs dry or over", async () => {
  // Ring of 8 words at 0x5000, head at 0x5100, tail at 0x5104; the consumer sums up 500 words.
  const vm = vmOf("ppc", "interpreter", [
    `li r4, 0x5000\nli r5, 1
put: lwz r6, 0x100(r4)\nlwz r7, 0x104(r4)\nsubf r8, r7, r6\ncmpwi r8, 8\nbge put
andi. r8, r6, 7\nslwi r8, r8, 2\nstwx r5, r4, r8\nlwsync\naddi r6, r6, 1\nstw r6, 0x100(r4)
addi r5, r5, 1\ncmpwi r5, 500\nble put\nspin: b spin`,
    `li r4, 0x5000\nli r9, 0\nli r10, 500
get: lwz r6, 0x100(r4)\nlwz r7, 0x104(r4)\ncmpw r6, r7\nbeq get
lwsync\nandi. r8, r7, 7\nslwi r8, r8, 2\nlwzx r5, r4, r8\nadd r9, r9, r5\naddi r7, r7, 1\nstw r7, 0x104(r4)
cmpwi r7, 500\nblt get\nend: nop`,
  ]);
  const stop = await vm.run({ instructions: 1_000_000, until: vm.symbols.lookup("end") });
  assertEquals([stop.reason, stop.vcpu, vm.vcpus[1].registers.get("r9")], ["UNTIL", 1, 125_250n]);
});

for (const engine of ["interpreter", "oracle"] as const) {
  Deno.test(`a vCPU's translations are those of the tables that another one has changed: ${engine}`, async () => {
    const vm = createVm({ arch: "x86", mode: 32, vcpus: 2, memory: 0x2_0000, engine });
    // 0 translates by tables at 0x8000 and 0x9000, and reads a word until it is another one; 1 moves the page.
    vm.load(
      vm.assemble("mov ecx, 20000\nwait: dec ecx\njne wait\nmov word ptr [0x9014], 0x6003\nhlt", 0x2000n),
    );
    vm.load(vm.assemble(`mov eax, 0x8000\nmov cr3, eax\nmov eax, cr0\nor eax, 0x80000000\nmov cr0, eax
mov ebx, 0\nagain: inc ebx\nmov eax, [0x5000]\ncmp eax, 0x66\njne again\ncmp ebx, 1\nhlt`));
    const table = new DataView(new ArrayBuffer(4096));
    for (let page = 0; page < 32; page++) table.setUint32(4 * page, page * 4096 | 3, true);
    vm.memory.write(0x9000, new Uint8Array(table.buffer));
    vm.memory.write(0x8000, Uint8Array.of(3, 0x90, 0, 0));
    vm.memory.write(0x6000, Uint8Array.of(0x66));
    vm.vcpus[1].start(0x2000n);
    const stop = await vm.run({ instructions: 200_000 });
    assertEquals([stop.reason, vm.vcpus[1].instructions], ["HLT", 40_003]);
    assert(vm.vcpu.registers.get("ebx") > 100n);
  });
}

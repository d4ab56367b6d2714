/** Watchpoints: the same stops on every executor, and those that a look at memory after each instruction gives. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { WatchKind } from "../../../../emulator/machine/debug/watchpoints.ts";
import type { Vm } from "../../../../emulator/machine/vm.ts";
import { Random } from "../../../support/random.ts";
import {
  type Executor,
  EXECUTORS,
  type Guest,
  makeVm,
  outcome,
  runEverywhere,
} from "../../engine/executors.ts";

/** Stores, loads, read-modify-writes, calls, strings and accesses across pages, at 0x8ff0 to 0x9010. */
const BUSY: Guest = {
  source: `mov esp, 0x9010
           mov ecx, 6
           outer: mov eax, 0x9000
           mov dword ptr [eax], ecx
           mov dword ptr [eax + 4], 5
           mov edx, [eax - 2]
           inc byte ptr [eax + 1]
           mov [eax - 3], edx
           call f
           xchg ebx, [eax + 8]
           push rcx
           mov esi, 0x8ff0
           mov edi, 0x8ff8
           mov ecx, 9
           rep movsb
           mov edi, 0x9009
           mov ecx, 3
           rep stosb
           pop rcx
           dec ecx
           jne outer
           hlt
           f: add [eax + 6], ecx
           ret`,
};
const BUSY_PPC: Guest = {
  arch: "ppc",
  source: `lis r5, 0
           ori r5, r5, 0x9000
           li r4, 9
           mtctr r4
           outer: addi r3, r3, 3
           stw r3, 0(r5)
           lwz r6, -2(r5)
           sth r6, 7(r5)
           stmw r28, -8(r5)
           lbz r7, 1(r5)
           stdu r3, -4(r5)
           addi r5, r5, 4
           bl f
           bdnz outer
           end: b end
           f: stb r7, 3(r5)
           blr`,
};

/** Instructions that all of it takes at least once. */
const STEPS = 130;

/** What a run with a watchpoint gave: each stop, then the end. */
async function stopsOf(guest: Guest, executor: Executor, watch: (vm: Vm) => void): Promise<string[]> {
  const vm = makeVm(guest, executor);
  watch(vm);
  const seen: string[] = [];
  for (let i = 0; i < 400; i++) {
    const stop = await vm.run({ instructions: 5000 });
    const { instructions, cycles } = vm.vcpu;
    seen.push(`${stop.reason} ${stop.pc.toString(16)} ${instructions} ${cycles} ${stop.message}`);
    if (stop.reason !== "DEBUG") break;
  }
  return seen;
}

Deno.test("run() stops after the instruction that reaches a watchpoint, alike on every executor", async () => {
  const random = new Random(3), kinds: readonly WatchKind[] = ["read", "write", "access"];
  for (const guest of [BUSY, BUSY_PPC]) {
    let stops = 0;
    for (let i = 0; i < 20; i++) {
      const places = Array.from({ length: 1 + random.below(2) }, () => ({
        address: BigInt(0x8fec + random.below(0x24)),
        length: 1 + random.below(9),
        kind: kinds[random.below(3)],
        changes: random.below(3) === 0,
      }));
      const watch = (vm: Vm) => places.forEach((place) => vm.watchpoints.add(place));
      const [oracle, ...others] = await Promise.all(
        EXECUTORS.map((executor) => stopsOf(guest, executor, watch)),
      );
      for (const other of others) assertEquals(other, oracle, JSON.stringify(places, (_, v) => `${v}`));
      stops += oracle.length - 1;
    }
    assert(stops > 100, `${stops} stops`);
  }
});

Deno.test("a watchpoint for changes stops where memory differs after an instruction, and nowhere else", async () => {
  for (const guest of [BUSY, BUSY_PPC]) {
    for (let address = 0x8fec; address < 0x9010; address += 5) {
      const plain = makeVm(guest, "oracle"), expected: string[] = [];
      const value = () => plain.memory.read(address, 4).toHex();
      for (let i = 0, before = value(); i < STEPS; i++) {
        await plain.step();
        if (value() !== before) expected.push(`${plain.vcpu.instructions} ${before} ${value()}`);
        before = value();
      }
      const watched = makeVm(guest, "interpreter"), seen: string[] = [];
      watched.watchpoints.add({ address: BigInt(address), length: 4, kind: "write", changes: true });
      for (;;) {
        const stop = await watched.run({ instructions: STEPS - watched.vcpu.instructions });
        if (stop.reason !== "DEBUG") break;
        const { before, after } = stop.watchpoint!;
        const bytes = (number: bigint) => {
          const digits = number.toString(16).padStart(8, "0");
          return guest.arch === "ppc" ? digits : Uint8Array.fromHex(digits).reverse().toHex();
        };
        seen.push(`${watched.vcpu.instructions} ${bytes(before!)} ${bytes(after!)}`);
      }
      assertEquals(seen, expected, `at 0x${address.toString(16)}`);
    }
  }
});

Deno.test("a watchpoint that stops nothing changes nothing", async () => {
  for (const guest of [BUSY, BUSY_PPC]) {
    const plain = await runEverywhere(guest);
    const never = { text: "never", holds: () => false };
    const setUp = (vm: Vm) => {
      vm.watchpoints.add({ address: 0x9000n, length: 8, kind: "access" }, { condition: never });
      vm.watchpoints.add({ address: 0x8ff0n, length: 8, kind: "write" }, { enabled: false });
      vm.catchpoints.add({}, { condition: never });
      vm.breakpoints.add(makeVm(guest, "oracle").symbols.lookup("f")!, { condition: never });
    };
    assertEquals(await runEverywhere({ ...guest, setUp }), plain);
  }
});

Deno.test("a watchpoint's stop tells what was there, what is, and who did it", async () => {
  const vm = makeVm({ source: "mov dword ptr [0x9000], 7\nmov eax, [0x9002]\nhlt", mode: 32 }, "interpreter");
  const { id } = vm.watchpoints.add({ address: 0x9000n, length: 4, kind: "access" });
  const written = await vm.run();
  assert(written.reason === "DEBUG");
  assertEquals(written.watchpoint, {
    ...{ id, access: "write", address: 0x9000n, length: 4, before: 0n, after: 7n, by: 0x2000n },
  });
  assertEquals(written.message, "watchpoint 1 at 0x9000 (4 bytes) written: 0x0 -> 0x7, by 0x2000");
  const read = await vm.run();
  assertEquals(read.message, "watchpoint 1 at 0x9000 (4 bytes) read: 0x7, by 0x200a");
  assertEquals([vm.watchpoints.get(id)!.hits, (await vm.run()).reason], [2, "HLT"]);
});

Deno.test("conditions, counts to ignore, temporary and disabled watchpoints", async () => {
  const source = "mov ecx, 9\nagain: mov [0x9000], ecx\nloop again\nhlt";
  const vm = makeVm({ source, mode: 32 }, "interpreter");
  const ecx = () => vm.vcpu.registers.get("ecx");
  const place = { address: 0x9000n, length: 4, kind: "write" } as const;
  vm.watchpoints.add(place, { condition: { text: "$ecx == 7", holds: () => ecx() === 7n }, temporary: true });
  assertEquals([(await vm.run()).reason, ecx(), vm.watchpoints.list().length], ["DEBUG", 7n, 0]);
  const { id } = vm.watchpoints.add(place, { ignore: 2 });
  await vm.run();
  assertEquals([ecx(), vm.watchpoints.get(id)!.hits], [4n, 3]);
  vm.watchpoints.change(id, {
    condition: { text: "$nothing", holds: () => vm.vcpu.registers.get("no") > 0n },
  });
  const { message } = await vm.run();
  assertEquals(
    /; its condition \$nothing cannot be told: there is no register no/.test(message),
    true,
    message,
  );
  vm.watchpoints.change(id, { enabled: false });
  assertEquals((await vm.run()).reason, "HLT");
});

Deno.test("add() refuses what cannot be watched", () => {
  const vm = makeVm({ source: "nop", arch: "ppc", mode: 32 }, "interpreter");
  for (const [address, length] of [[0n, 0], [0n, 4097], [0n, 1.5], [0xffff_fffen, 4], [-1n, 1]] as const) {
    assertThrows(() => vm.watchpoints.add({ address, length, kind: "read" }), RangeError, "cannot watch");
  }
  assertThrows(
    () => vm.watchpoints.add({ address: 0n, length: 1, kind: "read" }, { ignore: -1 }),
    RangeError,
  );
});

Deno.test("an interrupt's frame meets watchpoints before its handler runs", async () => {
  const source = `mov esp, 0x9000
                  int 0x20
                  hlt`;
  const vm = makeVm({ source, mode: 16, at: 0x7c00n }, "interpreter");
  vm.memory.write(0x80, Uint8Array.of(0x00, 0x06, 0, 0));
  vm.memory.write(0x600, Uint8Array.of(0xcf));
  vm.watchpoints.add({ address: 0x8ffcn, length: 2, kind: "write" });
  const stop = await vm.run();
  assertEquals([stop.reason, stop.pc], ["DEBUG", 0x600n]);
  assertEquals((await vm.run()).reason, "HLT");
});

Deno.test("every vCPU meets a watchpoint, and a step tells it too", async () => {
  const source = "again: lock inc dword ptr [0x9000]\njmp again";
  const vm = makeVm({ source, vcpus: 2 }, "interpreter");
  vm.vcpus[1].start(vm.vcpu.pc);
  vm.watchpoints.add({ address: 0x9000n, length: 4, kind: "write" });
  const by = new Set<number>();
  for (let i = 0; i < 1100; i++) by.add((await vm.run()).vcpu);
  assertEquals([...by].sort(), [0, 1]);
  assertEquals(new DataView(vm.memory.read(0x9000, 4).buffer).getUint32(0, true), 1100);
  await vm.step(1, { vcpu: 0 });
  const step = await vm.step(1, { vcpu: 0 });
  assertEquals(step.reason === "DEBUG" && step.watchpoint?.id, 1);
});

Deno.test("outcomes with a watchpoint that stops once equal those without", async () => {
  for (const executor of EXECUTORS) {
    const plain = makeVm(BUSY, executor), end = await plain.run();
    const vm = makeVm(BUSY, executor);
    vm.watchpoints.add({ address: 0x9004n, length: 1, kind: "write" }, { temporary: true });
    assertEquals((await vm.run()).reason, "DEBUG");
    assertEquals(outcome(vm, await vm.run()), outcome(plain, end));
  }
});

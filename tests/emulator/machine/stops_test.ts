/** Every reason that a run may come back with. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { guest, PORT } from "./guests.ts";

Deno.test("run() stops with HLT behind the instruction", async () => {
  const stop = await guest("nop\nhlt").run();
  assertEquals([stop.reason, stop.pc], ["HLT", 0x1002n]);
});

Deno.test("run() stops with BUDGET, UNTIL and DEBUG before an instruction", async () => {
  const vm = guest("nop\nnop\nnop\nnop\nhlt");
  const first = await vm.run({ instructions: 1 });
  assertEquals([first.reason, first.pc, first.message], ["BUDGET", 0x1001n, "1 instructions executed"]);
  const second = await vm.run({ until: 0x1002n });
  assertEquals([second.reason, second.pc, second.message], ["UNTIL", 0x1002n, "reached 0x1002"]);
  const { id } = vm.breakpoints.add(0x1003n);
  const third = await vm.run();
  assertEquals([third.reason, third.pc, vm.breakpoints.at(0x1003n)!.hits], ["DEBUG", 0x1003n, 1]);
  assertEquals(third.reason === "DEBUG" && third.breakpoint, id);
});

Deno.test("run() passes over a stop where it starts", async () => {
  const vm = guest("again: jmp again");
  vm.breakpoints.add(0x1000n);
  for (const instructions of [1, 2]) {
    assertEquals((await vm.run()).reason, "DEBUG");
    assertEquals(vm.vcpu.instructions, instructions);
  }
});

Deno.test("step() stops with DEBUG, at a breakpoint earlier", async () => {
  const vm = guest("nop\nnop\nnop\nnop\nhlt");
  assertEquals((await vm.step(2)).message, "stepped 2 instructions");
  vm.breakpoints.add(0x1003n);
  assertEquals((await vm.step(2)).message, "breakpoint 1 at 0x1003");
  assertEquals((await vm.step()).message, "stepped 1 instruction");
  assertEquals((await vm.step()).reason, "HLT");
});

Deno.test("run() stops with INTERRUPTED at once for a signal that is aborted", async () => {
  const vm = guest("again: jmp again");
  const stop = await vm.run({ signal: AbortSignal.abort() });
  assertEquals([stop.reason, stop.pc, vm.vcpu.instructions], ["INTERRUPTED", 0x1000n, 0]);
});

Deno.test("run() stops with UNIMPLEMENTED and names bytes, address and mode", async () => {
  const stop = await guest("nop\n.byte 0x0f, 0xaa").run();
  assert(stop.reason === "UNIMPLEMENTED");
  assertEquals([stop.pc, stop.mode, [...stop.bytes]], [0x1001n, "x86-64", [0x0f, 0xaa]]);
  assertEquals(/bytes 0f aa at 0x1001, mode x86-64/.test(stop.message), true, stop.message);
  const word = await guest("nop\n.long 0x7c602a6c", { arch: "ppc" }).run();
  assert(word.reason === "UNIMPLEMENTED");
  assertEquals([word.pc, word.mode, word.bytes.length], [0x1004n, "ppc64", 4]);
});

Deno.test("run() stops with SHUTDOWN for an exception without an IDT, and counts its exits each time", async () => {
  const vm = guest("ud2");
  for (const count of [2, 4]) {
    const stop = await vm.run();
    assertEquals([stop.reason, stop.pc, vm.exits.count], ["SHUTDOWN", 0x1000n, count]);
    assert(stop.message.startsWith("triple fault: exception 6 (#UD) cannot be delivered"), stop.message);
  }
});

Deno.test("an instruction written over one that was given up starts afresh", async () => {
  const vm = guest("vmmcall", { wrongHypercall: "reject" });
  let calls = 0;
  vm.hypercalls.register(7, { name: "seven", call: () => void calls++ });
  vm.vcpu.registers.set("eax", 7);
  assertEquals((await vm.run()).reason, "SHUTDOWN");
  vm.memory.write(0x1000, vm.assemble("vmcall\nhlt").bytes);
  assertEquals([(await vm.run()).reason, calls], ["HLT", 1]);
});

Deno.test("run() stops with INTERNAL_ERROR where there is no memory for code", async () => {
  for (const target of ["0x7fffffff", "0x20000", "0x10000"]) {
    const stop = await guest(`mov eax, ${target}\njmp rax`).run();
    assert(stop.reason === "INTERNAL_ERROR");
    assertEquals([stop.pc, stop.address], [BigInt(target), BigInt(target)]);
  }
});

Deno.test("run() stops with INTERNAL_ERROR for an unclaimed access if asked to", async () => {
  for (
    const [source, message] of [
      ["in al, 0x20", "load from port 0x20 (1 bytes), which nothing claims"],
      ["out 0x20, eax", "store to port 0x20 (4 bytes), which nothing claims"],
      [
        "mov ebx, 0x7f000000\nmov ax, [rbx]",
        "load from guest-physical 0x7f000000 (2 bytes), which nothing claims",
      ],
    ]
  ) {
    const vm = guest(source, { unclaimed: "stop" });
    const stop = await vm.run();
    assertEquals([stop.reason, stop.message], ["INTERNAL_ERROR", message]);
    // The instruction is not executed.
    assertEquals(vm.vcpu.pc, source.startsWith("mov") ? 0x1005n : 0x1000n);
  }
});

Deno.test("run() stops with DEVICE_ERROR when a handler throws, and the access can be tried again", async () => {
  let works = false;
  const vm = guest("mov edx, 0x1000\nin eax, dx\nhlt");
  vm.devices.add({
    name: "moody",
    read() {
      if (!works) throw new Error("not today");
      return 5;
    },
  });
  const stop = await vm.run();
  assert(stop.reason === "DEVICE_ERROR");
  assertEquals([stop.device, stop.message, stop.pc], [
    "moody",
    "device moody failed: Error: not today",
    0x1005n,
  ]);
  assert(stop.error instanceof Error);
  works = true;
  assertEquals([(await vm.run()).reason, vm.vcpu.registers.get("eax")], ["HLT", 5n]);
});

Deno.test("a load's answer is a whole number, of which the low bits are taken", async () => {
  for (
    const [answer, eax] of [
      [-1, 0xffff_ffffn],
      [2 ** 40 + 3, 3n],
      [-2n, 0xffff_fffen],
      [2n ** 64n + 9n, 9n],
      [-(2 ** 31), 0x8000_0000n],
      [Number.MAX_SAFE_INTEGER, 0xffff_ffffn],
    ] as const
  ) {
    const vm = guest("mov edx, 0x1000\nin eax, dx\nhlt");
    vm.devices.add({ name: "d", read: () => answer });
    assertEquals([(await vm.run()).reason, vm.vcpu.registers.get("rax")], ["HLT", eax]);
  }
  for (const answer of [undefined, null, NaN, 1.5, Infinity, 2 ** 53, "5", true, {}]) {
    for (const wait of [false, true]) {
      const vm = guest("mov edx, 0x1000\nin eax, dx\nhlt");
      vm.devices.add({ name: "d", read: () => (wait ? Promise.resolve(answer) : answer) as number });
      const stop = await vm.run();
      assertEquals([stop.reason, stop.pc], ["DEVICE_ERROR", 0x1005n], String(answer));
      assert(stop.message.includes("d answered a load with"), stop.message);
    }
  }
});

Deno.test("eight-byte answers keep all their bits", async () => {
  const vm = guest("mov ebx, 0xfeb00000\nmov rax, [rbx]\nmov [rbx], rax\nhlt");
  const seen: unknown[] = [];
  vm.devices.add({ name: "d", read: () => -3n, write: (...args) => void seen.push(args.slice(0, 3)) });
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(vm.vcpu.registers.get("rax"), 2n ** 64n - 3n);
  assertEquals(seen, [[0, 8, 2n ** 64n - 3n]]);
});

Deno.test("run() stops with SYSTEM_EVENT behind the instruction whose device asked for it", async () => {
  for (const access of ["out dx, al", "in al, dx", "add [rbx], eax", "push [rbx]", "mov [rbx], al"]) {
    for (const wait of ["no", "before", "after"]) {
      let calls = 0;
      const vm = guest(`mov edx, 0x1000\nmov ebx, 0xfeb00000\nmov esp, 0x8000\n${access}\nmov ecx, 1\nhlt`);
      const done = (context: { stop(code: number): void }) => {
        calls++;
        if (wait !== "after") context.stop(3);
        return wait === "no" ? 9 : Promise.resolve().then(() => {
          if (wait === "after") context.stop(3);
          return 9;
        });
      };
      vm.devices.add({
        name: "power",
        read: (_o, _s, context) => done(context),
        write: (_o, _s, _v, context) => void done(context) as unknown as Promise<void>,
      });
      if (wait !== "no") {
        vm.devices.reload("power", {
          name: "power",
          read: (_o, _s, context) => done(context),
          write: async (_o, _s, _v, context) => void await done(context),
        });
      }
      const stop = await vm.run();
      const where = `${access}, stop ${wait} waiting`;
      assertEquals([stop.reason, stop.reason === "SYSTEM_EVENT" && stop.code], ["SYSTEM_EVENT", 3], where);
      assertEquals([vm.vcpu.instructions, calls], [4, access.startsWith("add") ? 2 : 1], where);
      // And it is over: the next run goes on.
      const next = await vm.run();
      assertEquals([next.reason, vm.vcpu.registers.get("ecx")], ["HLT", 1n], where);
    }
  }
});

Deno.test("a stop that a failing handler asked for is forgotten", async () => {
  const vm = guest("mov edx, 0x1000\nagain: out dx, al\nout 0x80, al\nhlt");
  let fail = true;
  vm.devices.add({
    name: "d",
    write(_o, _s, _v, context) {
      if (!fail) return;
      context.stop(1);
      throw new Error("no");
    },
  });
  assertEquals((await vm.run()).reason, "DEVICE_ERROR");
  fail = false;
  assertEquals((await vm.run()).reason, "HLT");
});

Deno.test("run() while running is refused", async () => {
  const vm = guest("mov edx, 0x1000\nout dx, al\nhlt");
  const tried: Promise<unknown>[] = [];
  vm.devices.add({
    name: "d",
    write: () => void tried.push(assertRejects(() => vm.run(), Error, "the VM is running")),
  });
  const running = vm.run();
  tried.push(assertRejects(() => vm.step(), Error, "the VM is running"));
  assertEquals((await running).reason, "HLT");
  await Promise.all(tried);
  assertEquals([tried.length, vm.busy, PORT], [2, false, 0x1000]);
});

Deno.test("run() refuses a budget that is no number of instructions", async () => {
  for (const instructions of [-1, 1.5, NaN, 2 ** 60]) {
    await assertRejects(
      () => guest("hlt").run({ instructions }),
      RangeError,
      "give a whole number of at least 0",
    );
  }
});

Deno.test("leftover stops cost nothing and hold up nobody", async () => {
  const vm = guest("again: inc eax\njmp again");
  assertEquals((await vm.run({ until: 0x1002n })).reason, "UNTIL");
  const breakpoint = vm.breakpoints.add(0x1000n);
  assertEquals((await vm.run()).reason, "DEBUG");
  vm.breakpoints.remove(breakpoint.id);
  const before = vm.vcpu.instructions;
  assertEquals((await vm.run({ instructions: 200_000 })).reason, "BUDGET");
  assertEquals(vm.vcpu.instructions - before, 200_000);
});

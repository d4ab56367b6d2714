/** Runs cut into pieces, stops and budgets: every executor stands where the oracle stands. */
import { assertEquals } from "@std/assert";
import { Random } from "../../support/random.ts";
import { EXECUTORS, type Guest, makeVm, ORIGIN, outcome, runEverywhere } from "./executors.ts";

/** Loops, calls, exits and a store to code: some 600 instructions. */
const BUSY: Guest = {
  source: `mov esp, 0x9000
           mov edx, 0x80
           mov ecx, 12
           outer: mov ebx, 12
           inner: add eax, ebx
           dec ebx
           jne inner
           call f
           out dx, al
           dec ecx
           jne outer
           done: hlt
           jmp done
           f: inc byte ptr [patched + 1]
           patched: mov dl, 0x7f
           mov dl, 0x80
           ret`,
};
const BUSY_PPC: Guest = {
  arch: "ppc",
  source: `li r3, 0
           li r4, 40
           mtctr r4
           lis r5, 0x7000
           outer: addi r3, r3, 3
           cmpwi r3, 60
           blt skip
           stw r3, 0(r5)
           skip: bl f
           bdnz outer
           done: b done
           f: mflr r6
           rlwinm r7, r3, 3, 4, 27
           mtlr r6
           blr`,
};

Deno.test("run() in random pieces equals run() in one go", async () => {
  for (const [guest, total] of [[BUSY, 2000], [BUSY_PPC, 700]] as const) {
    const whole = await runEverywhere(guest, { instructions: total });
    for (const executor of EXECUTORS) {
      const random = new Random(7);
      const vm = makeVm(guest, executor);
      let stop = await vm.run({ instructions: 0 });
      while (vm.vcpu.instructions < total && stop.reason === "BUDGET") {
        const piece = Math.min(
          1 + random.below(random.below(3) === 0 ? 200 : 9),
          total - vm.vcpu.instructions,
        );
        const before = vm.vcpu.instructions;
        stop = await vm.run({ instructions: piece });
        if (stop.reason === "BUDGET") assertEquals(vm.vcpu.instructions - before, piece);
      }
      const { stop: _, ...rest } = outcome(vm, stop);
      const { stop: __, ...expected } = whole;
      assertEquals([stop.reason, rest], [whole.stop.reason, expected], executor);
    }
  }
});

Deno.test("run() stops at every place that a breakpoint can have", async () => {
  const { symbols } = makeVm(BUSY, "oracle").assemble(BUSY.source, ORIGIN);
  const head = makeVm(BUSY, "oracle").disassemble(ORIGIN, 24).map(({ address }) => address);
  for (const address of [...head, symbols.get("outer")!, symbols.get("inner")!, symbols.get("f")!]) {
    const visits = [];
    for (const executor of EXECUTORS) {
      const vm = makeVm(BUSY, executor);
      const breakpoint = vm.breakpoints.add(address);
      // As it was compiled before, and anew with the breakpoint known.
      if (executor === "region") vm.compileRegion(ORIGIN, 40);
      const seen = [];
      for (let i = 0; i < 4; i++) {
        const stop = await vm.run({ instructions: 3000 });
        seen.push(`${stop.reason} ${stop.pc} ${vm.vcpu.instructions} ${vm.vcpu.cycles}`);
      }
      seen.push(`${vm.breakpoints.list()[0].hits} ${vm.breakpoints.remove(breakpoint.id)}`);
      seen.push(`${(await vm.run()).reason} ${vm.vcpu.instructions}`);
      visits.push(seen);
    }
    assertEquals(visits[1], visits[0], `interpreter, breakpoint at 0x${address.toString(16)}`);
    assertEquals(visits[2], visits[0], `region, breakpoint at 0x${address.toString(16)}`);
  }
});

Deno.test("run() stops at `until` in a block, at its head, on a back edge, and goes on from there", async () => {
  const { symbols } = makeVm(BUSY, "oracle").assemble(BUSY.source, ORIGIN);
  for (const until of [ORIGIN + 5n, symbols.get("outer")!, symbols.get("inner")!, symbols.get("patched")!]) {
    const visits = [];
    for (const executor of EXECUTORS) {
      const vm = makeVm(BUSY, executor);
      const seen = [];
      for (let i = 0; i < 3; i++) {
        const stop = await vm.run({ until, instructions: 500 });
        seen.push(`${stop.reason} ${stop.pc} ${vm.vcpu.instructions} ${vm.vcpu.cycles}`);
      }
      seen.push(`${(await vm.run()).reason} ${vm.vcpu.instructions}`);
      visits.push(seen);
    }
    assertEquals(visits[1], visits[0]);
    assertEquals(visits[2], visits[0]);
  }
});

Deno.test("run() keeps a region when the stops change", async () => {
  const vm = makeVm({ source: "again: inc eax\ndec ecx\njne again\nhlt" }, "region");
  vm.vcpu.registers.set("ecx", 10);
  assertEquals((await vm.run({ until: ORIGIN + 2n })).reason, "UNTIL");
  assertEquals(vm.vcpu.registers.get("eax"), 1n);
  // It leaves at the stop, so that nine more rounds meet it.
  for (let i = 2; i <= 10; i++) assertEquals((await vm.run({ until: ORIGIN + 2n })).reason, "UNTIL");
  assertEquals([(await vm.run()).reason, vm.vcpu.registers.get("eax")], ["HLT", 10n]);
});

Deno.test("run() with a budget smaller than a block executes exactly that much", async () => {
  for (let instructions = 0; instructions <= 12; instructions++) {
    const done = await runEverywhere({ source: "inc eax\n".repeat(10) + "hlt" }, { instructions });
    assertEquals(done.stop.reason, instructions >= 11 ? "HLT" : "BUDGET");
    assertEquals([done.instructions, done.registers.rax], [
      Math.min(instructions, 11),
      Math.min(instructions, 10).toString(16),
    ]);
  }
});

Deno.test("a region that waits for a device half-way goes on where it was", async () => {
  const source = `mov ecx, 5
                  again: add eax, 1
                  add [0xfeb00000], ecx
                  add eax, [0xfeb00000]
                  dec ecx
                  jne again
                  hlt`;
  const ends = [];
  for (const wait of [false, true]) {
    let value = 0, calls = 0;
    const answer = (n: number) => (calls++, wait ? Promise.resolve(n) : n);
    const setUp: Guest["setUp"] = (vm) =>
      void vm.devices.add({
        name: "cell",
        read: () => answer(value),
        write: (_o, _s, v) => (value = Number(v), answer(0), wait ? Promise.resolve() : undefined),
      });
    ends.push(
      await runEverywhere({
        source: source.replaceAll("[0xfeb00000]", "[rbx]"),
        setUp: (vm) => {
          value = 0;
          setUp(vm);
          vm.vcpu.registers.set("rbx", 0xfeb0_0000);
        },
      }),
    );
    assertEquals(calls, 15 * EXECUTORS.length);
  }
  assertEquals(ends[1], ends[0]);
});

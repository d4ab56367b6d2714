/** The interpreter's parts, pairs and links: none of them shows in what a guest does. */
import { assertEquals } from "@std/assert";
import { EPOCH } from "../../../emulator/engine/record.ts";
import { flatLimit } from "../../../emulator/ir/flat_layout.ts";
import { TLB } from "../../../emulator/ir/tlb_layout.ts";
import { STATE_BYTES } from "../../../emulator/engine/state.ts";
import { EXECUTORS, makeVm, ORIGIN, outcome, runEverywhere } from "./executors.ts";

Deno.test("forms that are met one after the other go on together without a trace", async () => {
  // Some 30,000 changes between parts: they are made one on the way.
  const { stop, registers } = await runEverywhere({
    source: `mov ecx, 15000
             again: add eax, ecx
             test cl, 7
             jne skip
             rol eax, 3
             skip: dec ecx
             jnz again
             hlt`,
  });
  assertEquals([stop.reason, registers.rcx ?? registers.ecx], ["HLT", "0"]);
});

Deno.test("a budget ends between a comparison and the branch by it, and they go on as one", async () => {
  const source = `mov ecx, 3
                  again: cmp ecx, 2
                  je two
                  inc eax
                  two: dec ecx
                  jnz again
                  hlt`;
  for (const slice of [1, 2, 3, 5]) {
    const traces = [];
    for (const executor of EXECUTORS) {
      const vm = makeVm({ source }, executor), trace = [];
      for (let reason = ""; reason !== "HLT";) {
        const stop = await vm.run({ instructions: slice });
        reason = stop.reason;
        trace.push(outcome(vm, stop));
      }
      traces.push(trace);
    }
    for (const trace of traces) assertEquals(trace, traces[0]);
  }
});

Deno.test("a store to the block that a link leads to takes effect", async () => {
  // 50 times 1, then 50 times 16.
  const { stop, registers } = await runEverywhere({
    source: `mov ecx, 100
             again: cmp ecx, 50
             je patch
             target: add eax, 1
             dec ecx
             jnz again
             hlt
             patch: mov byte ptr [target + 2], 16
             jmp target`,
  });
  assertEquals([stop.reason, registers.rax ?? registers.eax], ["HLT", (50 + 50 * 16).toString(16)]);
});

Deno.test("a breakpoint at a block that a link leads to stops there", async () => {
  for (const executor of EXECUTORS) {
    const vm = makeVm({ source: "again: inc eax\njmp next\nnext: inc ebx\njmp again" }, executor);
    await vm.run({ instructions: 100 });
    const next = ORIGIN + BigInt(vm.assemble("inc eax\njmp 0x2000", ORIGIN).bytes.length);
    vm.breakpoints.add(next);
    const { reason, pc } = await vm.run({ instructions: 100 });
    assertEquals([reason, pc], ["DEBUG", next], executor);
  }
});

Deno.test("links lead nowhere once code was written from outside", async () => {
  const vm = makeVm({ source: "again: jmp next\nnext: inc eax\njmp again" }, "interpreter");
  await vm.run({ instructions: 99 });
  assertEquals(vm.vcpu.registers.get("eax"), 33n);
  const next = ORIGIN + 2n;
  vm.memory.write(next, vm.assemble(`dec eax\njmp ${ORIGIN}`, next).bytes);
  await vm.run({ instructions: 99 });
  assertEquals(vm.vcpu.registers.get("eax"), 0n);
});

Deno.test("the number by which links hold has a place of its own in the state area", () => {
  assertEquals([EPOCH >= TLB.end, EPOCH + 4 <= flatLimit(1), flatLimit(8) + 8 <= STATE_BYTES], [
    true,
    true,
    true,
  ]);
});

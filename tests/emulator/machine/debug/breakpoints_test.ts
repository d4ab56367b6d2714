/** Breakpoints with conditions, counts to ignore, temporary and disabled ones. */
import { assertEquals } from "@std/assert";
import { EXECUTORS, makeVm } from "../../engine/executors.ts";

const SOURCE = "mov ecx, 1000\nagain: inc eax\nloop again\nhlt";

Deno.test("a condition is asked at each arrival, and only a true one stops", async () => {
  for (const executor of EXECUTORS) {
    const vm = makeVm({ source: SOURCE }, executor), at = vm.symbols.lookup("again")!;
    let asked = 0;
    const condition = {
      text: "$ecx == 990",
      holds: () => asked++ >= 0 && vm.vcpu.registers.get("rcx") === 990n,
    };
    const { id } = vm.breakpoints.add(at, { condition });
    const stop = await vm.run();
    assertEquals([stop.reason, stop.message, asked], ["DEBUG", `breakpoint ${id} at 0x2005`, 11], executor);
    vm.breakpoints.change(id, { condition: undefined, ignore: 4 });
    await vm.run();
    assertEquals([vm.vcpu.registers.get("rcx"), vm.breakpoints.get(id)!.hits], [985n, 6]);
    vm.breakpoints.change(id, { enabled: false });
    assertEquals([(await vm.run()).reason, vm.vcpu.registers.get("rax")], ["HLT", 1000n]);
  }
});

Deno.test("a temporary breakpoint goes with its first stop, the others at its place count too", async () => {
  const vm = makeVm({ source: SOURCE }, "interpreter"), at = vm.symbols.lookup("again")!;
  const [first, second] = [vm.breakpoints.add(at, { temporary: true }), vm.breakpoints.add(at)];
  const stop = await vm.run();
  assertEquals([stop.reason === "DEBUG" && stop.breakpoint, vm.breakpoints.list().map(({ id }) => id)], [
    first.id,
    [second.id],
  ]);
  assertEquals(second.hits, 1);
});

Deno.test("a condition that throws stops and says why; a run inside one does", async () => {
  const vm = makeVm({ source: SOURCE }, "interpreter"), at = vm.symbols.lookup("again")!;
  vm.breakpoints.add(at, {
    condition: { text: "$rax == $no", holds: () => vm.vcpu.registers.get("no") === 0n },
  });
  assertEquals(
    (await vm.run()).message.startsWith(
      "breakpoint 1 at 0x2005; its condition $rax == $no cannot be told: there is no register no",
    ),
    true,
  );
});

Deno.test("a run over a condition that never holds can be interrupted", async () => {
  const vm = makeVm({ source: "again: jmp again" }, "interpreter");
  vm.breakpoints.add(0x2000n, { condition: { text: "0", holds: () => false } });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 5);
  assertEquals((await vm.run({ signal: controller.signal })).reason, "INTERRUPTED");
});

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

/** Code at 0x2000, entered as 0:2000, then by a far jump as 0x200:0, and again: one place, two program counters. */
const FAR = `
  again: inc ax
         inc bx
         cmp bx, 6
         je done
         db 0xea, 0x00, 0x00, 0x00, 0x02
  done:  hlt
`;

Deno.test("a linear breakpoint is one place in whatever segment it is executed, alike on every executor", async () => {
  for (const executor of EXECUTORS) {
    const vm = makeVm({ source: FAR, mode: 16 }, executor);
    const { id } = vm.breakpoints.add(0x2001n, { linear: true });
    const seen: string[] = [];
    for (let stop = await vm.run(); stop.reason === "DEBUG"; stop = await vm.run()) {
      assertEquals(stop.breakpoint, id);
      assertEquals(vm.vcpu.linearPc, 0x2001n);
      seen.push(`${vm.vcpu.registers.get("cs").toString(16)}:${stop.pc.toString(16)}`);
    }
    assertEquals(seen, ["0:2001", ...Array.from({ length: 5 }, () => "200:1")], executor);
    vm.breakpoints.remove(id);
    vm.vcpu.registers.set("cs", 0);
    vm.vcpu.registers.set("bx", 0);
    vm.vcpu.linearPc = 0x2000n;
    assertEquals([(await vm.run()).reason, vm.vcpu.registers.get("cs")], ["HLT", 0x200n], executor);
    // The offset alone is every place that has it.
    vm.breakpoints.add(1n);
    vm.vcpu.registers.set("bx", 4);
    vm.vcpu.linearPc = 0x2000n;
    assertEquals([(await vm.run()).reason, vm.vcpu.linearPc], ["DEBUG", 0x2001n], executor);
  }
});

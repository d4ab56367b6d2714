/** What VMs cost the host, and that they give it back. */
import { assert } from "@std/assert";
import { createVm } from "../../../emulator/machine/vm.ts";

const MIB = 2 ** 20;

Deno.test("a VM with 64 MiB of RAM adds less than 100 MiB", async () => {
  createVm({ arch: "x86" }); // The instruction set is built once.
  // The process may be collecting what other tests have left: the least of three is the machine's own.
  const added: number[] = [];
  for (let i = 0; i < 3; i++) {
    const before = Deno.memoryUsage().rss;
    const vm = createVm({ arch: "x86", memory: 64 * MIB });
    // All of it touched, by the host and from the guest.
    const piece = new Uint8Array(MIB).fill(0x90);
    for (let at = 0; at < 64 * MIB; at += MIB) vm.memory.write(at, piece);
    vm.load(vm.assemble("mov ecx, 100\nagain: dec ecx\njne again\nhlt"));
    await vm.run();
    added.push((Deno.memoryUsage().rss - before) / MIB);
  }
  const least = Math.min(...added);
  assert(least < 100, `${least.toFixed(0)} MiB`);
});

Deno.test("1,000 VMs made and dropped leave memory where it was", async () => {
  const round = async () => {
    for (let i = 0; i < 1000; i++) {
      const vm = createVm({ arch: i % 2 === 0 ? "x86" : "ppc", memory: 2 * MIB });
      vm.load(vm.assemble(i % 2 === 0 ? "inc eax\nhlt" : "li r3, 1\n.long 0"));
      vm.devices.add({ name: "d", read: () => 1 });
      await vm.run({ instructions: 5 });
    }
    // A turn of the event loop, in which dropped memories can be collected.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return Deno.memoryUsage().rss;
  };
  const first = await round();
  const second = await round();
  // Had they stayed, the second round would have added a gigabyte or more.
  assert(
    second - first < 150 * MIB,
    `${((second - first) / MIB).toFixed(0)} MiB more after the second round`,
  );
});

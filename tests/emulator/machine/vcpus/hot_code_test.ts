/** What of several vCPUs is hot: the same as of one alone, though each executes in short turns. */
import { assertEquals } from "@std/assert";
import { createVm } from "../../../../emulator/machine/vm.ts";

const LOOPS = `
start:  mov ecx, 50
outer:  mov edx, 40
inner:  add eax, edx
        rol eax, 3
        xor ebx, eax
        dec edx
        jnz inner
        dec ecx
        jnz outer
        jmp start`;

/** WebAssembly modules that are made while something runs. */
async function modulesMade(act: () => Promise<unknown>): Promise<number> {
  const { Module } = WebAssembly;
  let count = 0;
  WebAssembly.Module = class extends Module {
    constructor(bytes: BufferSource) {
      super(bytes);
      count++;
    }
  };
  try {
    await act();
  } finally {
    WebAssembly.Module = Module;
  }
  return count;
}

/** Those of three vCPUs that execute the loops, in turns and runs of so many instructions each. */
function modulesOf(turn: number, piece: number): Promise<number> {
  const vm = createVm({ arch: "x86", mode: 32, memory: 0x1_0000, vcpus: 3, turn });
  const { entry } = vm.load(vm.assemble(LOOPS));
  for (const vcpu of vm.vcpus) vcpu.start(entry);
  return modulesMade(async () => {
    for (let i = 0; i < 1_500_000; i += piece) await vm.run({ instructions: piece });
  });
}

Deno.test("where turns and runs end is not taken for what is hot", async () => {
  await modulesOf(1000, 100_000); // What all VMs share is made once.
  const undisturbed = await modulesOf(500_000, 1_500_000);
  assertEquals(await modulesOf(1000, 1_500_000), undisturbed, "in turns");
  assertEquals(await modulesOf(1000, 977), undisturbed, "in short runs");
});

/** What becomes hot at the same time is compiled a little at a time: a run comes back to the event loop in between. */
import { assert } from "@std/assert";
import { createVm } from "../../../emulator/machine/vm.ts";

const LOOPS = 120, PER_LOOP = 24;

/** Loops one after the other, all of them over and over. */
function program(): string {
  const body = "add eax, 7\n xor edx, eax\n".repeat((PER_LOOP - 2) / 2);
  const loops = Array.from({ length: LOOPS }, (_, i) => `mov ecx, 30\nl${i}: ${body} dec ecx\n jnz l${i}\n`);
  return `mov esi, 100\nagain: ${loops.join("")} dec esi\n jnz near again\n hlt`;
}

/** How many modules are compiled while something is done, apart where `mark` is called. */
async function modulesOf(act: (mark: () => void) => Promise<void>): Promise<number[]> {
  const { Module } = WebAssembly, counts = [0];
  WebAssembly.Module = new Proxy(Module, {
    construct(target, args) {
      counts[counts.length - 1]++;
      return new target(args[0]);
    },
  });
  try {
    await act(() => counts.push(0));
  } finally {
    WebAssembly.Module = Module;
  }
  return counts;
}

Deno.test("many loops that become hot at once are compiled some at a time", async () => {
  const vm = createVm({ arch: "x86", mode: 32, memory: 2 ** 20 });
  vm.load(vm.assemble(program(), 0x1_0000n));
  const counts = await modulesOf(async (mark) => {
    await vm.run({
      pause: () => {
        mark();
        return Promise.resolve();
      },
    });
  });
  // Before the first pause there is the interpreter, too. All at once it would be nine in a row.
  const most = Math.max(...counts.slice(1)), all = counts.reduce((a, b) => a + b, 0);
  assert(all > 10, `${all} modules: the loops were not compiled`);
  assert(most <= 5, `${most} modules from one pause to the next: ${counts}`);
});

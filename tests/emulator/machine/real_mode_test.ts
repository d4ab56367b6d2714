/** Interrupts and exceptions of real mode: the table of far addresses, what is pushed, and what is returned to. */
import { assertEquals } from "@std/assert";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";

const ENGINES = ["interpreter", "oracle"] as const;
/** Offset of the handlers within segment 0x200, where the table's entries lead. */
const HANDLERS = { segment: 0x200, divide: 0, interrupt: 0x40 };

function guest(source: string, engine: typeof ENGINES[number]): Vm {
  const vm = createVm({ arch: "x86", mode: 16, engine });
  vm.load(vm.assemble(source, 0x1000n), { at: 0x1000n });
  const place = (vector: number, offset: number) =>
    vm.memory.write(4 * vector, Uint8Array.of(offset, offset >> 8, HANDLERS.segment, HANDLERS.segment >> 8));
  place(0, HANDLERS.divide);
  place(0x21, HANDLERS.interrupt);
  const base = BigInt(16 * HANDLERS.segment);
  vm.memory.write(Number(base), vm.assemble("mov bx, 2\ninc si\niret", base).bytes);
  vm.memory.write(
    Number(base) + HANDLERS.interrupt,
    vm.assemble("inc di\niret", base + BigInt(HANDLERS.interrupt)).bytes,
  );
  vm.vcpu.registers.set("sp", 0x800);
  vm.vcpu.registers.set("eflags", 0x202);
  return vm;
}

for (const engine of ENGINES) {
  Deno.test(`a divide error is raised at the division, which is then tried again, ${engine}`, async () => {
    const vm = guest("mov ax, 7\nxor dx, dx\nxor bx, bx\ndiv bx\nhlt", engine);
    const stop = await vm.run();
    const get = (name: string) => vm.vcpu.registers.get(name);
    assertEquals([stop.reason, get("ax"), get("dx"), get("si"), get("sp")], ["HLT", 3n, 1n, 1n, 0x800n]);
    assertEquals(get("eflags") & 0x200n, 0x200n, "IRET brings IF back");
    // The division that faults is not counted: three instructions, the handler's three, the division, HLT.
    assertEquals(vm.vcpu.instructions, 8);
  });

  Deno.test(`INT goes on behind itself, ${engine}`, async () => {
    const vm = guest("int 0x21\nint 0x21\nhlt", engine);
    const stop = await vm.run();
    assertEquals([stop.reason, vm.vcpu.registers.get("di"), vm.vcpu.instructions], ["HLT", 2n, 7]);
  });

  Deno.test(`an exception without room for its frame shuts down, ${engine}`, async () => {
    const vm = guest("xor bx, bx\ndiv bx", engine);
    vm.vcpu.registers.set("sp", 3);
    const stop = await vm.run();
    assertEquals([stop.reason, stop.pc], ["SHUTDOWN", 0x1002n]);
  });

  Deno.test(`REP counts each iteration, and a budget ends between two, ${engine}`, async () => {
    const vm = guest("mov cx, 5\nmov si, 0x1000\nmov di, 0x3000\nrep movsb\nhlt", engine);
    const first = await vm.run({ instructions: 5 });
    assertEquals([first.reason, vm.vcpu.registers.get("cx"), first.pc], ["BUDGET", 3n, 0x1009n]);
    assertEquals((await vm.run()).reason, "HLT");
    assertEquals([vm.vcpu.registers.get("cx"), vm.vcpu.instructions], [0n, 9]);
    assertEquals(vm.memory.read(0x3000, 5), vm.memory.read(0x1000, 5));
  });
}

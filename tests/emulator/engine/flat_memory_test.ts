/** Memory that compiled code reaches without a translation: its limits, and the lines that hold code. */
import { assertEquals } from "@std/assert";
import { Arena } from "../../../emulator/engine/arena.ts";
import { FlatMemory, setFlatLimits } from "../../../emulator/engine/flat_memory.ts";
import { CpuState } from "../../../emulator/engine/state.ts";
import { runEverywhere } from "./executors.ts";

Deno.test("a line is marked with those that a store into it may begin on", () => {
  const flat = new FlatMemory(new Arena(2 ** 20));
  flat.set(0x10_000, 0x8000);
  flat.mark(0x11_004, 0x11_041);
  const marked = [];
  for (let at = 0x10_fc0; at < 0x11_100; at += 0x40) if (flat.isMarked(at)) marked.push(at);
  assertEquals(marked, [0x10_fc0, 0x11_000, 0x11_040]);
  flat.open(0x11_020, false);
  assertEquals([0x10_fc0, 0x11_000, 0x11_040].map((at) => flat.isMarked(at)), [true, false, false]);
  flat.open(0x10_020, true);
  assertEquals(flat.isMarked(0x10_fc0), true, "the next page is still code");
  flat.open(0x10_020, false);
  assertEquals(flat.isMarked(0x10_fc0), false);
  flat.mark(0x0, 0x100_000);
  assertEquals([0xffff, 0x18_000].map((at) => flat.isMarked(at)), [false, false], "not its memory");
});

Deno.test("what may be read or written in a row ends at the memory's end and at marks", () => {
  const arena = new Arena(2 ** 20), flat = new FlatMemory(arena), state = new CpuState(arena);
  flat.set(0x10_000, 0x8000);
  assertEquals(flat.room(state, 0, 0, "read", 0x100), 0, "a vCPU that translates");
  setFlatLimits(state, flat.size);
  flat.mark(0x12_008, 0x12_010);
  assertEquals(flat.room(state, 0x7ff0, 0, "read", 0x100), 0x10);
  assertEquals(flat.room(state, 0x8000, 0, "read", 0x100), 0);
  assertEquals(flat.room(state, 0x10, 1, "read", 0x100), 0);
  assertEquals(flat.room(state, 0x1ff0, 0, "write", 0x100), 0x10);
  assertEquals(flat.room(state, 0x2000, 0, "write", 0x100), 0);
  assertEquals(flat.room(state, 0x2040, 0, "write", 0x8000), 0x5fc0);
});

Deno.test("memory at address 0 that went away is reached by translations only when another comes", () => {
  const flat = new FlatMemory(new Arena(2 ** 20));
  flat.set(0x10_000, 0x8000);
  flat.set(0, 0);
  assertEquals(flat.size, 0);
  flat.set(0x20_000, 0x8000);
  assertEquals(flat.size, 0);
});

Deno.test("a store before code that reaches into it takes effect", async () => {
  const { stop, registers } = await runEverywhere({
    source: `mov esp, 0x9000
             mov dword ptr [0x5040], 0x0001b8   # mov eax, 1; ret
             mov word ptr [0x5044], 0xc300
             mov ebx, 0x5040
             mov ecx, 3
             xor esi, esi
    again:   call rbx
             add esi, eax
             inc dword ptr [0x503e]             # not the code
             add dword ptr [0x503e], 0x1000000  # its immediate
             dec ecx
             jne again
             hlt`,
  });
  assertEquals(stop.reason, "HLT", stop.message);
  assertEquals(registers.rsi ?? registers.esi, "6");
});

Deno.test("accesses at the memory's last bytes and across its end", async () => {
  const { stop, registers } = await runEverywhere({
    memory: 0x1_0000,
    source: `mov esp, 0x10000
             mov ecx, 20
             xor ebx, ebx
    again:   push rcx
             mov eax, [0xfffe]      # two bytes of memory, two of nobody's
             add ebx, eax
             mov [0xffff], cx
             add bl, [0xffff]
             pop rdx
             dec ecx
             jne again
             hlt`,
  });
  assertEquals(stop.reason, "HLT", stop.message);
  assertEquals(registers.rdx, "100000000000001", "the counter, its last byte stored over");
});

Deno.test("a watchpoint sees accesses of code that was compiled before", async () => {
  const { createVm } = await import("../../../mod.ts");
  const vm = createVm({ arch: "x86", mode: 32, memory: 2 ** 20, regions: "first" });
  const program = vm.assemble("again: mov [0x8000], ecx\n inc ecx\n jmp again", 0x2000n);
  vm.load(program);
  assertEquals((await vm.run({ instructions: 3000 })).reason, "BUDGET");
  vm.watchpoints.add({ address: 0x8000n, length: 4, kind: "write" });
  const stop = await vm.run({ instructions: 3000 });
  assertEquals(stop.reason === "DEBUG" && stop.watchpoint?.after, 1000n);
});

/** Guests that do their worst: a run always ends with a documented stop, soon after it was asked to. */
import { assert, assertEquals } from "@std/assert";
import type { Stop } from "../../../emulator/machine/stop.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { Random } from "../../support/random.ts";
import { guest } from "./guests.ts";

const ENGINES = ["interpreter", "oracle"] as const;
const REASONS: readonly Stop["reason"][] = [
  "HLT",
  "SHUTDOWN",
  "BUDGET",
  "UNIMPLEMENTED",
  "INTERNAL_ERROR",
];

async function ends(source: string, options: Partial<VmOptions> = {}): Promise<Stop> {
  const stops = [];
  for (const engine of ENGINES) {
    stops.push(await guest(source, { ...options, engine }).run({ instructions: 4_000 }));
  }
  assertEquals(stops[1], stops[0]);
  assert(REASONS.includes(stops[0].reason), stops[0].message);
  return stops[0];
}

Deno.test("jumps to nowhere end the run", async () => {
  const edges = [2n ** 64n - 1n, 2n ** 64n - 2n ** 47n, 2n ** 47n - 1n, 2n ** 32n, 0xfeb0_0000n];
  for (const target of edges) {
    const stop = await ends(`mov rax, ${target}\njmp rax`);
    assert(stop.reason === "INTERNAL_ERROR");
    assertEquals([stop.pc, stop.address], [target, target]);
  }
  for (const target of [2n ** 63n, 2n ** 52n, 2n ** 47n]) {
    const { reason, message } = await ends(`mov rax, ${target}\njmp rax`);
    assertEquals([reason, message.includes("is not canonical")], ["SHUTDOWN", true], message);
  }
  const ppc = await ends("li r3, -4\nmtctr r3\nbctr", { arch: "ppc" });
  assertEquals([ppc.reason, ppc.pc], ["INTERNAL_ERROR", 2n ** 64n - 4n]);
});

Deno.test("accesses past all addresses end the run, below they are MMIO that nobody answers", async () => {
  for (
    const access of ["mov eax, [rbx]", "mov [rbx], al", "add [rbx], rax", "push [rbx]", "inc byte ptr [rbx]"]
  ) {
    for (
      const [address, reason] of [
        ["-1", "INTERNAL_ERROR"],
        ["-4096", "INTERNAL_ERROR"],
        ["-0x800000000000", "INTERNAL_ERROR"],
        ["0x10000000000000", "SHUTDOWN"],
        ["0x800000000000", "SHUTDOWN"],
        ["0x7ffffffffff8", "HLT"],
        ["0xffffffff", "HLT"],
        ["0xffff", "HLT"],
      ]
    ) {
      const stop = await ends(`mov esp, 0x8000\nmov rbx, ${address}\n${access}\nhlt`);
      assertEquals(stop.reason, reason, `${access} at ${address}: ${stop.message}`);
    }
  }
});

Deno.test("a stack outside of memory ends nothing but the guest", async () => {
  for (const esp of ["0", "1", "4", "0x10003", "0xfeb00000", "-8"]) {
    await ends(`mov rsp, ${esp}\npush rax\ncall next\nnext: pop rcx\nret`);
    await ends(`mov esp, ${esp}\npush eax\ncall next\nnext: pop ecx\nret`, { mode: 32 });
  }
});

Deno.test("recursion through the end of memory ends the run", async () => {
  for (const step of ["call again", "push rsp\njmp again", "call again + 1"]) {
    // Down over the program itself, or down from the end past the start of memory.
    await ends(`mov esp, 0x2000\nagain: ${step}`);
    await ends(`mov esp, 0xc00\nagain: ${step}`);
  }
  await ends("mov sp, 0x600\nagain: call again", { mode: 16 });
  await ends("li r1, 0x600\nagain: stwu r3, -16(r1)\nbl again", { arch: "ppc" });
});

Deno.test("stores all over memory, the program included, end in a documented stop", async () => {
  for (const [step, value] of [[1, 0], [1, 0xcc], [3, 0x90], [8, 0xff], [-1, 0xf4]]) {
    await ends(`mov ebx, 0x1800\nmov eax, ${value}\nagain: mov [rbx], al\nadd rbx, ${step}\njmp again`);
    await ends(`lis r3, 0\nli r4, ${value}\nagain: stb r4, 0x7ff(r3)\naddi r3, r3, ${step}\nb again`, {
      arch: "ppc",
    });
  }
});

Deno.test("random bytes as programs end in a documented stop, on both engines alike", async () => {
  const random = new Random(11);
  for (let i = 0; i < 150; i++) {
    const [arch, mode] = random.pick(
      [["x86", 16], ["x86", 32], ["x86", 64], ["ppc", 32], ["ppc", 64]] as const,
    );
    const bytes = Uint8Array.from({ length: 0x800 }, () => random.u32() >>> 24);
    const stops = [];
    for (const engine of ENGINES) {
      const vm = guest("nop", { arch, mode, engine });
      vm.memory.write(0x1000, bytes);
      vm.vcpu.pc = 0x1000n;
      const { reason, pc, message } = await vm.run({ instructions: 500 });
      assert(REASONS.includes(reason), message);
      stops.push([reason, pc, message, vm.vcpu.instructions, vm.vcpu.cycles, vm.exits.count]);
    }
    assertEquals(stops[1], stops[0]);
  }
});

Deno.test("an endless loop ends soon after its signal, whatever it is made of", async () => {
  const loops: [source: string, options?: Partial<VmOptions>][] = [
    ["again: jmp again"],
    ["mov edx, 0x1000\nagain: out dx, al\njmp again"],
    ["mov ebx, 0xf0000000\nagain: mov eax, [rbx]\nadd rbx, 0x1000\njmp again"],
    ["again: cpuid\njmp again"],
    ["mov ebx, again\nagain: mov byte ptr [rbx + 0x20], 3\njmp again"],
    ["again: sc 1\nb again", { arch: "ppc" }],
    ["again: mfmsr r3\nb again", { arch: "ppc", mode: 32 }],
    ["again: jmp again", { engine: "oracle" }],
    ["in al, 0x10\nagain: in al, 0x10\njmp again"],
  ];
  for (const [source, options] of loops) {
    const vm = guest(source, { recordRows: false, ...options });
    vm.devices.add({ name: "d", read: () => 0, write: () => {} });
    if (vm.arch === "x86") {
      vm.ports.add({ base: 0x10, size: 1, name: "now" }, { read: () => Promise.resolve(1), write: () => {} });
    }
    const controller = new AbortController();
    let aborted = 0;
    setTimeout(() => {
      aborted = performance.now();
      controller.abort();
    }, 5);
    const stop = await vm.run({ signal: controller.signal });
    assertEquals(stop.reason, "INTERRUPTED", source);
    // 100 ms is meant; this machine may be busy with something else.
    assert(performance.now() - aborted < 1000, source);
  }
});

Deno.test("a signal is heard at a stop that is left over in a loop", async () => {
  const vm = guest("again: inc eax\njmp again");
  await vm.run({ until: 0x1002n });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 5);
  assertEquals((await vm.run({ signal: controller.signal })).reason, "INTERRUPTED");
});

Deno.test("a guest that touches hundreds of thousands of pages and ports takes bounded memory", async () => {
  const vm = guest(
    `mov ebx, 0x20000000
     mov ecx, 150000
     again: mov al, [rbx]
     add rbx, 0x1000
     mov edx, ecx
     out dx, al
     dec ecx
     jne again
     hlt`,
    { recordRows: false },
  );
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(vm.exits.count, 300_001);
  assert(vm.exits.aggregates().length < 200_000, String(vm.exits.aggregates().length));
  assertEquals(vm.exits.totals().count, 300_001);
});

Deno.test("recorded rows are bounded too", async () => {
  const vm = guest("mov ecx, 150000\nagain: out 0x80, al\ndec ecx\njne again\nhlt");
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals(vm.exits.rows.length + vm.exits.droppedRows, 150_001);
});

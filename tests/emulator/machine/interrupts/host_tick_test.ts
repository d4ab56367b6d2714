/** The host's own timer: exits between a guest's instructions that the guest does not see. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createVm } from "../../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";
import { guest, traceOf } from "../guests.ts";

const EVERY = 20_000;

/** A guest that counts, and the sequence of its exits with the instruction that each came after. */
async function counted(options: Partial<VmOptions>, pieces: readonly number[]) {
  const source = options.arch === "x86" ? "again: inc eax\njmp again" : "again: addi r3, r3, 1\nb again";
  const vm = guest(source, { interrupts: true, hostTick: EVERY, ...options });
  for (const instructions of pieces) await vm.run({ instructions });
  return { vm, trace: traceOf(vm, { reason: "BUDGET", pc: vm.vcpu.pc, vcpu: 0, message: "" }) };
}

for (
  const [arch, backend, name] of [
    ["ppc", "kvm-hv", "HV_DECREMENTER"],
    ["ppc", "kvm-pr", "DECREMENTER"],
    ["x86", "vmx", "EXTERNAL_INTERRUPT"],
    ["x86", "svm", "INTR"],
  ] as const
) {
  Deno.test(`hostTick takes the guest out on time, under ${backend} as ${name}`, async () => {
    const { vm, trace } = await counted({ arch, backend }, [100_000]);
    const rows = vm.exits.rows;
    assert(rows.every(({ native }) => native.name === name) && rows.length > 3, `${rows.length}`);
    // Each at the first boundary after a multiple of the period: an instruction here costs a cycle or two.
    assertEquals(rows.filter(({ at }) => at % EVERY > 2).map(({ at }) => at), []);
    assertEquals(new Set(rows.map(({ at }) => at)).size, rows.length);
    const pieces = await counted({ arch, backend }, [1, 46_543, 3, 53_453]);
    assertEquals(pieces.trace, trace);
    const oracle = await counted({ arch, backend, engine: "oracle" }, [100_000]);
    assertEquals(oracle.trace, trace);
  });
}

Deno.test("hostTick leaves a napping vCPU alone, and does not wake it", async () => {
  const source = "lis r3, 4\nmtmsr r3";
  const vm = guest(source, { arch: "ppc", mode: 32, interrupts: true, hostTick: EVERY });
  vm.vcpu.registers.set("dec", 0x7fff_ffff);
  const stop = await vm.run();
  assertEquals([stop.reason, vm.exits.rows.filter(({ reason }) => reason === "INTERRUPT").length], [
    "HLT",
    0,
  ]);
});

Deno.test("hostTick is refused where it means nothing", () => {
  assertThrows(() => createVm({ arch: "ppc", hostTick: 5 }), RangeError, "hostTick wants interrupts: true");
  assertThrows(() => createVm({ arch: "ppc", interrupts: true, hostTick: 0 }), RangeError, "every 0 cycles");
});

/**
 * Random memory executed as code, in every mode: whatever it does, the host goes on, every stop is one of the
 * documented ones, and a second run gives the same ledger. `TRAPSH_CASES` (instructions a mode) makes it longer:
 * 100,000,000 for the nightly run.
 */
import { assertEquals } from "@std/assert";
import { snapshot } from "../../emulator/exits/snapshot.ts";
import { createVm, type VmOptions } from "../../emulator/machine/vm.ts";
import { Random } from "../support/random.ts";

const CI_INSTRUCTIONS = 150_000;
const RAM = 0x1_0000;
const MODES: readonly VmOptions[] = [
  { arch: "x86", mode: 16, backend: "vmx" },
  { arch: "x86", mode: 32, backend: "svm" },
  { arch: "x86", mode: 64, backend: "vmx" },
  { arch: "ppc", mode: 32, backend: "kvm-pr" },
  { arch: "ppc", mode: 64, backend: "kvm-hv" },
  { arch: "ppc", mode: 64, order: "le" },
];

/** What a run leaves, as text. */
async function endure(where: VmOptions, instructions: number): Promise<{ ledger: string; stops: string }> {
  const random = new Random(286);
  const vm = createVm({ ...where, memory: RAM });
  const stops = new Map<string, number>();
  for (let executed = 0, barren = 0; executed < instructions;) {
    // New memory now and then, and where the old one leads nowhere.
    if (stops.size === 0 || random.below(50) === 0 || barren > 20) {
      barren = 0;
      vm.vcpu.reset();
      vm.memory.write(0, Uint8Array.from({ length: RAM }, () => random.u32() >>> 24));
      for (const { name, width, group } of vm.vcpu.registers.list()) {
        if (group === "general") {
          vm.vcpu.registers.set(name, BigInt.asUintN(width, BigInt(random.below(RAM))));
        }
      }
    }
    vm.vcpu.pc = BigInt(random.below(RAM) & ~3);
    const before = vm.vcpu.instructions;
    const { reason } = await vm.run({ instructions: Math.min(20_000, instructions - executed) });
    stops.set(reason, (stops.get(reason) ?? 0) + 1);
    executed += vm.vcpu.instructions - before;
    barren = vm.vcpu.instructions - before < 4 ? barren + 1 : 0;
  }
  return { ledger: JSON.stringify(snapshot(vm.exits)), stops: JSON.stringify([...stops].sort()) };
}

for (const where of MODES) {
  const name = `${where.arch}-${where.mode}${where.order === "le" ? " little-endian" : ""}`;
  Deno.test(`${name}: random memory as code ends in a documented stop, and twice in the same ledger`, async () => {
    const length = Number(Deno.env.get("TRAPSH_CASES") ?? 0) || CI_INSTRUCTIONS;
    const first = await endure(where, length);
    console.log(`${name}: ${length} instructions, stops ${first.stops}`);
    assertEquals(await endure(where, length), first);
  });
}

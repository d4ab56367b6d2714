/** What turning paging and long mode on takes. SDM vol. 3A, 2.5, 4.1, 4.4.1 and 10.8.5. */
import { assertEquals } from "@std/assert";
import { CR, EFER, IDENTITY, PDPTE } from "../../../../emulator/x86/slots.ts";
import { vcpuOf } from "../../../support/vcpu.ts";
import { makeVm } from "../../engine/executors.ts";
import { flatGuest, SELECTOR } from "./guest.ts";

const TABLES = 0x8_0000, SET_CR3 = `mov eax, ${TABLES}\nmov cr3, eax\n`;
const CR4_PAE = "mov eax, cr4\nor eax, 0x20\nmov cr4, eax\n";
const LME = "mov ecx, 0xc0000080\nxor edx, edx\nmov eax, 0x100\nwrmsr\n";
const PG = "mov eax, cr0\nor eax, 0x80000000\nmov cr0, eax\n";

/** Runs 32-bit code with PDPTEs (or a page directory) at 0x80000; `esi` counts #GPs. */
async function run(code: string, pdptes: readonly bigint[] = []) {
  const guest = flatGuest(32, code, "h: inc esi\npop eax\nhlt", { 13: { to: "h" } });
  const vm = makeVm(guest, "interpreter");
  vm.memory.write(TABLES, new Uint8Array(BigUint64Array.from(pdptes).buffer));
  const stop = await vm.run({ instructions: 1000 }), { state } = vcpuOf(vm);
  assertEquals(stop.reason, "HLT", stop.message);
  return { faults: vm.vcpu.registers.get("esi"), state };
}

Deno.test("#GP where paging cannot be turned on so", async () => {
  const cases: [name: string, code: string, pdptes: bigint[]][] = [
    ["a PDPTE with reserved bit 1", SET_CR3 + CR4_PAE + PG, [3n]],
    ["a PDPTE with reserved bit 5", SET_CR3 + CR4_PAE + PG, [0n, 0n, 0n, 0x21n]],
    ["a PDPTE with address bit 40", SET_CR3 + CR4_PAE + PG, [1n << 40n | 1n]],
    ["a PDPTE with XD", SET_CR3 + CR4_PAE + PG, [0n, 1n << 63n | 1n]],
    ["PDPTEs outside of memory", "mov eax, 0x7f000000\nmov cr3, eax\n" + CR4_PAE + PG, []],
    ["long mode without PAE", SET_CR3 + LME + PG, []],
    [
      "long mode with a 16-bit task state segment",
      `mov ebx, gdt\nmov byte ptr [ebx+${SELECTOR.task + 5}], 0x81\nmov eax, ${SELECTOR.task}\nltr ax\n` +
      SET_CR3 + CR4_PAE + LME + PG,
      [],
    ],
    ["paging without protection", "mov eax, 0x80000010\nmov cr0, eax", []],
    ["NW without CD", "mov eax, 0x20000011\nmov cr0, eax", []],
  ];
  for (const [name, code, pdptes] of cases) {
    const { faults, state } = await run(code, pdptes);
    assertEquals([faults, state.get32(CR) >>> 31, state.get32(EFER) & 0x400], [1n, 0, 0], name);
  }
});

Deno.test("PDPTEs are read when CR3 is written under PAE paging, not before", async () => {
  const { faults, state } = await run(SET_CR3 + CR4_PAE, [3n]);
  assertEquals([faults, state.get64(PDPTE)], [0n, 0n]);
});

Deno.test("MOV CR3 ends the identity that a 64-bit VM starts with, unless it changes nothing", async () => {
  for (
    const [code, identity] of [["mov rax, cr3\nmov cr3, rax", 1n], [
      "mov rax, cr0\nmov cr0, rax",
      1n,
    ]] as const
  ) {
    const vm = makeVm(flatGuest(64, code), "interpreter");
    assertEquals((await vm.run({ instructions: 100 })).reason, "HLT");
    assertEquals(vcpuOf(vm).state.get64(IDENTITY), identity, code);
  }
  const vm = makeVm(flatGuest(64, "mov eax, 0x80000\nmov cr3, rax"), "interpreter");
  await vm.run({ instructions: 8 });
  assertEquals(vcpuOf(vm).state.get64(IDENTITY), 0n);
});

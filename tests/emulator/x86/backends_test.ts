/** The two hypervisors' tables. */
import { assert, assertEquals } from "@std/assert";
import { TRAPS, x86Isa } from "../../../emulator/x86/isa.ts";
import { svm } from "../../../emulator/x86/svm.ts";
import { vmx } from "../../../emulator/x86/vmx.ts";

for (const backend of [vmx, svm]) {
  Deno.test(`${backend.name} has a rule for every trap, and numbered reasons`, () => {
    assertEquals(Object.keys(backend.traps).sort(), [...TRAPS].sort());
    backend.reasons.forEach((reason, index) => assertEquals(reason.id, index));
    for (const rule of Object.values(backend.traps)) {
      if (rule.do === "exit") assert(backend.reasons.includes(rule.reason));
    }
    assert(backend.reasons.includes(backend.mmio.first) && backend.reasons.includes(backend.mmio.later));
  });
}

Deno.test("each vendor's hypercall instruction is an invalid opcode on the other's processor", () => {
  const rules = [vmx.traps.vmcall, svm.traps.vmmcall, vmx.traps.vmmcall, svm.traps.vmcall];
  assertEquals(rules.map((rule) => rule.do), ["exit", "exit", "exception", "exception"]);
  assertEquals(rules.map((rule) => rule.do === "exception" ? rule.vector : -1), [-1, -1, 6, 6]);
});

Deno.test("the ISA's traps are those of the backends in every mode", () => {
  for (const mode of [16, 32, 64] as const) assertEquals(x86Isa(mode).traps, TRAPS);
});

Deno.test("exit numbers are the manuals'", () => {
  const codes = (reasons: typeof vmx.reasons) => Object.fromEntries(reasons.map((r) => [r.name, r.code]));
  assertEquals(codes(vmx.reasons), {
    EXCEPTION_NMI: 0,
    CPUID: 10,
    HLT: 12,
    VMCALL: 18,
    IO_INSTRUCTION: 30,
    EPT_VIOLATION: 48,
    EPT_MISCONFIG: 49,
    INVD: 13,
    CR_ACCESS: 28,
    DR_ACCESS: 29,
    MSR_READ: 31,
    MSR_WRITE: 32,
    WBINVD: 54,
    TRIPLE_FAULT: 2,
    EXTERNAL_INTERRUPT: 1,
    INTERRUPT_WINDOW: 7,
  });
  assertEquals(codes(svm.reasons), {
    EXCP: 0x40,
    CPUID: 0x72,
    HLT: 0x78,
    IOIO: 0x7b,
    VMMCALL: 0x81,
    NPF: 0x400,
    CR0_WRITE: 0x10,
    DR0_READ: 0x20,
    DR0_WRITE: 0x30,
    INVD: 0x76,
    MSR: 0x7c,
    WBINVD: 0x89,
    SHUTDOWN: 0x7f,
    CR4_WRITE: 0x14,
    INTR: 0x60,
    VINTR: 0x64,
  });
});

import { assert, assertEquals } from "@std/assert";
import { attest, attestations } from "../../scripts/attestation.ts";
import { MACHINES } from "../../scripts/attestation/policies.ts";

const NOPS: Readonly<Record<string, number[]>> = { x86: [0x90], ppc: [0x60, 0, 0, 0] };

Deno.test("attestations(): which policy passes a measured launch on which machine, and which exit changed what", async () => {
  const cells = await attestations();
  const of = (machine: string, policy: string) =>
    cells.find((cell) => cell.machine === machine && cell.policy === policy)!;
  assertEquals(
    cells.filter(({ attestation }) => attestation === "fail").map(({ machine, policy }) =>
      `${machine}, ${policy}`
    ),
    [
      "x86 vmx, Xen's page",
      "x86 vmx, Hyper-V's page",
      "x86 svm, vmcall, patched",
      "x86 svm, Xen's page",
      "x86 svm, Hyper-V's page",
      "ppc32 pr, opcode from the tree",
    ],
  );
  assertEquals(of("x86 svm", "vmcall, refused").attestation, "does not run");
  // One byte: C1 of VMCALL to D9 of VMMCALL, in the exit of the #UD.
  const patched = of("x86 svm", "vmcall, patched");
  assertEquals(
    patched.changes.map(({ seq, what, bytes, before, after }) => [seq, what, bytes, before, after]),
    [[
      0,
      "EXCP vector 6",
      1,
      "c1",
      "d9",
    ]],
  );
  assertEquals([patched.undefinedOpcodes, of("x86 svm", "vmcall, emulated").undefinedOpcodes], [1, 4]);
  assertEquals(of("x86 vmx", "Xen's page").changes[0].what, "MSR_WRITE 0x40000000");
  // Nothing but the guest itself writes what the tree publishes.
  assert(of("ppc32 pr", "opcode from the tree").changes.every(({ seq }) => seq === undefined));
  assert(of("x86 svm", "vmcall, patched").first! > of("x86 svm", "vmcall, emulated").first!);
  assert(of("x86 svm", "vmcall, patched").each! < of("x86 svm", "vmcall, emulated").each!);
  for (const { changedBytes, pages } of cells) {
    assertEquals(changedBytes === 0, pages.every(({ before, after }) => before === after));
  }
});

for (const machine of MACHINES) {
  for (const policy of machine.policies) {
    Deno.test(`attest(): ${policy.name} on ${machine.name} fails if its trap does nothing`, async () => {
      const cell = await attest(machine, policy, (vm, trap) => {
        const [{ bytes }] = vm.disassemble(trap, 1), nop = NOPS[vm.arch];
        vm.memory.write(trap, Uint8Array.from(bytes, (_, i) => nop[i % nop.length]));
      });
      assertEquals([cell.attestation, cell.served], ["does not run", 0]);
    });
  }
}

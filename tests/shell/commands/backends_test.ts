import { assertEquals } from "@std/assert";
import { HYPERVISORS } from "../../../emulator/machine/hypervisors/hypervisors.ts";
import { kvmHv } from "../../../emulator/ppc/kvm_hv.ts";
import { kvmPr } from "../../../emulator/ppc/kvm_pr.ts";
import { svm } from "../../../emulator/x86/svm.ts";
import { vmx } from "../../../emulator/x86/vmx.ts";
import { BACKENDS } from "../../../shell/commands/support/backends.ts";
import { HYPERVISOR_NAMES } from "../../../shell/commands/support/hypervisor_names.ts";

Deno.test("HYPERVISOR_NAMES are the hypervisors' own", () => {
  assertEquals([...HYPERVISOR_NAMES] as string[], HYPERVISORS.map(({ name }) => name));
});

Deno.test("BACKENDS says what the backends' own records say", () => {
  const records = Object.fromEntries(
    [vmx, svm, kvmHv, kvmPr].map(({ name, arch, modes }) => [name, { arch, modes }]),
  );
  assertEquals(BACKENDS as unknown, records);
});

import { assertEquals } from "@std/assert";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { kvmHv } from "../../../emulator/ppc/kvm_hv.ts";
import { kvmPr } from "../../../emulator/ppc/kvm_pr.ts";

for (const backend of [kvmHv, kvmPr]) {
  Deno.test(`${backend.name} has a rule for every trap that may leave the guest and numbers its reasons`, () => {
    const { traps, helpers = {} } = ppcIsa(64), leaving = traps.filter((name) => !(name in helpers));
    assertEquals(Object.keys(backend.traps).sort(), leaving.sort());
    assertEquals(backend.reasons.map(({ id }) => id), backend.reasons.map((_, index) => index));
    const named = [
      backend.mmio.first,
      backend.mmio.later,
      ...Object.values(backend.traps).flatMap((rule) => rule.do === "exit" ? [rule.reason] : []),
    ];
    assertEquals(named.filter((reason) => backend.reasons[reason.id] !== reason), []);
  });
}

Deno.test("kvm-hv takes PAPR hypercalls and MMIO, kvm-pr what its guest may not do", () => {
  const table = (backend: typeof kvmHv) =>
    Object.entries(backend.traps).map(([name, rule]) =>
      rule.do === "exit"
        ? `${name} ${rule.reason.reason} ${rule.reason.code.toString(16)}`
        : `${name} ${rule.do}`
    );
  assertEquals(table(kvmHv), [
    ...["sc PAPR_HCALL c00", "mfspr SPR e40", "mtspr SPR e40", "mftb native", "mfmsr native"],
    ...["mtmsr native", "rfi native", "trap native", "exception native"],
    ...["floatException native", "alignment native", "mfsr native", "mtsr native", "tlbie native"],
    "touch native",
  ]);
  assertEquals(table(kvmPr), [
    ...["sc HYPERCALL c00", "mfspr INSTRUCTION 700", "mtspr INSTRUCTION 700", "mftb native"],
    ...["mfmsr INSTRUCTION 700", "mtmsr INSTRUCTION 700", "rfi INSTRUCTION 700"],
    ...["trap EXCEPTION 700", "exception EXCEPTION 700", "floatException EXCEPTION 700"],
    ...["alignment EXCEPTION 700", "mfsr INSTRUCTION 700", "mtsr INSTRUCTION 700"],
    ...["tlbie INSTRUCTION 700", "touch native"],
  ]);
  assertEquals([kvmHv.mmio.first.code, kvmPr.mmio.first.code], [0xe00, 0x300]);
});

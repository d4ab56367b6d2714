import { startSession } from "./session.ts";

/** The line of the issue, on every guest by every vehicle that it has. */
const GUESTS = [
  ["arch x86", "backend vmx"],
  ["arch x86", "backend svm"],
  ["arch x86 32", "backend vmx"],
  ["arch x86 16", "backend vmx"],
  ["arch ppc", "backend kvm-hv"],
  ["arch ppc", "backend kvm-pr"],
  ["arch ppc 32", "backend kvm-pr"],
];

for (const guest of GUESTS) {
  for (const via of ["hypercall", "pio", "mmio"]) {
    Deno.test(`${guest.join(", ")}: open echo via ${via}, call, info exits`, async (t) => {
      const { session, typeAll } = startSession();
      const lines = [...guest, `open echo via ${via}`, "call 1 0x2a", "info exits"];
      await t.assertSnapshot(await typeAll(lines));
      session.close();
    });
  }
}

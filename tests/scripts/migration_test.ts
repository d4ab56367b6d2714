import { assert, assertEquals } from "@std/assert";
import { migrate } from "../../scripts/migration.ts";
import { MOVES } from "../../scripts/migration/moves.ts";

/** `TRAPSH_CASES` makes a longer run: 1,000 every night. */
const CUTS = Math.max(50, Number(Deno.env.get("TRAPSH_CASES") ?? 0));

const LOST: readonly string[] = [
  "vmcall, KVM refuses: vmx kvm > svm kvm",
  "Xen's page, Xen refuses: vmx xen > svm xen",
  "KVM's call: vmx kvm > vmx xen",
  "KVM's call: vmx kvm > vmx hyperv",
  "KVM's call: vmx kvm > vmx vmware",
  "Xen's page: vmx xen > vmx kvm",
  "Hyper-V's page: vmx hyperv > vmx kvm",
  "sc 1: kvm-hv papr > kvm-pr epapr",
  "the tree's opcode: kvm-pr epapr > kvm-hv papr",
  // Xen does not patch: the page that it filled for the other vendor is #UD.
  "ioq by event channel: vmx xen > svm xen",
  "ioq by HvSignalEvent: vmx hyperv > vmx kvm",
  "virtqueue by H_SEND_CRQ: kvm-hv papr > kvm-pr epapr",
];

for (const move of MOVES) {
  const name = `${move.name}: ${Object.values(move.from).join(" ")} > ${Object.values(move.to).join(" ")}`;
  Deno.test(`migrate(): ${name}, ${CUTS} cuts`, async () => {
    const row = await migrate(move, CUTS);
    // Nothing is ever done twice; what does not survive says so by requests that were not made.
    assertEquals(row.doubled, 0);
    if (LOST.includes(name)) {
      assertEquals([row.verdict, row.whole], ["is lost", 0]);
      assert(row.lost > 0 && row.ends.length > 0);
    } else {
      assertEquals([row.verdict, row.whole, row.lost, row.ends], ["survives", CUTS, 0, []]);
    }
    // Each of four places is patched once at most, and never again.
    if (name.includes("KVM patches")) {
      assert(row.undefinedOpcodes[1] <= 4 && row.patched === 4, JSON.stringify(row));
    }
    if (name.includes("vmcall, patched")) {
      assertEquals([row.undefinedOpcodes, row.patched], [[1, 1], 1], JSON.stringify(row));
    }
    if (name.includes("emulates")) assert(row.undefinedOpcodes[1] > 4 && row.patched === 0);
  });

  Deno.test(`migrate(): ${name} does not run if its traps do nothing`, async () => {
    const row = await migrate(move, 1, (vm) => {
      for (let at = 0x1000n; at < 0x2000n;) {
        const [{ text, bytes }] = vm.disassemble(at, 1);
        // Of PowerPC the calls of the stub, too.
        if (
          /^(vmm?call|in|out|sc|mov dword ptr \[(rbx|rdi)|(call|bl|stwbrx)(?!.*[0-9a-f]{5}))\b/.test(text)
        ) {
          const nop = vm.arch === "x86" ? [0x90] : [0x60, 0, 0, 0];
          vm.memory.write(at, Uint8Array.from(bytes, (_, i) => nop[i % nop.length]));
        }
        at += BigInt(bytes.length);
      }
    });
    assertEquals(row.verdict, "does not run");
  });
}

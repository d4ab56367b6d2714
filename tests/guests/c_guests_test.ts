/**
 * The C guests of `scripts/guests/`, compiled for each target, print what they print as native programs. Skipped,
 * with the reason in the name, where the compiler is not installed.
 */
import { assertEquals } from "@std/assert";
import { buildGuests, type BuiltGuests } from "../support/guest_build.ts";
import { type GuestTarget, OPTIMISATIONS, TARGETS, whyNot } from "../support/guest_targets.ts";
import { HYPERVISORS } from "../../emulator/machine/hypervisors/hypervisors.ts";
import type { VmOptions } from "../../emulator/machine/vm_options.ts";
import { runGuest } from "./run_guest.ts";

/** What `probe.c` prints. */
const FOUND: Readonly<Record<string, string>> = {
  kvm:
    "hypervisor bit 1\nleaf 0x40000000, highest 0x40000001\nfeatures 0x0\nkvm: call 0, wrong call -1000\n" +
    "the other vendor's instruction: -1000\n",
  xen: "hypervisor bit 1\nleaf 0x40000000, highest 0x40000002\nversion 4.17\n1 page, MSR 0x40000000\n" +
    "slot 17 b8 11 00 00 00, c3 then cc\nxen: call 262161, wrong call -38\n",
  hyperv: "hypervisor bit 1\nleaf 0x40000000, highest 0x40000005\ninterface Hv#1\n" +
    "version 10.0, page enabled 1, processor 0\npage 0f 01, then c3\nhyperv: call 0, wrong call 2\n",
  vmware: "hypervisor bit 1\nversion 6 by the backdoor\nvmware: call 6, wrong call -1\n",
  epapr: "compatible linux,kvm, 4 instructions\nepapr: call 0, wrong call 12\n",
  papr: "a pseries without /hypervisor\npapr: call 0, wrong call -2\n",
  osi: "osi: call 1, wrong call -1\n",
};

/** Every hypervisor that guests of a target can have. */
function cells({ arch, mode, order }: VmOptions): VmOptions[] {
  const backends = arch === "x86" ? ["vmx", "svm"] as const : ["kvm-hv", "kvm-pr"] as const;
  return HYPERVISORS.flatMap(({ name, carriers }) =>
    backends.filter((backend) => carriers[backend]?.includes(mode!))
      .map((backend) => ({ arch, mode, order, backend, hypervisor: name }))
  );
}

let guests: Promise<BuiltGuests> | undefined;

function guestTest(target: GuestTarget, name: string, test: (built: BuiltGuests) => Promise<void>): void {
  const missing = whyNot({ compiler: "gcc" }) ?? whyNot(target);
  Deno.test({
    name: `C guests on ${target.name}: ${name}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    ignore: missing !== undefined,
    fn: async () => await test(await (guests ??= buildGuests())),
  });
}

for (const target of TARGETS) {
  for (const optimisation of OPTIMISATIONS) {
    guestTest(target, `all of them, ${optimisation}, print what they print natively`, async (built) => {
      const { status, text } = await runGuest(target.vm, built.image(target, "all", optimisation));
      assertEquals({ status, text }, { status: 0, text: built.printed.all });
    });
    if (!target.float) continue;
    guestTest(target, `floating point, ${optimisation}, prints what it prints natively`, async (built) => {
      const { status, text } = await runGuest(target.vm, built.image(target, "float", optimisation));
      assertEquals({ status, text }, { status: 0, text: built.printed.float });
    });
  }

  guestTest(target, "probe.c finds the hypervisor and calls it, whichever it is", async (built) => {
    const image = built.image(target, "probe", "-O2");
    for (const options of cells(target.vm)) {
      const none = target.vm.arch === "x86" ? "hypervisor bit 0\nno hypervisor\n" : "no hypervisor\n";
      for (const engine of ["interpreter", "oracle"] as const) {
        const { status, text } = await runGuest({ ...options, engine }, image);
        const found = FOUND[options.hypervisor!] ?? none;
        assertEquals(
          { status, text },
          { status: 0, text: found },
          `${options.hypervisor} on ${options.backend}`,
        );
      }
    }
  });

  guestTest(target, "input up to its end and the exit status, by interpreter and oracle", async (built) => {
    const image = built.image(target, "copy", "-O2");
    const interpreted = await runGuest(target.vm, image, "one\n\ntwo");
    assertEquals([interpreted.status, interpreted.text], [3, "  1  one\n  2  \n  3  two"]);
    assertEquals(await runGuest({ ...target.vm, engine: "oracle" }, image, "one\n\ntwo"), interpreted);
  });
}

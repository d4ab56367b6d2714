/**
 * The C guests of `scripts/guests/`, compiled for each target, print what they print as native programs. Skipped,
 * with the reason in the name, where the compiler is not installed.
 */
import { assertEquals } from "@std/assert";
import { buildGuests, type BuiltGuests } from "../support/guest_build.ts";
import { type GuestTarget, OPTIMISATIONS, TARGETS, whyNot } from "../support/guest_targets.ts";
import { runGuest } from "./run_guest.ts";

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

  guestTest(target, "input up to its end and the exit status, by interpreter and oracle", async (built) => {
    const image = built.image(target, "copy", "-O2");
    const interpreted = await runGuest(target.vm, image, "one\n\ntwo");
    assertEquals([interpreted.status, interpreted.text], [3, "  1  one\n  2  \n  3  two"]);
    assertEquals(await runGuest({ ...target.vm, engine: "oracle" }, image, "one\n\ntwo"), interpreted);
  });
}

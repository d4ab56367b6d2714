import { assertEquals } from "@std/assert";
import { complete } from "../../shell/complete.ts";
import { smallSession } from "./small_session.ts";

const CASES: readonly (readonly [line: string, candidates: string[], replaced: string])[] = [
  ["ca", ["call"], "ca"],
  ["re", ["regs", "reset"], "re"],
  ["info ", ["devices", "exits"], ""],
  ["info e", ["exits"], "e"],
  ["exits r", ["reset"], "r"],
  ["call --v", ["--via"], "--v"],
  ["call --via ", ["hypercall", "mmio", "pio"], ""],
  ["call --via h", ["hypercall"], "h"],
  ["open e", ["echo", "ether"], "e"],
  ["help ca", ["call"], "ca"],
  ["help veh", ["vehicles"], "veh"],
  [":ca", ["call"], "ca"],
  [": open u", ["uart"], "u"],
  ["vm.vcpu.registers.g", ["get"], "g"],
  ["await vm.sym", ["symbols"], "sym"],
  ["=vc", ["vcpu"], "vc"],
  ["zzz", [], "zzz"],
  ['open "e', [], '"e'],
];

Deno.test("complete()", async (t) => {
  const { session } = smallSession();
  try {
    for (const [line, candidates, replaced] of CASES) {
      await t.step(JSON.stringify(line), async () => {
        assertEquals(await complete(session, line), [candidates, replaced]);
      });
    }
  } finally {
    session.close();
  }
});

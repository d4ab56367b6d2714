import { assertEquals } from "@std/assert";
import { complete } from "../../shell/complete.ts";
import { smallSession } from "./small_session.ts";

/** What is typed, the candidates, and the end of it that they replace. */
const CASES: readonly (readonly [line: string, candidates: string[], replaced: string])[] = [
  ["ca", ["call"], "ca"],
  ["re", ["regs", "reset"], "re"],
  ["info ", ["devices", "exits", "registers"], ""],
  ["info e", ["exits"], "e"],
  ["exits r", ["reset"], "r"],
  ["call --v", ["--via"], "--v"],
  ["call --", ["--json", "--via"], "--"],
  ["call -", ["--json", "--via"], "-"],
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
  ['open "e', ['"echo"', '"ether"'], '"e'],
  ["call --json --v", ["--via"], "--v"],
  ["f($.r", ["rax", "rbx"], "r"],
  ["await Ma", ["Map", "Math"], "Ma"],
  ["x 8+$rb", ["$rbx"], "$rb"],
  ["find st", ["start"], "st"],
  ["find 4*st", ["start"], "st"],
  ["find st --v", ["--via"], "--v"],
  ["save tests/shell/small_t", ["tests/shell/small_table.ts"], "tests/shell/small_t"],
  ["save 'tests/shell/small_t", ["'tests/shell/small_table.ts'"], "'tests/shell/small_t"],
  ["save tests/shell/da", ["tests/shell/data/"], "tests/shell/da"],
  ["await import('./tests/shell/small_t", ["./tests/shell/small_table.ts"], "./tests/shell/small_t"],
  ["f(() => {\n  vm.vcpu.registers.g", ["get"], "g"],
  ["f(() => {\n  cal", [], "cal"],
  ["call 1\nopen u", ["uart"], "u"],
];

Deno.test("complete()", async (t) => {
  const { session } = smallSession();
  try {
    for (const [line, candidates, replaced] of CASES) {
      await t.step(JSON.stringify(line), async () => {
        const found = await complete(session, line);
        assertEquals(found.candidates.map(({ text }) => text), candidates);
        if (candidates.length > 0) assertEquals(line.slice(line.length - found.replaced), replaced);
      });
    }
  } finally {
    session.close();
  }
});

Deno.test("complete() tells what commands and options are about, and what is no end of a word", async () => {
  const { session } = smallSession();
  try {
    assertEquals((await complete(session, "op")).candidates, [{ text: "open", about: "do open" }]);
    assertEquals((await complete(session, "call --j")).candidates, [
      { text: "--json", about: "print the data as JSON" },
    ]);
    assertEquals((await complete(session, "save tests/shell/da")).candidates, [
      { text: "tests/shell/data/", shown: "data/", open: true },
    ]);
  } finally {
    session.close();
  }
});

/** Variants come to the same result as the plain program, whatever the seed; the same seed is the same variant. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Random } from "../support/random.ts";
import { checkOutcome, type IsaName } from "./guests/guest.ts";
import { MACHINES, makeVm } from "./machines.ts";
import { shuffleBlocks } from "./variants/blocks.ts";
import { DIALECTS, variantOf, VARIED } from "./variants/variant.ts";

const ISAS = Object.keys(DIALECTS) as IsaName[];

for (const isa of ISAS) {
  Deno.test(`${isa}: variants of seeds 1 to 4 have the plain programs' results`, async () => {
    const machine = MACHINES.find((machine) => machine.isa === isa)!;
    for (const name of VARIED) {
      for (let seed = 1; seed <= 4; seed++) {
        const variant = variantOf(isa, name, seed);
        const vm = makeVm(machine, "region");
        const image = vm.assemble(`${variant.source}\nend: nop`, variant.code);
        vm.vcpu.pc = vm.load(image).entry;
        variant.prepare?.(vm);
        const stop = await vm.run({ until: image.symbols.get("end")!, instructions: 5_000_000 });
        assertEquals(stop.reason, "UNTIL", `${name}, seed ${seed}`);
        checkOutcome(vm, variant.outcome);
      }
    }
  });
}

Deno.test("variantOf() gives the same variant for a seed, and others for others", () => {
  for (const isa of ISAS) {
    for (const name of VARIED) {
      const made = (seed: number) => {
        const { source, code } = variantOf(isa, name, seed);
        return { source, code };
      };
      assertEquals(made(7), made(7));
      assertNotEquals(made(7), made(8));
    }
  }
  assertThrows(() => variantOf("x86-32", "strings of pearls", 1), RangeError);
  assertThrows(() => variantOf("x86-16", "sieve", 1), RangeError);
});

Deno.test("shuffleBlocks() turns branches round, adds jumps and leaves tables with their alignment", () => {
  const syntax = { jump: "jmp", ends: new Set(["jmp"]), opposites: { jz: "jnz", jnz: "jz" } };
  const source = `
        mov eax, 1
        jmp hot
        .balign 8
table:  .long op0
hot:    dec eax
        jnz hot
        nop`;
  const found = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const text = shuffleBlocks(source, new Random(seed), syntax);
    found.add(text);
    const lines = text.split("\n");
    assertEquals(lines.slice(0, 3), ["block0:", "mov eax, 1", "jmp hot"]);
    assertEquals(lines[lines.indexOf("table:") - 1], ".balign 8");
    const nop = lines.indexOf("nop");
    assert(nop === lines.length - 1 || lines[nop + 1] === "jmp end");
  }
  // Table, loop and end in every order.
  assertEquals(found.size, 6);
});

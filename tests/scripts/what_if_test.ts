/** what_if.ts: prices that add up, break-evens that hold, what is refused, and rows that fail without their traps. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withFigures } from "../../mod.ts";
import { whatIf } from "../../scripts/what_if.ts";
import {
  ASKED,
  batchRow,
  decodeRows,
  priceTraffic,
  profilesOf,
  WAYS,
} from "../../scripts/what_if/questions.ts";
import { recordStore, type Spoil } from "../../scripts/what_if/record.ts";

const answers = await whatIf();

Deno.test("whatIf(): one ledger under every profile, whose stages add up, and weights of all of it", () => {
  assertEquals(answers.traffic.map(({ machine }) => machine), ["x86 vmx", "ppc32", "ppc64"]);
  for (const { machine, profile: charged, exits, totals, weights, fails } of answers.traffic) {
    assertEquals([fails, exits], [undefined, 132], machine);
    assert(totals.length >= 2);
    for (const { profile, cycles } of totals) {
      const { worldSwitch, dispatch, decode, userspace, device, total } = cycles;
      assertEquals(worldSwitch + dispatch + decode + userspace + device, total, `${machine} ${profile}`);
    }
    const own = totals.find(({ profile }) => profile === charged)!;
    assertEquals(weights.reduce((sum, { cycles }) => sum + cycles, 0), own.cycles.total);
  }
});

Deno.test("whatIf(): at the price that a row names, MMIO costs what the other vehicle costs", async () => {
  assertEquals(answers.decode.filter(({ fails }) => fails !== undefined), []);
  let equal = 0;
  for (const { machine, place, profile, against, even } of answers.decode) {
    if (even?.cycles === undefined || even.cycles < 0) continue;
    equal++;
    const target = ASKED.find(({ name }) => name === machine)!;
    const { ledger } = await recordStore(target, "mmio", place);
    const prices = profilesOf(target).find(({ name }) => name === profile)!;
    const other = withFigures(prices, [{ stage: "decode", reason: "MMIO", cycles: even.cycles }]);
    assertEquals(ledger.reprice(other).totals().cycles.total, against);
  }
  assert(equal > 0);
  // PowerPC's port I/O is MMIO: no price of decoding tells them apart.
  const ports = answers.decode.filter(({ machine, other }) => machine.startsWith("ppc") && other === "pio");
  assertEquals(new Set(ports.map(({ even }) => even?.cycles)), new Set([undefined]));
});

Deno.test("whatIf(): userspace has no one price: pci-testdev's rows miss by it what the other reason costs", () => {
  const rows = answers.userspace.filter(({ profile }) => profile === "pci-testdev");
  assertEquals(rows.map(({ published, own, alike }) => [published, own, alike]), [[8796, 8796, 7134], [
    5287,
    5287,
    6949,
  ]]);
});

Deno.test("whatIf(): batches by every profile, and clocks are refused with the reason", () => {
  assertEquals(answers.batches.length, 3 * 3 * WAYS.length);
  for (const { machine, via, way, even, fails } of answers.batches) {
    assertEquals(fails, undefined);
    // A kick alone costs what a call costs at most; an interrupt has to be shared by more than one.
    if (way.endsWith("look")) assertEquals(new Set(Object.values(even)), new Set([1]), `${machine} ${via}`);
    else assert(Object.values(even).every((batch) => batch >= 1 && batch < 10), `${machine} ${via} ${way}`);
  }
  assertEquals(answers.refused.map(({ machine }) => machine), ASKED.map(({ name }) => name));
  for (const { why } of answers.refused) assertStringIncludes(why, "the guest read its clock");
});

/** Puts nothing in the place of each instruction that has left the guest so far. */
const withoutTraps: Spoil = (vm) => {
  for (const { pc } of vm.exits.rows) {
    const [{ bytes }] = vm.disassemble(pc, 1), nop = vm.arch === "x86" ? [0x90] : [0x60, 0, 0, 0];
    vm.memory.write(pc, Uint8Array.from(bytes, (_, i) => nop[i % nop.length]));
  }
};

for (const machine of ASKED) {
  Deno.test(`rows of ${machine.name} fail if the traps of their stubs do nothing`, async () => {
    assert((await priceTraffic(machine, withoutTraps)).fails !== undefined);
    for (const other of ["pio", "hypercall"] as const) {
      const rows = await decodeRows(machine, "userspace", other, withoutTraps);
      assert(rows.length > 0 && rows.every(({ fails, even }) => fails !== undefined && even === undefined));
    }
    for (const via of ["hypercall", "pio", "mmio"] as const) {
      const { fails, even } = await batchRow(machine, via, WAYS[0], withoutTraps);
      assert(fails !== undefined && Object.keys(even).length === 0, via);
    }
  });
}

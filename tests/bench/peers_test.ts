/** The peers' guests on our own VM, in both engines, and their table: what the peers themselves do is not tested. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Results } from "./peers/contender.ts";
import { PEER_GUESTS } from "./peers/guests.ts";
import { peerImage } from "./peers/image.ts";
import { peersAsLines } from "./peers/report.ts";
import type { SystemName } from "./peers/systems.ts";
import { OwnMachine } from "./peers/trapsh.ts";
import { sampleOf } from "./statistics.ts";

for (const guest of PEER_GUESTS) {
  // Each result that the guest tells is asserted, and what reaches the handler of its port.
  Deno.test(`${guest.name}, ${guest.system.name}: passes end in the right result, as long in a region as interpreted`, async () => {
    const image = peerImage(guest);
    const lengths: number[] = [];
    for (const engine of ["interpreter", "region"] as const) {
      // At once takes seconds for what is new in each pass.
      const machine = new OwnMachine(guest, image, engine, guest.name === "cold" ? "hot" : "first");
      await machine.begin();
      lengths.push(await machine.pass());
      await machine.time(0);
    }
    assertEquals(lengths, lengths.map(() => lengths[0]));
  });
}

Deno.test("peerImage() has a Multiboot header whose sum is 0, and starts within its bytes", () => {
  for (const guest of PEER_GUESTS.filter(({ system }) => system.options.arch === "x86")) {
    const { file: elf, bytes, at } = peerImage(guest);
    const header = new DataView(bytes.buffer);
    const [magic, flags, checksum] = [0, 4, 8].map((at) => header.getUint32(at, true));
    assertEquals(magic, 0x1bad_b002);
    assertEquals(magic + flags + checksum >>> 0, 0);
    const entry = BigInt(new DataView(elf.buffer).getUint32(24, true));
    assert(entry >= at && entry < at + BigInt(bytes.length));
  }
});

Deno.test("Results times from the first result to the last, and throws at a wrong one", () => {
  const results = new Results({ system: { bits: 32, told: "le" }, result: 0x0403_0201n }, "a guest");
  for (let pass = 0; pass < 3; pass++) [1, 2, 3, 4].forEach((byte) => results.take(byte, 10 * pass));
  assertEquals([results.count, results.elapsed, results.msPerPass], [3, 20, 10]);
  [1, 2, 3].forEach((byte) => results.take(byte, 30));
  assertThrows(() => results.take(5, 30), Error, "a guest computed");
});

Deno.test("the peers' table tells ratios, spreads and who is missing", () => {
  const row = (engine: string, system: SystemName, ...values: number[]) => ({
    guest: "integer",
    system,
    engine,
    instructions: 1000,
    rate: sampleOf(values),
  });
  const lines = peersAsLines({
    engines: [{ name: "v86", about: "", version: "1" }, { name: "QEMU", about: "", missing: "not found" }],
    rows: [
      row("trapsh interpreter", "x86-32", 390, 400, 410),
      row("trapsh interpreter", "x86-64", 420, 400, 390),
      row("v86", "x86-32", 90, 100, 110),
    ],
  });
  assertEquals(lines.find((line) => /x86-32 +v86/.test(line))?.split(/ {2,}/), [
    "integer",
    "x86-32",
    "v86",
    "100",
    "90.0-110",
    "20%",
    "4.00x",
    "3.73-4.33",
  ]);
  assert(lines.some((line) => /integer +x86-64.x86-32 +trapsh interpreter +1.00x/.test(line)));
  assert(lines.includes("QEMU: not measured, not found"));
});

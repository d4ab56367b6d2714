import { assertEquals, assertThrows } from "@std/assert";
import { createVm } from "../../emulator/machine/vm.ts";
import { ASSEMBLED, fibonacci90, sortedSum } from "./assembled_guests.ts";
import { runGuest } from "./run_guest.ts";

const line = (value: number) => `${value.toString(16).padStart(8, "0")}\n`;
const EXPECTED = [0xcbf43926, sortedSum(), ...fibonacci90()].map(line).join("");

for (const { name, source, ...options } of ASSEMBLED) {
  Deno.test(`assembled guest on ${name}: CRC-32, a sort and 64-bit sums, by interpreter and oracle`, async () => {
    const interpreted = await runGuest(options, source);
    assertEquals([interpreted.status, interpreted.text], [7, EXPECTED]);
    assertEquals(await runGuest({ ...options, engine: "oracle" }, source), interpreted);
  });
}

Deno.test("createVm() refuses a byte order that the architecture does not have", () => {
  assertThrows(
    () => createVm({ arch: "x86", order: "be" }),
    RangeError,
    "x86 has no be byte order: it has le",
  );
});

import { assertEquals } from "@std/assert";
import { ASSEMBLED, fibonacci90, sortedSum } from "./assembled_guests.ts";
import { runGuest } from "./run_guest.ts";

const line = (value: number) => `${value.toString(16).padStart(8, "0")}\n`;
const EXPECTED = [0xcbf43926, sortedSum(), ...fibonacci90()].map(line).join("");

for (const { name, arch, mode, source } of ASSEMBLED) {
  Deno.test(`assembled guest on ${name}: CRC-32, a sort and 64-bit sums, by interpreter and oracle`, async () => {
    const interpreted = await runGuest({ arch, mode }, source);
    assertEquals([interpreted.status, interpreted.text], [7, EXPECTED]);
    assertEquals(await runGuest({ arch, mode, engine: "oracle" }, source), interpreted);
  });
}

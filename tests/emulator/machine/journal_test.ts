import { assertEquals } from "@std/assert";
import { Journal } from "../../../emulator/machine/journal.ts";

Deno.test("an instruction that is executed again takes what it completed", () => {
  const journal = new Journal();
  journal.turnTo(5);
  assertEquals([journal.replays, journal.started], [false, false]);
  journal.complete(11);
  journal.complete(undefined);
  journal.rewind(1);
  journal.turnTo(5);
  assertEquals([journal.replays, journal.started, journal.take(), journal.take()], [
    true,
    true,
    11,
    undefined,
  ]);
  // Its third access is a new one, of the same exit.
  assertEquals([journal.replays, journal.started], [false, true]);
});

Deno.test("an access that was waited for is taken when the instruction comes for it", () => {
  const journal = new Journal();
  journal.turnTo(0);
  journal.complete(1);
  journal.completeLater(2);
  journal.rewind(1);
  journal.turnTo(0);
  assertEquals([journal.take(), journal.replays, journal.take(), journal.replays], [1, true, 2, false]);
});

Deno.test("another instruction starts anew, and so does one that was abandoned", () => {
  const journal = new Journal();
  journal.turnTo(1);
  journal.complete(1);
  journal.turnTo(2);
  assertEquals([journal.replays, journal.started], [false, false]);
  journal.complete(3);
  journal.abandon();
  journal.turnTo(2);
  assertEquals([journal.replays, journal.started], [false, false]);
});

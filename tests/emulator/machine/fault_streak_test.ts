import { assertEquals } from "@std/assert";
import { SavedFields } from "../../../emulator/engine/saved_fields.ts";
import { FaultStreak } from "../../../emulator/machine/fault_streak.ts";

/** How many more exceptions at one count of instructions are let pass. */
function left(streak: FaultStreak, instructions: number): number {
  for (let count = 0;; count++) if (streak.add(instructions) !== undefined) return count;
}

Deno.test("add() complains of the exception after a thousand in a row", () => {
  assertEquals(left(new FaultStreak(), 5), 1000);
});

Deno.test("an instruction between two exceptions begins a new row", () => {
  const streak = new FaultStreak();
  for (let i = 0; i < 600; i++) streak.add(5);
  assertEquals(left(streak, 6), 1000);
});

Deno.test("a row goes on after save() and load()", () => {
  const streak = new FaultStreak(), restored = new FaultStreak();
  for (let i = 0; i < 600; i++) streak.add(5);
  restored.load(new SavedFields(streak.save(), "vcpu"));
  assertEquals(left(restored, 5), 400);
});

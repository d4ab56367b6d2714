/** Exits like the one before are kept as a number: nobody can tell. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ChargedExit } from "../../../emulator/exits/charged_exit.ts";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { IO, site, UNREAD, VMCALL } from "./fixtures.ts";

const profile = loadProfile("x86-default");
const SITES = [site(), site({ vcpu: 1 })];

/** An exit (of which of two vCPUs, which of two reasons, which of two keys), or what else may happen. */
type Step =
  | { do: "exit"; vcpu: number; reason: number; key: number }
  | { do: "again" | "device" | "look" | "record" | "reset" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("exit"), vcpu: fc.nat(1), reason: fc.nat(1), key: fc.nat(1) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("again", "device", "look") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("record", "reset") }) },
) as fc.Arbitrary<Step>;

/** What a ledger shows after the steps, and what it answered meanwhile. */
function run(ledger: Ledger, steps: readonly Step[], byToken: boolean): unknown {
  const answers: number[] = [], tokens = new Map<string, ChargedExit>();
  for (const one of steps) {
    switch (one.do) {
      case "exit": {
        const name = `${one.vcpu} ${one.reason} ${one.key}`, token = tokens.get(name);
        if (byToken && token) answers.push(ledger.chargeAgain(token));
        else {answers.push(
            ledger.charge([IO, VMCALL][one.reason], one.key, "out", 4, "userspace", SITES[one.vcpu]),
          );}
        tokens.set(name, ledger.charged!);
        break;
      }
      case "again":
        if (ledger.isOpen(1)) answers.push(ledger.accessAgain(1, "out", 2, "kernel", SITES[1]));
        break;
      case "device":
        if (ledger.isOpen(0)) ledger.chargeDevice(7, 0);
        break;
      case "look":
        answers.push(ledger.count, ledger.cycles);
        break;
      case "record":
        ledger.record(!ledger.recording);
        break;
      case "reset":
        ledger.reset();
    }
  }
  return [
    answers,
    ledger.aggregates(),
    ledger.totals(),
    ledger.rows,
    ledger.lastRow,
    ledger.count,
    ledger.cycles,
  ];
}

Deno.test("property: charged one by one, repeated, or again by what was charged before: all the same", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const listened = new Ledger(profile);
    // Who listens is told of each exit: none is only counted.
    let told = 0;
    listened.onExit(() => told++);
    const expected = run(listened, steps, false);
    assertEquals(told, steps.filter((one) => one.do === "exit").length);
    assertEquals(run(new Ledger(profile), steps, false), expected);
    assertEquals(run(new Ledger(profile), steps, true), expected);
  }));
});

Deno.test("who begins to listen, or to record, is told of the next exit, however many there were like it", () => {
  const ledger = new Ledger(profile);
  const charge = () => ledger.charge(IO, 1, "out", 4, "userspace", SITES[0]);
  for (let i = 0; i < 10; i++) charge();
  const told: number[] = [];
  const stop = ledger.onExit((_native, key) => told.push(key));
  charge();
  stop();
  charge();
  ledger.record(true);
  charge();
  ledger.record(false);
  charge();
  assertEquals([told, ledger.rows.map(({ seq }) => seq), ledger.count], [[1], [12], 14]);
});

Deno.test("an exit that repeats reads nothing of its place", () => {
  const ledger = new Ledger(profile);
  ledger.charge(IO, 1, "out", 4, "userspace", UNREAD);
  const token = ledger.charged!;
  ledger.chargeAgain(token);
  ledger.charge(VMCALL, 1, "none", 0, "kernel", UNREAD);
  ledger.chargeAgain(token);
  assertEquals(ledger.aggregates().map(({ count }) => count), [3, 1]);
});

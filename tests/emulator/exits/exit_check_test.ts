import { assert, assertEquals, assertThrows } from "@std/assert";
import { assertExitRows, assertExits, diffExits, ExitMismatch } from "../../../emulator/exits/exit_check.ts";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { HLT, IO, MISCONFIG, site } from "./fixtures.ts";

/** Three writes to a serial port, the second of them slower, one read of MMIO, a halt. */
function sample(): Ledger {
  const ledger = new Ledger(loadProfile("pci-testdev"), { record: true });
  for (let i = 0; i < 3; i++) {
    ledger.charge(IO, 0x3f8, "out", 1, "userspace", site({ pc: 0x7c00n + BigInt(i) }));
    if (i === 1) ledger.chargeDevice(13);
  }
  ledger.charge(MISCONFIG, 0xfebf0000, "in", 4, "kernel", site());
  ledger.charge(HLT, 0, "none", 0, "kernel", site());
  return ledger;
}

const EXPECTED = [
  { reason: "IO", key: 0x3f8, direction: "out", count: 3, cycles: 3 * 5287 + 13 },
  { reason: "MMIO", native: "EPT_MISCONFIG", count: 1, accesses: 1, returns: 0 },
  { reason: "HLT" },
] as const;

Deno.test("assertExits() is silent when the exits are the expected ones", () => {
  assertExits(sample(), EXPECTED);
  assertExits(sample(), EXPECTED.slice(0, 1), { allowOthers: true });
  assertEquals(diffExits(sample(), EXPECTED), undefined);
});

Deno.test("assertExits() shows what is expected against what there is, line by line", () => {
  const error = assertThrows(
    () =>
      assertExits(sample(), [
        { reason: "IO", key: 0x3f8, count: 4 },
        { reason: "MMIO", key: 0xfebf0000, count: 1 },
        { reason: "HYPERCALL", key: 5, count: 1 },
      ]),
    ExitMismatch,
  );
  assertEquals(
    error.diff,
    [
      "  as expected",
      "- expected, not there",
      "+ there, not expected",
      "",
      "- IO 0x3f8 count=4",
      "+ IO 0x3f8 count=3",
      "  MMIO 0xfebf0000 count=1",
      "- HYPERCALL 0x5 count=1",
      "+ HLT/HLT handledIn=kernel count=1 cycles=1566",
    ].join("\n"),
  );
  assertEquals(error.message, `the exits are not the expected ones\n\n${error.diff}`);
});

Deno.test("assertExits() lets the first entry that fits take an exit", () => {
  const ledger = new Ledger(loadProfile("pci-testdev"));
  for (const key of [1, 2, 3]) ledger.charge(IO, key, "in", 1, "kernel", site());
  assertExits(ledger, [{ reason: "IO", key: 2, count: 1 }, { reason: "IO", count: 2 }]);
  assertThrows(() => assertExits(ledger, [{ reason: "IO", count: 3 }, { reason: "IO", key: 2, count: 1 }]));
});

Deno.test("assertExitRows() is silent when the rows are the expected ones", () => {
  assertExitRows(sample(), [
    { reason: "IO", pc: 0x7c00n, cycles: 5287 },
    { reason: "IO", pc: 0x7c01n, cycles: 5300 },
    { reason: "IO", key: 0x3f8, size: 1, handledIn: "userspace", returns: 1 },
    { reason: "MMIO", native: "EPT_MISCONFIG", direction: "in" },
    { reason: "HLT" },
  ]);
});

Deno.test("assertExitRows() shows one missing row as one line", () => {
  const error = assertThrows(
    () =>
      assertExitRows(sample(), [{ reason: "IO" }, { reason: "IO" }, { reason: "MMIO" }, { reason: "HLT" }]),
    ExitMismatch,
  );
  assertEquals(
    error.diff.split("\n").slice(4),
    [
      "     0 IO",
      "     1 IO",
      "+    2 IO key=0x3f8 direction=out size=1 handledIn=userspace cycles=5287",
      "     2 MMIO",
      "     3 HLT",
    ],
  );
});

Deno.test("assertExitRows() keeps what agrees short", () => {
  const ledger = new Ledger(loadProfile("pci-testdev"), { record: true });
  for (let i = 0; i < 200; i++) ledger.charge(IO, i, "in", 1, "kernel", site());
  const expected = ledger.rows.map(({ key }) => ({ reason: "IO", key: key === 100 ? 7 : key }));
  const error = assertThrows(() => assertExitRows(ledger, expected), ExitMismatch);
  const lines = error.diff.split("\n").slice(4);
  assertEquals([lines[0], lines.at(-1), lines.length], [
    "  ... 97 more as expected",
    "  ... 96 more as expected",
    10,
  ]);
  assert(lines.includes("-  100 IO key=0x7"));
});

Deno.test("assertExitRows() refuses to judge when rows are missing", () => {
  const ledger = new Ledger(loadProfile("pci-testdev"), { record: true, rowLimit: 1 });
  ledger.charge(IO, 1, "in", 1, "kernel", site());
  ledger.charge(IO, 1, "in", 1, "kernel", site());
  assertThrows(
    () => assertExitRows(ledger, []),
    Error,
    "1 of 2 exits have a row (1 rows made room for others)",
  );
});

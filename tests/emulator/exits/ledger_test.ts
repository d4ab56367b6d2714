import { assertEquals, assertThrows } from "@std/assert";
import { Ledger, OTHER_KEYS } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { HLT, IO, MISCONFIG, site, UNREAD, VMCALL } from "./fixtures.ts";

const profile = loadProfile("pci-testdev");
const PIO = 1762, PIO_USER = 5287, MMIO = 3609, MMIO_USER = 8796;

Deno.test("charge() returns the profile's cycles for each vehicle and handling", () => {
  const ledger = new Ledger(profile);
  assertEquals(ledger.charge(IO, 0x3f8, "out", 1, "kernel", UNREAD), PIO);
  assertEquals(ledger.charge(IO, 0x3f8, "out", 1, "userspace", UNREAD), PIO_USER);
  assertEquals(ledger.charge(MISCONFIG, 0xfebf0000, "out", 4, "kernel", UNREAD), MMIO);
  assertEquals(ledger.charge(MISCONFIG, 0xfebf0000, "out", 4, "userspace", UNREAD), MMIO_USER);
  assertEquals(ledger.cycles, PIO + PIO_USER + MMIO + MMIO_USER);
  assertEquals(ledger.totals().cycles.total, ledger.cycles);
});

Deno.test("charge() leaves decode out for kernel-fast", () => {
  const ledger = new Ledger(profile);
  assertEquals(ledger.charge(MISCONFIG, 0x2000, "out", 4, "kernel", UNREAD), MMIO);
  assertEquals(ledger.charge(MISCONFIG, 0x2000, "out", 4, "kernel-fast", UNREAD), PIO);
  const [slow, fast] = ledger.aggregates();
  assertEquals([slow.handledIn, fast.handledIn, fast.cycles.decode], ["kernel", "kernel-fast", 0]);
});

Deno.test("aggregates() keeps reason, key, direction and handling apart, in that order", () => {
  const ledger = new Ledger(profile);
  ledger.charge(MISCONFIG, 0x2000, "in", 4, "userspace", UNREAD);
  ledger.charge(IO, 0x3f9, "in", 1, "userspace", UNREAD);
  ledger.charge(IO, 0x3f8, "out", 1, "userspace", UNREAD);
  ledger.charge(IO, 0x3f8, "in", 2, "kernel", UNREAD);
  ledger.charge(IO, 0x3f8, "out", 4, "userspace", UNREAD);
  assertEquals(
    ledger.aggregates().map(({ native, key, direction, count }) => [native.name, key, direction, count]),
    [
      ["IO_INSTRUCTION", 0x3f8, "in", 1],
      ["IO_INSTRUCTION", 0x3f8, "out", 2],
      ["IO_INSTRUCTION", 0x3f9, "in", 1],
      ["EPT_MISCONFIG", 0x2000, "in", 1],
    ],
  );
  assertEquals(ledger.aggregates()[1].sizes, { 1: 1, 2: 0, 4: 1, 8: 0, other: 0 });
});

Deno.test("accessAgain() charges dispatch and the return only, on the last exit", () => {
  const ledger = new Ledger(profile, { record: true });
  ledger.charge(MISCONFIG, 0x2000, "in", 4, "userspace", site());
  assertEquals(ledger.accessAgain(0x2004, "in", 4, "userspace", site()), 262 + 5187);
  assertEquals(ledger.accessAgain(0x2008, "in", 4, "kernel", site()), 262);
  const [one] = ledger.aggregates();
  assertEquals([one.count, one.accesses, one.returns, one.key], [1, 3, 2, 0x2000]);
  assertEquals(one.cycles.total, MMIO_USER + 262 + 5187 + 262);
  assertEquals([one.min, one.max], [one.cycles.total, one.cycles.total]);
  const [row] = ledger.rows;
  assertEquals([row.accesses, row.returns, row.cycles], [3, 2, one.cycles]);
});

Deno.test("accessAgain() and chargeDevice() need an exit", () => {
  const ledger = new Ledger(profile);
  assertThrows(() => ledger.accessAgain(0, "in", 1, "kernel", UNREAD), Error, "charge() comes first");
  assertThrows(() => ledger.chargeDevice(1), Error, "charge() comes first");
  assertThrows(() => ledger.chargeDevice(-1), RangeError, "integer of at least 0");
  assertThrows(() => ledger.chargeDevice(1.5), RangeError, "integer of at least 0");
});

Deno.test("chargeDevice() goes to the last exit's device stage and its extremes", () => {
  const ledger = new Ledger(profile);
  ledger.charge(IO, 1, "out", 1, "kernel", UNREAD);
  ledger.chargeDevice(100);
  ledger.chargeDevice(20);
  ledger.charge(IO, 1, "out", 1, "kernel", UNREAD);
  const [one] = ledger.aggregates();
  assertEquals([one.cycles.device, one.min, one.max], [120, PIO, PIO + 120]);
  ledger.chargeDevice(5);
  assertEquals(ledger.aggregates()[0].min, PIO + 5, "a look at the aggregates must not settle the open exit");
  assertEquals(ledger.totals().max, PIO + 120);
});

Deno.test("rows hold where an exit came from, and only while recording", () => {
  const ledger = new Ledger(profile);
  ledger.charge(IO, 1, "out", 1, "kernel", UNREAD);
  assertEquals(ledger.lastRow, undefined);
  ledger.record(true);
  ledger.charge(
    VMCALL,
    5,
    "none",
    0,
    "kernel",
    site({ pc: 0x7c00n, instructions: 9, cycles: 40, name: "start" }),
  );
  ledger.record(false);
  ledger.charge(HLT, 0, "none", 0, "userspace", UNREAD);
  assertEquals(ledger.rows.length, 1);
  const { seq, reason, native, keySpace, key, pc, symbol, instructions, at } = ledger.rows[0];
  assertEquals(
    { seq, reason, native, keySpace, key, pc, symbol, instructions, at },
    {
      seq: 1,
      reason: "HYPERCALL",
      native: { name: "VMCALL", code: 18 },
      keySpace: "hypercall",
      key: 5,
      pc: 0x7c00n,
      symbol: "start",
      instructions: 9,
      at: 40,
    },
  );
});

Deno.test("rows beyond the limit push out the oldest, and the sums stay", () => {
  const ledger = new Ledger(profile, { record: true, rowLimit: 3 });
  for (let i = 0; i < 8; i++) ledger.charge(IO, i, "out", 1, "kernel", site());
  assertEquals(ledger.rows.map(({ seq }) => seq), [5, 6, 7]);
  assertEquals(ledger.droppedRows, 5);
  assertEquals(ledger.lastRow, ledger.rows[2]);
  assertEquals(ledger.totals().count, 8);
  assertThrows(() => new Ledger(profile, { rowLimit: 0 }), RangeError, "row limit is 0");
});

Deno.test("keys beyond the limit are counted together, by direction and handling", () => {
  const ledger = new Ledger(profile, { keyLimit: 2 });
  for (const key of [7, 8, 9, 10, 7, 9]) ledger.charge(IO, key, "out", 1, "kernel", UNREAD);
  ledger.charge(IO, 9, "in", 1, "kernel", UNREAD);
  ledger.charge(MISCONFIG, 9, "in", 1, "kernel", UNREAD);
  assertEquals(
    ledger.aggregates().map(({ native, key, direction, count }) => [native.id, key, direction, count]),
    [[0, 7, "out", 2], [0, 8, "out", 1], [0, OTHER_KEYS, "in", 1], [0, OTHER_KEYS, "out", 3], [
      2,
      9,
      "in",
      1,
    ]],
  );
  assertEquals(ledger.totals().count, 8);
  assertThrows(() => new Ledger(profile, { keyLimit: -1 }), RangeError, "key limit is -1");
});

Deno.test("keys up to 2^53 are kept apart", () => {
  const ledger = new Ledger(profile);
  const high = Number.MAX_SAFE_INTEGER;
  for (const key of [high, high - 1, 2 ** 31, 2 ** 32, 0]) {
    ledger.charge(MISCONFIG, key, "in", 8, "kernel", UNREAD);
  }
  assertEquals(ledger.aggregates().map(({ key }) => key), [0, 2 ** 31, 2 ** 32, high - 1, high]);
});

Deno.test("keys that a number cannot hold exactly are counted together", () => {
  const ledger = new Ledger(profile);
  for (const key of [2 ** 53, 2 ** 64, -1, NaN, 0.5]) ledger.charge(VMCALL, key, "none", 0, "kernel", UNREAD);
  assertEquals(ledger.aggregates().map(({ key, count }) => [key, count]), [[OTHER_KEYS, 5]]);
});

Deno.test("onExit() tells of every exit until it is ended", () => {
  const ledger = new Ledger(profile);
  const heard: string[] = [];
  const end = ledger.onExit(({ name }, key, direction, size, handledIn) =>
    heard.push([name, key, direction, size, handledIn, ledger.count].join(" "))
  );
  const endSecond = ledger.onExit(() => heard.push("second"));
  ledger.charge(IO, 5, "in", 2, "userspace", UNREAD);
  end();
  ledger.charge(IO, 5, "in", 2, "userspace", UNREAD);
  endSecond();
  ledger.charge(IO, 5, "in", 2, "userspace", UNREAD);
  assertEquals(heard, ["IO_INSTRUCTION 5 in 2 userspace 1", "second", "second"]);
});

Deno.test("reset() forgets exits, rows and the clock, not the profile or that rows are recorded", () => {
  const ledger = new Ledger(profile, { record: true });
  ledger.charge(IO, 5, "in", 2, "userspace", site());
  ledger.chargeDevice(3);
  ledger.markClockRead();
  ledger.reset();
  assertEquals([ledger.count, ledger.cycles, ledger.rows.length, ledger.clockRead], [0, 0, 0, false]);
  assertEquals(ledger.totals().count, 0);
  assertEquals(ledger.totals().min, undefined);
  assertThrows(() => ledger.chargeDevice(1), Error, "charge() comes first");
  ledger.charge(IO, 5, "in", 2, "kernel", site());
  assertEquals([ledger.rows[0].seq, ledger.aggregates()[0].max], [0, PIO]);
});

Deno.test("the profile changes only while there are no exits", () => {
  const ledger = new Ledger(profile);
  const other = loadProfile("tsirkin-2013");
  ledger.charge(IO, 5, "out", 2, "kernel", UNREAD);
  assertThrows(() => ledger.profile = other, Error, "reset() it before it takes tsirkin-2013");
  ledger.profile = profile;
  ledger.reset();
  ledger.profile = other;
  assertEquals(ledger.charge(IO, 5, "out", 2, "kernel", UNREAD), 1737);
});

Deno.test("exits of two backends do not mix", () => {
  const ledger = new Ledger(profile);
  ledger.charge(IO, 5, "out", 2, "kernel", UNREAD);
  const other = { ...IO, name: "IOIO" };
  assertThrows(() => ledger.charge(other, 5, "out", 2, "kernel", UNREAD), TypeError, "exits of one backend");
});

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { Device, DeviceContext } from "../../emulator/machine/device.ts";
import { CallPort } from "../../transports/call_port.ts";
import { DESCRIPTOR, MAX_TRANSFER } from "../../transports/descriptor.ts";
import { ERRNO } from "../../transports/status.ts";
import { fakeRam } from "./fake_ram.ts";

const context = {} as DeviceContext;

function portOf(call: Device["call"], ram = fakeRam(0x1000)) {
  return { ram, port: new CallPort({ device: { name: "dut", call }, context, ram }) };
}

/** Writes a descriptor at 0x100. */
function describe(
  bytes: Uint8Array,
  fields: { fn?: number; flags?: number; data?: bigint; length?: number; capacity?: number; reply?: bigint },
  at = 0x100,
): void {
  const view = new DataView(bytes.buffer, at);
  view.setUint32(DESCRIPTOR.fn, fields.fn ?? 0, true);
  view.setUint32(DESCRIPTOR.flags, fields.flags ?? 0, true);
  view.setBigUint64(DESCRIPTOR.data, fields.data ?? 0x200n, true);
  view.setUint32(DESCRIPTOR.length, fields.length ?? 0, true);
  view.setUint32(DESCRIPTOR.capacity, fields.capacity ?? 0, true);
  view.setBigUint64(DESCRIPTOR.reply, fields.reply ?? 0x400n, true);
  view.setInt32(DESCRIPTOR.status, 77, true);
}

function answered(bytes: Uint8Array, at = 0x100): [status: number, replyLength: number] {
  const view = new DataView(bytes.buffer, at);
  return [view.getInt32(DESCRIPTOR.status, true), view.getUint32(DESCRIPTOR.replyLength, true)];
}

Deno.test("CallPort takes a payload in pieces, ignores padding and gives the reply in pieces", () => {
  const seen: [number, number[]][] = [];
  const { port } = portOf((fn, data) => {
    seen.push([fn, [...data]]);
    return data.toReversed();
  });
  port.select(7);
  assertEquals(port.begin(5), -ERRNO.EAGAIN);
  assertEquals(port.result, -ERRNO.EAGAIN);
  assertEquals(port.push(Uint8Array.of(1, 2, 3, 4)), -ERRNO.EAGAIN);
  assertEquals(port.push(Uint8Array.of(5, 0, 0, 0)), 5);
  assertEquals(seen, [[7, [1, 2, 3, 4, 5]]]);
  assertEquals([...port.take(4)], [5, 4, 3, 2]);
  assertEquals(port.result, 1);
  assertEquals([...port.take(4)], [1]);
  assertEquals([...port.take(4)], []);
  assertEquals(seen.length, 1, "the handler is called once, however the reply is taken");
});

Deno.test("CallPort answers numbers as 8 bytes little-endian", () => {
  const { port } = portOf((fn) => fn === 0 ? 0x0102 : -1n);
  assertEquals(port.begin(0), 8);
  assertEquals([...port.take(8)], [2, 1, 0, 0, 0, 0, 0, 0]);
  port.select(1);
  port.begin(0);
  assertEquals([...port.take(8)], new Array(8).fill(255));
});

Deno.test("CallPort refuses payload without a call, lengths beyond the limit, and devices without call()", () => {
  const { port } = portOf(() => 1);
  assertEquals(port.push(Uint8Array.of(1)), -ERRNO.EINVAL);
  assertEquals(port.begin(MAX_TRANSFER + 1), -ERRNO.E2BIG);
  assertStringIncludes(port.refusal!.message, "16777216");
  const mute = new CallPort({ device: { name: "mute", read: () => 0 }, context, ram: fakeRam(16) });
  assertEquals(mute.begin(0), -ERRNO.ENOSYS);
  assertStringIncludes(mute.refusal!.message, 'device "mute" has no call()');
});

Deno.test("CallPort throws what a handler throws, with device and fn, and can be used again", async () => {
  const { port } = portOf((fn) => {
    if (fn === 1) throw new Error("boom");
    if (fn === 2) return Promise.reject(new Error("late boom"));
    if (fn === 3) return "text" as unknown as number;
    return 5;
  });
  port.select(1);
  assertThrows(() => port.begin(0), Error, 'device "dut" failed in call(fn 1): boom');
  assertEquals(port.result, -ERRNO.EIO);
  port.select(2);
  await assertRejects(() => port.begin(0) as Promise<number>, Error, "call(fn 2): late boom");
  port.select(3);
  assertThrows(() => port.begin(0), Error, "the reply is string");
  port.select(0);
  assertEquals(port.begin(0), 8);
});

Deno.test("doorbell() runs a descriptor's call and keeps what does not fit for FETCH", () => {
  let calls = 0;
  const { port, ram } = portOf((fn, data) => {
    calls++;
    return Uint8Array.of(fn, ...data);
  });
  ram.bytes.set([9, 8, 7], 0x200);
  describe(ram.bytes, { fn: 3, length: 3, capacity: 2 });
  assertEquals(port.doorbell(0x100n), 4);
  assertEquals(answered(ram.bytes), [0, 4]);
  assertEquals([...ram.bytes.subarray(0x400, 0x404)], [3, 9, 0, 0]);
  describe(ram.bytes, { flags: 1, capacity: 8, reply: 0x500n });
  assertEquals(port.doorbell(0x100n), 2);
  assertEquals(answered(ram.bytes), [0, 2]);
  assertEquals([...ram.bytes.subarray(0x500, 0x503)], [8, 7, 0]);
  assertEquals(calls, 1);
});

const BAD: readonly [string, Parameters<typeof describe>[1], number, RegExp][] = [
  ["payload outside of RAM", { data: 0xf000n, length: 4 }, -ERRNO.EFAULT, /payload at .* 0xf000, 4 bytes/],
  ["payload that begins inside", { data: 0xffcn, length: 8 }, -ERRNO.EFAULT, /payload/],
  ["reply buffer outside of RAM", { reply: 0xfffn, capacity: 2 }, -ERRNO.EFAULT, /reply buffer/],
  ["length of 2 GiB", { length: 0x8000_0000 }, -ERRNO.E2BIG, /payload is 2147483648 bytes/],
  ["capacity of 4 GiB", { capacity: 0xffff_ffff }, -ERRNO.E2BIG, /reply capacity is 4294967295 bytes/],
  ["payload that wraps", { data: 0xffff_ffff_ffff_fffcn, length: 8 }, -ERRNO.EFAULT, /wraps around 2\^64/],
  ["reply that wraps", { reply: (1n << 64n) - 1n, capacity: 2 }, -ERRNO.EFAULT, /wraps/],
  ["unknown flags", { flags: 6 }, -ERRNO.EINVAL, /flags are 0x6/],
];

for (const [what, fields, status, message] of BAD) {
  Deno.test(`doorbell() refuses a ${what}`, () => {
    let called = false;
    const { port, ram } = portOf(() => void (called = true));
    describe(ram.bytes, fields);
    assertEquals(port.doorbell(0x100n), status);
    assertEquals(answered(ram.bytes), [status, 0]);
    assertEquals(port.result, status);
    assertEquals(message.test(port.refusal!.message), true, port.refusal!.message);
    assertEquals(called, false);
  });
}

Deno.test("doorbell() refuses a descriptor that is misaligned or not in RAM, and writes nothing", () => {
  const { port, ram } = portOf(() => 1);
  assertEquals(port.doorbell(0x104n), -ERRNO.EINVAL);
  assertEquals(port.doorbell(0x1000n), -ERRNO.EFAULT);
  assertEquals(port.doorbell((1n << 64n) - 8n), -ERRNO.EFAULT);
  assertEquals(ram.bytes.every((byte) => byte === 0), true);
  // The end of a descriptor hangs out of RAM.
  assertEquals(port.doorbell(0xfe0n), -ERRNO.EFAULT);
});

Deno.test("fetch() refuses a buffer outside of RAM and keeps the reply", () => {
  const { port, ram } = portOf(() => Uint8Array.of(1, 2, 3));
  port.begin(0);
  assertEquals(port.fetch(0xfffn, 3), -ERRNO.EFAULT);
  port.select(0);
  port.begin(0);
  assertEquals(port.fetch(0x10n, 2), 2);
  assertEquals([...ram.bytes.subarray(0x10, 0x13)], [1, 2, 0]);
  assertEquals(port.fetch(0x10n, 2), 1);
  assertEquals(port.fetch(0x10n, 2), 0);
});

/** Framing: GDB manual, "Remote Protocol", Overview. Checksums here were summed by hand or are the manual's. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodePacket, PACKET_SIZE, type PacketEvent, PacketReader } from "../../../shell/gdb/packets.ts";
import { compress } from "../../../shell/gdb/run_length.ts";
import { latin } from "./client.ts";

const read = (text: string, reader = new PacketReader()): PacketEvent[] => [...reader.feed(latin(text))];
const sent = (text: string) => String.fromCharCode(...encodePacket(text));

Deno.test("PacketReader finds packets, acknowledgements and interrupts between noise", () => {
  assertEquals(read("xx+$OK#9a-\x03$#00"), [
    { kind: "ack" },
    { kind: "packet", text: "OK" },
    { kind: "nak" },
    { kind: "interrupt" },
    { kind: "packet", text: "" },
  ]);
});

Deno.test("PacketReader takes a packet in any pieces", () => {
  const reader = new PacketReader();
  assertEquals(read("$m10", reader), []);
  assertEquals(read("0,4#", reader), []);
  assertEquals(read("5", reader), []);
  assertEquals(read("e", reader), [{ kind: "packet", text: "m100,4" }]);
});

Deno.test("PacketReader tells a wrong checksum, no checksum, and an escape without an end", () => {
  assertEquals(read("$OK#9b"), [{ kind: "damaged" }]);
  assertEquals(read("$OK#zz"), [{ kind: "damaged" }]);
  assertEquals(read("$a}#de"), [{ kind: "damaged" }]);
});

Deno.test("PacketReader undoes escapes, and keeps 0x03 within a packet as data", () => {
  assertEquals(read("$}\x03}\x04}]\x03#de"), [{ kind: "packet", text: "#$}\x03" }]);
});

Deno.test("PacketReader begins anew at a $ within a packet", () => {
  assertEquals(read("$m1000$OK#9a"), [{ kind: "packet", text: "OK" }]);
});

Deno.test("PacketReader loses what is too long, and goes on after it", () => {
  const long = "a".repeat(PACKET_SIZE + 1), sum = (0x61 * long.length & 0xff).toString(16).padStart(2, "0");
  assertEquals(read(`$${long}#${sum}$OK#9a`), [{ kind: "too long" }, { kind: "packet", text: "OK" }]);
});

Deno.test("encodePacket escapes, and shortens runs", () => {
  assertEquals(sent("OK"), "$OK#9a");
  // The manual's example: "0* " is four zeros.
  assertEquals(sent("0000"), "$0* #7a");
  assertEquals(compress("ab"), "ab");
  assertEquals(compress("000"), "000");
  assertEquals(sent("#"), "$}\x03#80");
});

Deno.test("compress sends no # or $ as a count", () => {
  for (let length = 1; length < 400; length++) {
    const text = compress("0".repeat(length));
    assert(!/[#$]/.test(text), `${length}: ${text}`);
    assert([...text].every((it) => it >= " " && it <= "~"), text);
  }
});

Deno.test("what encodePacket sends is what was to be sent", () => {
  const text = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((it) => String.fromCharCode(it)) }),
    fc.array(fc.tuple(fc.constantFrom("0", "f", "#", "*", "}", "\x00"), fc.integer({ min: 1, max: 300 })), {
      maxLength: 6,
    }).map((runs) => runs.map(([it, count]) => it.repeat(count)).join("")),
  );
  fc.assert(fc.property(text, (text) => {
    const bytes = encodePacket(text), wire = String.fromCharCode(...bytes);
    assertEquals(expanded(wire), text);
  }));
});

/** What GDB makes of a packet: runs first, then escapes. */
function expanded(wire: string): string {
  const data = wire.slice(1, -3);
  const sum = [...data].reduce((sum, it) => sum + it.charCodeAt(0), 0) & 0xff;
  assertEquals(wire.slice(-2), sum.toString(16).padStart(2, "0"));
  let text = "";
  for (let i = 0; i < data.length; i++) {
    if (data[i] === "*") text += text.slice(-1).repeat(data.charCodeAt(++i) - 29);
    else text += data[i];
  }
  return text.replace(/}([^])/g, (_, it: string) => String.fromCharCode(it.charCodeAt(0) ^ 0x20));
}

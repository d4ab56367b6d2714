import { assertEquals, assertThrows } from "@std/assert";
import { payload, payloadBytes, showReply } from "../../../../shell/commands/support/payload.ts";

const hex = (text: string) => payloadBytes(text).toHex();

Deno.test("payloadBytes() makes 8 little-endian bytes of a number", () => {
  assertEquals(hex("0x2a"), "2a00000000000000");
  assertEquals(hex("-1"), "ffffffffffffffff");
  assertEquals(hex("0x1234 + 1"), "3512000000000000");
});

Deno.test("payloadBytes() takes a width and a byte order", () => {
  assertEquals(hex("0x2a:4"), "2a000000");
  assertEquals(hex("0x2a:2be"), "002a");
  assertEquals(hex("-2:1"), "fe");
  assertEquals(hex("255:1"), "ff");
});

Deno.test("payloadBytes() takes text and bytes", () => {
  assertEquals(hex('"hé\\n"'), "68c3a90a");
  assertEquals(hex('""'), "");
  assertEquals(hex("hex:deadBEEF"), "deadbeef");
  assertEquals(hex("hex:"), "");
});

Deno.test("payloadBytes() says what does not fit, and what would", () => {
  assertThrows(() => hex("256:1"), RangeError, "256:2");
  assertThrows(() => hex("1:3"), RangeError, "1, 2, 4 or 8");
  assertThrows(() => hex("1 << 64"), RangeError, "hex:");
  assertThrows(() => hex("hex:abc"), SyntaxError, "two");
  assertThrows(() => hex("hex:zz"), SyntaxError, '"z"');
  assertThrows(() => hex('"open'), SyntaxError);
  assertThrows(() => hex("nonsense"), ReferenceError, "nonsense");
});

Deno.test("payload() puts arguments one after the other", () => {
  assertEquals(payload(["1:1", '"a"', "hex:ff"]).toHex(), "0161ff");
  assertEquals(payload([]).length, 0);
});

Deno.test("payload() asks the given evaluator", () => {
  assertEquals(payload(["$n:1"], () => 7n).toHex(), "07");
});

Deno.test("showReply() adds number and text where they are some", () => {
  assertEquals(showReply(new Uint8Array(0)), "(no bytes)");
  assertEquals(showReply(Uint8Array.of(0x2a, 0)), "2a 00  = 0x2a  (42, 2 bytes little-endian)");
  assertEquals(showReply(new TextEncoder().encode("hey")), '68 65 79  "hey"');
});

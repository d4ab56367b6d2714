import { assertEquals } from "@std/assert";
import { Bytes } from "../../../emulator/wasm/bytes.ts";
import { Random } from "../../support/random.ts";

const hex = (bytes: Bytes) => [...bytes.finish()].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

Deno.test("uleb() writes the shortest form of any number below 2^32", () => {
  const cases: [number, string][] = [
    [0, "00"],
    [127, "7f"],
    [128, "80 01"],
    [16383, "ff 7f"],
    [16384, "80 80 01"],
    [2 ** 31, "80 80 80 80 08"],
    [2 ** 32 - 1, "ff ff ff ff 0f"],
  ];
  for (const [value, expected] of cases) assertEquals(hex(new Bytes().uleb(value)), expected);
});

Deno.test("sleb32() and sleb64() keep the sign in the last byte", () => {
  const cases: [number, string][] = [
    [0, "00"],
    [63, "3f"],
    [64, "c0 00"],
    [-1, "7f"],
    [-64, "40"],
    [-65, "bf 7f"],
    [2 ** 31 - 1, "ff ff ff ff 07"],
    [-(2 ** 31), "80 80 80 80 78"],
  ];
  for (const [value, expected] of cases) {
    assertEquals(hex(new Bytes().sleb32(value)), expected);
    assertEquals(hex(new Bytes().sleb64(BigInt(value))), expected);
  }
  // Unsigned spellings of the same bits.
  assertEquals(hex(new Bytes().sleb32(0xffff_ffff)), "7f");
  assertEquals(hex(new Bytes().sleb64(2n ** 64n - 1n)), "7f");
  assertEquals(hex(new Bytes().sleb64(2n ** 63n - 1n)), "ff ff ff ff ff ff ff ff ff 00");
  assertEquals(hex(new Bytes().sleb64(-(2n ** 63n))), "80 80 80 80 80 80 80 80 80 7f");
});

Deno.test("sleb64() comes back from random numbers of every length", () => {
  const random = new Random(3);
  for (let i = 0; i < 2000; i++) {
    const value = BigInt.asIntN(64, random.u64()) >> BigInt(random.below(64));
    let decoded = 0n, shift = 0n;
    const bytes = new Bytes().sleb64(value).finish();
    for (const byte of bytes) {
      decoded |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
    }
    assertEquals(BigInt.asIntN(Number(shift), decoded), value);
    assertEquals(bytes.slice(0, -1).every((byte) => byte >= 0x80) && bytes.at(-1)! < 0x80, true);
  }
});

Deno.test("append() and name() grow the buffer", () => {
  const bytes = new Bytes();
  for (let i = 0; i < 100; i++) bytes.append(new Uint8Array(99).fill(i)).u8(255);
  const all = bytes.finish();
  assertEquals([bytes.length, all.length, all[99], all[100], all[9998]], [10_000, 10_000, 255, 1, 99]);
  assertEquals(hex(new Bytes().name("aé")), "03 61 c3 a9");
});

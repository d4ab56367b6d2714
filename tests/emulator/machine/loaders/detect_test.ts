import { assertEquals, assertThrows } from "@std/assert";
import { detect, parseImage } from "../../../../emulator/machine/loaders/detect.ts";
import { parseFlat } from "../../../../emulator/machine/loaders/flat.ts";
import { buildElf } from "../../../support/elf_builder.ts";

const elf = buildElf({
  width: 32,
  order: "le",
  machine: 3,
  entry: 0n,
  segments: [{ vaddr: 0n, bytes: Uint8Array.of(0xf4) }],
});

function bzImage(): Uint8Array {
  const bytes = new Uint8Array(0x400);
  bytes.set([0x55, 0xaa], 0x1fe);
  bytes.set(new TextEncoder().encode("HdrS"), 0x202);
  return bytes;
}

Deno.test("detect() tells formats apart", () => {
  assertEquals(detect(elf), "elf");
  assertEquals(detect(Uint8Array.of(0x1f, 0x8b, 8)), "gzip");
  assertEquals(detect(bzImage()), "linux-x86");
  assertEquals(detect(new Uint8Array(512)), "flat");
  assertEquals(detect(new Uint8Array(0)), "flat");
});

Deno.test("parseImage() reads what it can and says what it cannot", () => {
  assertEquals(parseImage(elf).format, "elf");
  assertEquals(parseImage(Uint8Array.of(0xf4), { at: 0x7c00n }).entry, 0x7c00n);
  assertThrows(() => parseImage(Uint8Array.of(0x1f, 0x8b)), SyntaxError, "compressed by gzip");
  assertThrows(() => parseImage(bzImage()), SyntaxError, "vmlinux");
});

Deno.test("parseFlat() places bytes at an address", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const image = parseFlat(bytes, { at: 0xf0000n, entry: 0xffff0n });
  assertEquals([image.entry, image.segments[0].paddr, image.segments[0].memsize], [0xffff0n, 0xf0000n, 3]);
  assertEquals([image.arch, image.mode, image.symbols.length], [undefined, undefined, 0]);
  assertThrows(() => parseFlat(new Uint8Array(0), { at: 0n }), RangeError, "empty");
  assertThrows(() => parseFlat(bytes, { at: 0n, limit: 2 }), RangeError, "3 bytes: there is room for 2");
  assertThrows(() => parseFlat(bytes, { at: (1n << 64n) - 1n }), RangeError, "64 bits");
});

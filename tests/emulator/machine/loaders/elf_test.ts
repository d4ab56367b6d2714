import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parseElf } from "../../../../emulator/machine/loaders/elf.ts";
import { buildElf, type ElfParts } from "../../../support/elf_builder.ts";

const code = Uint8Array.of(0x90, 0xf4, 0x90, 0xf4);
const kernel: ElfParts = {
  width: 64,
  order: "le",
  machine: 62,
  entry: 0xffff_ffff_8010_0002n,
  segments: [
    { vaddr: 0xffff_ffff_8010_0000n, paddr: 0x10_0000n, bytes: code },
    { vaddr: 0xffff_ffff_8020_0000n, paddr: 0x20_0000n, bytes: Uint8Array.of(1), memsize: 0x1000, flags: 6 },
  ],
  symbols: [
    { name: "start", value: 0xffff_ffff_8010_0002n, size: 2n },
    { name: "table", value: 0xffff_ffff_8020_0000n, info: 1 },
    { name: "outside", value: 0n, section: 0 },
    { name: "constant", value: 5n, section: 0xfff1 },
    { name: "file.c", value: 0n, info: 4 },
  ],
};

Deno.test("parseElf() reads segments, entry and symbols of a 64-bit file", () => {
  const image = parseElf(buildElf(kernel));
  assertEquals([image.arch, image.mode, image.order, image.type], ["x86", 64, "le", "fixed"]);
  assertEquals([image.entry, image.physicalEntry], [0xffff_ffff_8010_0002n, 0x10_0002n]);
  const [text, data] = image.segments;
  assertEquals([text.paddr, text.vaddr, text.memsize], [0x10_0000n, 0xffff_ffff_8010_0000n, 4]);
  assertEquals(text.bytes, code);
  assertEquals(text.flags, { read: true, write: false, execute: true });
  assertEquals([data.bytes.length, data.memsize, data.flags.write], [1, 0x1000, true]);
  assertEquals(image.symbols, [
    { name: "start", address: 0xffff_ffff_8010_0002n, size: 2n, kind: "function" },
    { name: "table", address: 0xffff_ffff_8020_0000n, size: 0n, kind: "object" },
  ]);
  assertEquals(image.interpreted, false);
});

Deno.test("parseElf() reads 32-bit files of both byte orders", () => {
  for (const [machine, order, arch] of [[3, "le", "x86"], [20, "be", "ppc"], [20, "le", "ppc"]] as const) {
    const image = parseElf(buildElf({
      width: 32,
      order,
      machine,
      type: 3,
      entry: 0x1000n,
      segments: [{ vaddr: 0x1000n, bytes: code, flags: 7 }],
      symbols: [{ name: "main", value: 0x1000n }],
    }));
    assertEquals([image.arch, image.mode, image.order, image.type], [arch, 32, order, "movable"]);
    assertEquals([image.entry, image.segments[0].paddr, image.symbols[0].name], [0x1000n, 0x1000n, "main"]);
  }
});

/** Code address 0x10000, TOC 0x28000, environment 0; big-endian. */
const descriptor = Uint8Array.from([
  ...[0, 0, 0, 0, 0, 1, 0, 0],
  ...[0, 0, 0, 0, 0, 2, 0x80, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0],
]);
const elfv1: ElfParts = {
  width: 64,
  order: "be",
  machine: 21,
  flags: 1,
  entry: 0x20000n,
  segments: [
    { vaddr: 0x10000n, bytes: code },
    { vaddr: 0x20000n, bytes: descriptor, flags: 6 },
  ],
};

Deno.test("parseElf() resolves PowerPC's function descriptors", () => {
  const sections = [{ name: ".opd", address: 0x20000n, size: 24n }];
  const symbols = [{ name: "main", value: 0x20000n }, { name: ".main", value: 0x10000n }];
  const image = parseElf(buildElf({ ...elfv1, sections, symbols }));
  assertEquals(image.entry, 0x10000n);
  assertEquals(image.descriptor, { address: 0x20000n, toc: 0x28000n });
  assertEquals(image.symbols.map(({ address }) => address), [0x10000n, 0x10000n]);
  assertEquals(parseElf(buildElf(elfv1)).entry, 0x10000n, "without sections");
});

Deno.test("parseElf() leaves an entry alone that is code", () => {
  assertEquals(parseElf(buildElf({ ...elfv1, entry: 0x10000n })).descriptor, undefined);
  assertEquals(parseElf(buildElf({ ...elfv1, flags: 2 })).entry, 0x20000n, "ELFv2");
  assertEquals(parseElf(buildElf({ ...elfv1, symbols: [] })).entry, 0x20000n, "no .opd");
});

Deno.test("parseElf() says what is wrong with a file", () => {
  const good = buildElf(kernel);
  const patched = (offset: number, ...bytes: number[]): Uint8Array => {
    const copy = good.slice();
    copy.set(bytes, offset);
    return copy;
  };
  const program = 64;
  const cases: [Uint8Array, typeof SyntaxError | typeof RangeError, string][] = [
    [new Uint8Array(0), SyntaxError, "not an ELF file"],
    [good.slice(0, 40), RangeError, "ELF header: 64 bytes at offset 0x0 exceed the file's 40 bytes"],
    [good.slice(0, 100), RangeError, "ELF program headers: 112 bytes at offset 0x40 exceed"],
    [patched(4, 3), SyntaxError, "ELF class 3: expected 1 (32) or 2 (64 bits)"],
    [patched(5, 9), SyntaxError, "ELF data encoding 9"],
    [patched(6, 0), SyntaxError, "ELF version 0"],
    [patched(18, 40), SyntaxError, "ELF machine 40 is not supported: expected 3 (EM_386)"],
    [patched(18, 3), SyntaxError, "EM_386 in an ELF file of 64 bits"],
    [buildElf({ ...kernel, order: "be" }), SyntaxError, "EM_X86_64 in a big-endian ELF file"],
    [patched(16, 1), SyntaxError, "a relocatable object: link it first, expected an executable"],
    [patched(54, 0), SyntaxError, "ELF program headers of 0 bytes: expected 56"],
    [patched(56, 0), SyntaxError, "no program headers"],
    [patched(program, 4, 0, 0, 0, ...good.slice(68, 120), 4), SyntaxError, "no segment to load"],
    [patched(program + 8, 0, 0, 0, 0, 1), RangeError, "ELF segment 0: 4 bytes at offset 0x1"],
    [patched(program + 32, 5), RangeError, "5 bytes in the file exceed its 4 bytes in memory"],
    [patched(program + 46, 1), RangeError, "exceeds 1073741824 bytes of memory"],
    [patched(program + 24, ...Array(8).fill(255)), RangeError, "exceed 64 address bits"],
    [patched(58, 1), SyntaxError, "ELF section headers of 1 bytes: expected 64"],
    [patched(62, 9), RangeError, "section 9 of 4 does not exist"],
  ];
  for (const [bytes, type, message] of cases) assertThrows(() => parseElf(bytes), type, message);
  assertThrows(() => parseElf(good, { limit: 0x1000 }), RangeError, "exceeds 4096 bytes of memory");
  assertThrows(
    () =>
      parseElf(
        buildElf({ ...elfv1, segments: [elfv1.segments[0], { vaddr: 0x20000n, bytes: code, flags: 6 }] }),
      ),
    RangeError,
    "the function descriptor at 0x20000 is not in the file",
  );
});

Deno.test("parseElf() refuses names that overlap beyond reason", () => {
  const name = "x".repeat(60000);
  const bytes = buildElf({
    ...kernel,
    symbols: Array.from({ length: 60 }, (_, i) => ({ name: i ? "" : name, value: 1n })),
  });
  const view = new DataView(bytes.buffer);
  // Symbol i's name starts i characters into the one long name.
  const symtab = 64 + 2 * 56 + 5;
  for (let i = 1; i <= 60; i++) view.setUint32(symtab + i * 24, i, true);
  assertThrows(() => parseElf(bytes), RangeError, "its names overlap beyond reason");
});

/** xorshift32: the same mutations in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

Deno.test("parseElf() survives mutations: a result or a clear error", () => {
  const files = [
    buildElf(kernel),
    buildElf({
      ...elfv1,
      sections: [{ name: ".opd", address: 0x20000n, size: 24n }],
      symbols: [{ name: "f", value: 0x20000n }],
    }),
    buildElf({ ...kernel, width: 32, machine: 3, entry: 0n, segments: [{ vaddr: 0n, bytes: code }] }),
  ];
  const next = random(1);
  const extremes = [0, 1, 0x7f, 0x80, 0xff];
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = files[next(files.length)].slice();
    // Past the magic, so that most mutants get beyond the first check.
    for (let i = next(4); i >= 0; i--) {
      const at = 4 + next(bytes.length - 4);
      bytes[at] = next(2) ? extremes[next(extremes.length)] : next(256);
    }
    const cut = next(8) === 0 ? next(bytes.length) : bytes.length;
    try {
      const image = parseElf(bytes.subarray(0, cut), { limit: 0x10_0000 });
      read++;
      for (const segment of image.segments) {
        assert(segment.bytes.length <= segment.memsize && segment.memsize <= 0x10_0000);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      // Ours name an ELF part; the host's do not.
      assertMatch(error.message, /ELF|EM_|descriptor/);
    }
  }
  assert(read > 1000, `only ${read} mutants were read`);
});

/** A program of the host, present and readable or not. */
async function hostProgram(path: string): Promise<Uint8Array | undefined> {
  if ((await Deno.permissions.query({ name: "read", path })).state !== "granted") return undefined;
  return await Deno.readFile(path).catch(() => undefined);
}

for (const path of ["/bin/true", "/bin/ls"]) {
  const bytes = await hostProgram(path);
  Deno.test({
    name: `parseElf() reads ${path}`,
    ignore: bytes === undefined || bytes[0] !== 0x7f,
    fn: () => {
      const image = parseElf(bytes!);
      assert(image.segments.length > 0);
      assert(image.segments.some(({ flags }) => flags.execute));
    },
  });
}

import { assertEquals, assertThrows } from "@std/assert";
import { parseAssignments, parseCaseLine, parseExample } from "../../../emulator/isa/example.ts";

Deno.test("parseExample() reads a record's example", () => {
  const source = "01 d8 | add eax, ebx | eax=7 ebx=0x8 => eax=f cf=0 zf=0 | 32 64";
  assertEquals(parseExample(source), {
    modes: ["32", "64"],
    bytes: Uint8Array.of(0x01, 0xd8),
    text: "add eax, ebx",
    before: [{ kind: "register", name: "eax", value: 7n }, { kind: "register", name: "ebx", value: 8n }],
    after: [
      { kind: "register", name: "eax", value: 15n },
      { kind: "register", name: "cf", value: 0n },
      { kind: "register", name: "zf", value: 0n },
    ],
    source,
  });
});

Deno.test("parseExample() does without effect and modes", () => {
  const example = parseExample("60000000 | nop");
  assertEquals([example.bytes.length, example.before, example.after, example.modes], [4, [], [], []]);
  assertEquals(parseExample("90 | nop | =>").after, []);
  assertEquals(parseExample("90 | nop | | 64").modes, ["64"]);
});

Deno.test("parseCaseLine() reads a line of a case file", () => {
  const read = parseCaseLine("x86-64 | 88 03 | mov [rbx], al | rbx=1000 al=5 => [0x1000]=05");
  assertEquals(read.modes, ["x86-64"]);
  assertEquals(read.after, [{ kind: "memory", address: 0x1000n, bytes: Uint8Array.of(5) }]);
});

Deno.test("parseAssignments() tells memory bytes from names", () => {
  assertEquals(parseAssignments("[1_000]=de ad BE r3=-1 [0x8]=0102 cr0=8"), [
    { kind: "memory", address: 0x1000n, bytes: Uint8Array.of(0xde, 0xad, 0xbe) },
    { kind: "register", name: "r3", value: -1n },
    { kind: "memory", address: 8n, bytes: Uint8Array.of(1, 2) },
    { kind: "register", name: "cr0", value: 8n },
  ]);
  // Names that would do as hexadecimal bytes.
  assertEquals(parseAssignments("[0]=01 cf=1 af=0 bb=2").length, 4);
});

Deno.test("parseAssignments() reads numbers in memory and traps", () => {
  assertEquals(parseAssignments("d[0x2000]=7 B[1]=ff trap=out(f4, 1,34) trap=hlt() trap.mfspr=16 eax=1"), [
    { kind: "number", address: 0x2000n, size: 4, value: 7n },
    { kind: "number", address: 1n, size: 1, value: 0xffn },
    { kind: "trap", name: "out", args: [0xf4n, 1n, 0x34n] },
    { kind: "trap", name: "hlt", args: [] },
    { kind: "trap", name: "mfspr", args: [0x16n] },
    { kind: "register", name: "eax", value: 1n },
  ]);
});

Deno.test("parseExample() names what is wrong", () => {
  const cases: [string, string][] = [
    ["90", "expected bytes | text | before => after | modes, found 90"],
    ["9 | nop", 'expected bytes in hexadecimal such as "01 d8", found "9", in 9 | nop'],
    ["90 | nop | eax=1", 'expected "before => after", found "eax=1"'],
    ["90 | nop | a=1 => b=2 => c=3", 'expected "before => after"'],
    ["90 | nop | eax=xyz =>", 'eax: expected a hexadecimal number, found "xyz"'],
    ["90 | nop | => [q]=00", 'address: expected a hexadecimal number, found "q"'],
    ["90 | nop | => [0]=0", 'expected name=value or [address]=bytes, found "[0]=0"'],
    ["90 | nop | => b[0]=100", "b[0]=100: 100 does not fit in 1 bytes"],
    ["90 | nop | => eax", 'expected name=value or [address]=bytes, found "eax"'],
  ];
  for (const [source, message] of cases) assertThrows(() => parseExample(source), SyntaxError, message);
});

import { assertEquals, assertThrows } from "@std/assert";
import { SymbolTable } from "../../../emulator/isa/symbols.ts";

function table(...entries: [string, bigint, number?][]): SymbolTable {
  const symbols = new SymbolTable();
  for (const [name, address, size] of entries) symbols.add(name, address, size);
  return symbols;
}

Deno.test("SymbolTable.lookup() gives a name's address", () => {
  const symbols = table(["main", 0x1000n], ["high", 0xffff_ffff_8000_0000n], ["main", 0x2000n]);
  assertEquals(symbols.lookup("main"), 0x2000n);
  assertEquals(symbols.lookup("high"), 0xffff_ffff_8000_0000n);
  assertEquals(symbols.lookup("toString"), undefined);
  assertEquals(symbols.nearest(0x1000n), undefined);
  assertThrows(() => symbols.add("", 0n), SyntaxError);
});

Deno.test("SymbolTable.nearest() stays within a symbol's size", () => {
  const symbols = table(["a", 0x1000n, 0x10], ["b", 0x1010n], ["c", 0x1020n, 0]);
  assertEquals(symbols.nearest(0xfffn), undefined);
  assertEquals(symbols.nearest(0x1000n), { name: "a", offset: 0n });
  assertEquals(symbols.nearest(0x100fn), { name: "a", offset: 15n });
  assertEquals(symbols.nearest(0x101fn), { name: "b", offset: 15n });
  assertEquals(symbols.nearest(0x1020n + 0xffffn), { name: "c", offset: 0xffffn });
  assertEquals(symbols.nearest(0x1020n + 0x10000n), undefined);
});

Deno.test("SymbolTable.nearest() does not reach back over the end of a sized symbol", () => {
  const symbols = table(["data", 0x1000n], ["f", 0x1010n, 4]);
  assertEquals(symbols.nearest(0x1013n), { name: "f", offset: 3n });
  assertEquals(symbols.nearest(0x1014n), undefined);
});

Deno.test("SymbolTable.nearest() takes the oldest of equal addresses that reaches so far", () => {
  const symbols = table(["start", 8n], ["alias", 8n], ["short", 8n, 1]);
  assertEquals(symbols.nearest(8n)?.name, "start");
  assertEquals(table(["short", 8n, 1], ["long", 8n, 9]).nearest(10n)?.name, "long");
});

Deno.test("SymbolTable.format() writes name and offset", () => {
  const symbols = table(["loop", 0x100n]);
  assertEquals(symbols.format(0x100n), "loop");
  assertEquals(symbols.format(0x110n), "loop+0x10");
  assertEquals(symbols.format(0x10n), "0x10");
});

Deno.test("SymbolTable.list() and removeRange() go by address", () => {
  const symbols = table(["c", 3n], ["a", 1n], ["b", 2n]);
  assertEquals(symbols.list().map(({ name }) => name), ["a", "b", "c"]);
  assertEquals(symbols.names, ["c", "a", "b"]);
  symbols.removeRange(2n, 1);
  assertEquals([...symbols.values()], [["c", 3n], ["a", 1n]]);
  symbols.clear();
  assertEquals(symbols.list(), []);
});

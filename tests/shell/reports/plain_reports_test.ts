import { assertEquals } from "@std/assert";
import { hex, hexdump } from "../../../shell/reports/hexdump.ts";
import { listing } from "../../../shell/reports/listing.ts";
import { registerTable } from "../../../shell/reports/register_table.ts";
import { table } from "../../../shell/reports/table.ts";

Deno.test("table() puts numbers right and drops blanks at line ends", () => {
  const rows = [{ name: "a", n: 1 }, { name: "long", n: 100 }];
  assertEquals(table([{ title: "name", value: (r) => r.name }, { title: "n", value: (r) => r.n }], rows), [
    "name    n",
    "----  ---",
    "a       1",
    "long  100",
  ]);
});

Deno.test("hex() pads and signs", () => {
  assertEquals([hex(0n), hex(-16n), hex(5, 4)], ["0x0", "-0x10", "0x0005"]);
});

Deno.test("hexdump() shows a short last line", () => {
  const bytes = new TextEncoder().encode("hello, hypervisor\n");
  assertEquals(hexdump(bytes, 0x1000n), [
    "0x00001000  68 65 6c 6c 6f 2c 20 68  79 70 65 72 76 69 73 6f  |hello, hyperviso|",
    `0x00001010  72 0a${" ".repeat(18)}  ${" ".repeat(23)}  |r.|`,
  ]);
});

Deno.test("listing() marks the program counter and breakpoints, and shows labels", () => {
  const lines = [
    { address: 0x1000n, bytes: Uint8Array.of(0xb8, 1, 0, 0, 0), text: "mov eax, 1", labels: ["start"] },
    { address: 0x1005n, bytes: Uint8Array.of(0xf4), text: "hlt" },
  ];
  assertEquals(listing(lines, { pc: 0x1005n, breakpoints: new Set([0x1000n]) }), [
    "start:",
    "  *0x00001000  b8 01 00 00 00  mov eax, 1",
    "=> 0x00001005  f4              hlt",
  ]);
});

Deno.test("registerTable() groups and marks what changed", () => {
  const row = (name: string, value: bigint, group: string, changed = false) => ({
    name,
    value,
    width: 32,
    group,
    changed,
  });
  assertEquals(
    registerTable([row("eax", 1n, "general", true), row("ebx", 2n, "general"), row("eip", 3n, "special")]),
    [
      "general",
      "*eax 0x00000001   ebx 0x00000002",
      "",
      "special",
      " eip 0x00000003",
    ],
  );
});

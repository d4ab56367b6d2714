/** Line tables against addr2line, for what compilers write; and what is broken never harms. */
import { assert, assertEquals } from "@std/assert";
import { basename, join } from "node:path";
import { parseElf } from "../../../../emulator/machine/loaders/elf.ts";
import { readLines } from "../../../../emulator/machine/loaders/dwarf_lines.ts";
import { SourceLines } from "../../../../emulator/isa/source_lines.ts";
import { Random } from "../../../support/random.ts";

const SOURCE = `
static int square(int n) { return n * n; }
int total;
__attribute__((noinline)) int sum(int n) {
  int s = 0;
  for (int i = 0; i < n; i++)
    s += square(i);
  return s;
}
void _start(void) {
  total = sum(9);
  for (;;)
    total++;
}
`;

async function output(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args: [...args], stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

const FLAGS = ["-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-no-pie", "-Wl,-Ttext=0x10000"];
const COMPILERS = [
  { name: "gcc -m64", command: "gcc", flags: ["-m64"], tools: "" },
  { name: "gcc -m32", command: "gcc", flags: ["-m32"], tools: "" },
  { name: "powerpc-linux-gnu-gcc", command: "powerpc-linux-gnu-gcc", flags: [], tools: "powerpc-linux-gnu-" },
  {
    name: "powerpc64le-linux-gnu-gcc",
    command: "powerpc64le-linux-gnu-gcc",
    flags: [],
    tools: "powerpc64le-linux-gnu-",
  },
];

/** A compiled file, or undefined where the compiler is not there. */
async function compiled(
  folder: string,
  { command, flags }: typeof COMPILERS[number],
  more: readonly string[],
) {
  const source = join(folder, "lines.c"), file = join(folder, "lines.elf");
  await Deno.writeTextFile(source, SOURCE);
  const done = await output(command, [...flags, ...FLAGS, ...more, source, "-o", file]);
  return done === undefined ? undefined : file;
}

for (const compiler of COMPILERS) {
  const there = await output(compiler.command, ["--version"]) !== undefined &&
    await output(`${compiler.tools}addr2line`, ["--version"]) !== undefined;
  Deno.test({
    name: `lines of ${compiler.name} are addr2line's`,
    ignore: !there,
    async fn() {
      const folder = await Deno.makeTempDir();
      for (const version of [2, 3, 4, 5]) {
        for (const level of ["-O0", "-O2"]) {
          const file = await compiled(folder, compiler, [`-gdwarf-${version}`, level]);
          if (!file) continue;
          const { lines = [], symbols } = parseElf(await Deno.readFile(file)), table = new SourceLines();
          table.add(lines);
          const addresses = symbols.filter(({ kind }) => kind === "function").flatMap(({ address, size }) =>
            Array.from({ length: Number(size) }, (_, i) => address + BigInt(i))
          );
          const asked = addresses.map((address) => `0x${address.toString(16)}`);
          const told = (await output(`${compiler.tools}addr2line`, ["-e", file, ...asked]))!.trim().split(
            "\n",
          );
          assert(addresses.length > 20);
          addresses.forEach((address, i) => {
            const row = table.at(address);
            const expected = basename(told[i].replace(/ \(discriminator.*/, ""));
            assertEquals(
              `${basename(row?.file ?? "?")}:${row?.line ?? "?"}`,
              expected,
              `${version} ${asked[i]}`,
            );
          });
          const [source] = table.filesNamed("lines.c");
          const row = table.at(table.addressOf(source, 11)!);
          assert(row && row.line >= 11 && (level !== "-O0" || row.line === 11));
          assertEquals(table.addressOf(source, 1000), undefined);
        }
      }
      await Deno.remove(folder, { recursive: true });
    },
  });
}

/** Version 4, written by hand: two files, a special opcode, an advance, the end. */
function handMade(): Uint8Array {
  const text = (name: string) => [...new TextEncoder().encode(name), 0];
  const u32 = (value: number) => [value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24 & 255];
  const tables = [...text("inc"), 0, ...text("a.c"), 0, 0, 0, ...text("b.h"), 1, 0, 0, 0];
  const rest = [1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, ...tables];
  const program = [
    ...[0, 9, 2, 0x00, 0x10, 0, 0, 0, 0, 0, 0],
    ...[3, 4, 1],
    // Special: 2 bytes and 1 line further.
    13 + (1 + 5) + 14 * 2,
    ...[4, 2, 2, 0x83, 0x01, 3, 0x7e, 1],
    ...[2, 1, 0, 1, 1],
  ];
  const unit = [4, 0, ...u32(rest.length), ...rest, ...program];
  return Uint8Array.from([...u32(unit.length), ...unit]);
}

Deno.test("readLines() does what the standard's state machine does", () => {
  const [{ rows, end }, ...more] = readLines({ line: handMade() }, "le");
  assertEquals(more.length, 0);
  assertEquals(rows.map(({ address, line, file }) => [address, line, file]), [
    [0x1000n, 5, "a.c"],
    [0x1002n, 6, "a.c"],
    [0x1085n, 4, "inc/b.h"],
  ]);
  assertEquals(end, 0x1086n);
  const table = new SourceLines();
  table.add([{ rows, end }]);
  assertEquals([0xfffn, 0x1000n, 0x1084n, 0x1085n, 0x1086n].map((at) => table.at(at)?.line), [
    undefined,
    5,
    6,
    4,
    undefined,
  ]);
  // An image over it takes its place.
  table.add([{ rows: [{ address: 0x1010n, line: 1, file: "new.c", isStatement: true }], end: 0x1020n }]);
  assertEquals([table.at(0x1000n), table.at(0x1011n)?.file], [undefined, "new.c"]);
});

Deno.test("readLines() of broken sections gives what can be read, and never throws", () => {
  const good = handMade(), random = new Random(11);
  for (let i = 0; i < 4000; i++) {
    const bytes = Uint8Array.from([...good, ...good]);
    for (let n = random.below(6); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    const cut = random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
    for (const { rows, end } of readLines({ line: cut }, random.below(2) === 0 ? "le" : "be")) {
      for (const [j, row] of rows.entries()) {
        assert(j === 0 || rows[j - 1].address <= row.address);
        assert(row.file.length < 1000);
      }
      assert(end >= 0n);
    }
  }
});

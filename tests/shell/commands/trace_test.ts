/** `trace`: what is written, to where, and what is refused. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { startSession } from "./session.ts";

const GUEST = "asm mov ecx, 2 ;; again: out 0x80, al ;; dec ecx ;; jnz again ;; rep movsb ;; hlt";

Deno.test("trace on writes each instruction and exit to the terminal", async () => {
  const { session, type } = startSession();
  await type("arch x86 32");
  await type(GUEST);
  assertEquals(await type("trace on"), "tracing everything to the terminal, 0 lines of 1000\n");
  const text = await type("run");
  assertEquals(text.split("\n").slice(0, 11), [
    "       0  0x00001000  mov ecx, 2",
    "       1  0x00001005  <again> out 0x80, al",
    "       1  exit IO (IO_INSTRUCTION 30) port 0x80 out 1 byte",
    "       2  0x00001007  <again+0x2> dec ecx",
    "       3  0x00001008  <again+0x3> jne 0x1005",
    "       4  0x00001005  <again> out 0x80, al",
    "       4  exit IO (IO_INSTRUCTION 30) port 0x80 out 1 byte",
    "       5  0x00001007  <again+0x2> dec ecx",
    "       6  0x00001008  <again+0x3> jne 0x1005",
    "       7  0x0000100a  <again+0x5> rep movsb",
    "       8  0x0000100c  <again+0x7> hlt",
  ]);
  assertEquals(await type("trace off"), "traced 12 lines to the terminal\n");
  assertEquals(await type("trace"), "no trace: trace on begins one\n");
  session.close();
});

Deno.test("filters choose by address, symbol, mnemonic and exit", async () => {
  for (
    const [filter, expected] of [
      ["in again", ["out", "dec", "jne", "out", "dec", "jne", "rep", "hlt"]],
      ["in 0x1000..0x1004", ["mov"]],
      ["op dec op movsb", ["dec", "dec", "rep"]],
      ["in 0x1000..0x1006 op out", ["out", "out"]],
      ["exit pio", ["exit", "exit"]],
      ["op hlt exit hlt", ["hlt", "exit"]],
    ] as const
  ) {
    const { session, type } = startSession();
    await type("arch x86 32");
    await type(GUEST);
    await type(`trace on ${filter}`);
    const lines = (await type("run")).split("\n").filter((line) => /^ +\d+ {2}/.test(line));
    assertEquals(
      lines.map((line) => /(?:0x\w+ {2}(?:<\S+> )?)?(exit|\w+)(?: |$)/.exec(line.slice(10))?.[1]),
      [
        ...expected,
      ],
      filter,
    );
    session.close();
  }
});

Deno.test("a trace to a file is bounded, changes nothing, and follows calls too", async () => {
  const folder = await Deno.makeTempDir(), file = join(folder, "trace.txt");
  const reports = [];
  for (const traced of [false, true]) {
    const { session, type } = startSession();
    await type("arch x86 32");
    await type(GUEST);
    if (traced) await type(`trace on --to ${file} --limit 9`);
    reports.push((await type("run")).replaceAll(/trace.*\n/g, ""), await type("info exits"));
    if (traced) {
      const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
      assertEquals([lines.length, lines.at(-1)], [
        10,
        'trace: off after 9 lines; "trace on --limit N" takes more',
      ]);
      await type(`trace on --to ${file} exit hypercall`);
      await type("open echo via hypercall");
      await type("call 1 7");
      assertStringIncludes(await Deno.readTextFile(file), "exit HYPERCALL (VMCALL 18) hypercall");
      assertStringIncludes(await type("trace off"), `to ${file}`);
    }
    session.close();
  }
  assertEquals(reports.slice(0, 2), reports.slice(2));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what cannot be traced is refused, and the session goes on", async () => {
  const { session, type } = startSession();
  await type("asm hlt");
  for (
    const [line, message] of [
      ["trace on in", "in wants a word behind it"],
      ["trace on foo bar", 'a trace filter is "in SYMBOL"'],
      ["trace on in 2..1", "ends before it begins"],
      ["trace on exit nothing", "there is no exit nothing: there are pio"],
      ["trace on --to /tmp/nonexistent/trace.txt", "no such file or directory"],
      ["trace on --limit 0", "limit 0 is not between 1"],
      ["trace off op mov", 'go with "trace on"'],
    ]
  ) assertStringIncludes(await type(line), message);
  assert((await type("run")).startsWith("HLT at"));
  session.close();
});

Deno.test("a machine that takes the place of a traced one is not traced", async () => {
  const { session, type } = startSession();
  await type("asm hlt");
  await type("trace on");
  await type("arch ppc");
  assertEquals(await type("trace"), "no trace: trace on begins one\n");
  session.close();
});

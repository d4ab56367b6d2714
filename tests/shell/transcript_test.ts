/** Transcripts of the prompt: `deno test -u` writes them anew, and the diff says what changed for people. */
import { transcript } from "./transcript.ts";

const TRANSCRIPTS: Readonly<Record<string, readonly string[]>> = {
  "help": [
    "help",
    "help help",
    "help stops",
    "help rings",
    "help device",
    "help ring",
    "help quit",
    "help typescript",
    "help nonsense",
  ],
  "x86, hypercall": ["open echo via hypercall", "call 1 0x2a", "info exits"],
  "ppc, hypercall": ["arch ppc", "open echo via hypercall", "call 1 0x2a", "info exits"],
  "TypeScript": [
    "const handle = await io.open('echo', { via: 'pio' })",
    "handle.label",
    "await handle.call(1, 42)",
    "function double(n: bigint) {",
    "  return 2n * n;",
    "}",
    "$.rax = double(21n)",
    "print $rax",
    "exits.totals().count",
    "_ + 1",
    "x = 5",
    ": x = 5",
    "=x",
  ],
  "mistakes": [
    "hlep",
    "exits sav",
    "lod file",
    "call 1",
    "open nothing",
    "arch arm",
    "print $nope",
    "1 + nope",
    "foo 1 2",
    "info",
    "vm = 3",
    "const vm = 3",
    "throw new RangeError('on purpose')",
    "load /nonexistent/guest",
    "print 1 + 1",
  ],
};

for (const [name, lines] of Object.entries(TRANSCRIPTS)) {
  Deno.test(`transcript: ${name}`, async (t) => await t.assertSnapshot(await transcript(lines)));
}

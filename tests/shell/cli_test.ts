import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { commandLineHelp, parseCommandLine } from "../../shell/cli.ts";
import { UserError } from "../../shell/errors.ts";

const CASES: readonly (readonly [args: string[], expected: Record<string, unknown>])[] = [
  [[], { kind: "lines", steps: [], interactive: false, json: false }],
  [["-C", "/tmp"], { kind: "lines", folder: "/tmp" }],
  [["-e", "a b", "-x", "f", "-e", "c"], {
    kind: "lines",
    steps: [{ line: "a b" }, { file: "f" }, { line: "c" }],
  }],
  [["-e", "-1"], { steps: [{ line: "-1" }] }],
  [["-i", "-e", "a"], { interactive: true }],
  [["--gdb", "1234", "-e", "a"], { steps: [{ line: "a" }], gdb: 1234 }],
  [["exec", "--gdb", "0", "g"], { kind: "exec", guest: "g", gdb: 0 }],
  [["--help"], { help: true }],
  [["-V"], { version: true }],
  [["--json", "--arch", "ppc", "--mode", "32", "-e", "regs"], { json: true, arch: "ppc", mode: 32 }],
  [["run", "f.ts", "1", "--json", "-e", "--"], {
    kind: "run",
    file: "f.ts",
    args: ["1", "--json", "-e", "--"],
  }],
  [["--arch", "ppc", "run", "f.ts"], { kind: "run", file: "f.ts", args: [], arch: "ppc" }],
  [["sweep", "f.ts", "--out", "t.csv"], {
    kind: "command",
    name: "sweep",
    file: "f.ts",
    args: ["--out", "t.csv"],
  }],
  [["--json", "sweep", "--set", "a=1", "f.ts"], { json: true, args: ["--set", "a=1", "f.ts"] }],
  [["merge", "t.csv", "a.journal", "--partial"], {
    name: "merge",
    file: "t.csv",
    args: ["a.journal", "--partial"],
  }],
  [["exec", "g.elf", "--stats", "s.json", "--budget", "9"], {
    kind: "exec",
    guest: "g.elf",
    stats: "s.json",
    budget: 9,
  }],
  [["exec", "--at", "0x100", "--backend", "svm", "g"], {
    kind: "exec",
    guest: "g",
    at: "0x100",
    backend: "svm",
  }],
];

for (const [args, expected] of CASES) {
  Deno.test(`parseCommandLine(${JSON.stringify(args)})`, () => {
    const line = parseCommandLine(args) as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(expected)) assertEquals(line[key], value, key);
  });
}

const WRONG: readonly (readonly [args: string[], message: string])[] = [
  [["--bogus"], "--bogus"],
  [["--arch", "arm"], "x86"],
  [["run"], "FILE"],
  [["exec", "g", "--budget", "many"], "integer"],
  [["frobnicate"], "frobnicate"],
  [["--gdb", "70000"], "65"],
];

for (const [args, message] of WRONG) {
  Deno.test(`parseCommandLine(${JSON.stringify(args)}) throws`, () => {
    assertThrows(() => parseCommandLine(args), UserError, message);
  });
}

Deno.test("commandLineHelp() names all three ways", () => {
  const text = commandLineHelp(false);
  for (const part of ["run FILE.ts", "exec GUEST", "-e LINE", "--stats FILE"]) {
    assertStringIncludes(text, part);
  }
});

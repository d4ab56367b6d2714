/** The scripts that people copy: they run, say the same twice, and their figures add up. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ScriptContext } from "../../mod.ts";
import hypervisors from "../../scripts/hypervisors.ts";
import hello from "../../scripts/hello.ts";
import transports from "../../scripts/transports.ts";
import { quietly } from "../../scripts/support/each.ts";

/** What a script prints. */
async function printed(
  script: (context: ScriptContext) => Promise<void>,
  args: readonly string[] = [],
  json = false,
): Promise<string> {
  let text = "";
  const out = { write: (part: string) => void (text += part) };
  await script({ args, json, out, each: quietly } as unknown as ScriptContext);
  return text;
}

Deno.test("hello.ts reaches its device by every vehicle on both architectures", async () => {
  const text = await printed(hello);
  for (
    const line of [
      "x86 vmx, pio: 42",
      "ppc kvm-hv, mmio (PCI I/O window; pio asked for): 42",
      "VMCALL",
      "SYSCALL",
    ]
  ) {
    assertStringIncludes(text, line);
  }
});

Deno.test("transports.ts prints the same bytes twice, in every format", async () => {
  for (const [args, json] of [[[], false], [["--csv"], false], [[], true]] as const) {
    assertEquals(await printed(transports, args, json), await printed(transports, args, json));
  }
});

Deno.test("hypervisors.ts: equal replies in every cell, reasons in the others, the same bytes twice", async () => {
  interface Cost {
    readonly exits: number;
    readonly cycles: number;
  }
  interface Cell {
    readonly hypervisor: string;
    readonly via: string;
    readonly open?: Cost;
    readonly write?: Cost;
    readonly repliesEqual?: boolean;
    readonly infeasible?: string;
  }
  const text = await printed(hypervisors, [], true);
  const { rows, wrong } = JSON.parse(text) as { rows: Cell[]; wrong: { policy: string; text: string }[] };
  assertEquals(rows.length, 3 * 28);
  for (const row of rows) {
    if (row.infeasible !== undefined) {
      assertEquals(row.via, "hypercall");
      continue;
    }
    assertEquals(row.repliesEqual, true, JSON.stringify(row));
    assert(row.write!.cycles > 1000);
    const asks = row.via === "hypercall" && ["xen", "hyperv"].includes(row.hypervisor);
    assertEquals(row.open!.exits, asks ? 2 : 0);
  }
  assertEquals(
    wrong.map(({ policy, text }) => `${policy} ${text}`),
    ["vmx", "svm"].flatMap(() => ["patch rewritten", "emulate untouched", "reject untouched"]),
  );
  assertEquals(await printed(hypervisors, [], true), text);
});

/** Exits by machine and operation: hypercall, pio, mmio. */
const EXITS: Readonly<Record<string, readonly (readonly [string, number, number, number])[]>> = {
  "x86 vmx": [["write32", 1, 1, 1], ["write64", 1, 2, 1], ["call 8 words", 1, 7, 4], [
    "call 64 words",
    3,
    21,
    11,
  ]],
  "x86 svm": [["write32", 1, 1, 1], ["write64", 1, 2, 1], ["call 8 words", 1, 7, 4], [
    "call 64 words",
    3,
    21,
    11,
  ]],
  "ppc32": [["write32", 1, 1, 1], ["write64", 1, 2, 2], ["call 8 words", 1, 7, 7], [
    "call 64 words",
    3,
    21,
    21,
  ]],
  "ppc64": [["write32", 1, 1, 1], ["write64", 1, 2, 1], ["call 8 words", 1, 7, 4], [
    "call 64 words",
    2,
    21,
    11,
  ]],
};

interface Row {
  readonly [column: string]: string | number;
}

Deno.test("transports.ts has every cell, the exits that the vehicles take, and stages that add up", async () => {
  const { sections } = JSON.parse(await printed(transports, [], true)) as {
    sections: { machine: string; rows: Row[]; notes: string[] }[];
  };
  assertEquals(sections.map((section) => section.machine), ["x86 vmx", "x86 svm", "ppc32", "ppc64"]);
  for (const { machine, rows, notes } of sections) {
    assertEquals(rows.length, 7 * 3);
    const exits = (operation: string) =>
      rows.filter((row) => row.operation === operation).map((row) => row.exits);
    for (const [operation, ...expected] of EXITS[machine]) {
      assertEquals(exits(operation), expected, operation);
    }
    assertEquals(exits("call 64 descriptor"), [1, 1, 1]);
    for (const row of rows) {
      const stages = ["worldSwitch", "dispatch", "decode", "userspace", "device", "guestCycles"];
      assertEquals(row.cycles, stages.reduce((sum, stage) => sum + Number(row[stage]), 0));
      assertEquals(Number(row.decode) > 0, String(row.label).startsWith("mmio"));
      assert(Number(row.instructions) >= Number(row.exits));
    }
    assertStringIncludes(notes.join("\n"), "source: ");
    assertStringIncludes(notes.join("\n"), "figures ");
  }
});

Deno.test("transports.ts --csv has a head and a line for each cell", async () => {
  const lines = (await printed(transports, ["--csv"])).trimEnd().split("\n");
  assertEquals(lines.length, 1 + 4 * 3 * 7);
  assertEquals(lines[0].split(",").slice(0, 4), ["machine", "backend", "via", "label"]);
});

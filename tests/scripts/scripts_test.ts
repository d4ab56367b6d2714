/** The scripts as people run them: the same bytes each time, by trapsh or by themselves. */
import { assertEquals } from "@std/assert";
import { deno, trapsh } from "../support/readme.ts";

const SCRIPTS = new URL("../../scripts/", import.meta.url).pathname;

const RUNS = [
  ["hello.ts"],
  ["drivers.ts"],
  ["hypervisors.ts"],
  ["hypervisors.ts", "--json"],
  ["transports.ts"],
  ["transports.ts", "--csv"],
  ["transports.ts", "--json"],
  ["vehicles.ts"],
  ["vehicles.ts", "--json"],
  ["ring_vs_call.ts"],
  ["what_if.ts"],
  ["what_if.ts", "--json"],
  ["attestation.ts"],
  ["attestation.ts", "--json"],
  ["migration.ts", "3"],
  ["migration.ts", "3", "--json"],
  ["haskins.ts"],
  ["haskins.ts", "--json"],
  ["haskins.ts", "--svg", "-"],
  ["sweeps/cost_per_call.ts"],
  ["vmexit.ts", "tsirkin-2013"],
  ["vmexit.ts", "tsirkin-2013", "--json"],
];

for (const words of RUNS) {
  Deno.test(`scripts/${words.join(" ")} prints the same bytes, by trapsh and by itself`, async () => {
    const [first, alone] = await Promise.all([
      trapsh(SCRIPTS, ["run", ...words]),
      deno(SCRIPTS, ["run", "--no-prompt", "--allow-read", ...words]),
    ]);
    assertEquals([first.code, alone.code], [0, 0], first.stderr + alone.stderr);
    assertEquals(alone.stdout, first.stdout);
    assertEquals(first.stdout.length > 200, true);
    if (words.includes("--json")) JSON.parse(first.stdout);
  });
}

Deno.test("scripts import the public API, and each other's helpers in folders below, and nothing else", async () => {
  const walk = async (folder: string, up: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(SCRIPTS + folder)) {
      if (isDirectory) await walk(`${folder}${name}/`, `../${up}`);
      if (!name.endsWith(".ts")) continue;
      const source = await Deno.readTextFile(SCRIPTS + folder + name);
      for (const [, specifier] of source.matchAll(/\bfrom "([^"]+)"/g)) {
        const own = /^\.\.?\/([a-z_]+\/)?[a-z_]+\.ts$/.test(specifier);
        assertEquals(specifier === `${up}mod.ts` || own, true, `${folder}${name} imports ${specifier}`);
      }
    }
  };
  await walk("", "../");
});

interface Row {
  readonly operation: string;
  readonly via: string;
  readonly exits: number;
  readonly cycles: number;
  readonly guestCycles: number;
  readonly worldSwitch: number;
  readonly dispatch: number;
  readonly decode: number;
  readonly userspace: number;
  readonly device: number;
}

Deno.test("transports.ts: every cell of the matrix, whose cycles are the sum of its stages", async () => {
  const { stdout } = await trapsh(SCRIPTS, ["run", "transports.ts", "--json"]);
  const { sections } = JSON.parse(stdout) as { sections: { machine: string; rows: Row[] }[] };
  assertEquals(sections.map(({ machine }) => machine), ["x86 vmx", "x86 svm", "ppc32", "ppc64"]);
  for (const { machine, rows } of sections) {
    const operations = new Set(rows.map(({ operation }) => operation));
    assertEquals(rows.length, 3 * operations.size, machine);
    for (const row of rows) {
      const stages = row.worldSwitch + row.dispatch + row.decode + row.userspace + row.device;
      assertEquals(row.cycles, stages + row.guestCycles, `${machine} ${row.operation} ${row.via}`);
      assertEquals(row.exits > 0, true);
    }
    const write = (via: string) => rows.find((row) => row.operation === "write32" && row.via === via)!.exits;
    assertEquals([write("hypercall"), write("pio"), write("mmio")], [1, 1, 1], machine);
  }
});

interface VehicleRow {
  readonly vehicle: string;
  readonly size: number;
  readonly handledIn: string;
  readonly exits: number;
  readonly cycles: number;
  readonly guest: number;
  readonly userspace: number;
  readonly worldSwitch: number;
  readonly dispatch: number;
  readonly decode: number;
  readonly device: number;
}

Deno.test("vehicles.ts: every vehicle that a machine has or a reason, sums of stages, published doorbells exactly", async () => {
  const { stdout } = await trapsh(SCRIPTS, ["run", "vehicles.ts", "--json"]);
  const { sections, ports } = JSON.parse(stdout) as {
    sections: {
      machine: string;
      calls: VehicleRow[];
      refusals: unknown[];
      doorbells: { bus: string; taken: string; returns: number; cyclesEach: string }[];
    }[];
    ports: string[];
  };
  assertEquals(sections.map(({ machine }) => machine), [
    "x86 vmx",
    "x86 svm",
    "ppc64 kvm-hv",
    "ppc32 kvm-pr",
  ]);
  for (const { machine, calls, refusals } of sections) {
    assertEquals(new Set(calls.map(({ vehicle }) => vehicle)).size + refusals.length, 13, machine);
    for (const row of calls) {
      const stages = row.worldSwitch + row.dispatch + row.decode + row.userspace + row.device;
      assertEquals(row.cycles, stages + row.guest, `${machine} ${row.vehicle}`);
      assertEquals(row.userspace === 0, row.handledIn === "kernel", `${machine} ${row.vehicle}`);
      if (/descriptor|fast call/.test(row.vehicle)) assertEquals(row.exits, 1, `${machine} ${row.vehicle}`);
    }
  }
  // pci-testdev's published rows of doorbells.
  const bell = (bus: string, taken: string) =>
    sections[0].doorbells.find((row) => row.bus === bus && row.taken === taken)!;
  assertEquals(bell("pio", "userspace").cyclesEach, "5287.0");
  assertEquals(bell("pio", "kernel, any data").cyclesEach, "1762.0");
  assertEquals(bell("mmio", "userspace").cyclesEach, "8796.0");
  assertEquals(bell("mmio", "kernel, any data").cyclesEach, "3609.0");
  assertEquals(bell("mmio", "gathered in the ring").returns, 2);
  assertEquals(ports.map((line) => /claim \d/.exec(line)![0]), ["claim 3", "claim 2", "claim 8"]);
});

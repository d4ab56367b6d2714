/** The profiles that come with the project: their tables come out, and every figure says where it is from. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkProfile } from "../../../emulator/exits/profile_check.ts";
import { PRICED_STAGES } from "../../../emulator/exits/stages.ts";
import { defaultProfileName, loadProfile, profileNames } from "../../../emulator/exits/profiles/profiles.ts";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { IO, MISCONFIG, UNREAD, VMCALL } from "./fixtures.ts";

Deno.test("profileNames() names what loadProfile() loads, by architecture", () => {
  assertEquals(profileNames("ppc"), ["ppc64-hv-assumed", "ppc32-pr-assumed"]);
  for (const name of profileNames()) {
    const profile = loadProfile(name);
    assertEquals(profile.name, name);
    checkProfile(JSON.parse(JSON.stringify(profile.data)), name);
    assert(profileNames(profile.arch).includes(name));
  }
  for (const backend of ["vmx", "svm", "kvm-hv", "kvm-pr"] as const) {
    assertEquals(loadProfile(defaultProfileName(backend)).arch, backend.startsWith("kvm") ? "ppc" : "x86");
  }
});

Deno.test("loadProfile() says what was meant", () => {
  assertThrows(() => loadProfile("tsirkin-2012"), RangeError, "did you mean tsirkin-2013?");
  assertThrows(() => loadProfile("vax"), RangeError, "there are x86-default, tsirkin-2013");
  assertThrows(() => loadProfile("toString"), RangeError, "no cost profile is named toString");
});

/** Row -> published cycles and what the profile gives: equal for calibration rows, held out for predictions. */
const TABLES: Readonly<
  Record<string, Readonly<Record<string, readonly [published: number, given: number]>>>
> = {
  "tsirkin-2013": {
    "vmcall": [1566, 1566],
    "outw": [1737, 1737],
    "movw to MMIO": [4341, 4341],
    "paravirtual-MMIO hypercall": [1817, 1803],
  },
  "pci-testdev": {
    "mmio-no-eventfd:pci-mem": [8796, 8796],
    "mmio-wildcard-eventfd:pci-mem": [3609, 3609],
    "mmio-datamatch-eventfd:pci-mem": [3685, 3609],
    "portio-no-eventfd:pci-io": [5287, 5287],
    "portio-wildcard-eventfd:pci-io": [1762, 1762],
    "portio-datamatch-eventfd:pci-io": [1777, 1762],
  },
  "ioeventfd-2009": {
    "qemu-mmio": [9090, 9090],
    "ioeventfd-mmio": [5000, 5000],
    "ioeventfd-pio": [2720, 2720],
    "qemu-pio": [6530, 6810],
    "ioeventfd-hc": [2370, 2481],
  },
  "kvm-unit-tests-2012": {
    "vmcall": [3898, 3898],
    "outl_to_kernel": [4451, 4451],
    "inl_from_kernel": [7237, 7237],
    "inl_from_qemu": [20574, 20574],
    "inl_from_pmtimer": [24615, 20574],
  },
};

for (const [name, table] of Object.entries(TABLES)) {
  Deno.test(`profile ${name} gives its published table`, () => {
    const profile = loadProfile(name);
    const rows = profile.data.published;
    assertEquals(
      Object.fromEntries(rows.map((row) => [row.row, [row.cycles, profile.predict(row)]])),
      Object.fromEntries(Object.entries(table).map(([row, [published, given]]) => [row, [published, given]])),
    );
    for (const row of rows) {
      assertEquals(row.usedFor, table[row.row][0] === table[row.row][1] ? "calibration" : "prediction");
    }
  });
}

Deno.test("a calibration row, replayed on a ledger, comes out as the average of its exits", () => {
  const natives = { IO, MMIO: MISCONFIG, HYPERCALL: VMCALL } as const;
  for (const name of profileNames("x86")) {
    const profile = loadProfile(name);
    for (const row of profile.data.published) {
      if (row.usedFor !== "calibration" || row.exit.handledIn === "kernel-fast") continue;
      const ledger = new Ledger(profile);
      const native = natives[row.exit.reason as keyof typeof natives];
      for (let i = 0; i < 16; i++) {
        ledger.charge(native, 1, row.exit.direction, 2, row.exit.handledIn, UNREAD);
      }
      const { cycles, min, max } = ledger.totals();
      assertEquals(
        [cycles.total / 16, min, max],
        [row.cycles, row.cycles, row.cycles],
        `${name}: ${row.row}`,
      );
    }
  }
});

Deno.test("figures that no source printed say why they are what they are", () => {
  for (const name of profileNames()) {
    const { data } = loadProfile(name);
    for (const [reason, stages] of Object.entries(data.stages)) {
      for (const part of [stages, stages.in, stages.out]) {
        for (const stage of PRICED_STAGES) {
          const figure = part?.[stage];
          if (figure === undefined) continue;
          assert(
            figure.note !== undefined || figure.provenance === "published",
            `${name}: ${reason}.${stage}`,
          );
          assert(
            figure.source !== undefined || figure.provenance === "assumed",
            `${name}: ${reason}.${stage}`,
          );
        }
      }
    }
    for (const figure of Object.values(data.instructions)) assertEquals(figure.provenance, "assumed");
  }
});

Deno.test("PowerPC profiles hold assumptions only, besides the timebase", () => {
  for (const name of profileNames("ppc")) {
    const { data, timebaseHz, coreHz } = loadProfile(name);
    assertEquals([timebaseHz, coreHz, data.published.length], [512_000_000, 3_500_000_000, 0]);
    const text = JSON.stringify(data.stages);
    assertEquals(text.includes('"published"') || text.includes('"calibrated"'), false);
    assert(data.source.startsWith("assumed"));
  }
});

import { assertEquals, assertThrows } from "@std/assert";
import { parseProfile } from "../../../emulator/exits/profile_check.ts";

const assumed = (cycles: unknown) => ({ cycles, provenance: "assumed" });

/** A small right profile, fresh for each caller to spoil. */
// deno-lint-ignore no-explicit-any -- spoiling it is the point
function small(): any {
  return {
    name: "mine",
    title: "my machine",
    arch: "x86",
    source: "measured by hand",
    tscHz: { hz: 3_000_000_000, provenance: "published" },
    instructions: { default: assumed(1) },
    stages: {
      default: {
        worldSwitch: assumed(1000),
        dispatch: assumed(100),
        decode: assumed(0),
        userspace: assumed(3000),
      },
      IO: { out: { dispatch: assumed(50) } },
    },
    published: [],
  };
}

const parse = (data: unknown) => parseProfile(JSON.stringify(data), "mine.json");

Deno.test("parseProfile() takes a right profile, and directions override reasons override the default", () => {
  const profile = parse(small());
  assertEquals(profile.stagesFor("IO", "out", "kernel").total, 1050);
  assertEquals(profile.stagesFor("IO", "in", "kernel").total, 1100);
  assertEquals(profile.stagesFor("NEVER_HEARD", "none", "userspace").total, 4100);
  assertEquals([profile.tscHz, profile.timebaseHz, profile.cyclesHz], [3e9, undefined, 3e9]);
  assertEquals(profile.nanoseconds(1500), 500);
  assertEquals([profile.costOf("alu"), profile.costOf("default")], [1, 1]);
});

const WRONG: readonly {
  what: string;
  // deno-lint-ignore no-explicit-any -- see above
  spoil: (data: any) => void;
  error: ErrorConstructor;
  says: string;
}[] = [
  {
    what: "an unknown key",
    spoil: (p) => p.tschz = 1,
    error: TypeError,
    says: "mine.json.tschz is not a key: mine.json takes name, title",
  },
  {
    what: "a missing key",
    spoil: (p) => delete p.title,
    error: TypeError,
    says: "mine.json.title is missing: give a text",
  },
  {
    what: "an unknown key inside",
    spoil: (p) => p.stages.IO.out.dispatch.cylces = 3,
    error: TypeError,
    says: "mine.json.stages.IO.out.dispatch.cylces is not a key",
  },
  {
    what: "a text for a number",
    spoil: (p) => p.stages.default.dispatch.cycles = "100",
    error: TypeError,
    says: 'mine.json.stages.default.dispatch.cycles is "100": give an integer from 0 to 1000000',
  },
  {
    what: "a negative figure",
    spoil: (p) => p.stages.default.dispatch.cycles = -1,
    error: RangeError,
    says: "mine.json.stages.default.dispatch.cycles is -1: give an integer from 0 to 1000000",
  },
  {
    what: "a fraction",
    spoil: (p) => p.instructions.default.cycles = 0.5,
    error: RangeError,
    says: "mine.json.instructions.default.cycles is 0.5: give an integer from 0 to 65535",
  },
  {
    what: "an unknown provenance",
    spoil: (p) => p.stages.default.dispatch.provenance = "measured",
    error: TypeError,
    says: 'is "measured": give one of published, assumed, calibrated',
  },
  {
    what: "a published figure without its source",
    spoil: (p) => p.stages.default.dispatch.provenance = "published",
    error: TypeError,
    says: "mine.json.stages.default.dispatch.source is missing: give the place that published the figure",
  },
  {
    what: "an unknown exit reason",
    spoil: (p) => p.stages.IOO = {},
    error: TypeError,
    says: "mine.json.stages.IOO is not a key: mine.json.stages takes default and exit reasons (IO, MMIO",
  },
  {
    what: "a default that leaves a stage out",
    spoil: (p) => delete p.stages.default.userspace,
    error: TypeError,
    says: "mine.json.stages.default.userspace is missing",
  },
  {
    what: "no default",
    spoil: (p) => delete p.instructions.default,
    error: TypeError,
    says: "mine.json.instructions.default is missing",
  },
  { what: "no clock", spoil: (p) => delete p.tscHz, error: TypeError, says: "mine.json.tscHz is missing" },
  {
    what: "the other architecture's clock",
    spoil: (p) => p.timebaseHz = p.tscHz,
    error: TypeError,
    says: "mine.json.timebaseHz is not a key of x86: it takes tscHz",
  },
  {
    what: "a list for an object",
    spoil: (p) => p.stages = [],
    error: TypeError,
    says: "mine.json.stages is []",
  },
  {
    what: "a calibration row that does not come out",
    spoil: (p) =>
      p.published.push({
        row: "outl",
        cycles: 1051,
        source: "me",
        usedFor: "calibration",
        exit: { reason: "IO", direction: "out", handledIn: "kernel" },
      }),
    error: Error,
    says: "mine.json.published[0] (outl) says 1051 cycles and its stages sum to 1050",
  },
];

for (const { what, spoil, error, says } of WRONG) {
  Deno.test(`parseProfile() refuses ${what}`, () => {
    const data = small();
    spoil(data);
    assertThrows(() => parse(data), error, says);
  });
}

Deno.test("parseProfile() says what is no JSON", () => {
  assertThrows(() => parseProfile("{ name: 1 }", "mine.json"), SyntaxError, "mine.json is not JSON");
  assertThrows(() => parseProfile("3", "mine.json"), TypeError, "mine.json is 3: give an object with name");
});

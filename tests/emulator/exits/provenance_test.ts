import { assertEquals } from "@std/assert";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { provenanceText, stageProvenance, usedFigures } from "../../../emulator/exits/provenance.ts";
import { HLT, IO, MISCONFIG, site } from "./fixtures.ts";

const profile = loadProfile("x86-default");

function sample(): Ledger {
  const ledger = new Ledger(profile);
  ledger.charge(IO, 0x80, "out", 1, "userspace", site());
  ledger.charge(IO, 0x81, "out", 1, "kernel", site());
  ledger.charge(MISCONFIG, 0x1000, "in", 4, "kernel", site());
  ledger.charge(HLT, 0, "none", 0, "kernel", site());
  return ledger;
}

Deno.test("usedFigures() lists each figure that was charged by once, with provenance and source", () => {
  const used = usedFigures(profile, sample().aggregates());
  const names = used.map(({ reason, direction, stage, cycles, provenance }) =>
    `${reason} ${direction} ${stage} ${cycles} ${provenance}`
  );
  assertEquals(names, [
    "IO out worldSwitch 1500 calibrated",
    "IO out dispatch 262 calibrated",
    "IO out userspace 3525 calibrated",
    "MMIO in worldSwitch 1500 calibrated",
    "MMIO in dispatch 262 assumed",
    "MMIO in decode 1847 calibrated",
    "HLT none worldSwitch 1500 calibrated",
    "HLT none dispatch 66 assumed",
  ]);
  assertEquals(used.every(({ source }) => source !== ""), true);
});

Deno.test("stageProvenance() puts the best first and leaves out what costs nothing", () => {
  assertEquals(stageProvenance(profile, sample().aggregates()), {
    worldSwitch: ["calibrated"],
    dispatch: ["calibrated", "assumed"],
    decode: ["calibrated"],
    userspace: ["calibrated"],
  });
  assertEquals(stageProvenance(profile, []), {});
  assertEquals(provenanceText({ provenance: "published", unverified: true }), "published (unverified)");
});

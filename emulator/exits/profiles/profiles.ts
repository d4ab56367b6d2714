/** The cost profiles that come with the project. */
import type { Backend } from "../../engine/backend.ts";
import { editDistance } from "../../isa/edit_distance.ts";
import { CostProfile, type ProfileData } from "../profile.ts";
import { PROFILE_NAMES, type ProfileName } from "./names.ts";
import ioeventfd from "./ioeventfd_2009.json" with { type: "json" };
import kvmUnitTests from "./kvm_unit_tests_2012.json" with { type: "json" };
import pciTestdev from "./pci_testdev.json" with { type: "json" };
import ppc32Pr from "./ppc32_pr_assumed.json" with { type: "json" };
import ppc64Hv from "./ppc64_hv_assumed.json" with { type: "json" };
import tsirkin from "./tsirkin_2013.json" with { type: "json" };
import x86Default from "./x86_default.json" with { type: "json" };

const PROFILES: Readonly<Record<ProfileName, unknown>> = {
  "x86-default": x86Default,
  "tsirkin-2013": tsirkin,
  "pci-testdev": pciTestdev,
  "kvm-unit-tests-2012": kvmUnitTests,
  "ioeventfd-2009": ioeventfd,
  "ppc64-hv-assumed": ppc64Hv,
  "ppc32-pr-assumed": ppc32Pr,
};

const DEFAULTS: Readonly<Record<Backend["name"], ProfileName>> = {
  "vmx": "x86-default",
  "svm": "x86-default",
  "kvm-hv": "ppc64-hv-assumed",
  "kvm-pr": "ppc32-pr-assumed",
};

/** Names of the profiles that `loadProfile` knows, of one architecture or of all. */
export function profileNames(arch?: "x86" | "ppc"): string[] {
  return PROFILE_NAMES.filter((name) => arch === undefined || name.startsWith("ppc") === (arch === "ppc"));
}

/** The profile that a backend is priced under when nobody asks for another. */
export function defaultProfileName(backend: Backend["name"]): string {
  return DEFAULTS[backend];
}

/**
 * A profile by name; tests check what comes with the project, so that starting up need not. Throws `RangeError` for
 * an unknown name, with the nearest one that is known.
 */
export function loadProfile(name: string): CostProfile {
  const known = PROFILE_NAMES.find((it) => it === name);
  if (known === undefined) {
    const near = PROFILE_NAMES.find((it) => editDistance(name, it, 3) <= 3);
    throw new RangeError(
      `no cost profile is named ${name}: ` +
        (near === undefined ? `there are ${PROFILE_NAMES.join(", ")}` : `did you mean ${near}?`),
    );
  }
  return new CostProfile(PROFILES[known] as ProfileData);
}

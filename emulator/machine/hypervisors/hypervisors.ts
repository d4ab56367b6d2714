/** All personalities, and which a VM gets. */
import { epapr } from "./epapr.ts";
import { hyperv } from "./hyperv.ts";
import type { BackendName, Personality } from "./hypervisor.ts";
import { kvm } from "./kvm.ts";
import { none } from "./none.ts";
import { osi } from "./osi.ts";
import { papr } from "./papr.ts";
import { vmware } from "./vmware.ts";
import { xen } from "./xen.ts";

/** In the order in which they are listed. */
export const HYPERVISORS: readonly Personality[] = [kvm, xen, hyperv, vmware, epapr, papr, osi, none];

/** What a backend shows its guest if nothing else is asked for. */
const DEFAULTS: Readonly<Record<BackendName, Personality>> = {
  vmx: kvm,
  svm: kvm,
  "kvm-hv": papr,
  "kvm-pr": epapr,
};

/** The personality of that name, or the backend's own. Throws `RangeError` with what could be had instead. */
export function hypervisorOf(backend: BackendName, mode: 16 | 32 | 64, name?: string): Personality {
  if (name === undefined) return DEFAULTS[backend];
  const found = HYPERVISORS.find((one) => one.name === name);
  const carries = (one: Personality) => one.carriers[backend]?.includes(mode) === true;
  if (found && carries(found)) return found;
  const there = HYPERVISORS.filter(carries).map((one) => one.name).join(", ");
  const why = found
    ? `${backend} carries no ${name} for a ${mode}-bit guest`
    : `there is no hypervisor ${name}`;
  throw new RangeError(`${why}: there ${there.includes(",") ? "are" : "is"} ${there}`);
}

/** The hypervisors as users of a VM look at them. */
import type { Hypervisor } from "./hypervisor.ts";
import { HYPERVISORS as PERSONALITIES } from "./hypervisors.ts";

/** All hypervisors whose guests can be had, with their names, carriers and calls. */
export const HYPERVISORS: readonly Hypervisor[] = PERSONALITIES;

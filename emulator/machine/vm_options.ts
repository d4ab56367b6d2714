/** What a VM is made of: as users say it, and as it stands when all of it has been checked. */
import type { Backend } from "../engine/backend.ts";
import type { RegionPolicy } from "../engine/hot_code.ts";
import type { CostProfile } from "../exits/profile.ts";
import { defaultProfileName, loadProfile } from "../exits/profiles/profiles.ts";
import { type Arch, type ArchName, archOf, backendOf, type ModeWidth } from "./arch.ts";
import type { Hypervisor, HypervisorName, Personality, WrongHypercall } from "./hypervisors/hypervisor.ts";
import { hypervisorOf } from "./hypervisors/hypervisors.ts";
import type { HostTick } from "./interrupts/interrupts.ts";

/** What a VM is made of. */
export interface VmOptions {
  /** The guest's architecture. */
  readonly arch: ArchName;
  /** Width of the guest's mode: x86 16, 32 or 64, ppc 32 or 64; 64 if not given. */
  readonly mode?: ModeWidth;
  /** Byte order of the guest's code and data: big-endian on ppc if not given; x86 is little-endian. */
  readonly order?: "le" | "be";
  /** Hypervisor whose exits are counted; the architecture's first one that runs the mode if not given. */
  readonly backend?: string;
  /**
   * What the guest takes the hypervisor for: on vmx and svm `kvm` (if not given), `xen`, `hyperv` or `vmware`; on kvm-hv
   * `papr`; on kvm-pr `epapr` (if not given), `papr` (64-bit) or `osi` (32-bit); everywhere `none`. A PowerPC VM for which
   * one is named is started as that one does: with a device tree, whose address is in r3.
   */
  readonly hypervisor?: HypervisorName;
  /**
   * What becomes of the other vendor's hypercall instruction on x86, if not given what the hypervisor does: KVM patches the
   * guest's text, the others let the guest have its #UD.
   */
  readonly wrongHypercall?: WrongHypercall;
  /** Guest RAM in bytes, a multiple of 4,096; 16 MiB if not given. */
  readonly memory?: number;
  /** Cost profile, by name or itself; the architecture's default if not given. */
  readonly profile?: string | CostProfile;
  /** `interpreter` if not given; `oracle` executes definitions one by one, slowly. */
  readonly engine?: "interpreter" | "oracle";
  /**
   * When the interpreter compiles regions of guest code: `hot` (if not given) where the guest spends its time, `off` only
   * where `compileRegion` is told to, `first` whatever is entered, or by thresholds of your own. Results, exits and cycles
   * are the same.
   */
  readonly regions?: RegionPolicy;
  /**
   * Bytes that the decoded code of a vCPU may take in each of its modes, a multiple of 65,536; 256 MiB if not given, which is
   * some 10 million instructions. Code beyond that is decoded again and again.
   */
  readonly decodedBytes?: number;
  /**
   * vCPUs, 1 to 64; one if not given. They execute in deterministic turns. The first one runs from the start, the others
   * are parked until `VirtualCpu.start`, or on PowerPC until a guest lets them out of reset by the OpenPIC.
   */
  readonly vcpus?: number;
  /** Instructions in a turn of a vCPU, 100 to 1,000,000; 1,000 if not given. Without a meaning for one vCPU. */
  readonly turn?: number;
  /** What a guest's access gets that no device claims: all ones (the default), or the end of the run. */
  readonly unclaimed?: "ones" | "stop";
  /**
   * Attach an interrupt controller with its timer: on x86 a pair of 8259A and an 8254 at their PC ports, on PowerPC an
   * OpenPIC at 0xfec00000 and the decrementer's interrupt. None if not given: the guest then has to poll.
   */
  readonly interrupts?: boolean;
  /**
   * Let the host's own timer take the vCPU out of the guest every so many cycles of virtual time: an exit that the guest
   * does not see (under kvm-hv HV_DECREMENTER). None if not given; wants `interrupts`.
   */
  readonly hostTick?: number;
  /** Record a ledger row for each exit from the start. */
  readonly recordRows?: boolean;
}

/** More guest RAM than this does not fit below the device windows. */
const RAM_LIMIT = 0xe000_0000;
/** As many as fit into a 64-bit mask, and more than any guest here needs. */
const MOST_VCPUS = 64;

/** What room for decoded code is a multiple of. */
const DECODED_BYTES = 65_536;

/** The options of a VM that can be made, none left open. */
export interface VmPlan {
  readonly arch: Arch;
  readonly mode: ModeWidth;
  readonly order: "le" | "be";
  /** Guest RAM in bytes. */
  readonly memory: number;
  readonly vcpus: number;
  readonly backend: Backend;
  readonly hypervisor: Hypervisor & Personality;
  readonly wrongHypercall: WrongHypercall;
  readonly profile: CostProfile;
  /** The host's own timer, if it has one. */
  readonly hostTick: HostTick | undefined;
}

/** Throws `RangeError` that names the option that is wrong and what would be right. */
export function planVm(options: VmOptions): VmPlan {
  const arch = archOf(options.arch);
  const mode = options.mode ?? arch.defaultMode;
  if (!arch.modes.includes(mode)) {
    throw new RangeError(`${arch.name} has no ${mode}-bit mode: it has ${arch.modes.join(", ")}`);
  }
  const order = options.order ?? arch.orders[0];
  if (!arch.orders.includes(order)) {
    throw new RangeError(`${arch.name} has no ${order} byte order: it has ${arch.orders.join(" and ")}`);
  }
  const memory = options.memory ?? 16 * 2 ** 20;
  if (!Number.isInteger(memory) || memory < 4096 || memory > RAM_LIMIT || memory % 4096 !== 0) {
    throw new RangeError(`guest memory of ${memory} bytes: give a multiple of 4096 up to ${RAM_LIMIT}`);
  }
  const vcpus = options.vcpus ?? 1;
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > MOST_VCPUS) {
    throw new RangeError(`${vcpus} vCPUs: give a whole number from 1 to ${MOST_VCPUS}`);
  }
  const backend = backendOf(arch, mode, options.backend);
  const hypervisor = hypervisorOf(backend.name, mode, options.hypervisor);
  const profile = profileFor(arch, backend, options.profile);
  const wrongHypercall = wrongHypercallOf(arch, hypervisor, options.wrongHypercall);
  const hostTick = hostTickOf(options, backend);
  const { decodedBytes = DECODED_BYTES } = options;
  if (!Number.isSafeInteger(decodedBytes) || decodedBytes <= 0 || decodedBytes % DECODED_BYTES !== 0) {
    throw new RangeError(
      `room for decoded code is a multiple of ${DECODED_BYTES} bytes, not ${decodedBytes}`,
    );
  }
  return { arch, mode, order, memory, vcpus, backend, hypervisor, wrongHypercall, profile, hostTick };
}

/** Throws `RangeError` for a policy that there is not, or on an architecture that has one instruction only. */
function wrongHypercallOf(arch: Arch, hypervisor: Personality, wanted?: WrongHypercall): WrongHypercall {
  if (wanted === undefined) return hypervisor.wrongHypercall ?? "reject";
  if (!["patch", "emulate", "reject"].includes(wanted)) {
    throw new RangeError(`wrongHypercall is ${wanted}: give patch, emulate or reject`);
  }
  if (arch.name === "x86") return wanted;
  throw new RangeError(`wrongHypercall is x86's: ${arch.name} guests are told which instruction to execute`);
}

function profileFor(
  arch: Arch,
  backend: Backend,
  wanted: string | CostProfile = defaultProfileName(backend.name),
): CostProfile {
  const profile = typeof wanted === "string" ? loadProfile(wanted) : wanted;
  if (profile.arch === arch.name) return profile;
  throw new RangeError(`profile ${profile.name} is for ${profile.arch}, this VM is ${arch.name}`);
}

/** Throws `RangeError` for a host's timer that cannot be. */
function hostTickOf({ hostTick: every, interrupts }: VmOptions, backend: Backend): HostTick | undefined {
  if (every === undefined) return undefined;
  if (!interrupts) throw new RangeError("hostTick wants interrupts: true");
  if (!Number.isSafeInteger(every) || every < 1) {
    throw new RangeError(`a host's timer every ${every} cycles: give a whole number of at least 1`);
  }
  const { host, timer, line } = backend.interrupts;
  return { every, native: host ?? timer ?? line };
}

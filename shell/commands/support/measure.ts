/** What an operation of the shell costs the guest: the exits between before and after, and their cycles. */
import type { Aggregate } from "../../../emulator/exits/aggregate.ts";
import type { CostProfile, Figure } from "../../../emulator/exits/profile.ts";
import { PRICED_STAGES, type StageCycles, STAGES } from "../../../emulator/exits/stages.ts";
import type { Vm } from "../../machine_types.ts";
import type { Session } from "../../session.ts";
import { patiently } from "./patience.ts";

/** Stages as reports call them. */
export const STAGE_NAMES: Readonly<Record<(typeof STAGES)[number], string>> = {
  worldSwitch: "world switch",
  dispatch: "dispatch",
  decode: "decode",
  userspace: "userspace",
  device: "device",
};

/** Exits of one kind within an operation. */
export interface CostPart {
  /** Canonical reason, e.g. `"IO"`. */
  readonly reason: string;
  /** The backend's own name, e.g. `"IO_INSTRUCTION"`. */
  readonly native: string;
  /** The backend's own number. */
  readonly code: number;
  /** What `key` counts. */
  readonly keySpace: string;
  /** Port, guest-physical address, hypercall number ... */
  readonly key: number;
  /** Which way data went, as the guest sees it. */
  readonly direction: "in" | "out" | "none";
  /** Who completed the first access. */
  readonly handledIn: string;
  /** How many there were. */
  readonly exits: number;
  /** Accesses: one instruction's exit may make several. */
  readonly accesses: number;
  /** Charged cycles by stage. */
  readonly cycles: StageCycles;
}

/** What an operation cost. Cycles are of the profile's unit. */
export interface Cost {
  /** Exits of all kinds. */
  readonly exits: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns: number;
  /** Charged cycles, by stage. */
  readonly cycles: StageCycles;
  /** Guest instructions of all vCPUs. */
  readonly instructions: number;
  /** Cycles of these instructions themselves, which come on top of `cycles`. */
  readonly guestCycles: number;
  /** By kind of exit, in the ledger's order. */
  readonly parts: readonly CostPart[];
  /** The profile that the cycles are charged under. */
  readonly profile: { readonly name: string; readonly source: string };
  /** By where their figures are from (`published`, `calibrated`, `assumed` ...), what costs something here. */
  readonly provenance: Readonly<Record<string, readonly string[]>>;
}

/** Runs `work` and returns its result with what the guest paid for it. */
export async function measure<T>(
  session: Session,
  vm: Vm,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ result: T; cost: Cost }> {
  const meter = startMeter(vm);
  const result = await patiently(session, vm, work);
  return { result, cost: meter() };
}

/** Takes the counters now; the returned function says what has come since. */
export function startMeter(vm: Vm): () => Cost {
  const before = new Map(vm.exits.aggregates().map((one) => [identity(one), one]));
  const start = spent(vm);
  return () => {
    const parts: CostPart[] = [];
    let returns = 0;
    for (const one of vm.exits.aggregates()) {
      const old = before.get(identity(one));
      const exits = one.count - (old?.count ?? 0);
      if (exits === 0) continue;
      returns += one.returns - (old?.returns ?? 0);
      const { native, reason, keySpace, key, direction, handledIn } = one;
      const accesses = one.accesses - (old?.accesses ?? 0);
      const cycles = subtract(one.cycles, old?.cycles);
      parts.push({
        reason,
        native: native.name,
        code: native.code,
        keySpace,
        key,
        direction,
        handledIn,
        exits,
        accesses,
        cycles,
      });
    }
    const end = spent(vm);
    const guestCycles = end.cycles - start.cycles - (end.charged - start.charged);
    return {
      exits: parts.reduce((sum, part) => sum + part.exits, 0),
      returns,
      cycles: parts.map((part) => part.cycles).reduce(add, ZERO),
      instructions: end.instructions - start.instructions,
      guestCycles,
      parts,
      profile: { name: vm.profile.name, source: vm.profile.data.source },
      provenance: provenanceOf(vm.profile, parts, guestCycles),
    };
  };
}

/** What all vCPUs have done so far. */
function spent(vm: Vm): { readonly instructions: number; readonly cycles: number; readonly charged: number } {
  const sum = (f: (vcpu: Vm["vcpu"]) => number) => vm.vcpus.reduce((total, vcpu) => total + f(vcpu), 0);
  return {
    instructions: sum(({ instructions }) => instructions),
    cycles: sum(({ cycles }) => cycles),
    charged: vm.exits.cycles,
  };
}

export const ZERO: StageCycles = {
  worldSwitch: 0,
  dispatch: 0,
  decode: 0,
  userspace: 0,
  device: 0,
  total: 0,
};

function identity(one: Aggregate): string {
  return `${one.native.id} ${one.key} ${one.direction} ${one.handledIn}`;
}

function combine(a: StageCycles, b: StageCycles, sign: 1 | -1): StageCycles {
  const out = { ...a };
  for (const stage of [...STAGES, "total"] as const) out[stage] = a[stage] + sign * b[stage];
  return out;
}

const add = (a: StageCycles, b: StageCycles) => combine(a, b, 1);
const subtract = (a: StageCycles, b: StageCycles = ZERO) => combine(a, b, -1);

/** By where their figures are from, the names of what costs something here, as a report says them. */
function provenanceOf(
  profile: CostProfile,
  parts: readonly CostPart[],
  guestCycles: number,
): Record<string, string[]> {
  const kinds: Record<string, string[]> = {};
  const note = (figure: Figure, name: string) => {
    const names = kinds[`${figure.provenance}${figure.unverified === true ? " (unverified)" : ""}`] ??= [];
    if (!names.includes(name)) names.push(name);
  };
  for (const stage of PRICED_STAGES) {
    for (const part of parts) {
      if (part.cycles[stage] !== 0) {
        note(profile.figure(part.reason, part.direction, stage), STAGE_NAMES[stage]);
      }
    }
  }
  if (guestCycles > 0) {
    for (const figure of Object.values(profile.data.instructions)) note(figure, "instructions");
  }
  return kinds;
}

/** What a report is of: the machine, the profile, the versions, and a hash by which equal runs are known. */
import { createHash } from "node:crypto";
import type { LedgerView } from "../../emulator/exits/ledger_view.ts";
import type { Frequency } from "../../emulator/exits/profile.ts";
import { snapshot } from "../../emulator/exits/snapshot.ts";
import type { Vm } from "../machine_types.ts";
import { ramOf } from "../ram.ts";
import { VERSION } from "../version.ts";
import { sizeText } from "./numbers.ts";

/** A device and where it stands. */
export interface DeviceFacts {
  /** Its name, which is whatever its author chose. */
  readonly name: string;
  /** Its number in hypercalls. */
  readonly handle: number;
  /** First I/O port of its registers; null where it has none. */
  readonly port: number | null;
  /** Guest-physical address of its registers. */
  readonly gpa: number;
  /** Bytes of its registers. */
  readonly size: number;
}

/** A range of guest-physical addresses with memory. */
export interface SlotFacts {
  /** Its name. */
  readonly name: string;
  /** First address. */
  readonly gpa: number;
  /** Bytes. */
  readonly size: number;
}

/** The machine that ran. */
export interface MachineFacts {
  /** The guest's architecture. */
  readonly arch: "x86" | "ppc";
  /** Bits of the mode that it was made in. */
  readonly mode: number;
  /** Byte order of the guest. */
  readonly order: "le" | "be";
  /** The hypervisor whose exits are counted, e.g. `"vmx"`. */
  readonly backend: string;
  /** The same in words. */
  readonly backendTitle: string;
  /** What the guest takes the hypervisor for. */
  readonly hypervisor: string;
  /** What becomes of the other vendor's hypercall instruction; null on PowerPC. */
  readonly wrongHypercall: string | null;
  /** Bytes of guest RAM. */
  readonly ram: number;
  /** All memory slots: RAM, and what the machine or its transports put beside it. */
  readonly memory: readonly SlotFacts[];
  /** vCPUs. */
  readonly vcpus: number;
  /** Instructions in a turn of a vCPU; null for one vCPU or the default. */
  readonly turn: number | null;
  /** Whether it has an interrupt controller and timer. */
  readonly interrupts: boolean;
  /** Cycles between exits of the host's timer; null without. */
  readonly hostTick: number | null;
  /** What an access gets that no device claims. */
  readonly unclaimed: "ones" | "stop";
  /** In the order in which they were attached. */
  readonly devices: readonly DeviceFacts[];
}

/** How far a vCPU came. */
export interface VcpuFacts {
  /** Its index. */
  readonly index: number;
  /** Instructions completed. */
  readonly instructions: number;
  /** Its clock: cycles of instructions, exits and waits, of the profile that they were charged under. */
  readonly cycles: number;
  /** Cycles in which it waited. */
  readonly idleCycles: number;
}

/** Exits that were counted before the machine went on under another backend, hypervisor or profile. */
export interface EarlierFacts {
  /** The hypervisor whose exits they were. */
  readonly backend: string;
  /** What the guest took it for. */
  readonly hypervisor: string;
  /** The profile that they were charged under. */
  readonly profile: string;
  /** Exits. */
  readonly exits: number;
  /** Charged cycles. */
  readonly cycles: number;
}

/** What identifies a run. */
export interface RunFacts {
  /**
   * SHA-256, hexadecimal, of machine, profile, counters, sums and recorded rows: two equal runs have the same, whatever host
   * and engine ran them.
   */
  readonly hash: string;
  /** The machine. */
  readonly machine: MachineFacts;
  /** How far its vCPUs came. */
  readonly vcpus: readonly VcpuFacts[];
  /** The profile that the cycles are of. */
  readonly profile: { readonly name: string; readonly title: string; readonly source: string };
  /** Cycles a second, and where that figure is from. */
  readonly clock: Frequency;
  /** The profile that the exits were charged under, if these are priced again under another one; else null. */
  readonly chargedUnder: string | null;
  /** Exits, their cycles, and the rows that were kept. */
  readonly exits: {
    readonly count: number;
    readonly cycles: number;
    readonly rows: number;
    readonly droppedRows: number;
  };
  /** What was counted before, oldest first; not in the report otherwise. */
  readonly earlier: readonly EarlierFacts[];
  /** What ran it. */
  readonly versions: { readonly trapsh: string; readonly deno: string };
}

/** The facts of a machine's run so far, or of its exits priced again. */
export function runFacts(vm: Vm, ledger: LedgerView = vm.exits): RunFacts {
  const machine = machineFacts(vm);
  const vcpus = vm.vcpus.map(({ index, instructions, cycles, idleCycles }) => ({
    ...{ index, instructions, cycles, idleCycles },
  }));
  const { count, cycles } = ledger.totals();
  const { name, title, data, frequency } = ledger.profile;
  return {
    hash: hashOf(vm, ledger, machine, vcpus),
    machine,
    vcpus,
    profile: { name, title, source: data.source },
    clock: frequency,
    chargedUnder: ledger.profile === vm.profile ? null : vm.profile.name,
    exits: { count, cycles: cycles.total, rows: ledger.rows.length, droppedRows: ledger.droppedRows },
    earlier: vm.earlier.map(({ backend, hypervisor, exits }) => ({
      backend: backend.name,
      hypervisor,
      profile: exits.profile.name,
      exits: exits.count,
      cycles: exits.cycles,
    })),
    versions: { trapsh: VERSION, deno: Deno.version.deno },
  };
}

/** The facts in two lines. */
export function factsLine({ hash, machine, profile, versions, chargedUnder }: RunFacts): string[] {
  const { arch, mode, order, backend, hypervisor, ram, vcpus } = machine;
  const again = chargedUnder === null ? "" : `, priced again: charged under ${chargedUnder}`;
  return [
    `${arch} ${mode}-bit ${order} on ${backend} as ${hypervisor}, ${sizeText(ram)}, ` +
    `${vcpus} vCPU${vcpus === 1 ? "" : "s"}; profile ${profile.name}${again}`,
    `trapsh ${versions.trapsh}, Deno ${versions.deno}; run ${hash.slice(0, 16)}`,
  ];
}

function machineFacts(vm: Vm): MachineFacts {
  const { options, order } = vm.inside, { slots } = vm.memory;
  return {
    arch: vm.arch,
    mode: vm.mode,
    order,
    backend: vm.backend.name,
    backendTitle: vm.backend.title,
    hypervisor: vm.hypervisor.name,
    wrongHypercall: vm.arch === "x86" ? vm.wrongHypercall : null,
    ram: ramOf(vm),
    memory: slots.map(({ name, gpa, size }) => ({ name, gpa, size })),
    vcpus: vm.vcpus.length,
    turn: vm.vcpus.length > 1 ? options.turn ?? null : null,
    interrupts: options.interrupts ?? false,
    hostTick: options.hostTick ?? null,
    unclaimed: options.unclaimed ?? "ones",
    devices: vm.devices.list().map(({ device, handle, ports, window }) => ({
      ...{ name: device.name, handle, port: ports?.base ?? null, gpa: window.gpa, size: window.size },
    })),
  };
}

/** Row by row: a ledger of 100,000 of them as one text would take 50 MB. */
function hashOf(vm: Vm, ledger: LedgerView, machine: MachineFacts, vcpus: readonly VcpuFacts[]): string {
  const hash = createHash("sha256");
  const add = (value: unknown) => hash.update(JSON.stringify(value)).update("\n");
  const { backendTitle: _title, ...settings } = machine;
  add(settings);
  add(vcpus);
  for (const view of [...vm.earlier.map(({ exits }) => exits), ledger]) {
    const { rows, ...sums } = snapshot(view);
    add(view.profile.data);
    add(sums);
    for (const row of rows) add(row);
  }
  return hash.digest("hex");
}

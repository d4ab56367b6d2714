/**
 * A VM in a file, and a VM made of it that goes on as if it had never stopped: the same instructions, exits, cycles and
 * stops. What is not in it: breakpoints, compiled code, caches, and functions (devices, handlers that scripts put on a
 * bus, hypercalls, signals of `vm.ioevents`), which have to be given again; the state of devices and of `Vm.parts`, and what
 * `vm.ioevents` and `vm.coalesced` match, is in it.
 */
import { SavedFields } from "../../engine/saved_fields.ts";
import { numbersToBytes, rowsOfNumbers, type SavedState } from "../../engine/saved_state.ts";
import { Ledger } from "../../exits/ledger.ts";
import type { CostProfile } from "../../exits/profile.ts";
import { checkProfile } from "../../exits/profile_check.ts";
import { defaultProfileName, loadProfile } from "../../exits/profiles/profiles.ts";
import { archOf, backendOf } from "../arch.ts";
import { canBeSaved, type Device } from "../device.ts";
import type { HypervisorName } from "../hypervisors/hypervisor.ts";
import { HYPERVISORS } from "../hypervisors/hypervisors.ts";
import type { IoEvents } from "../io_events.ts";
import { Vm } from "../vm.ts";
import type { VmOptions } from "../vm_options.ts";
import { loadAttachment, saveAttachment } from "./attachment.ts";
import { readFile, writeFile } from "./file.ts";
import { loadHypervisor, saveHypervisor } from "./hypervisor.ts";
import { loadRuns, runsOf, saveRuns } from "./sparse.ts";

/** What a VM is restored with. */
export interface RestoreOptions {
  /**
   * The devices, by their names; each one of the snapshot has to be there. Its state is loaded into it. Others are
   * left alone.
   */
  readonly devices?: readonly Device[];
  /** Events whose signals those of the snapshot get that are the same match. Others wait for theirs: see `IoEvents.waiting`. */
  readonly ioevents?: IoEvents;
  /** Another hypervisor of the same architecture to go on under; the snapshot's own if not given. */
  readonly backend?: string;
  /**
   * What the guest is to take the hypervisor for from now on; if not given, what it did so far. It keeps nothing of what
   * another one remembered: a guest that calls as it used to call is refused as that one refuses it.
   */
  readonly hypervisor?: HypervisorName;
  /** Another cost profile; if not given the snapshot's own, or for another backend that backend's default. */
  readonly profile?: string | CostProfile;
  /** What executes: a snapshot does not care. `interpreter` if not given. */
  readonly engine?: VmOptions["engine"];
}

/** What can be told of a snapshot without restoring it. */
export interface SnapshotInfo {
  /** The guest's architecture. */
  readonly arch: "x86" | "ppc";
  /** Bits of the mode that the VM was made in. */
  readonly mode: 16 | 32 | 64;
  /** Byte order. */
  readonly order: "le" | "be";
  /** The hypervisor that it ran under. */
  readonly backend: string;
  /** What its guest took the hypervisor for. */
  readonly hypervisor: string;
  /** Name of its cost profile. */
  readonly profile: string;
  /** vCPUs. */
  readonly vcpus: number;
  /** Whether it has an interrupt controller. */
  readonly interrupts: boolean;
  /** Bytes of guest memory, and those of them that the file holds because they are not zero. */
  readonly memory: { readonly size: number; readonly kept: number };
  /** Instructions completed, of all vCPUs together. */
  readonly instructions: number;
  /** Exits in its ledger. */
  readonly exits: number;
  /** Names of the devices that are needed to restore it. */
  readonly devices: readonly string[];
}

const MOST_SLOTS = 4096, MOST_SYMBOLS = 1_000_000, MOST_SEGMENTS = 1000, MOST_DEVICES = 65_536;
const NAMES = HYPERVISORS.map(({ name }) => name);

/**
 * The VM as bytes of a versioned format; the same state gives the same bytes. Throws `Error` while a run is under way or
 * an exit waits for its device (run on until it has answered), `TypeError` that names devices which can be neither
 * saved nor are `stateless`.
 */
export function saveVm(vm: Vm): Uint8Array<ArrayBuffer> {
  if (vm.busy) {
    throw new Error(
      "the VM cannot be saved in the middle of a run, or while an exit waits for its device: let the run come to its end",
    );
  }
  const devices = vm.devices.list(), lacking = devices.filter(({ device }) => !canBeSaved(device));
  if (lacking.length > 0) {
    const names = lacking.map(({ device }) => device.name).join(", ");
    throw new TypeError(
      `no snapshot can hold ${names}: give the device save() and load(state), or stateless: true if it keeps nothing`,
    );
  }
  const { options, order, arena, vcpus, turns, mmioPages, earlier } = vm.inside;
  const memory: Uint8Array[] = [];
  const slots = vm.memory.slots.map(({ name, gpa, size, readOnly, place }) => {
    const runs = runsOf(arena, place, size);
    for (const [first, count] of runs) {
      memory.push(arena.u8.subarray(place + first * 4096, place + (first + count) * 4096));
    }
    return { name, gpa, size, readOnly, runs: saveRuns(runs) };
  });
  const state: SavedState = {
    machine: {
      arch: vm.arch,
      mode: vm.mode,
      order,
      backend: vm.backend.name,
      hypervisor: vm.hypervisor.name,
      wrongHypercall: vm.wrongHypercall,
      memory: options.memory ?? null,
      vcpus: vcpus.length,
      turn: options.turn ?? null,
      unclaimed: options.unclaimed ?? "ones",
      interrupts: options.interrupts ?? false,
      hostTick: options.hostTick ?? null,
    },
    profile: vm.profile.data as unknown as SavedState,
    slots,
    vcpus: vcpus.map((vcpu) => vcpu.saveAll()),
    turns: turns.save(),
    hypervisor: saveHypervisor(vm.hypervisorState),
    interrupts: vcpus.map(({ controller }) => controller?.save() ?? null),
    mmioPages: numbersToBytes(mmioPages.save()),
    coalesced: vm.coalesced.save(),
    ioevents: vm.ioevents.save(),
    symbols: symbolsOf(vm),
    exits: vm.exits.save(),
    earlier: earlier.map(({ backend, hypervisor, exits }) => ({
      backend: backend.name,
      hypervisor,
      profile: exits.profile.data as unknown as SavedState,
      exits: exits.save(),
    })),
    devices: devices.map((one) => ({ ...saveAttachment(one), state: stateOf(one.device) })),
    parts: vm.parts.save(),
  };
  return writeFile(state, memory);
}

/**
 * A VM that goes on from a snapshot. Under another backend, hypervisor or cost profile (a migration) its ledger begins anew, what
 * was counted so far is in `Vm.earlier`, and virtual time goes on.
 *
 * Throws `SyntaxError` for a file that is cut off, damaged or no snapshot, `RangeError` for one of another version, for a
 * device that is missing and for a backend or profile that cannot go on with it, and what a device's `load` throws; the
 * devices are then as they were.
 * Whatever the file says, it takes no more memory than it has bytes, beside what stays zero.
 *
 * @example
 * ```ts
 * import { createVm, restoreVm, saveVm } from "trapsh";
 * import { assertEquals } from "@std/assert";
 *
 * const vm = createVm({ arch: "x86" });
 * vm.load(vm.assemble("again: inc eax\nout 0x80, al\njmp again"));
 * await vm.run({ instructions: 300 });
 * const there = restoreVm(saveVm(vm), { backend: "svm" });
 * await there.run({ instructions: 300 });
 * assertEquals(there.vcpu.registers.get("eax"), 200n);
 * assertEquals([there.earlier[0].exits.count, there.exits.count], [100, 100]);
 * ```
 */
export function restoreVm(snapshot: Uint8Array, options: RestoreOptions = {}): Vm {
  const { state, pages } = readFile(snapshot);
  const saved = new SavedFields(state, "snapshot"), machine = readMachine(saved);
  const arch = archOf(machine.arch), before = backendOf(arch, machine.mode, machine.backend);
  const backend = backendOf(arch, machine.mode, options.backend ?? before.name);
  const own = profileOf(saved),
    profile = chosenProfile(own, backend === before, backend.name, options.profile);
  const hypervisor = options.hypervisor ?? machine.hypervisor,
    isSameHypervisor = hypervisor === machine.hypervisor;
  const goesOn = backend === before && isSameHypervisor && isSame(own, profile);
  const slots = saved.records("slots", MOST_SLOTS).map((slot) => ({
    name: slot.text("name"),
    gpa: slot.whole("gpa"),
    size: slot.whole("size"),
    readOnly: slot.flag("readOnly"),
    runs: slot.bytes("runs"),
  }));
  // A policy is part of what the guest is used to, as long as it meets the same hypervisor.
  const wrongHypercall = isSameHypervisor && machine.arch === "x86" ? machine.wrongHypercall : undefined;
  const { engine } = options;
  const wanted = { ...machine, backend: backend.name, hypervisor, wrongHypercall, profile, engine };
  const vm = new Vm(wanted, slots), { vcpus, turns, mmioPages, earlier } = vm.inside;
  let at = 0;
  for (const { gpa, size, runs } of slots) {
    for (const [first, count] of loadRuns(runs, size)) {
      const end = at + count * 4096;
      if (end > pages.length) throw new SyntaxError("the snapshot is malformed: pages are missing");
      vm.memory.write(gpa + first * 4096, pages.subarray(at, end));
      at = end;
    }
  }
  if (at !== pages.length) {
    throw new SyntaxError("the snapshot is malformed: it has pages that belong nowhere");
  }
  loadHypervisor(vm, saved.fields("hypervisor"), { name: machine.hypervisor, backend: before.name });
  const states = saved.records("vcpus", vcpus.length, vcpus.length);
  vcpus.forEach((vcpu, i) => vcpu.loadAll(states[i]));
  turns.load(saved.fields("turns"));
  const controllers = saved.list("interrupts", vcpus.length);
  vcpus.forEach(({ controller }, i) => controller?.load(new SavedFields(controllers[i], `interrupts[${i}]`)));
  // What the other hypervisor had found out of its tables is not taken along: first touches are first ones again.
  if (backend === before) {
    mmioPages.load(rowsOfNumbers(saved.bytes("mmioPages"), 1, "a list of pages").map(([page]) => page));
  }
  vm.coalesced.load(saved.fields("coalesced"), [vm.ports, vm.mmio]);
  // Not there in a file that an earlier version wrote.
  if (saved.has("ioevents")) vm.ioevents.load(saved, "ioevents");
  if (options.ioevents) vm.ioevents.signalAs(options.ioevents);
  loadSymbols(vm, saved);
  for (const segment of saved.records("earlier", MOST_SEGMENTS)) {
    const known = backendOf(arch, machine.mode, segment.text("backend"));
    const exits = new Ledger(profileOf(segment));
    exits.load(segment.fields("exits"), known.reasons);
    earlier.push({ backend: known, hypervisor: segment.oneOf("hypervisor", NAMES), exits });
  }
  if (goesOn) vm.exits.load(saved.fields("exits"), backend.reasons);
  else {
    const halfway = vcpus.find(({ hasBegun }) => hasBegun);
    if (halfway) {
      throw new RangeError(
        `vCPU ${halfway.index} is in the middle of the instruction at 0x${
          halfway.pc.toString(16)
        }, whose exit is ` +
          `${before.name}'s under ${own.name}: let it be completed before going on under ${backend.name}, ${hypervisor} and ${profile.name}`,
      );
    }
    const exits = new Ledger(own);
    exits.load(saved.fields("exits"), before.reasons);
    earlier.push({ backend: before, hypervisor: machine.hypervisor, exits });
    vm.exits.record(exits.recording);
  }
  loadDevices(vm, saved, options.devices ?? []);
  const parts = saved.fields("parts");
  for (const name of parts.names) vm.parts.expect(name, parts.raw(name)!);
  return vm;
}

/** What a snapshot is of. Throws as `restoreVm` does. */
export function describeSnapshot(snapshot: Uint8Array): SnapshotInfo {
  const { state, pages } = readFile(snapshot);
  const saved = new SavedFields(state, "snapshot"), machine = readMachine(saved);
  const { arch, mode, order, backend, hypervisor, interrupts } = machine;
  const slots = saved.records("slots", MOST_SLOTS), vcpus = saved.records("vcpus", machine.vcpus);
  return {
    arch,
    mode,
    order,
    backend,
    hypervisor,
    profile: saved.fields("profile").text("name"),
    vcpus: machine.vcpus,
    interrupts,
    memory: { size: slots.reduce((sum, slot) => sum + slot.whole("size"), 0), kept: pages.length },
    instructions: vcpus.reduce((sum, vcpu) => sum + vcpu.whole("instructions"), 0),
    exits: saved.fields("exits").whole("count"),
    devices: saved.records("devices", MOST_DEVICES).map((device) => device.text("name")),
  };
}

/** The options that the VM was made with, but for its profile and its engine. */
function readMachine(saved: SavedFields) {
  const machine = saved.fields("machine");
  const optional = (name: string) => machine.has(name) ? machine.whole(name) : undefined;
  return {
    arch: machine.oneOf("arch", ["x86", "ppc"]),
    mode: machine.oneOf("mode", [16, 32, 64]),
    order: machine.oneOf("order", ["le", "be"]),
    backend: machine.text("backend"),
    hypervisor: machine.oneOf("hypervisor", NAMES),
    wrongHypercall: machine.oneOf("wrongHypercall", ["patch", "emulate", "reject"]),
    memory: optional("memory"),
    vcpus: machine.whole("vcpus", 64, 1),
    turn: optional("turn"),
    unclaimed: machine.oneOf("unclaimed", ["ones", "stop"]),
    interrupts: machine.flag("interrupts"),
    hostTick: optional("hostTick"),
  };
}

function profileOf(saved: SavedFields): CostProfile {
  try {
    return checkProfile(saved.raw("profile"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`the snapshot is malformed: ${why}`, { cause: error });
  }
}

function chosenProfile(
  own: CostProfile,
  isSameBackend: boolean,
  backend: Parameters<typeof defaultProfileName>[0],
  asked: string | CostProfile | undefined,
): CostProfile {
  const wanted = asked ?? (isSameBackend ? own : defaultProfileName(backend));
  const profile = typeof wanted === "string" ? loadProfile(wanted) : wanted;
  const rates = ["tscHz", "timebaseHz", "cyclesHz"] as const;
  if (rates.some((rate) => profile[rate] !== own[rate])) {
    throw new RangeError(
      `the VM cannot go on under ${profile.name}: its clocks run at other rates than those of ${own.name}, and the ` +
        `guest's time would jump`,
    );
  }
  return isSame(own, profile) ? own : profile;
}

function isSame(one: CostProfile, other: CostProfile): boolean {
  return one === other || JSON.stringify(one.data) === JSON.stringify(other.data);
}

/** Oldest first: of several names at one address the oldest counts. */
function symbolsOf({ symbols }: Vm): SavedState {
  const byName = new Map(symbols.list().map((one) => [one.name, one]));
  return symbols.names.map((name) => [name, byName.get(name)!.address, byName.get(name)!.size ?? 0n]);
}

function loadSymbols(vm: Vm, saved: SavedFields): void {
  for (const symbol of saved.list("symbols", MOST_SYMBOLS)) {
    const [name, address, size] = Array.isArray(symbol) ? symbol : [];
    if (typeof name !== "string" || typeof address !== "bigint" || typeof size !== "bigint") {
      throw new SyntaxError("the snapshot is malformed: a symbol that is none");
    }
    vm.symbols.add(name, address, size);
  }
}

function stateOf(device: Device): SavedState {
  return device.save ? device.save() : null;
}

function loadDevices(vm: Vm, saved: SavedFields, devices: readonly Device[]): void {
  const attachments = saved.records("devices", MOST_DEVICES).map((one) => ({
    saved: one,
    ...loadAttachment(one),
  }));
  const missing = attachments.filter(({ name }) => !devices.some((device) => device.name === name));
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(", ");
    throw new RangeError(`the snapshot has devices that were not given: ${names}`);
  }
  const states = attachments.flatMap(({ saved: one, name, place }) => {
    const device = devices.find((candidate) => candidate.name === name)!;
    vm.devices.addAt(device, place);
    const state = one.raw("state");
    if (state === null || state === undefined) return [];
    if (!device.load) {
      throw new TypeError(`the snapshot has a state of device ${name}, and this one has no load(state)`);
    }
    return [{ device, state }];
  });
  loadStates(states);
}

/** Loads all, or leaves all as they were: they may be those of a machine that goes on. */
function loadStates(states: readonly { readonly device: Device; readonly state: SavedState }[]): void {
  const before: (() => void)[] = [];
  try {
    for (const { device, state } of states) {
      const old = device.save!();
      before.push(() => device.load!(old));
      device.load!(state);
    }
  } catch (error) {
    for (const undo of before) undo();
    throw error;
  }
}

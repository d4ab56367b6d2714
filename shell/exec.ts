/** `exec GUEST`: one guest from a file, to its end; its console is standard output. */
import { basename } from "node:path";
import { showGuest } from "./commands/support/guest_progress.ts";
import { UserError } from "./errors.ts";
import { hex, toJson } from "./json.ts";
import { usedFigures } from "../emulator/exits/provenance.ts";
import type { LiveSession } from "./live_session.ts";
import type { Stop } from "./machine_types.ts";
import type { Settings } from "./session.ts";

export interface ExecOptions {
  readonly guest: string;
  /** Without these an ELF file says itself what machine it needs. */
  readonly arch?: "x86" | "ppc";
  readonly mode?: 16 | 32 | 64;
  /** Where to write the exits and cycles as JSON. */
  readonly stats?: string;
  /** Guest-physical address of a flat image. */
  readonly at?: string;
  /**
   * Guest instructions to run at most. Without it there is no limit, as a guest may be meant to run for long:
   * a guest that never ends is stopped by the session's signal (Ctrl-C), and where nobody can press it, as in CI,
   * this is what ends it.
   */
  readonly budget?: number;
  /** A debugger at this port lets the guest run; until it comes the guest stands at its first instruction. */
  readonly gdb?: number;
  /** Where a line goes that is not the guest's. */
  readonly tell?: (text: string) => void;
}

/** Ends that are the guest's own wish. A shutdown is none: the guest raised what it could not handle. */
const GOOD_ENDS = new Set(["HLT", "SYSTEM_EVENT"]);

/**
 * Loads and runs the guest, with its console on the session's `console`. Throws `UserError` for a file that cannot be read and for a stop other than
 * `HLT` or `SYSTEM_EVENT` (after the statistics are written), and what the loader throws for a bad image.
 */
export async function execGuest(session: LiveSession, options: ExecOptions): Promise<Stop> {
  const bytes = await readGuest(options.guest);
  await session.ready();
  // Sums are enough for the statistics, and rows of a long run would fill memory.
  session.configure({ recordRows: false, ...await machineFor(bytes, options) });
  nameHypervisor(session);
  const { vm } = session;
  const at = options.at === undefined ? {} : { at: session.evaluateNumber(options.at) };
  vm.load(bytes, at);
  const restart = () => {
    vm.reset();
    vm.load(bytes, at);
  };
  const debugged = options.gdb === undefined ? undefined : await underDebugger(session, options, restart);
  const stop = debugged ?? await runShown(session, options);
  if (options.stats !== undefined) {
    await Deno.writeTextFile(options.stats, `${toJson(statsOf(session, stop, options))}\n`);
  }
  if (!GOOD_ENDS.has(stop.reason)) {
    throw new UserError(`The guest stopped at ${hex(stop.pc)}: ${stop.reason}: ${stop.message}`);
  }
  return stop;
}

async function runShown(session: LiveSession, { guest, budget }: ExecOptions): Promise<Stop> {
  using _shown = showGuest(session, session.vm, basename(guest), budget);
  return await session.vm.run({ instructions: budget, signal: session.signal });
}

/** The guest's end, if it came to one before the debugger left it. */
async function underDebugger(
  session: LiveSession,
  { gdb, tell }: ExecOptions,
  restart: () => void,
): Promise<Stop | undefined> {
  const { debugGuest } = await import("./gdb/debug_guest.ts");
  return await debugGuest(session, { port: gdb, tell, restart });
}

/** A PowerPC guest looks for its hypervisor in the device tree, which a machine has whose hypervisor is named. */
function nameHypervisor(session: LiveSession): void {
  const { vm } = session;
  if (vm.arch === "ppc") session.configure({ hypervisor: vm.hypervisor.name });
}

/** The machine that an ELF file is for, unless the user has said. */
async function machineFor(bytes: Uint8Array, { arch, mode }: ExecOptions): Promise<Partial<Settings>> {
  if (arch !== undefined || mode !== undefined) return {};
  const { parseImage } = await import("../emulator/machine/loaders/detect.ts");
  const image = parseImage(bytes, { at: 0n });
  const { arch: itsArch, mode: itsMode, order } = image;
  return { ...(itsArch && { arch: itsArch }), ...(itsMode && { mode: itsMode }), ...(order && { order }) };
}

async function readGuest(file: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`The guest ${file} cannot be read: ${why}`, { cause: error });
  }
}

/** With several vCPUs also what each of them did, and which one stopped. */
function statsOf(session: LiveSession, stop: Stop, options: ExecOptions): unknown {
  const { vm } = session;
  const { vcpu, ...alone } = stop;
  const each = vm.vcpus.map(({ index, instructions, cycles, idleCycles }) => ({
    index,
    instructions,
    cycles,
    idleCycles,
  }));
  const several = vm.vcpus.length > 1;
  return {
    guest: basename(options.guest),
    arch: vm.arch,
    mode: vm.mode,
    order: vm.isa.order,
    backend: vm.backend.name,
    profile: vm.profile.name,
    stop: several ? { ...alone, vcpu } : alone,
    ...(several && { vcpus: each }),
    instructions: vm.vcpus.reduce((sum, vcpu) => sum + vcpu.instructions, 0),
    // Clocks run side by side.
    cycles: Math.max(...vm.vcpus.map(({ cycles }) => cycles)),
    totals: vm.exits.totals(),
    exits: vm.exits.aggregates(),
    clock: vm.profile.frequency,
    figures: usedFigures(vm.profile, vm.exits.aggregates()),
  };
}

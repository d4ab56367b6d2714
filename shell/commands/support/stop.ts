/** What a command that ran the guest tells afterwards. */
import type { ExitRow } from "../../../emulator/exits/row.ts";
import type { Session } from "../../session.ts";
import type { Stop, VirtualCpu } from "../../machine_types.ts";
import type { ListingLine } from "../../reports/listing.ts";
import type { RegisterRow } from "../../reports/register_table.ts";
import { PART, registerRows } from "../registers.ts";
import { codeAddress, codeAt } from "./code.ts";
import { contextOf } from "./context.ts";
import { type DisplayData, showDisplays } from "./displays.ts";
import { type Result, stackPointer } from "./flow.ts";
import { type Cost, startMeter } from "./measure.ts";
import { patiently } from "./patience.ts";
import { sourceAt, type SourceData } from "./source_files.ts";
import { noteRegisters, stateOf } from "./state.ts";
import { nameOf } from "./symbols.ts";

export interface StopData {
  readonly stop: Stop;
  /** How many vCPUs the machine has. */
  readonly vcpus: number;
  /** Symbol at `stop.pc`, e.g. `loop+0x4`. */
  readonly symbol?: string;
  /** The source line of `stop.pc`, where it is known. */
  readonly source?: SourceData;
  /** The instruction at `stop.pc`, if there is one. */
  readonly code?: ListingLine;
  /** Instructions from there on, as many as `context` says. */
  readonly listing: readonly ListingLine[];
  /** The top of the stack, as many words as `context` says. */
  readonly stack: readonly StackWord[];
  /** Enabled breakpoints in the listing. */
  readonly breakpoints: readonly bigint[];
  /** What `display` asks for. */
  readonly displays: readonly DisplayData[];
  /** Set where the guest went back and not on: how many instructions, and nothing was spent. */
  readonly back?: number;
  /** What a function returned that `finish` has left. */
  readonly returned?: Result;
  /** Registers that this run changed. */
  readonly changed: readonly RegisterRow[];
  /** The last exit of this run, if rows are recorded. */
  readonly last?: ExitRow;
  readonly cost: Cost;
  /** Set where the run ended because of a limit that the user did not give: how to raise it. */
  readonly hint?: string;
}

/** A word on the stack. */
export interface StackWord {
  readonly address: bigint;
  readonly value: bigint;
  /** The symbol that the value points to. */
  readonly symbol?: string;
}

/** Names of the program counter, which changes always. */
const COUNTERS = new Set(["rip", "eip", "ip", "pc", "nip"]);

/** Runs the guest by `go`, for at most so many `instructions`, and collects what is to be told about it. */
export async function runGuest(
  session: Session,
  go: (signal: AbortSignal) => Promise<Stop>,
  hint?: (stop: Stop) => string | undefined,
  instructions?: number,
): Promise<StopData> {
  const { vm } = session;
  noteRegisters(session);
  const meter = startMeter(vm);
  const run = () => patiently(session, vm, go, instructions);
  const stop = stateOf(session).records
    ? await (await import("./recorder.ts")).recorded(session, run)
    : await run();
  if (stop.vcpu !== session.vcpu.index) {
    session.selectVcpu(stop.vcpu);
    // Nothing of this one's was noted.
    stateOf(session).before = undefined;
  }
  return describeStop(session, stop, meter(), hint?.(stop));
}

/** What is to be told about a stop of the session's machine. */
export function describeStop(session: Session, stop: Stop, cost: Cost, text?: string): StopData {
  const { vm } = session;
  stateOf(session).disassembleNext = stateOf(session).listNext = undefined;
  const address = codeAddress(session.vcpu, stop.pc);
  const symbol = nameOf(vm, address);
  const settings = contextOf(session), source = sourceAt(session, address);
  const lines = codeAt(vm, address, Math.max(1, settings.code), session.vcpu), code = lines.at(0);
  const last = cost.exits > 0 ? vm.exits.rows.at(-1) : undefined;
  return {
    stop,
    vcpus: vm.vcpus.length,
    ...(symbol !== undefined && { symbol }),
    ...(source !== undefined && { source }),
    ...(code !== undefined && { code }),
    listing: lines.slice(0, settings.code),
    stack: stackWords(session, settings.stack),
    // In real mode a breakpoint is an offset.
    breakpoints: vm.breakpoints.list().filter(({ enabled }) => enabled).map(({ address }) =>
      session.vcpu.fetchAddress(address)
    ),
    displays: showDisplays(session),
    changed: registerRows(session).filter(({ name, group, changed }) =>
      changed && group !== PART && !COUNTERS.has(name)
    ),
    ...(last !== undefined && { last }),
    cost,
    ...(text !== undefined && { hint: text }),
  };
}

/** Words from the stack pointer up, until there is no more memory. */
function stackWords({ vm, vcpu }: Session, count: number): StackWord[] {
  const { isa, arch, mode } = vm, size = arch === "x86" && mode === 16 ? 2 : isa.addressWidth / 8;
  const words: StackWord[] = [], top = stackAddress(vcpu, size);
  for (let i = 0; i < count; i++) {
    const address = top + BigInt(i * size);
    let bytes: Uint8Array;
    try {
      bytes = vcpu.readMemory(address, size);
    } catch {
      break;
    }
    const value = BigInt(`0x${(isa.order === "le" ? bytes.reverse() : bytes).toHex()}`);
    const symbol = nameOf(vm, value);
    words.push({ address, value, ...(symbol !== undefined && { symbol }) });
  }
  return words;
}

/** In real mode the stack segment's base is added. */
function stackAddress(vcpu: VirtualCpu, size: number): bigint {
  const pointer = stackPointer(vcpu);
  if (size !== 2 || !vcpu.registers.has("ss")) return pointer;
  return vcpu.registers.get("ss") * 16n + (pointer & 0xffffn);
}

/** What a command that ran the guest tells afterwards. */
import type { ExitRow } from "../../../emulator/exits/row.ts";
import type { Session } from "../../session.ts";
import type { Stop } from "../../machine_types.ts";
import type { ListingLine } from "../../reports/listing.ts";
import type { RegisterRow } from "../../reports/register_table.ts";
import { PART, registerRows } from "../registers.ts";
import { codeAddress, codeAt } from "./code.ts";
import { type Cost, startMeter } from "./measure.ts";
import { patiently } from "./patience.ts";
import { noteRegisters, stateOf } from "./state.ts";
import { nameOf } from "./symbols.ts";

export interface StopData {
  readonly stop: Stop;
  /** How many vCPUs the machine has. */
  readonly vcpus: number;
  /** Symbol at `stop.pc`, e.g. `loop+0x4`. */
  readonly symbol?: string;
  /** The instruction at `stop.pc`, if there is one. */
  readonly code?: ListingLine;
  /** Registers that this run changed. */
  readonly changed: readonly RegisterRow[];
  /** The last exit of this run, if rows are recorded. */
  readonly last?: ExitRow;
  readonly cost: Cost;
  /** Set where the run ended because of a limit that the user did not give: how to raise it. */
  readonly hint?: string;
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
  const stop = await patiently(session, vm, go, instructions);
  if (stop.vcpu !== session.vcpu.index) {
    session.selectVcpu(stop.vcpu);
    // Nothing of this one's was noted.
    stateOf(session).before = undefined;
  }
  stateOf(session).disassembleNext = undefined;
  const address = codeAddress(session.vcpu, stop.pc);
  const symbol = nameOf(vm, address);
  const [code] = codeAt(vm, address, 1);
  const cost = meter();
  const last = cost.exits > 0 ? vm.exits.rows.at(-1) : undefined;
  const text = hint?.(stop);
  return {
    stop,
    vcpus: vm.vcpus.length,
    ...(symbol !== undefined && { symbol }),
    ...(code !== undefined && { code }),
    changed: registerRows(session).filter(({ name, group, changed }) =>
      changed && group !== PART && !COUNTERS.has(name)
    ),
    ...(last !== undefined && { last }),
    cost,
    ...(text !== undefined && { hint: text }),
  };
}

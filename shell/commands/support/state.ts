/**
 * What the commands remember between lines, for each session apart: kept beside the session and not in
 * it, so that it goes when the session goes and no other layer depends on it.
 */
import type { Session } from "../../session.ts";
import type { Vm } from "../../machine_types.ts";
import { DEFAULT_FORMAT, type ExamineFormat } from "./examine_format.ts";

export interface CommandState {
  /** Format and next address of `x`, so that `x` alone goes on. */
  examine: { format: ExamineFormat; next?: bigint };
  /** Where `disasm` without an address goes on; undefined: at the program counter. */
  disassembleNext?: bigint;
  /** Where `list` without a place goes on; undefined: at the program counter. */
  listNext?: { readonly file: string; readonly line: number };
  /** Where `asm` puts its next line. */
  assembleAt?: bigint;
  /** Where the guest that `load` or `asm` brought begins; undefined before there is one. */
  entry?: bigint;
  /** Runs are recorded, so that one can go back: see `recorder.ts`, which is loaded only then. */
  records?: boolean;
  /** Registers as they were before the guest ran last. */
  before?: ReadonlyMap<string, bigint>;
}

interface Entry {
  readonly vm: Vm;
  readonly state: CommandState;
}

const states = new WeakMap<Session, Entry>();

/** The state for the session's present machine; a new machine starts afresh. */
export function stateOf(session: Session): CommandState {
  const vm = session.vm;
  const entry = states.get(session);
  if (entry !== undefined && entry.vm === vm) return entry.state;
  const state: CommandState = { examine: { format: DEFAULT_FORMAT } };
  states.set(session, { vm, state });
  return state;
}

/** Keeps the state of one machine for the one that has taken its place and is the same at another time. */
export function keepState(session: Session, state: CommandState): void {
  states.set(session, { vm: session.vm, state });
}

/** The registers of the selected vCPU by name. */
export function registersNow(session: Session): ReadonlyMap<string, bigint> {
  return new Map(session.vcpu.registers.list().map((r) => [r.name, r.value]));
}

/** Notes the registers, so that what changes from here on can be marked. */
export function noteRegisters(session: Session): void {
  stateOf(session).before = registersNow(session);
}

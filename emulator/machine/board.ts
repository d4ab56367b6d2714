/** What a vCPU shares with the rest of its VM. */
import type { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import type { FlatMemory } from "../engine/flat_memory.ts";
import type { NativeReason } from "../engine/native_reason.ts";
import type { Ledger } from "../exits/ledger.ts";
import type { SymbolTable } from "../isa/symbols.ts";
import type { Bus } from "./bus.ts";
import type { Changes } from "./changes.ts";
import type { CoalescedZones } from "./coalesced.ts";
import type { Noticed } from "./debug/debug_unit.ts";
import type { Devices } from "./devices.ts";
import type { HypercallTable } from "./hypercalls.ts";
import type { IoEvents } from "./io_events.ts";
import type { HypervisorState, Personality, WrongHypercall } from "./hypervisors/hypervisor.ts";
import type { GuestMemory } from "./memory.ts";
import type { TrapHandler } from "./traps.ts";

/** Who holds something derived from guest memory: decoded code, translations. */
export interface Watch {
  /** Whether a store to this place in linear memory has to be told to `written`. */
  isWatched(place: number): boolean;
  /** Linear memory was changed. Answers whether that changed a table that addresses are translated by. */
  written(place: number, length: number): boolean;
  /** A vCPU set bits of a table itself, which changes no translation, but code that was decoded from there. */
  marked(place: number): void;
  /** Something has been derived from the page of this place: stores to it are noticed from now on. */
  watch(place: number): void;
  /** A store to this place that need not be told to anybody was: others to its page go unnoticed from now on. */
  open(place: number): void;
}

export interface Board {
  readonly arena: Arena;
  readonly flat: FlatMemory;
  readonly backend: Backend;
  readonly memory: GuestMemory;
  readonly ports: Bus;
  readonly mmio: Bus;
  /** What the kernel half completes by itself: matched writes, and gathered ones. */
  readonly ioevents: IoEvents;
  readonly coalesced: CoalescedZones;
  readonly hypercalls: HypercallTable;
  /** Of the buses, of what the kernel half completes, of the hypercalls, of the memory slots. */
  readonly changes: Changes;
  readonly devices: Devices;
  /** What the guest takes the hypervisor for. */
  readonly hypervisor: Personality;
  readonly hypervisorState: HypervisorState;
  /** How PowerPC's calls of the hypervisor come out, where not as the system calls that they are. */
  readonly callReason: NativeReason | undefined;
  /** What becomes of the other vendor's hypercall instruction. */
  readonly wrongHypercall: WrongHypercall;
  readonly exits: Ledger;
  readonly symbols: SymbolTable;
  /** What an access gets that nobody claims: all ones, or the end of the run. */
  readonly unclaimed: "ones" | "stop";
  /** How many vCPUs there are. */
  readonly vcpus: number;
  /** Virtual time of the vCPU that executed last: the time of what the others are told by it, or from outside. */
  now(): number;
  /** That vCPU's index. */
  acting(): number;
  /** Does what may make the interrupt controller ask other vCPUs than the one whose exit this is. */
  signal<T>(act: () => T): T;
  /** Whether a page's first MMIO access has been seen (then it is now). */
  touchMmioPage(page: number): boolean;
  readonly watch: Watch;
  /** Watchpoints and catchpoints. */
  readonly debug: Noticed;
  /** By trap number, which all ISAs of an architecture share. */
  readonly traps: readonly TrapHandler[];
}

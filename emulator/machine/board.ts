/** What a vCPU shares with the rest of its VM. */
import type { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import type { Ledger } from "../exits/ledger.ts";
import type { Isa } from "../isa/isa.ts";
import type { SymbolTable } from "../isa/symbols.ts";
import type { Bus } from "./bus.ts";
import type { HypercallTable } from "./hypercalls.ts";
import type { GuestMemory } from "./memory.ts";
import type { TrapHandler } from "./traps.ts";

export interface Board {
  readonly isa: Isa;
  readonly arena: Arena;
  readonly backend: Backend;
  readonly memory: GuestMemory;
  readonly ports: Bus;
  readonly mmio: Bus;
  readonly hypercalls: HypercallTable;
  readonly exits: Ledger;
  readonly symbols: SymbolTable;
  /** What an access gets that nobody claims: all ones, or the end of the run. */
  readonly unclaimed: "ones" | "stop";
  /** Whether a page's first MMIO access has been seen (then it is now). */
  touchMmioPage(page: number): boolean;
  /** By trap number of the ISA. */
  readonly traps: readonly TrapHandler[];
}

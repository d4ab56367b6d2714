/**
 * The engines of a VM's vCPUs: how one is made when its vCPU has something to execute, and what all of them are told.
 * What an engine or a vCPU has derived from guest memory, decoded code and translations, is forgotten here when memory
 * changes under it.
 */
import type { Arena } from "../engine/arena.ts";
import { type Engine, InterpreterEngine } from "../engine/engine.ts";
import type { RegionPolicy } from "../engine/hot_code.ts";
import type { FlatMemory } from "../engine/flat_memory.ts";
import { OracleEngine } from "../engine/oracle_engine.ts";
import { clearTlb, protectFromWrites } from "../engine/tlb.ts";
import type { Watch } from "./board.ts";
import type { Breakpoint } from "./debug/breakpoints.ts";
import { REACH } from "./processor.ts";
import type { Vcpu } from "./vcpu.ts";

const PAGE = 4096;

/** What engines are made of, beside their vCPUs. */
export interface EngineParts {
  readonly kind: "interpreter" | "oracle";
  readonly regions: RegionPolicy;
  /** Bytes that decoded code may take. */
  readonly decodedBytes: number | undefined;
  readonly arena: Arena;
  readonly flat: FlatMemory;
  /** Whether no access to memory is watched for. */
  isUnwatched(): boolean;
  /** Cycles of an instruction, as the profile has them now. */
  costOf(cycleClass: string): number;
  /** Where runs stop. */
  breakpoints(): readonly Breakpoint[];
}

export class Engines implements Watch {
  readonly #parts: EngineParts;
  /** None while the VM is being built. */
  #vcpus: readonly Vcpu[] = [];

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Makes the engines of these vCPUs from now on. */
  serve(vcpus: readonly Vcpu[]): void {
    this.#vcpus = vcpus;
    for (const vcpu of vcpus) vcpu.makeEngine = () => this.#make(vcpu);
    this.clearTlbs();
  }

  /** Instruction costs, the layout of memory or everything else changed. */
  flush(): void {
    this.#each((engine) => engine.flush());
  }

  /** What compiled code reaches by itself is asked for anew. */
  clearTlbs(): void {
    // A vCPU that never ran has not touched its own yet: its engine will clear it.
    for (const vcpu of this.#vcpus) if (vcpu.engineSoFar) clearTlb(vcpu.state, this.#flatBytes(vcpu));
  }

  /** Tells engines of breakpoints that they have not. Those that they have on top they find out by themselves. */
  breakpointsChanged(): void {
    this.#each((engine) => {
      if (this.#addStops(engine)) engine.stopsChanged();
    });
  }

  isWatched(place: number): boolean {
    return this.#vcpus.some((vcpu) => vcpu.engineSoFar?.isCode(place) || vcpu.code.isTable(place));
  }

  written(place: number, length: number): boolean {
    let changed = false;
    for (const vcpu of this.#vcpus) {
      vcpu.engineSoFar?.invalidate(place, length);
      for (let at = place - place % PAGE; at < place + length; at += PAGE) {
        if (!vcpu.code.isTable(at)) continue;
        vcpu.translationChanged();
        changed = true;
      }
    }
    return changed;
  }

  marked(place: number): void {
    this.#each((engine) => engine.invalidate(place, 1));
  }

  watch(place: number): void {
    const page = place - place % PAGE;
    this.#parts.flat.mark(page, page + PAGE);
    this.#protect(place);
  }

  open(place: number): void {
    const { flat } = this.#parts;
    if (flat.isMarked(place)) flat.open(place, this.isWatched(place + PAGE));
  }

  #protect(place: number): void {
    for (const { state } of this.#vcpus) protectFromWrites(state, place);
  }

  /** Bytes from address 0 on that a vCPU's compiled code may reach by itself. */
  #flatBytes({ translation }: Vcpu): number {
    const { flat, isUnwatched } = this.#parts;
    return !translation?.maps && isUnwatched() ? flat.size : 0;
  }

  #make(vcpu: Vcpu): Engine {
    const { kind, regions, decodedBytes, arena, flat, costOf } = this.#parts;
    const setup = {
      isa: vcpu.isa,
      executed: vcpu.instructions,
      arena,
      state: vcpu.state,
      host: vcpu,
      regions,
      decodedBytes,
      codeAt: (address: bigint) => vcpu.code.placeOf(address),
      codeRange: (start: number, end: number, first: boolean) => {
        flat.mark(start, end);
        if (first) this.#protect(start);
      },
      flat,
      flatBytes: () => this.#flatBytes(vcpu),
      translated: () => vcpu.translation?.active(REACH.fetch) === true,
      costOf,
      wordsOf: (trap: number) => vcpu.board.traps[trap].dependsOn,
    };
    const engine = kind === "oracle" ? new OracleEngine(setup) : new InterpreterEngine(setup);
    this.#addStops(engine);
    return engine;
  }

  #each(f: (engine: Engine) => void): void {
    for (const { engineSoFar } of this.#vcpus) if (engineSoFar) f(engineSoFar);
  }

  /** Whether there was one that the engine had not. */
  #addStops({ stops }: Engine): boolean {
    const before = stops.pcs.size + stops.linear.size;
    for (const { address, linear } of this.#parts.breakpoints()) {
      (linear ? stops.linear : stops.pcs).add(address);
    }
    return stops.pcs.size + stops.linear.size > before;
  }
}

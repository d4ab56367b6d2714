/**
 * Regions by the addresses of their entries, so that one goes on in another without TypeScript: a function looks the address
 * up, calls the region there, and looks again when that one leaves for an address that it does not hold itself.
 */
import { STATE } from "../ir/layout.ts";
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa } from "../isa/isa.ts";
import { ModuleWriter } from "../wasm/module_writer.ts";
import type { Arena } from "./arena.ts";
import { emptyTag, hashOffset, tagOf } from "./block_hash.ts";
import { LEFT } from "./interpreter_module.ts";
import type { Region, RegionFunction } from "./region.ts";
import { lookUp, REGION_HASH } from "./region_hash.ts";

/** Regions at a time. */
export const MOST_REGIONS = 1024;

/**
 * Offset in the state area of a u32: the number of the region that was left last, and 1, if it was left by a branch to a
 * computed address; else 0.
 */
export const LEFT_REGION = TLB.end + 8;

export class RegionTable {
  /** Place of the hash. */
  readonly hash: number;
  /** `run(cpu)`: from region to region, beginning with the one at `STATE.pc`; the status of the last one. */
  readonly run: (cpu: number) => number;
  readonly #arena: Arena;
  readonly #functions = new WebAssembly.Table({ element: "anyfunc", initial: MOST_REGIONS });
  readonly #free = Array.from({ length: MOST_REGIONS }, (_, i) => MOST_REGIONS - 1 - i);
  readonly #filled = new Set<number>();

  constructor(isa: Isa, arena: Arena) {
    this.#arena = arena;
    this.hash = arena.allocate(REGION_HASH.entries * REGION_HASH.entrySize);
    // Memory is new: all the others' tags are 0 already.
    this.#empty(this.hash);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(linkerBytes(isa, this.hash)), {
      env: { memory: arena.memory, table: this.#functions },
    });
    this.run = instance.exports.run as (cpu: number) => number;
  }

  /** A place for a region that is about to be compiled. */
  reserve(): number {
    const own = this.#free.pop();
    if (own === undefined) throw new RangeError(`there are ${MOST_REGIONS} regions already`);
    return own;
  }

  /** Puts a region where it was promised to be. */
  set(own: number, run: RegionFunction): void {
    this.#functions.set(own, run);
  }

  release(own: number): void {
    this.#functions.set(own, null);
    this.#free.push(own);
  }

  /** Lets a region be found by its entries. One that another had at the same place of the table is found no more. */
  show(own: number, { entries, codeBase }: Region): void {
    const { view } = this.#arena;
    for (const [pc, block] of entries) {
      const at = this.#entryOf(pc + codeBase);
      view.setBigUint64(at + REGION_HASH.tag, tagOf(pc, pc + codeBase), true);
      view.setUint32(at + REGION_HASH.region, own, true);
      view.setUint32(at + REGION_HASH.block, block, true);
      this.#filled.add(at);
    }
  }

  hide(own: number, { entries, codeBase }: Region): void {
    for (const pc of entries.keys()) {
      const at = this.#entryOf(pc + codeBase);
      if (this.#filled.has(at) && this.#arena.view.getUint32(at + REGION_HASH.region, true) === own) {
        this.#empty(at);
      }
    }
  }

  hideAll(): void {
    for (const at of this.#filled) this.#empty(at);
  }

  #entryOf(linear: bigint): number {
    return this.hash + hashOffset(Number(BigInt.asUintN(32, linear)));
  }

  #empty(at: number): void {
    this.#filled.delete(at);
    const tag = emptyTag((at - this.hash) / REGION_HASH.entrySize);
    this.#arena.view.setBigUint64(at + REGION_HASH.tag, tag, true);
  }
}

function linkerBytes(isa: Isa, hash: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter();
  module.importTable("env", "table", MOST_REGIONS);
  const { code } = module.define({ parameters: ["i32"], results: ["i32"] }, "run");
  const region = module.type({ parameters: ["i32", "i32", "i32"], results: ["i32"] });
  const cpu = 0, pc = code.local("i64"), entry = code.local("i32"), status = code.local("i32");
  code.i32(LEFT.miss).set(status);
  const leave = code.block();
  const again = code.loop();
  code.get(cpu).memory("i64.load", STATE.pc).set(pc);
  lookUp(code, { pushCpu: () => code.get(cpu), pc, entry }, hash, isa.codeBase);
  code.op("i32.eqz").branchIf(leave);
  code.get(cpu);
  code.get(cpu).memory("i32.load", STATE.left);
  code.get(entry).memory("i32.load", REGION_HASH.block);
  code.get(entry).memory("i32.load", REGION_HASH.region);
  code.callIndirect(region);
  code.tee(status).i32(LEFT.miss).op("i32.eq").branchIf(again);
  code.end().end();
  code.get(status);
  return module.finish();
}

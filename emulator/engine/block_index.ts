/** Which blocks were decoded from a place in linear memory: chains through their heads, by the place. */
import type { Arena } from "./arena.ts";
import { HEAD } from "./record.ts";
import { type Chunk, contains } from "./record_space.ts";

/** Chains at first. */
const FIRST = 2 ** 10;
/** What is regular in places shall not meet in one chain (Knuth). */
const SPREAD = 0x9e37_79b1;

export class BlockIndex {
  readonly #arena: Arena;
  /** Heads that chains begin with. */
  #chains = new Uint32Array(FIRST);
  #size = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  add(head: number): void {
    if (this.#size++ >= this.#chains.length) this.#grow();
    this.#put(head);
  }

  /** The first block of whose place `isIt`, or 0. */
  find(place: number, isIt: (head: number) => boolean): number {
    const { view } = this.#arena;
    for (let at = this.#chains[this.#chainOf(place)]; at !== 0; at = this.#next(at)) {
      if (view.getUint32(at + HEAD.code, true) === place && isIt(at)) return at;
    }
    return 0;
  }

  remove(head: number): void {
    this.#filter(this.#chainOf(this.#arena.view.getUint32(head + HEAD.code, true)), (at) => at !== head);
  }

  /** Removes all blocks of a chunk. */
  removeIn(chunk: Chunk): void {
    for (let i = 0; i < this.#chains.length; i++) this.#filter(i, (at) => !contains(chunk, at));
  }

  clear(): void {
    this.#chains = new Uint32Array(FIRST);
    this.#size = 0;
  }

  #filter(chain: number, stays: (head: number) => boolean): void {
    let last = 0;
    for (let at = this.#chains[chain]; at !== 0; at = this.#next(at)) {
      if (stays(at)) last = at;
      else {
        this.#size--;
        if (last === 0) this.#chains[chain] = this.#next(at);
        else this.#arena.view.setUint32(last + HEAD.nextAlike, this.#next(at), true);
      }
    }
  }

  #put(head: number): void {
    const { view } = this.#arena, chain = this.#chainOf(view.getUint32(head + HEAD.code, true));
    view.setUint32(head + HEAD.nextAlike, this.#chains[chain], true);
    this.#chains[chain] = head;
  }

  #grow(): void {
    const before = this.#chains;
    this.#chains = new Uint32Array(2 * before.length);
    for (const first of before) {
      for (let at = first; at !== 0;) {
        const next = this.#next(at);
        this.#put(at);
        at = next;
      }
    }
  }

  #next(head: number): number {
    return this.#arena.view.getUint32(head + HEAD.nextAlike, true);
  }

  #chainOf(place: number): number {
    return Math.imul(place, SPREAD) >>> 32 - Math.log2(this.#chains.length);
  }
}

/** The live blocks on each page of linear memory that code was decoded from: chains through their tails. */
import { TLB } from "../ir/tlb_layout.ts";
import type { Arena } from "./arena.ts";
import { BLOCK_IS, HEAD, MOST_CODE, TAIL, UNIT } from "./record.ts";
import { type Chunk, contains } from "./record_space.ts";

const PAGE = 2 ** TLB.pageBits;

/** Chains are of blocks that begin in the same line of so many bytes: few. */
const LINE = 64, LINES = PAGE / LINE;
/** Lines that a block may begin before what it still holds. */
const REACH = Math.ceil(MOST_CODE / LINE);

/** A page of linear memory that holds live blocks. */
interface CodePage {
  /** Each line's first head, or 0. */
  readonly lines: Uint32Array;
  /** Blocks in all chains. */
  count: number;
  /** Blocks that begin on the page before. */
  readonly reachInto: Set<number>;
  /** Stores to it that changed no code. */
  spared: number;
}

export class CodePages {
  readonly #arena: Arena;
  /** By number. */
  readonly #pages = new Map<number, CodePage>();
  /** Where the rest of a block's code lies, if its instruction crosses into another page. */
  readonly #second = new Map<number, number>();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Whether there is live code on the page of a place. */
  has(place: number): boolean {
    return this.#pages.has(pageOf(place));
  }

  /** Notes where the rest of a block's code is. */
  cross(head: number, second: number): void {
    this.#second.set(head, second);
  }

  secondOf(head: number): number {
    return this.#second.get(head)!;
  }

  /** Each range of bytes that the code of a block lies in. */
  eachRange(head: number, look: (start: number, end: number) => void): void {
    const { view } = this.#arena;
    const start = view.getUint32(head + HEAD.code, true), length = view.getUint8(head + HEAD.codeBytes);
    if ((view.getUint8(head + HEAD.flags) & BLOCK_IS.crossing) === 0) return look(start, start + length);
    const onPage = PAGE - start % PAGE, second = this.secondOf(head);
    look(start, start + onPage);
    look(second, second + length - onPage);
  }

  /** A block that was not live is. */
  add(head: number): void {
    const { view } = this.#arena, place = view.getUint32(head + HEAD.code, true);
    const page = this.#pageFor(place), line = lineOf(place);
    view.setUint32(this.#tailOf(head) + TAIL.nextOnLine, page.lines[line], true);
    page.lines[line] = head;
    page.count++;
    const flags = view.getUint8(head + HEAD.flags);
    view.setUint8(head + HEAD.flags, flags | BLOCK_IS.live);
    if (flags & BLOCK_IS.crossing) this.#pageFor(this.secondOf(head)).reachInto.add(head);
  }

  /**
   * The live blocks that have any of these bytes in their code, all of one page. If there are none, but stores to the page came
   * `limit` times: all that are on it.
   */
  changedBy(from: number, to: number, limit: number): number[] {
    const page = this.#pages.get(pageOf(from)), hit: number[] = [];
    if (!page) return hit;
    const { view } = this.#arena;
    for (let line = Math.max(0, lineOf(from) - REACH); line <= lineOf(to - 1); line++) {
      for (let at = page.lines[line]; at !== 0; at = this.#nextOf(at)) {
        const start = view.getUint32(at + HEAD.code, true);
        if (start < to && from < start + view.getUint8(at + HEAD.codeBytes)) hit.push(at);
      }
    }
    for (const head of page.reachInto) {
      this.eachRange(head, (start, end) => void (start < to && from < end && hit.push(head)));
    }
    return hit.length > 0 || ++page.spared < limit ? hit : this.#blocksOn(page);
  }

  #blocksOn({ lines, reachInto }: CodePage): number[] {
    const blocks = [...reachInto];
    for (const first of lines) for (let at = first; at !== 0; at = this.#nextOf(at)) blocks.push(at);
    return blocks;
  }

  /** Live blocks are live no more. */
  remove(heads: readonly number[]): void {
    const { view } = this.#arena;
    for (const head of heads) {
      const place = view.getUint32(head + HEAD.code, true), flags = view.getUint8(head + HEAD.flags);
      view.setUint8(head + HEAD.flags, flags & ~BLOCK_IS.live);
      this.#unchain(head, place);
      if (flags & BLOCK_IS.crossing) {
        const second = this.secondOf(head);
        this.#pages.get(pageOf(second))?.reachInto.delete(head);
        this.#dropIfEmpty(second);
      }
      this.#dropIfEmpty(place);
    }
  }

  /** A block is gone for good. */
  forget(head: number): void {
    this.#second.delete(head);
  }

  /** All blocks of a chunk are gone for good; none of them is live. */
  forgetIn(chunk: Chunk): void {
    for (const head of this.#second.keys()) if (contains(chunk, head)) this.#second.delete(head);
  }

  clear(): void {
    this.#pages.clear();
    this.#second.clear();
  }

  #unchain(head: number, place: number): void {
    const page = this.#pages.get(pageOf(place))!, line = lineOf(place), next = this.#nextOf(head);
    page.count--;
    if (page.lines[line] === head) page.lines[line] = next;
    else {
      let last = page.lines[line];
      while (this.#nextOf(last) !== head) last = this.#nextOf(last);
      this.#arena.view.setUint32(this.#tailOf(last) + TAIL.nextOnLine, next, true);
    }
  }

  #dropIfEmpty(place: number): void {
    const page = this.#pages.get(pageOf(place));
    if (page && page.count === 0 && page.reachInto.size === 0) this.#pages.delete(pageOf(place));
  }

  #pageFor(place: number): CodePage {
    const number = pageOf(place);
    let page = this.#pages.get(number);
    if (!page) {
      this.#pages.set(
        number,
        page = { lines: new Uint32Array(LINES), count: 0, reachInto: new Set(), spared: 0 },
      );
    }
    return page;
  }

  #nextOf(head: number): number {
    return this.#arena.view.getUint32(this.#tailOf(head) + TAIL.nextOnLine, true);
  }

  #tailOf(head: number): number {
    return head + this.#arena.view.getUint8(head + HEAD.toTail) * UNIT;
  }
}

function lineOf(place: number): number {
  return place % PAGE / LINE | 0;
}

export function pageOf(place: number): number {
  return Math.floor(place / PAGE);
}

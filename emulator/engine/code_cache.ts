/**
 * Decoded blocks in linear memory: the hash that compiled code finds them by, and which bytes they were decoded from. A block
 * whose code is changed is found no more; of the one that is being run the rest is struck out, so that it notices even in the
 * middle. A block that was given up is used again once its bytes are what they were.
 */
import { STATE } from "../ir/layout.ts";
import { TLB } from "../ir/tlb_layout.ts";
import type { Decoded, Isa } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import { BlockHash, tagOf } from "./block_hash.ts";
import { BlockIndex } from "./block_index.ts";
import { type Block, BlockWriter, type Decoding } from "./block_writer.ts";
import { CodePages, pageOf } from "./code_pages.ts";
import { DecodeMemo } from "./decode_memo.ts";
import { type CodeAt, decodeAt, type NoInstruction } from "./fetch.ts";
import { BLOCK_IS, EPOCH, HEAD, LINK_EPOCH, LINK_SOUGHT, mostBytes, TAIL, UNIT, unitsFor } from "./record.ts";
import { RecordSpace } from "./record_space.ts";
import type { CpuState } from "./state.ts";
import type { Stops } from "./stops.ts";

export type { Block };

/**
 * Instructions in a block, at most: what one budget check covers. Code seldom has more without a branch; where it is
 * entered at many of its instructions, as after faults, each entry makes a block of the rest.
 */
const BLOCK_LIMIT = 16;
/** Cycles of a block of several instructions: what a record has room for. */
const MOST_CYCLES = 65_535;
/** Bytes of blocks whose code has changed before all are dropped, where they are half of all. */
const MOST_LOST = 2 ** 20;
const PAGE = 2 ** TLB.pageBits;
/** Stores to a page beside its code, each of which the host has to look at, before the page is taken for data. */
const SPARED_LIMIT = 256;

/** Where blocks come from and what they cost. */
export interface CodeSource extends CodeAt {
  /** Cycles that an instruction of this class costs (whole, below 65,536). */
  costOf(cycleClass: string): number;
  /** What no block may run past. */
  readonly stops: Stops;
  /** Compiled code is being executed: it has to be told of what is given up. */
  readonly running: boolean;
  /** Bytes of linear memory on one page have become code; `first` if the page held none. */
  codeRange(start: number, end: number, first: boolean): void;
  /** Forgets all that was decoded, in every mode. */
  flush(): void;
}

/** Bytes in linear memory, on one page. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** A link without a block, as of an epoch, and the address that it leads to. */
export interface SoughtLink {
  readonly place: number;
  readonly epoch: number;
  readonly pc: bigint;
  readonly linear: bigint;
}

export class CodeCache {
  readonly #isa: Isa;
  readonly #arena: Arena;
  readonly #state: CpuState;
  readonly #source: CodeSource;
  readonly #writer: BlockWriter;
  readonly #memo: DecodeMemo;
  /** The bytes that are being decoded. */
  readonly #room: Uint8Array;
  readonly #records: RecordSpace;
  /** What the largest block takes. */
  readonly #mostBytes: number;
  /** Bytes of blocks that nothing finds any more, as their code was changed. */
  #lost = 0;
  /** Live blocks. */
  readonly #pages: CodePages;
  /** All blocks, whether compiled code finds them now or not. */
  readonly #index: BlockIndex;
  readonly #hash: BlockHash;
  /** The place of the short block, and where its code lies while that matters. */
  readonly #scratch: number;
  #shortCode: readonly Range[] = [];

  constructor(isa: Isa, arena: Arena, state: CpuState, source: CodeSource, decodedBytes?: number) {
    this.#isa = isa;
    this.#arena = arena;
    this.#state = state;
    this.#source = source;
    this.#hash = new BlockHash(arena);
    this.#writer = new BlockWriter(
      isa,
      arena,
      (cycleClass) => source.costOf(cycleClass),
      () => this.#hash.place,
    );
    this.#memo = new DecodeMemo(arena);
    this.#room = new Uint8Array(isa.maxLength);
    this.#records = new RecordSpace(arena, decodedBytes);
    this.#mostBytes = mostBytes(BLOCK_LIMIT, isa.maxLength);
    this.#pages = new CodePages(arena);
    this.#index = new BlockIndex(arena);
    this.#scratch = arena.allocate(this.#mostBytes);
    this.#unlinkAll();
  }

  /** Place of what compiled code finds blocks by (`LOOKUP`), until the next call of `block`. */
  get lookup(): number {
    return this.#hash.place;
  }

  /** Forgets every block. One that is being run notices before its next instruction. */
  flush(): void {
    this.#strikeRunning();
    this.#index.clear();
    this.#records.clear();
    this.#lost = 0;
    this.#pages.clear();
    this.#shortCode = [];
    this.#writer.forget();
    this.#emptyAll();
  }

  /**
   * The place of a linear address has to be asked for anew. Blocks stay, for when it is the same; the one that is being
   * run ends with the instruction at hand.
   */
  forgetMappings(): void {
    this.#emptyAll();
    this.#strikeRunning();
  }

  /** The block at `pc`, whose code is fetched from `linear`; decoded if need be, and found by compiled code from then on. */
  block(pc: bigint, linear: bigint): Block | NoInstruction {
    const low = lowOf(linear), tag = tagOf(pc, linear);
    const found = this.#hash.find(tag, low);
    if (found !== 0) return this.#blockAt(found);
    const place = this.#source.codeAt(linear);
    if (place < 0) return { kind: "fetch", address: linear };
    const known = this.#known(place, pc, linear);
    if (known !== 0) {
      if (this.#revive(known, linear)) return this.#install(known, tag, low);
      this.#forget(known);
    }
    const decoding = this.#decode(place, pc, linear, BLOCK_LIMIT);
    if ("kind" in decoding) return decoding;
    const head = this.#place();
    this.#write(decoding, head, place, linear, lowOf(linear - pc));
    this.#records.take(this.#bytesOf(head));
    this.#index.add(head);
    this.#enliven(head);
    return this.#install(head, tag, low);
  }

  /** What the link that compiled code has just sought a block for is to lead to: see `fillLink`. */
  soughtLink(pc: bigint, linear: bigint): SoughtLink | undefined {
    const place = this.#state.get32(LINK_SOUGHT);
    return place === 0 ? undefined : { place, epoch: this.#state.get32(EPOCH), pc, linear };
  }

  /** Lets a link lead to the block that it was sought for, if links are what they were then. */
  fillLink({ place, epoch, pc, linear }: SoughtLink, block: Block, at: { pc: bigint; linear: bigint }): void {
    if (epoch !== this.#state.get32(EPOCH) || pc !== at.pc || linear !== at.linear) return;
    const { view } = this.#arena;
    view.setUint32(place, block.head, true);
    view.setUint32(place + LINK_EPOCH, epoch, true);
  }

  /**
   * The block at `pc`, if there is one, is found no more until it is asked for by `block`. Links that lead to it stay, for
   * there may be many others: who follows one finds the records struck out.
   */
  hide(pc: bigint, linear: bigint): void {
    const place = this.#source.codeAt(linear);
    if (place < 0) return this.#emptyAll();
    const known = this.#known(place, pc, linear);
    if (known === 0) return;
    this.#hash.remove(known, lowOf(linear));
    this.#writer.strike(known + HEAD.size, true);
  }

  /** A block of at most `limit` instructions that is good for one run only. */
  shortBlock(pc: bigint, linear: bigint, limit: number): Block | NoInstruction {
    const place = this.#source.codeAt(linear);
    if (place < 0) return { kind: "fetch", address: linear };
    const decoding = this.#decode(place, pc, linear, Math.min(limit, BLOCK_LIMIT));
    if ("kind" in decoding) return decoding;
    this.#write(decoding, this.#scratch, place, linear, 0);
    const ranges: Range[] = [];
    this.#pages.eachRange(this.#scratch, (start, end) => ranges.push({ start, end }));
    for (const { start, end } of ranges) this.#source.codeRange(start, end, !this.isCode(start));
    this.#shortCode = ranges;
    return this.#blockAt(this.#scratch);
  }

  /** Whether code was decoded from the page of linear memory that holds `place`. */
  isCode(place: number): boolean {
    const page = pageOf(place);
    return this.#pages.has(place) || this.#shortCode.some(({ start }) => pageOf(start) === page);
  }

  /** Bytes of linear memory were changed: gives up what was decoded from them. */
  invalidate(place: number, length: number): void {
    const end = place + length;
    if (this.#shortCode.length > 0) this.#invalidateShort(place, end);
    for (let at = place; at < end;) {
      const to = Math.min(end, at - at % PAGE + PAGE);
      if (this.#pages.has(at)) {
        const changed = this.#pages.changedBy(at, to, SPARED_LIMIT);
        if (changed.length > 0) this.#giveUp(changed);
      }
      at = to;
    }
  }

  /** One that is not being run will not be entered again. */
  #invalidateShort(place: number, end: number): void {
    if (this.#isRunning(this.#scratch)) {
      if (!this.#shortCode.some((range) => range.start < end && place < range.end)) return;
      this.#writer.strike(this.#state.get32(STATE.record), true);
    }
    this.#shortCode = [];
  }

  /** Where the next block goes. */
  #place(): number {
    if (this.#lost < MOST_LOST || 2 * this.#lost < this.#records.used) {
      const place = this.#records.place(this.#mostBytes);
      if (place !== undefined) return place;
      this.#dropSome();
    } else this.flush();
    return this.#records.place(this.#mostBytes)!;
  }

  /** Forgets the blocks of one chunk, wherever links lead to them from. */
  #dropSome(): void {
    const before = this.#records.used, chunk = this.#records.drop(), live: number[] = [];
    const { view } = this.#arena;
    this.#lost *= this.#records.used / before;
    this.#index.removeIn(chunk);
    for (let head = chunk.at; head < chunk.at + chunk.used; head += this.#bytesOf(head)) {
      if (view.getUint8(head + HEAD.flags) & BLOCK_IS.live) live.push(head);
    }
    this.#pages.remove(live);
    this.#pages.forgetIn(chunk);
    this.#emptyAll();
  }

  #write(decoding: Decoding, head: number, place: number, linear: bigint, codeBase: number): void {
    const tail = this.#writer.write(decoding, head), { view, u8 } = this.#arena;
    view.setUint32(head + HEAD.code, place, true);
    view.setUint32(tail + TAIL.codeBase, codeBase, true);
    const onPage = PAGE - place % PAGE;
    if (decoding.length > onPage) {
      // Where the second page is was looked at already when it was fetched.
      this.#pages.cross(head, this.#source.codeAt(linear + BigInt(onPage)));
      view.setUint8(head + HEAD.flags, BLOCK_IS.crossing);
    }
    let at = tail + TAIL.size;
    this.#pages.eachRange(head, (start, end) => {
      u8.copyWithin(at, start, end);
      at += end - start;
    });
  }

  #known(place: number, pc: bigint, linear: bigint): number {
    const { view } = this.#arena, codeBase = lowOf(linear - pc);
    const mask = 2n ** BigInt(this.#isa.pcWidth ?? this.#isa.addressWidth) - 1n;
    return this.#index.find(place, (head) => {
      const tail = this.#tailOf(head);
      if (view.getUint32(tail + TAIL.codeBase, true) !== codeBase) return false;
      const end = pc + BigInt(view.getUint8(head + HEAD.codeBytes)) & mask;
      return view.getBigUint64(tail + TAIL.end, true) === end;
    });
  }

  #blockAt(head: number): Block {
    const { view } = this.#arena;
    return {
      head,
      count: view.getUint8(head + HEAD.count),
      cycles: view.getUint32(head + HEAD.cycles, true),
    };
  }

  /** Lets compiled code find a block. */
  #install(head: number, tag: bigint, low: number): Block {
    this.#hash.install(head, tag, low);
    return this.#blockAt(head);
  }

  /** Stores to its code are noticed from now on. */
  #enliven(head: number): void {
    this.#pages.eachRange(head, (start, end) => this.#source.codeRange(start, end, !this.isCode(start)));
    this.#pages.add(head);
  }

  /** Live blocks are found no more, and stores to their code are not noticed any more on their account. */
  #giveUp(heads: readonly number[]): void {
    for (const head of heads) {
      this.#hash.remove(head, this.#lowAddressOf(head));
      if (this.#isRunning(head)) this.#writer.strike(this.#state.get32(STATE.record), true);
    }
    this.#pages.remove(heads);
    // Where another block has an entry, links may lead to this one all the same.
    this.#unlinkAll();
  }

  /** Makes a block what it was, if its code is. */
  #revive(head: number, linear: bigint): boolean {
    const { view } = this.#arena, flags = view.getUint8(head + HEAD.flags);
    if (flags & BLOCK_IS.crossing) {
      const onPage = PAGE - view.getUint32(head + HEAD.code, true) % PAGE;
      if (this.#source.codeAt(linear + BigInt(onPage)) !== this.#pages.secondOf(head)) return false;
    }
    if ((flags & BLOCK_IS.live) === 0) {
      if (!this.#isAsDecoded(head)) return false;
      this.#enliven(head);
    }
    this.#writer.strike(head + HEAD.size, false);
    return true;
  }

  #forget(head: number): void {
    this.#lost += this.#bytesOf(head);
    if (this.#arena.view.getUint8(head + HEAD.flags) & BLOCK_IS.live) this.#giveUp([head]);
    this.#index.remove(head);
    this.#pages.forget(head);
  }

  #isAsDecoded(head: number): boolean {
    const { u8 } = this.#arena;
    let at = this.#tailOf(head) + TAIL.size, same = true;
    this.#pages.eachRange(head, (start, end) => {
      for (let i = start; i < end; i++) same &&= u8[i] === u8[at++];
    });
    return same;
  }

  /** Whether the instruction at hand, if there is one, is the block's. Compiled code tells before it asks the host. */
  #isRunning(head: number): boolean {
    const record = this.#state.get32(STATE.record);
    return record > head && record < this.#tailOf(head);
  }

  /** The block that is being run ends with the instruction at hand. */
  #strikeRunning(): void {
    const record = this.#state.get32(STATE.record);
    // It may be another mode's.
    if (this.#records.has(record) || this.#isRunning(this.#scratch)) this.#writer.strike(record, true);
  }

  #emptyAll(): void {
    this.#hash.clear();
    this.#unlinkAll();
  }

  /** From now on every block has to be found by the hash. */
  #unlinkAll(): void {
    const epoch = (this.#state.get32(EPOCH) + 1) % 2 ** 32;
    this.#state.set32(EPOCH, epoch);
    // From here on numbers come again: no record may have kept one.
    if (epoch === 0) this.#source.flush();
  }

  #tailOf(head: number): number {
    return head + this.#arena.view.getUint8(head + HEAD.toTail) * UNIT;
  }

  /** The low 32 bits of the linear address of a block. */
  #lowAddressOf(head: number): number {
    const { view } = this.#arena, tail = this.#tailOf(head);
    const pc = view.getUint32(tail + TAIL.end, true) - view.getUint8(head + HEAD.codeBytes);
    return (this.#isa.pcWidth === 16 ? pc & 0xffff : pc) + view.getUint32(tail + TAIL.codeBase, true);
  }

  /** All that a block takes. */
  #bytesOf(head: number): number {
    const bytes = this.#arena.view.getUint8(head + HEAD.codeBytes);
    return this.#tailOf(head) - head + TAIL.size + unitsFor(bytes);
  }

  /** Instructions from `pc` up to a branch, the page's end, a stop or the limit; at least one. */
  #decode(place: number, pc: bigint, linear: bigint, limit: number): Decoding | NoInstruction {
    const instructions: Decoded[] = [], memo = this.#memo;
    const bits = this.#isa.pcWidth ?? this.#isa.addressWidth;
    const onPage = PAGE - place % PAGE;
    let end = pc, length = 0, cycles = 0;
    while (instructions.length < limit && length < onPage) {
      if (length > 0 && this.#source.stops.at(end, linear - pc)) break;
      let instruction = memo.find(place + length, end);
      if (!instruction) {
        const fresh = decodeAt(
          this.#isa,
          this.#arena,
          this.#source,
          place + length,
          end,
          linear + BigInt(length),
          length > 0,
          this.#room,
        );
        if ("kind" in fresh) {
          if (length > 0) break;
          return fresh;
        }
        memo.keep(place + length, end, fresh);
        instruction = fresh;
      }
      cycles += this.#writer.costOf(instruction);
      if (cycles > MOST_CYCLES && length > 0) break;
      instructions.push(instruction);
      length += instruction.length;
      const next = BigInt.asUintN(bits, end + BigInt(instruction.length));
      const wraps = next < end;
      end = next;
      // What the program counter wraps to is elsewhere.
      if (instruction.form.endsBlock || wraps) break;
    }
    return { instructions, length, end };
  }
}

/** The low 32 bits. */
function lowOf(address: bigint): number {
  return Number(BigInt.asUintN(32, address));
}

/**
 * Decoded blocks in linear memory: records, the hash that compiled code finds them by, and which bytes they were decoded
 * from. A block whose code is changed is found no more; the one that is being run is struck out record by record, so that
 * it notices even in the middle. A block that was given up is used again once its bytes are what they were.
 */
import { STATE } from "../ir/layout.ts";
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import { emptyTag, HASH, hashOffset, tagOf } from "./block_hash.ts";
import { type Block, BlockWriter, type Decoding, holds } from "./block_writer.ts";
import { DecodeMemo } from "./decode_memo.ts";
import { type CodeAt, decodeAt, type NoInstruction } from "./fetch.ts";
import { HANDLER } from "./interpreter_module.ts";
import { EPOCH, LINK_SOUGHT, RECORD } from "./record.ts";
import { RecordSpace } from "./record_space.ts";
import type { CpuState } from "./state.ts";
import type { Stops } from "./stops.ts";

export type { Block };

/**
 * Instructions in a block, at most: what one budget check covers. Code seldom has more without a branch; where it is
 * entered at many of its instructions, as after faults, each entry makes a block of the rest.
 */
const BLOCK_LIMIT = 16;
/** Bytes of records of code that has changed before all are dropped, where they are half of all. */
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

/** A block, what it is known by, and the place of the entry that compiled code finds it by. */
interface Cached extends Block {
  readonly pc: bigint;
  readonly linear: bigint;
  readonly tag: bigint;
  readonly entry: number;
  /** Where its code lies: two where its only instruction crosses into another page. */
  readonly code: readonly Range[];
  /** The linear address of that second page. */
  readonly second: bigint | undefined;
  /** What its code was, all ranges in a row. */
  readonly bytes: Uint8Array;
  /** Its code is as it was, and stores to it are noticed. */
  live: boolean;
  /** The handlers that its records had before they were struck out. */
  struck: Uint16Array | undefined;
}

/** A link without a block, as of an epoch, and the address that it leads to. */
export interface SoughtLink {
  readonly place: number;
  readonly epoch: number;
  readonly pc: bigint;
  readonly linear: bigint;
}

/** A page of linear memory that code was decoded from. */
interface CodePage {
  readonly blocks: Set<Cached>;
  /** Stores to it that changed no code. */
  spared: number;
}

export class CodeCache {
  /** Place of the hash, for compiled code. */
  readonly hash: number;
  readonly #isa: Isa;
  readonly #arena: Arena;
  readonly #state: CpuState;
  readonly #source: CodeSource;
  readonly #writer: BlockWriter;
  readonly #memo: DecodeMemo;
  /** The bytes that are being decoded. */
  readonly #room: Uint8Array;
  readonly #records: RecordSpace<Cached>;
  readonly #scratch: number;
  /** Bytes of records that nothing finds any more, as their code was changed. */
  #lost = 0;
  /** By number; those that hold a live block. */
  readonly #pages = new Map<number, CodePage>();
  /** Blocks by the place of their code, whether compiled code finds them now or not. */
  readonly #blocks = new Map<number, Cached[]>();
  /** Entries of the hash that may hold a block. */
  readonly #entries = new Set<number>();
  /** The short block, and where its code lies while that matters. */
  #short: Block | undefined;
  #shortCode: readonly Range[] = [];

  constructor(isa: Isa, arena: Arena, state: CpuState, source: CodeSource) {
    this.#isa = isa;
    this.#arena = arena;
    this.#state = state;
    this.#source = source;
    this.#writer = new BlockWriter(isa, arena, (cycleClass) => source.costOf(cycleClass));
    this.#memo = new DecodeMemo(arena, isa.maxLength);
    this.#room = new Uint8Array(isa.maxLength);
    this.hash = arena.allocate(HASH.entries * HASH.entrySize);
    this.#records = new RecordSpace(arena);
    this.#scratch = arena.allocate((BLOCK_LIMIT + 1) * RECORD.size);
    // What is not looked for in an entry is 0 in all but the first.
    this.#empty(this.hash);
    this.#unlinkAll();
  }

  /** Forgets every block. One that is being run notices before its next instruction. */
  flush(): void {
    this.#strikeRunning();
    this.#blocks.clear();
    this.#records.clear();
    this.#lost = 0;
    this.#pages.clear();
    this.#short = undefined;
    this.#shortCode = [];
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
    const entry = this.hash + hashOffset(Number(BigInt.asUintN(32, linear)));
    const { view } = this.#arena;
    const tag = tagOf(pc, linear);
    if (view.getBigUint64(entry + HASH.tag, true) === tag) {
      const record = view.getUint32(entry + HASH.record, true);
      return {
        record,
        count: view.getUint16(record + RECORD.blockCount, true),
        cycles: view.getUint32(record + RECORD.blockCycles, true),
      };
    }
    const place = this.#source.codeAt(linear);
    if (place < 0) return { kind: "fetch", address: linear };
    const known = this.#known(place, pc, linear);
    if (known && this.#revive(known)) return this.#install(known);
    if (known) this.#forget(known, place);
    const decoded = this.#decode(place, pc, linear, BLOCK_LIMIT);
    if (!Array.isArray(decoded)) return decoded;
    const written = this.#writer.write(decoded, this.#recordPlace());
    const { code, second } = this.#codeOf(place, linear, decoded);
    const bytes = this.#bytesOf(code);
    const block = { ...written, pc, linear, tag, entry, code, second, bytes, live: false, struck: undefined };
    this.#records.take(block, (block.count + 1) * RECORD.size);
    const others = this.#blocks.get(place);
    if (others) others.push(block);
    else this.#blocks.set(place, [block]);
    this.#enliven(block);
    return this.#install(block);
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
    view.setUint32(place, block.record, true);
    view.setUint32(place + 4, epoch, true);
  }

  /** Where the records of the next block go. */
  #recordPlace(): number {
    const bytes = (BLOCK_LIMIT + 1) * RECORD.size;
    if (this.#lost < MOST_LOST || 2 * this.#lost < this.#records.used) {
      const place = this.#records.place(bytes);
      if (place !== undefined) return place;
    }
    this.flush();
    return this.#records.place(bytes)!;
  }

  /**
   * The block at `pc`, if there is one, is found no more until it is asked for by `block`. Links that lead to it stay, for
   * there may be many others: who follows one finds the records struck out.
   */
  hide(pc: bigint, linear: bigint): void {
    const place = this.#source.codeAt(linear);
    if (place < 0) return this.#emptyAll();
    const known = this.#known(place, pc, linear);
    if (!known) return;
    if (this.#arena.view.getUint32(known.entry + HASH.record, true) === known.record) {
      this.#empty(known.entry);
    }
    this.#strikeCached(known);
  }

  #known(place: number, pc: bigint, linear: bigint): Cached | undefined {
    return this.#blocks.get(place)?.find((block) => block.pc === pc && block.linear === linear);
  }

  /** A block of at most `limit` instructions that is good for one run only. */
  shortBlock(pc: bigint, linear: bigint, limit: number): Block | NoInstruction {
    const place = this.#source.codeAt(linear);
    if (place < 0) return { kind: "fetch", address: linear };
    const decoded = this.#decode(place, pc, linear, Math.min(limit, BLOCK_LIMIT));
    if (!Array.isArray(decoded)) return decoded;
    const { code } = this.#codeOf(place, linear, decoded);
    for (const { start, end } of code) this.#source.codeRange(start, end, !this.isCode(start));
    this.#shortCode = code;
    return this.#short = this.#writer.write(decoded, this.#scratch);
  }

  /** Whether code was decoded from the page of linear memory that holds `place`. */
  isCode(place: number): boolean {
    const page = pageOf(place);
    return this.#pages.has(page) || this.#shortCode.some(({ start }) => pageOf(start) === page);
  }

  /** Bytes of linear memory were changed: gives up what was decoded from them. */
  invalidate(place: number, length: number): void {
    const end = place + length;
    if (this.#shortCode.length > 0) this.#invalidateShort(place, end);
    for (let page = pageOf(place); page <= pageOf(end - 1); page++) {
      const known = this.#pages.get(page);
      if (!known) continue;
      let hit = false;
      for (const block of known.blocks) {
        if (!overlaps(block.code, place, end)) continue;
        this.#giveUp(block);
        hit = true;
      }
      if (hit || ++known.spared < SPARED_LIMIT) continue;
      for (const block of known.blocks) this.#giveUp(block);
    }
  }

  /** One that is not being run will not be entered again. */
  #invalidateShort(place: number, end: number): void {
    const block = this.#short;
    if (block && this.#isRunning(block)) {
      if (!overlaps(this.#shortCode, place, end)) return;
      this.#strike(block);
    }
    this.#short = undefined;
    this.#shortCode = [];
  }

  /** Lets compiled code find a block. */
  #install(block: Cached): Block {
    const { view } = this.#arena;
    view.setBigUint64(block.entry + HASH.tag, block.tag, true);
    view.setUint32(block.entry + HASH.record, block.record, true);
    this.#entries.add(block.entry);
    return block;
  }

  /** Stores to its code are noticed from now on. */
  #enliven(block: Cached): void {
    block.live = true;
    for (const { start, end } of block.code) {
      const page = pageOf(start), known = this.#pages.get(page);
      this.#source.codeRange(start, end, !this.isCode(start));
      if (known) known.blocks.add(block);
      else this.#pages.set(page, { blocks: new Set([block]), spared: 0 });
    }
  }

  /** A block is found no more, and stores to its code are not noticed any more on its account. */
  #giveUp(block: Cached): void {
    this.#uninstall(block);
    if (this.#isRunning(block)) this.#strikeCached(block);
    block.live = false;
    for (const { start } of block.code) {
      const page = pageOf(start), known = this.#pages.get(page);
      if (known?.blocks.delete(block) && known.blocks.size === 0) this.#pages.delete(page);
    }
  }

  /** Makes a block what it was, if its code is. */
  #revive(block: Cached): boolean {
    const [, next] = block.code;
    if (block.second !== undefined && this.#source.codeAt(block.second) !== next.start) return false;
    if (!block.live) {
      if (!this.#isAsDecoded(block)) return false;
      this.#enliven(block);
    }
    const { struck, record } = block, { view } = this.#arena;
    if (struck) {
      for (let i = 0; i < struck.length; i++) {
        view.setUint16(record + i * RECORD.size + RECORD.handler, struck[i], true);
      }
      block.struck = undefined;
    }
    return true;
  }

  #forget(block: Cached, place: number): void {
    this.#lost += (block.count + 1) * RECORD.size;
    if (block.live) this.#giveUp(block);
    const others = this.#blocks.get(place)!.filter((one) => one !== block);
    if (others.length > 0) this.#blocks.set(place, others);
    else this.#blocks.delete(place);
  }

  /** The ranges that the code lies in; where the second page is was looked at already when it was fetched. */
  #codeOf(
    place: number,
    linear: bigint,
    decoded: readonly Decoding[],
  ): { code: readonly Range[]; second: bigint | undefined } {
    const length = decoded.reduce((sum, { instruction }) => sum + instruction.length, 0);
    const onPage = PAGE - place % PAGE;
    if (length <= onPage) return { code: [{ start: place, end: place + length }], second: undefined };
    const second = linear + BigInt(onPage), next = this.#source.codeAt(second);
    return {
      code: [{ start: place, end: place + onPage }, { start: next, end: next + length - onPage }],
      second,
    };
  }

  #bytesOf([first, second]: readonly Range[]): Uint8Array {
    const { u8 } = this.#arena;
    if (!second) return u8.slice(first.start, first.end);
    return Uint8Array.of(...u8.subarray(first.start, first.end), ...u8.subarray(second.start, second.end));
  }

  #isAsDecoded({ code, bytes }: Cached): boolean {
    const { u8 } = this.#arena;
    let i = 0;
    for (const { start, end } of code) {
      for (let at = start; at < end; at++) if (u8[at] !== bytes[i++]) return false;
    }
    return true;
  }

  /** Whether the instruction at hand, if there is one, is the block's. Compiled code tells before it asks the host. */
  #isRunning(block: Block): boolean {
    return holds(block, this.#state.get32(STATE.record));
  }

  /** The block that is being run ends with the instruction at hand. */
  #strikeRunning(): void {
    const record = this.#state.get32(STATE.record);
    if (record === 0) return;
    if (this.#short && holds(this.#short, record)) this.#strike(this.#short);
    const block = this.#records.blockOf(record);
    if (!block) return;
    this.#uninstall(block);
    this.#strikeCached(block);
  }

  #strikeCached(block: Cached): void {
    if (block.struck) return;
    const { view } = this.#arena, { record, count } = block;
    block.struck = Uint16Array.from(
      { length: count },
      (_, i) => view.getUint16(record + i * RECORD.size + RECORD.handler, true),
    );
    this.#strike(block);
  }

  /** Turns each of a block's records into one that looks its address up anew. */
  #strike({ record, count }: Block): void {
    const { view } = this.#arena;
    for (let i = 0; i < count; i++) {
      view.setUint16(record + i * RECORD.size + RECORD.handler, HANDLER.stale, true);
    }
  }

  #uninstall(block: Cached): void {
    if (this.#arena.view.getUint32(block.entry + HASH.record, true) === block.record) {
      this.#empty(block.entry);
    }
    // Where another block has its entry, links may lead to it all the same.
    this.#unlinkAll();
  }

  #emptyAll(): void {
    for (const entry of this.#entries) this.#empty(entry);
    this.#entries.clear();
    this.#unlinkAll();
  }

  /** From now on every block has to be found by the hash. */
  #unlinkAll(): void {
    const epoch = (this.#state.get32(EPOCH) + 1) % 2 ** 32;
    this.#state.set32(EPOCH, epoch);
    // From here on numbers come again: no record may have kept one.
    if (epoch === 0) this.#source.flush();
  }

  #empty(entry: number): void {
    const { view } = this.#arena;
    view.setBigUint64(entry + HASH.tag, emptyTag((entry - this.hash) / HASH.entrySize), true);
    view.setUint32(entry + HASH.record, 0, true);
  }

  /** Instructions from `pc` up to a branch, the page's end, a stop or the limit; at least one. */
  #decode(place: number, pc: bigint, linear: bigint, limit: number): Decoding[] | NoInstruction {
    const decoded: Decoding[] = [], memo = this.#memo;
    const bits = this.#isa.pcWidth ?? this.#isa.addressWidth;
    const onPage = PAGE - place % PAGE;
    for (let at = pc, done = 0; decoded.length < limit && done < onPage;) {
      if (done > 0 && this.#source.stops.at(at, linear - pc)) break;
      let instruction = memo.find(place + done, at);
      if (!instruction) {
        const code = linear + BigInt(done);
        const fresh = decodeAt(
          this.#isa,
          this.#arena,
          this.#source,
          place + done,
          at,
          code,
          done > 0,
          this.#room,
        );
        if ("kind" in fresh) {
          if (done > 0) break;
          return fresh;
        }
        memo.keep(place + done, at, fresh);
        instruction = fresh;
      }
      const nextPc = BigInt.asUintN(bits, at + BigInt(instruction.length));
      decoded.push({ pc: at, nextPc, instruction });
      // What the program counter wraps to is elsewhere.
      if (instruction.form.endsBlock || nextPc < at) break;
      done += instruction.length;
      at = nextPc;
    }
    return decoded;
  }
}

function overlaps(code: readonly Range[], start: number, end: number): boolean {
  for (const range of code) if (range.start < end && start < range.end) return true;
  return false;
}

function pageOf(place: number): number {
  return Math.floor(place / PAGE);
}

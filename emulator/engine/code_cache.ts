/**
 * Decoded blocks in linear memory: records, the hash that compiled code finds them by, and which pages
 * they were decoded from. Code that is changed is struck out record by record, so that a block notices
 * even in the middle of being run.
 */
import { TLB } from "../ir/tlb_layout.ts";
import type { Decoded, Form, Isa, Undecodable } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import { emptyTag, HASH, hashOffset, tagOf } from "./block_hash.ts";
import { extraHandler } from "./interpreter_module.ts";
import { fieldOffsets, RECORD } from "./record.ts";

/** Instructions in a block, at most: what one budget check covers. */
const BLOCK_LIMIT = 64;
/** Bytes of records before everything is dropped and decoded anew: 16,384 instructions. */
const CACHE_BYTES = 1 << 20;
const PAGE = 2 ** TLB.pageBits;

/** Where blocks come from and what they cost. */
export interface CodeSource {
  /** Place in linear memory of the code byte at a linear guest address, or -1 where there is none. */
  codeAt(address: bigint): number;
  /** Cycles that an instruction of this class costs (whole, below 65,536). */
  costOf(cycleClass: string): number;
  /** Addresses (as the program counter holds them) at which no block may run past. */
  readonly stops: ReadonlySet<bigint>;
  /** A page of linear memory has become code. */
  codePage(place: number): void;
}

export interface Block {
  /** Place of the first record. */
  readonly record: number;
  readonly count: number;
  readonly cycles: number;
}

/** A block, what it is known by, and the place of the entry that compiled code finds it by. */
interface Cached extends Block {
  readonly key: bigint;
  readonly tag: bigint;
  readonly entry: number;
  /** The page that its only instruction crosses into: its linear address and its place. */
  readonly second?: { readonly linear: bigint; readonly place: number };
}

/** Why there is no block. */
export type NoBlock =
  | { readonly kind: "fetch"; readonly address: bigint }
  | { readonly kind: "undecodable"; readonly bytes: Uint8Array; readonly why: Undecodable };

interface Decoding {
  readonly pc: bigint;
  readonly nextPc: bigint;
  readonly instruction: Decoded;
}

/**
 * What an instruction fetch yields at one address. The second page of an instruction that crosses into one is looked at
 * only if it does, and `within` a page not at all: looking has effects on the guest's page tables.
 */
export function fetchAndDecode(
  isa: Isa,
  arena: Arena,
  source: CodeSource,
  pc: bigint,
  linear: bigint,
  within = false,
): Decoded | NoBlock {
  const place = source.codeAt(linear);
  if (place < 0) return { kind: "fetch", address: linear };
  const onPage = Math.min(isa.maxLength, PAGE - place % PAGE);
  let bytes = arena.u8.slice(place, place + onPage);
  let instruction = isa.decode(bytes, pc);
  if ("undecodable" in instruction && instruction.truncated && onPage < isa.maxLength) {
    const next = linear + BigInt(onPage), rest = within ? -1 : source.codeAt(next);
    if (rest < 0) return { kind: "fetch", address: next };
    const whole = new Uint8Array(isa.maxLength);
    whole.set(bytes);
    whole.set(arena.u8.subarray(rest, rest + isa.maxLength - onPage), onPage);
    bytes = whole;
    instruction = isa.decode(bytes, pc);
  }
  if ("form" in instruction) return instruction;
  return { kind: "undecodable", bytes: bytes.slice(0, instruction.length), why: instruction };
}

export class CodeCache {
  /** Place of the hash, for compiled code. */
  readonly hash: number;
  readonly #isa: Isa;
  readonly #arena: Arena;
  readonly #source: CodeSource;
  readonly #records: number;
  readonly #scratch: number;
  #used = 0;
  /** Blocks by the page of linear memory that their code lies on. */
  readonly #pages = new Map<number, Cached[]>();
  /** Blocks by address and place of their code, whether compiled code finds them now or not. */
  readonly #blocks = new Map<bigint, Cached>();
  /** The same in the order of their records. */
  #inOrder: Cached[] = [];
  /** Entries of the hash that may hold a block. */
  #entries = new Set<number>();
  #scratchPages: number[] = [];
  #scratchBlock: Block | undefined;
  readonly #stale: number;
  readonly #numbers: ReadonlyMap<Form, number>;
  readonly #offsets = new Map<Form, readonly number[]>();

  constructor(isa: Isa, arena: Arena, source: CodeSource) {
    this.#isa = isa;
    this.#arena = arena;
    this.#source = source;
    this.hash = arena.allocate(HASH.entries * HASH.entrySize);
    this.#records = arena.allocate(CACHE_BYTES);
    this.#scratch = arena.allocate((BLOCK_LIMIT + 1) * RECORD.size);
    this.#stale = extraHandler(isa, "stale");
    this.#numbers = formNumbers(isa);
    this.flush();
  }

  /** Forgets every block. One that is being run notices before its next instruction. */
  flush(): void {
    for (const block of this.#blocks.values()) this.#strike(block);
    if (this.#scratchBlock) this.#strike(this.#scratchBlock);
    this.#used = 0;
    this.#blocks.clear();
    this.#inOrder = [];
    this.#pages.clear();
    this.#scratchPages = [];
    this.#entries.clear();
    for (let i = 0; i < HASH.entries; i++) this.#empty(this.hash + i * HASH.entrySize);
  }

  /**
   * The place of a linear address has to be asked for anew. Blocks stay, for when it is the same; the one that holds
   * `record`, if there is one, is being run and ends with that record.
   */
  forgetMappings(record: number): void {
    for (const entry of this.#entries) this.#empty(entry);
    this.#entries.clear();
    if (record === 0) return;
    const scratch = this.#scratchBlock;
    if (scratch && holds(scratch, record)) this.#strike(scratch);
    const block = this.#blockOf(record);
    if (block) this.#drop(block);
  }

  /** The block at `pc`, whose code is fetched from `linear`; decoded if need be, and found by compiled code from then on. */
  block(pc: bigint, linear: bigint): Block | NoBlock {
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
    const key = BigInt(place) << 128n | BigInt.asUintN(64, linear) << 64n | pc;
    const known = this.#blocks.get(key);
    if (known && this.#isInPlace(known)) return this.#install(known);
    if (known) this.#drop(known);
    if (this.#used + (BLOCK_LIMIT + 1) * RECORD.size > CACHE_BYTES) this.flush();
    const decoded = this.#decode(pc, linear, BLOCK_LIMIT);
    if (!Array.isArray(decoded)) return decoded;
    const written = this.#write(decoded, this.#records + this.#used);
    const block = { ...written, key, tag, entry, second: this.#second(linear, decoded) };
    this.#used += (block.count + 1) * RECORD.size;
    for (const page of this.#mark(linear, decoded)) {
      const blocks = this.#pages.get(page);
      if (blocks) blocks.push(block);
      else this.#pages.set(page, [block]);
    }
    this.#blocks.set(key, block);
    this.#inOrder.push(block);
    return this.#install(block);
  }

  /** Lets compiled code find a block. */
  #install(block: Cached): Block {
    const { view } = this.#arena;
    view.setBigUint64(block.entry + HASH.tag, block.tag, true);
    view.setUint32(block.entry + HASH.record, block.record, true);
    this.#entries.add(block.entry);
    return block;
  }

  /** Where the second page of a block's only instruction is; looked at already when it was fetched. */
  #second(linear: bigint, [{ instruction }]: readonly Decoding[]): Cached["second"] {
    const end = linear + BigInt(instruction.length), page = end - end % BigInt(PAGE);
    if (page === linear - linear % BigInt(PAGE) || page === end) return undefined;
    return { linear: page, place: this.#source.codeAt(page) };
  }

  #isInPlace({ second }: Cached): boolean {
    return second === undefined || this.#source.codeAt(second.linear) === second.place;
  }

  /** The block that a record belongs to. */
  #blockOf(record: number): Cached | undefined {
    let low = 0, high = this.#inOrder.length;
    while (low < high) {
      const middle = low + high >>> 1;
      if (this.#inOrder[middle].record <= record) low = middle + 1;
      else high = middle;
    }
    const block = this.#inOrder[low - 1];
    return block && holds(block, record) ? block : undefined;
  }

  /** A block of at most `limit` instructions that is good for one run only. */
  shortBlock(pc: bigint, linear: bigint, limit: number): Block | NoBlock {
    const decoded = this.#decode(pc, linear, Math.min(limit, BLOCK_LIMIT));
    if (!Array.isArray(decoded)) return decoded;
    this.#scratchBlock = this.#write(decoded, this.#scratch);
    this.#scratchPages = this.#mark(linear, decoded);
    return this.#scratchBlock;
  }

  /** Whether code was decoded from the page of linear memory that holds `place`. */
  isCode(place: number): boolean {
    const page = Math.floor(place / PAGE);
    return this.#pages.has(page) || this.#scratchPages.includes(page);
  }

  /** Bytes of linear memory were changed: strikes out what was decoded from their pages. */
  invalidate(place: number, length: number): boolean {
    let found = false;
    for (let page = Math.floor(place / PAGE); page <= Math.floor((place + length - 1) / PAGE); page++) {
      const blocks = this.#pages.get(page);
      if (blocks) {
        for (const block of blocks) this.#drop(block);
        this.#pages.delete(page);
        found = true;
      }
      if (this.#scratchBlock && this.#scratchPages.includes(page)) {
        this.#strike(this.#scratchBlock);
        this.#scratchPages = [];
        found = true;
      }
    }
    return found;
  }

  /** Strikes a block out and lets nobody find it any more. */
  #drop(block: Cached): void {
    this.#strike(block);
    if (this.#blocks.get(block.key) === block) this.#blocks.delete(block.key);
    if (this.#arena.view.getUint32(block.entry + HASH.record, true) === block.record) {
      this.#empty(block.entry);
    }
  }

  /** Turns each of a block's records into one that looks its address up anew. */
  #strike({ record, count }: Block): void {
    const { view } = this.#arena;
    for (let i = 0; i < count; i++) {
      view.setUint16(record + i * RECORD.size + RECORD.handler, this.#stale, true);
    }
  }

  #empty(entry: number): void {
    const { view } = this.#arena;
    view.setBigUint64(entry + HASH.tag, emptyTag((entry - this.hash) / HASH.entrySize), true);
    view.setUint32(entry + HASH.record, 0, true);
  }

  /** Instructions from `pc` up to a branch, the page's end, a stop or the limit; at least one. */
  #decode(pc: bigint, linear: bigint, limit: number): Decoding[] | NoBlock {
    const decoded: Decoding[] = [];
    const bits = this.#isa.pcWidth ?? this.#isa.addressWidth;
    const page = linear - linear % BigInt(PAGE), pageEnd = page + BigInt(PAGE);
    for (let at = pc, code = linear; decoded.length < limit && code >= page && code < pageEnd;) {
      if (decoded.length > 0 && this.#source.stops.has(at)) break;
      const instruction = fetchAndDecode(
        this.#isa,
        this.#arena,
        this.#source,
        at,
        code,
        decoded.length > 0,
      );
      if ("kind" in instruction) {
        if (decoded.length > 0) break;
        return instruction;
      }
      const nextPc = BigInt.asUintN(bits, at + BigInt(instruction.length));
      decoded.push({ pc: at, nextPc, instruction });
      if (instruction.form.endsBlock) break;
      code += nextPc - at;
      at = nextPc;
    }
    return decoded;
  }

  #write(decoded: readonly Decoding[], record: number): Block {
    const costs = decoded.map(({ instruction }) => this.#source.costOf(instruction.form.cycleClass));
    const cycles = costs.reduce((sum, cost) => sum + cost, 0);
    const { view } = this.#arena;
    let rest = cycles;
    decoded.forEach(({ pc, nextPc, instruction }, i) => {
      const at = record + i * RECORD.size;
      rest -= costs[i];
      view.setUint16(at + RECORD.handler, this.#number(instruction.form), true);
      view.setUint16(at + RECORD.restCount, decoded.length - 1 - i, true);
      view.setUint16(at + RECORD.cost, costs[i], true);
      view.setUint32(at + RECORD.restCycles, rest, true);
      view.setBigUint64(at + RECORD.pc, pc, true);
      view.setBigUint64(at + RECORD.nextPc, nextPc, true);
      this.#writeFields(at, instruction);
    });
    view.setUint16(record + RECORD.blockCount, decoded.length, true);
    view.setUint32(record + RECORD.blockCycles, cycles, true);
    const last = decoded[decoded.length - 1];
    if (!last.instruction.form.endsBlock) {
      const at = record + decoded.length * RECORD.size;
      view.setUint16(at + RECORD.handler, extraHandler(this.#isa, "fallThrough"), true);
      view.setBigUint64(at + RECORD.nextPc, last.nextPc, true);
    }
    return { record, count: decoded.length, cycles };
  }

  #writeFields(record: number, { form, values }: Decoded): void {
    const { view } = this.#arena;
    let offsets = this.#offsets.get(form);
    if (!offsets) this.#offsets.set(form, offsets = fieldOffsets(form.fields));
    for (let i = 0; i < offsets.length; i++) {
      const at = record + offsets[i];
      switch (form.fields[i]) {
        case "slot":
          view.setUint16(at, Number(values[i]), true);
          break;
        case "i32":
          view.setInt32(at, Number(values[i]), true);
          break;
        case "i64":
          view.setBigInt64(at, BigInt.asIntN(64, BigInt(values[i])), true);
      }
    }
  }

  #number(form: Form): number {
    const number = this.#numbers.get(form);
    if (number === undefined) {
      throw new TypeError(`form "${form.name}" is not among those of ${this.#isa.name}`);
    }
    return number;
  }

  /** The pages of linear memory that the code lies on, now known as code. */
  #mark(linear: bigint, decoded: readonly Decoding[]): number[] {
    const first = linear;
    const end = decoded.reduce((sum, { instruction }) => sum + BigInt(instruction.length), linear);
    const pages = new Set<number>();
    for (const address of [first, end - 1n]) {
      const place = this.#source.codeAt(address);
      if (place < 0) continue;
      const page = Math.floor(place / PAGE);
      if (!this.#pages.has(page)) this.#source.codePage(place);
      pages.add(page);
    }
    return [...pages];
  }
}

function holds({ record, count }: Block, at: number): boolean {
  return at >= record && at < record + count * RECORD.size;
}

const numbers = new WeakMap<Isa, ReadonlyMap<Form, number>>();

function formNumbers(isa: Isa): ReadonlyMap<Form, number> {
  let known = numbers.get(isa);
  if (!known) numbers.set(isa, known = new Map(isa.forms.map((form, i) => [form, i])));
  return known;
}

/**
 * A small interrupt controller after the Open Programmable Interrupt Controller (OpenPIC) register interface
 * specification 1.2: sources with vector, priority, mask, polarity-free sense and destinations, four inter-processor
 * interrupts, and for each processor task priority, acknowledge, end of interrupt and initialization. Registers are
 * 32 bits, little-endian, 16 bytes apart. Not there: the controller's own timers, nested cascade.
 */

import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";

/** Interrupt sources. */
export const SOURCES = 16;
/** Processors whose registers fit into the window. */
export const MOST_PROCESSORS = 32;
/** Bytes of its window. */
export const OPEN_PIC_SIZE = 0x4_0000;

/** Register offsets; a source's two registers are 32 bytes from the next one's. */
const FEATURE = 0x1000, GLOBAL = 0x1020, VENDOR = 0x1080, INITIALIZE = 0x1090, SPURIOUS = 0x10e0;
const SOURCE = 0x1_0000, SOURCE_STRIDE = 0x20, DESTINATION = 0x10;
/** The inter-processor interrupts' vector and priority, and among a processor's own where it sends them. */
const IPI = 0x10a0, DISPATCH = 0x40, IPIS = 4, IPI_STRIDE = 0x10;
/** A processor's own registers, where it finds them itself, and where each can reach those of all. */
const PRIVATE = 0, PROCESSOR = 0x2_0000, PROCESSOR_STRIDE = 0x1000;
const TASK_PRIORITY = 0x80, WHO_AM_I = 0x90, ACKNOWLEDGE = 0xa0, END = 0xb0;
/** Global configuration: reset. */
const RESET = 0x8000_0000;
/** Bits of a source's vector/priority register. */
const VPR = { mask: 0x8000_0000, active: 0x4000_0000, level: 0x0040_0000 } as const;
const ALL_ONES = 0xffff_ffff;
const KEPT = 0x80cf_00ff, IPI_KEPT = 0x800f_00ff;

interface Source {
  /** Mask, sense, priority (19:16), vector (7:0). */
  register: number;
  line: boolean;
  pending: boolean;
  /** Processors that it may go to: with several of them, to the one whose priority is lowest. */
  destinations: number;
}

/** Vector and priority of an inter-processor interrupt, and the processors that it is yet to reach. */
interface Ipi {
  register: number;
  pending: number;
}

interface Processor {
  /** What it serves, the one of highest priority last. */
  serving: (Source | Ipi)[];
  task: number;
}

export class OpenPic {
  readonly #sources: Source[] = Array.from({ length: SOURCES }, fresh);
  readonly #ipis: Ipi[] = Array.from({ length: IPIS }, freshIpi);
  readonly #processors: Processor[];
  readonly #initialize: (processor: number, held: boolean) => void;
  /** Processors that are held in reset. */
  #held = 0;
  #spurious = 0xff;

  /** `initialize` is told when a processor is put into reset and when it is let go. */
  constructor(processors = 1, initialize: (processor: number, held: boolean) => void = () => {}) {
    this.#processors = Array.from({ length: processors }, () => ({ serving: [], task: 15 }));
    this.#initialize = initialize;
  }

  reset(): void {
    // Lines are driven from outside: they stay.
    this.#sources.forEach((source) => Object.assign(source, { ...fresh(), line: source.line }));
    this.#ipis.forEach((ipi) => Object.assign(ipi, freshIpi()));
    this.#processors.forEach((processor) => Object.assign(processor, { serving: [], task: 15 }));
    this.#held = 0;
    this.#spurious = 0xff;
  }

  setLine(line: number, level: boolean): void {
    const source = this.#sources[line];
    const rises = level && !source.line;
    source.line = level;
    if (source.register & VPR.level) source.pending = level;
    else if (rises) source.pending = true;
  }

  save(): SavedState {
    const all = [...this.#sources, ...this.#ipis];
    return {
      sources: this.#sources.map((source) => ({ ...source })),
      ipis: this.#ipis.map((ipi) => ({ ...ipi })),
      processors: this.#processors.map(({ serving, task }) => ({
        serving: serving.map((one) => all.indexOf(one)),
        task,
      })),
      held: this.#held,
      spurious: this.#spurious,
    };
  }
  load(saved: SavedFields): void {
    saved.records("sources", SOURCES, SOURCES).forEach((one, i) => {
      const source = this.#sources[i];
      source.register = (one.whole("register", ALL_ONES) & KEPT) >>> 0;
      source.line = one.flag("line");
      source.pending = one.flag("pending");
      source.destinations = one.whole("destinations", this.#all);
    });
    saved.records("ipis", IPIS, IPIS).forEach((one, i) => {
      this.#ipis[i].register = (one.whole("register", ALL_ONES) & IPI_KEPT) >>> 0;
      this.#ipis[i].pending = one.whole("pending", this.#all);
    });
    const all = [...this.#sources, ...this.#ipis], count = this.#processors.length;
    saved.records("processors", count, count).forEach((one, i) => {
      const serving = one.wholes("serving", all.length, all.length - 1).map((number) => all[number]);
      Object.assign(this.#processors[i], { serving, task: one.whole("task", 15) });
    });
    this.#held = saved.whole("held", this.#all);
    this.#spurious = saved.whole("spurious", 0xff);
  }

  /** INT to a processor. */
  asks(processor: number): boolean {
    return this.#next(processor) !== undefined;
  }

  /** What `processor` reads. */
  read(offset: number, processor = 0): number {
    const own = this.#processorRegister(offset, processor);
    if (own) return this.#readOwn(own.register, own.processor);
    const source = this.#sourceAt(offset);
    if (source) return this.#withActivity(source, source.pending);
    const ipi = this.#ipiAt(offset);
    if (ipi) return this.#withActivity(ipi, ipi.pending !== 0);
    switch (offset) {
      case FEATURE:
        // Sources less one, processors less one, version 1.2.
        return (SOURCES - 1) << 16 | (this.#processors.length - 1) << 8 | 2;
      case SPURIOUS:
        return this.#spurious;
      case INITIALIZE:
        return this.#held;
      case VENDOR:
        return 0;
      default:
        return this.#sourceAt(offset - DESTINATION)?.destinations ?? 0;
    }
  }

  /** What `processor` writes. */
  write(offset: number, value: number, processor = 0): void {
    const own = this.#processorRegister(offset, processor);
    if (own) this.#writeOwn(own.register, own.processor, value);
    else this.#writeGlobal(offset, value);
  }

  #readOwn(register: number, processor: number): number {
    switch (register) {
      case TASK_PRIORITY:
        return this.#processors[processor].task;
      case WHO_AM_I:
        return processor;
      case ACKNOWLEDGE:
        return this.#acknowledge(processor);
      default:
        return 0;
    }
  }

  #writeOwn(register: number, processor: number, value: number): void {
    if (register === TASK_PRIORITY) this.#processors[processor].task = value & 15;
    else if (register === END) this.#processors[processor].serving.pop();
    else {
      const ipi = this.#ipis[(register - DISPATCH) / IPI_STRIDE];
      if (ipi) ipi.pending = (ipi.pending | value & this.#all) >>> 0;
    }
  }

  #writeGlobal(offset: number, value: number): void {
    const source = this.#sourceAt(offset), ipi = this.#ipiAt(offset);
    if (source) {
      const wasLevel = (source.register & VPR.level) !== 0;
      source.register = (value & KEPT) >>> 0;
      const isLevel = (value & VPR.level) !== 0;
      if (isLevel || wasLevel) source.pending = isLevel && source.line;
    } else if (ipi) ipi.register = (value & IPI_KEPT) >>> 0;
    else if (offset === GLOBAL && value & RESET) this.reset();
    else if (offset === SPURIOUS) this.#spurious = value & 0xff;
    else if (offset === INITIALIZE) this.#hold((value & this.#all) >>> 0);
    else {
      const destined = this.#sourceAt(offset - DESTINATION);
      if (destined) destined.destinations = (value & this.#all) >>> 0;
    }
  }

  #hold(held: number): void {
    const changed = this.#held ^ held;
    this.#held = held;
    this.#processors.forEach((_, processor) => {
      if (changed >>> processor & 1) this.#initialize(processor, (held >>> processor & 1) === 1);
    });
  }

  /** A bit for each processor. */
  get #all(): number {
    return 2 ** this.#processors.length - 1;
  }

  #withActivity(source: Source | Ipi, pending: boolean): number {
    const active = pending || this.#processors.some(({ serving }) => serving.includes(source));
    return (source.register | (active ? VPR.active : 0)) >>> 0;
  }

  #sourceAt(offset: number): Source | undefined {
    if (offset < SOURCE || (offset - SOURCE) % SOURCE_STRIDE !== 0) return undefined;
    return this.#sources[(offset - SOURCE) / SOURCE_STRIDE];
  }
  #ipiAt(offset: number): Ipi | undefined {
    return this.#ipis[(offset - IPI) / IPI_STRIDE];
  }

  #processorRegister(offset: number, processor: number) {
    if (offset < PRIVATE + PROCESSOR_STRIDE) return { register: offset, processor };
    const other = Math.floor((offset - PROCESSOR) / PROCESSOR_STRIDE);
    const known = other >= 0 && other < this.#processors.length;
    return known ? { register: offset % PROCESSOR_STRIDE, processor: other } : undefined;
  }

  #acknowledge(processor: number): number {
    const next = this.#next(processor);
    if (next === undefined) return this.#spurious;
    this.#processors[processor].serving.push(next);
    if ("line" in next) {
      if (!(next.register & VPR.level)) next.pending = false;
    } else next.pending = (next.pending & ~(1 << processor)) >>> 0;
    return next.register & 0xff;
  }

  /** What is pending for a processor of the highest priority, above its task's and that of all that it serves. */
  #next(processor: number): Source | Ipi | undefined {
    const above = this.#priority(processor);
    let best: Source | Ipi | undefined;
    const consider = (source: Source | Ipi) => {
      if (source.register & VPR.mask || priority(source) <= above) return;
      if (best === undefined || priority(source) > priority(best)) best = source;
    };
    for (const source of this.#sources) {
      if (source.pending && this.#destination(source) === processor) consider(source);
    }
    for (const ipi of this.#ipis) if (ipi.pending >>> processor & 1) consider(ipi);
    return best;
  }

  /** A processor's priority now. */
  #priority(processor: number): number {
    const { task, serving } = this.#processors[processor];
    const last = serving.at(-1);
    return Math.max(task, last === undefined ? 0 : priority(last));
  }

  /** Where a source's interrupt goes now; the first of several processors of the same priority. */
  #destination({ destinations }: Source): number | undefined {
    let best: number | undefined;
    this.#processors.forEach((_, processor) => {
      if ((destinations >>> processor & 1) === 0) return;
      if (best === undefined || this.#priority(processor) < this.#priority(best)) best = processor;
    });
    return best;
  }
}

function fresh(): Source {
  return { register: VPR.mask, line: false, pending: false, destinations: 1 };
}
function freshIpi(): Ipi {
  return { register: VPR.mask, pending: 0 };
}
function priority({ register }: Source | Ipi): number {
  return register >>> 16 & 15;
}

/**
 * A small interrupt controller after the Open Programmable Interrupt Controller (OpenPIC) register interface
 * specification 1.2: sources with vector, priority, mask, polarity-free sense, one processor with task priority,
 * acknowledge and end of interrupt. Registers are 32 bits, little-endian, 16 bytes apart. Not there: inter-processor
 * interrupts, the controller's own timers, destinations, nested cascade.
 */

/** Interrupt sources. */
export const SOURCES = 16;
/** Bytes of its window. */
export const OPEN_PIC_SIZE = 0x4_0000;

/** Register offsets; a source's two registers are 32 bytes from the next one's. */
const FEATURE = 0x1000, GLOBAL = 0x1020, VENDOR = 0x1080, SPURIOUS = 0x10e0;
const SOURCE = 0x1_0000, SOURCE_STRIDE = 0x20, DESTINATION = 0x10;
/** The processor's own registers, where each processor finds its own, and as processor 0's. */
const PRIVATE = 0, PROCESSOR = 0x2_0000;
const TASK_PRIORITY = 0x80, ACKNOWLEDGE = 0xa0, END = 0xb0;
/** Global configuration: reset. */
const RESET = 0x8000_0000;
/** Bits of a source's vector/priority register. */
const VPR = { mask: 0x8000_0000, active: 0x4000_0000, level: 0x0040_0000 } as const;
const KEPT = 0x80cf_00ff;

interface Source {
  /** Mask, sense, priority (19:16), vector (7:0). */
  register: number;
  line: boolean;
  pending: boolean;
}

export class OpenPic {
  readonly #sources: Source[] = Array.from({ length: SOURCES }, fresh);
  /** Sources being served, the one of highest priority last. */
  #serving: number[] = [];
  #task = 15;
  #spurious = 0xff;

  reset(): void {
    // Lines are driven from outside: they stay.
    this.#sources.forEach((source) => Object.assign(source, { ...fresh(), line: source.line }));
    this.#serving = [];
    this.#task = 15;
    this.#spurious = 0xff;
  }

  setLine(line: number, level: boolean): void {
    const source = this.#sources[line];
    const rises = level && !source.line;
    source.line = level;
    if (source.register & VPR.level) source.pending = level;
    else if (rises) source.pending = true;
  }

  /** INT to the processor. */
  get int(): boolean {
    return this.#next() !== undefined;
  }

  read(offset: number): number {
    const own = processorRegister(offset);
    if (own === TASK_PRIORITY) return this.#task;
    if (own === ACKNOWLEDGE) return this.#acknowledge();
    if (own !== undefined) return 0;
    const source = this.#sourceAt(offset);
    if (source) {
      const active = source.pending || this.#serving.includes(this.#sources.indexOf(source));
      return (source.register | (active ? VPR.active : 0)) >>> 0;
    }
    switch (offset) {
      case FEATURE:
        // Sources less one, processors less one, version 1.2.
        return (SOURCES - 1) << 16 | 0 << 8 | 2;
      case SPURIOUS:
        return this.#spurious;
      case VENDOR:
        return 0;
      default:
        // A source's destination is processor 0.
        return offset >= SOURCE && (offset - SOURCE) % SOURCE_STRIDE === DESTINATION ? 1 : 0;
    }
  }

  write(offset: number, value: number): void {
    const own = processorRegister(offset);
    if (own === TASK_PRIORITY) this.#task = value & 15;
    else if (own === END) this.#serving.pop();
    else if (own === undefined) this.#writeGlobal(offset, value);
  }

  #writeGlobal(offset: number, value: number): void {
    const source = this.#sourceAt(offset);
    if (source) {
      const wasLevel = (source.register & VPR.level) !== 0;
      source.register = (value & KEPT) >>> 0;
      const isLevel = (value & VPR.level) !== 0;
      if (isLevel || wasLevel) source.pending = isLevel && source.line;
    } else if (offset === GLOBAL && value & RESET) this.reset();
    else if (offset === SPURIOUS) this.#spurious = value & 0xff;
  }

  #sourceAt(offset: number): Source | undefined {
    if (offset < SOURCE || (offset - SOURCE) % SOURCE_STRIDE !== 0) return undefined;
    return this.#sources[(offset - SOURCE) / SOURCE_STRIDE];
  }

  #acknowledge(): number {
    const next = this.#next();
    if (next === undefined) return this.#spurious;
    const source = this.#sources[next];
    this.#serving.push(next);
    if (!(source.register & VPR.level)) source.pending = false;
    return source.register & 0xff;
  }

  /** The pending source of the highest priority, above the task's and that of all being served. */
  #next(): number | undefined {
    const last = this.#serving.at(-1);
    const above = Math.max(this.#task, last === undefined ? 0 : priority(this.#sources[last]));
    let best: number | undefined;
    this.#sources.forEach((source, index) => {
      if (!source.pending || source.register & VPR.mask || priority(source) <= above) return;
      if (best === undefined || priority(source) > priority(this.#sources[best])) best = index;
    });
    return best;
  }
}

function fresh(): Source {
  return { register: VPR.mask, line: false, pending: false };
}
function priority({ register }: Source): number {
  return register >>> 16 & 15;
}
function processorRegister(offset: number): number | undefined {
  if (offset < PRIVATE + 0x1000) return offset;
  return offset >= PROCESSOR && offset < PROCESSOR + 0x1000 ? offset - PROCESSOR : undefined;
}

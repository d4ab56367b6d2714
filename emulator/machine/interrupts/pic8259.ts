/**
 * The pair of 8259A interrupt controllers of a PC, and their edge/level control registers. Intel 8259A data sheet
 * (231468), "Programming the 8259A"; ELCR: 82371SB (PIIX3) data sheet, 2.5.9. Not modelled: buffered mode,
 * MCS-80/85 vectors.
 */

import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";

/** Words of the data sheet, by name. */
const ICW1 = { init: 0x10, level: 0x08, single: 0x02, icw4: 0x01 } as const;
const ICW4 = { nested: 0x10, autoEoi: 0x02 } as const;
const OCW3 = { select: 0x08, poll: 0x04, read: 0x02, readIsr: 0x01, setMask: 0x40, mask: 0x20 } as const;
/** The input that answers when there is none: spurious interrupts look like it. */
const SPURIOUS = 7;

/** One 8259A. */
export class Pic8259 {
  #irr = 0;
  #isr = 0;
  #imr = 0;
  #lines = 0;
  #base = 0;
  #icw4 = 0;
  /** What comes next on the odd port: 2, 3 or 4 for an initialization word, 0 for the mask. */
  #expects: 0 | 2 | 3 | 4 = 0;
  #single = false;
  #wantsIcw4 = false;
  #levelMode = false;
  #lowest = 7;
  #readIsr = false;
  #specialMask = false;
  #rotateOnAutoEoi = false;
  #polled = false;
  /** Edge/level control: a bit for each input that is level-triggered. */
  elcr = 0;

  /** `cascade` has the inputs with an 8259A behind them. */
  constructor(readonly cascade: number) {}

  reset(): void {
    this.#initialize(0);
    this.#isr =
      this.#lines =
      this.#base =
      this.elcr =
        0;
    this.#expects = 0;
  }

  save(): SavedState {
    return {
      irr: this.#irr,
      isr: this.#isr,
      imr: this.#imr,
      lines: this.#lines,
      base: this.#base,
      icw4: this.#icw4,
      expects: this.#expects,
      single: this.#single,
      wantsIcw4: this.#wantsIcw4,
      levelMode: this.#levelMode,
      lowest: this.#lowest,
      readIsr: this.#readIsr,
      specialMask: this.#specialMask,
      rotateOnAutoEoi: this.#rotateOnAutoEoi,
      polled: this.#polled,
      elcr: this.elcr,
    };
  }
  load(saved: SavedFields): void {
    this.#irr = saved.whole("irr", 0xff);
    this.#isr = saved.whole("isr", 0xff);
    this.#imr = saved.whole("imr", 0xff);
    this.#lines = saved.whole("lines", 0xff);
    this.#base = saved.whole("base", 0xff) & 0xf8;
    this.#icw4 = saved.whole("icw4", 0xff);
    this.#expects = saved.oneOf("expects", [0, 2, 3, 4]);
    this.#single = saved.flag("single");
    this.#wantsIcw4 = saved.flag("wantsIcw4");
    this.#levelMode = saved.flag("levelMode");
    this.#lowest = saved.whole("lowest", 7);
    this.#readIsr = saved.flag("readIsr");
    this.#specialMask = saved.flag("specialMask");
    this.#rotateOnAutoEoi = saved.flag("rotateOnAutoEoi");
    this.#polled = saved.flag("polled");
    this.elcr = saved.whole("elcr", 0xff);
  }

  /** Drives an input. */
  setLine(input: number, level: boolean): void {
    const bit = 1 << input;
    const rises = level && (this.#lines & bit) === 0;
    this.#lines = level ? this.#lines | bit : this.#lines & ~bit;
    if (this.#isLevel(bit)) this.#irr = level ? this.#irr | bit : this.#irr & ~bit;
    else if (rises) this.#irr |= bit;
    // An edge's request has to stay until it is acknowledged: else the answer is spurious.
    else if (!level) this.#irr &= ~bit;
  }

  /** INT, to the processor or the master. */
  get int(): boolean {
    return this.#next() !== undefined;
  }

  /** Whether a request at this input would raise INT now. */
  accepts(input: number): boolean {
    const kept = this.#irr;
    this.#irr |= 1 << input;
    const found = this.#next();
    this.#irr = kept;
    return found !== undefined;
  }

  /** The interrupt acknowledge: the input served, spurious if it is none. */
  acknowledge(): { input: number; spurious: boolean } {
    const input = this.#next();
    if (input === undefined) return { input: SPURIOUS, spurious: true };
    const bit = 1 << input;
    if (!this.#isLevel(bit)) this.#irr &= ~bit;
    if ((this.#icw4 & ICW4.autoEoi) === 0) this.#isr |= bit;
    else if (this.#rotateOnAutoEoi) this.#lowest = input;
    return { input, spurious: false };
  }
  /** The vector of an input: ICW2 gives its upper five bits. */
  vector(input: number): number {
    return this.#base | input;
  }

  read(odd: boolean): number {
    if (this.#polled) {
      this.#polled = false;
      const { input, spurious } = this.acknowledge();
      return spurious ? 0 : 0x80 | input;
    }
    if (odd) return this.#imr;
    return this.#readIsr ? this.#isr : this.#irr;
  }

  write(odd: boolean, value: number): void {
    if (odd) this.#writeOdd(value);
    else if (value & ICW1.init) this.#initialize(value);
    else if (value & OCW3.select) this.#command3(value);
    else this.#command2(value);
  }

  #initialize(icw1: number): void {
    this.#single = (icw1 & ICW1.single) !== 0;
    this.#wantsIcw4 = (icw1 & ICW1.icw4) !== 0;
    this.#levelMode = (icw1 & ICW1.level) !== 0;
    this.#imr = this.#isr = this.#icw4 = 0;
    this.#lowest = 7;
    this.#readIsr =
      this.#specialMask =
      this.#rotateOnAutoEoi =
      this.#polled =
        false;
    // The edge sense circuit is reset: what is high already has to fall and rise again.
    this.#irr = this.#levelMode ? this.#lines : this.#lines & this.elcr;
    this.#expects = 2;
  }

  #writeOdd(value: number): void {
    switch (this.#expects) {
      case 0:
        this.#imr = value;
        return;
      case 2:
        this.#base = value & 0xf8;
        this.#expects = this.#single ? this.#wantsIcw4 ? 4 : 0 : 3;
        return;
      case 3:
        // Where the other one is connected is wired here.
        this.#expects = this.#wantsIcw4 ? 4 : 0;
        return;
      case 4:
        this.#icw4 = value;
        this.#expects = 0;
    }
  }

  /** OCW2: bits 7:5 are rotate, specific, end of interrupt; 2:0 the level. */
  #command2(value: number): void {
    const rotate = (value & 0x80) !== 0, specific = (value & 0x40) !== 0, eoi = (value & 0x20) !== 0;
    const level = value & 7;
    if (!eoi) {
      if (specific && rotate) this.#lowest = level;
      else if (!specific) this.#rotateOnAutoEoi = rotate;
      return;
    }
    const ended = specific ? level : this.#highest(this.#specialMask ? this.#isr & ~this.#imr : this.#isr);
    if (ended === undefined) return;
    this.#isr &= ~(1 << ended);
    if (rotate) this.#lowest = ended;
  }

  #command3(value: number): void {
    if (value & OCW3.setMask) this.#specialMask = (value & OCW3.mask) !== 0;
    if (value & OCW3.poll) this.#polled = true;
    else if (value & OCW3.read) this.#readIsr = (value & OCW3.readIsr) !== 0;
  }

  #isLevel(bit: number): boolean {
    return this.#levelMode || (this.elcr & bit) !== 0;
  }

  /** The input of highest priority among these, which comes after the lowest one. */
  #highest(inputs: number): number | undefined {
    for (let i = 1; i <= 8; i++) {
      const input = this.#lowest + i & 7;
      if (inputs & 1 << input) return input;
    }
    return undefined;
  }

  /** The request that goes before all that is in service. */
  #next(): number | undefined {
    const requests = this.#irr & ~this.#imr;
    if (requests === 0) return undefined;
    if (this.#specialMask) return this.#highest(requests & ~this.#isr);
    for (let i = 1; i <= 8; i++) {
      const input = this.#lowest + i & 7, bit = 1 << input;
      const nested = (this.#icw4 & ICW4.nested) !== 0 && (this.cascade & bit) !== 0;
      if (requests & bit && (nested || !(this.#isr & bit))) return input;
      // In special fully nested mode a slave in service may ask again for a request above its own.
      if (this.#isr & bit) return undefined;
    }
    return undefined;
  }
}

/** The input of the master that the slave drives. */
const CASCADE = 2;

/** The two of a PC: lines 0 to 7 are the master's, 8 to 15 the slave's; line 2 is taken by the slave. */
export class PicPair {
  readonly master = new Pic8259(1 << CASCADE);
  readonly slave = new Pic8259(0);

  reset(): void {
    this.master.reset();
    this.slave.reset();
  }
  save(): SavedState {
    return { master: this.master.save(), slave: this.slave.save() };
  }
  load(saved: SavedFields): void {
    this.master.load(saved.fields("master"));
    this.slave.load(saved.fields("slave"));
  }
  setLine(line: number, level: boolean): void {
    if (line >= 8) this.slave.setLine(line - 8, level);
    else if (line !== CASCADE) this.master.setLine(line, level);
    this.#cascade();
  }
  get int(): boolean {
    return this.master.int;
  }
  accepts(line: number): boolean {
    return line < 8
      ? this.master.accepts(line)
      : this.slave.accepts(line - 8) && this.master.accepts(CASCADE);
  }

  /** The two acknowledge cycles of the processor: the vector. */
  acknowledge(): number {
    const { input, spurious } = this.master.acknowledge();
    if (input !== CASCADE || spurious) return this.master.vector(input);
    const below = this.slave.acknowledge();
    // INT falls at the acknowledge, also where it rises again for the next request.
    this.master.setLine(CASCADE, false);
    this.#cascade();
    return this.slave.vector(below.input);
  }

  /** Port 0 or 1 of one of them. */
  read(pic: Pic8259, odd: boolean): number {
    const value = pic.read(odd);
    this.#cascade();
    return value;
  }
  write(pic: Pic8259, odd: boolean, value: number): void {
    pic.write(odd, value);
    this.#cascade();
  }
  /** An edge/level register; inputs 0, 1, 2, 8 and 13 are edge-triggered always. */
  writeElcr(pic: Pic8259, value: number): void {
    pic.elcr = value & (pic === this.master ? 0xf8 : 0xde);
  }

  #cascade(): void {
    this.master.setLine(CASCADE, this.slave.int);
  }
}

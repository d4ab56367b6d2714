/**
 * A 16550A serial port, by National Semiconductor's PC16550D data sheet (register numbers and bits are its
 * table 2). Interrupts show in the identification register only: no interrupt controller is wired to it yet.
 */
import { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";
import type { AccessSize, BusValue } from "../bus.ts";
import type { Device } from "../device.ts";
import { ByteQueue } from "./byte_queue.ts";

/** The other end of the line. */
export interface UartLine {
  /** A byte that the guest has sent. */
  transmit(byte: number): void;
  /**
   * Asked for bytes when the guest waits for some; undefined at the end of input, after which it is not asked
   * again. Without it nothing comes but what is fed.
   */
  receive?(): Promise<Uint8Array | undefined>;
}

/** Registers by offset; the first two are the divisor latch while LCR's bit 7 is set. */
const DATA = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7;
const DLAB = 0x80;
/** IER and what it enables in IIR, highest priority first (table 4). */
const ENABLE = { received: 1, transmit: 2, line: 4, modem: 8 } as const;
const CAUSE = { none: 1, line: 6, received: 4, timeout: 12, transmit: 2, modem: 0 } as const;
const FIFO_ON = 1, CLEAR_RECEIVER = 2;
/** IIR bits 7:6 with FIFOs on. */
const FIFOS_SHOWN = 0xc0;
/** FCR bits 7:6: bytes in the receiver's FIFO that raise "received data". */
const TRIGGERS = [1, 4, 8, 14];
const FIFO_SIZE = 16;
const LOOP = 0x10;
const LINE = { ready: 1, overrun: 2, transmitterEmpty: 0x60 } as const;
/** MSR: CTS, DSR, RI, DCD in bits 4 to 7; what has changed of them since it was read in bits 0 to 3. */
const CARRIER = 0x80, CLEAR_AND_SET_READY = 0x30, RING = 0x40;

/**
 * A device named `console` unless `name` says otherwise, with eight registers of a byte; a wider access is
 * one to each of its bytes.
 *
 * The transmitter takes no time: it is always empty. Speed, word length, parity and stop bits are kept and
 * mean nothing. The line has flow control: what does not fit in the FIFO (16 bytes, or 1 while it is off) waits
 * outside, so that only loop-back can overrun. Without a clock, bytes below the trigger level are timed out
 * at once.
 *
 * A guest waits for input if it reads LSR without data ready, writes nothing, and reads LSR again: nothing that
 * it can wait for but a byte will change. Its time stands still until the line has brought one byte, so a
 * run is the same however fast the input comes and in what pieces. At the end of input the carrier (MSR bit 7)
 * drops after the last byte was read.
 */
export class Uart16550 implements Device {
  /** `console` if not given otherwise. */
  readonly name: string;
  /** Eight registers of a byte. */
  readonly size: number = 8;
  readonly #line: UartLine;
  /** Bytes that are on their way, host's side of the FIFO. */
  readonly #coming = new ByteQueue();
  #ended = false;
  #fifo: number[] = [];
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scratch = 0;
  #divisor = 0;
  #overrun = false;
  /** The transmitter has become empty and nobody was told. */
  #emptied = false;
  /** Modem lines when MSR was last read. */
  #seenLines = CLEAR_AND_SET_READY | CARRIER;
  /** RI has come and gone since MSR was read. */
  #rang = false;
  /** LSR was read without data ready, and nothing was written since. */
  #polled = false;

  /** A port whose other end is `line`. */
  constructor(line: UartLine, name = "console") {
    this.#line = line;
    this.name = name;
  }

  /** Bytes from the other end, which the guest gets as fast as it reads them. */
  feed(bytes: Uint8Array): void {
    this.#coming.push(bytes);
    this.#refill();
  }

  /** No byte follows those that were fed: the carrier drops when they are read. */
  end(): void {
    this.#ended = true;
  }

  /** As `Device.read`: a promise only where the guest waits for input that has yet to come. */
  read(offset: number, size: AccessSize): BusValue | Promise<BusValue> {
    if (size === 1) {
      if (!this.#mayWait(offset)) return this.#readByte(offset);
      if (this.#coming.length === 0) return this.#awaitByte();
      this.#arrive(1);
      return this.#readByte(offset);
    }
    let value = 0n;
    for (let i = 0; i < size; i++) value |= BigInt(this.#readByte(offset + i)) << BigInt(8 * i);
    return size === 8 ? value : Number(value);
  }

  /** As `Device.write`. */
  write(offset: number, size: AccessSize, value: BusValue): void {
    this.#polled = false;
    for (let i = 0; i < size; i++) {
      this.#writeByte(offset + i, Number(BigInt(value) >> BigInt(8 * i) & 0xffn));
    }
  }

  /** The registers as at power-on; bytes that have not reached the FIFO stay. */
  reset(): void {
    this.#fifo = [];
    this.#ier = 0;
    this.#fcr = 0;
    this.#lcr = 0;
    this.#mcr = 0;
    this.#scratch = 0;
    this.#divisor = 0;
    this.#overrun = false;
    this.#emptied = false;
    this.#rang = false;
    this.#polled = false;
    this.#seenLines = this.#modemLines();
    this.#refill();
  }

  /** As `Device.save`: bytes that were fed and have not arrived are part of it, what the line brings later is not. */
  save(): SavedState {
    return {
      coming: this.#coming.peek(),
      ended: this.#ended,
      fifo: Uint8Array.from(this.#fifo),
      ier: this.#ier,
      fcr: this.#fcr,
      lcr: this.#lcr,
      mcr: this.#mcr,
      scratch: this.#scratch,
      divisor: this.#divisor,
      overrun: this.#overrun,
      emptied: this.#emptied,
      seenLines: this.#seenLines,
      rang: this.#rang,
      polled: this.#polled,
    };
  }

  /** As `Device.load`. */
  load(state: SavedState): void {
    const saved = new SavedFields(state, this.name), fifo = saved.bytes("fifo");
    if (fifo.length > FIFO_SIZE) throw new SyntaxError(`${this.name}.fifo has more than ${FIFO_SIZE} bytes`);
    this.#coming.clear();
    this.#coming.push(saved.bytes("coming"));
    this.#ended = saved.flag("ended");
    this.#fifo = [...fifo];
    this.#ier = saved.whole("ier", 0xf);
    this.#fcr = saved.whole("fcr", 0xff);
    this.#lcr = saved.whole("lcr", 0xff);
    this.#mcr = saved.whole("mcr", 0x1f);
    this.#scratch = saved.whole("scratch", 0xff);
    this.#divisor = saved.whole("divisor", 0xffff);
    this.#overrun = saved.flag("overrun");
    this.#emptied = saved.flag("emptied");
    this.#seenLines = saved.whole("seenLines", 0xff);
    this.#rang = saved.flag("rang");
    this.#polled = saved.flag("polled");
  }

  #readByte(offset: number): number {
    const latch = (this.#lcr & DLAB) !== 0;
    switch (offset) {
      case DATA:
        return latch ? this.#divisor & 0xff : this.#takeByte();
      case IER:
        return latch ? this.#divisor >> 8 : this.#ier;
      case IIR_FCR:
        return this.#identify();
      case LCR:
        return this.#lcr;
      case MCR:
        return this.#mcr;
      case LSR:
        return this.#lineStatus();
      case MSR:
        return this.#modemStatus();
      default:
        return this.#scratch;
    }
  }

  #writeByte(offset: number, value: number): void {
    const latch = (this.#lcr & DLAB) !== 0;
    switch (offset) {
      case DATA:
        if (latch) this.#divisor = this.#divisor & 0xff00 | value;
        else this.#send(value);
        return;
      case IER:
        if (latch) this.#divisor = this.#divisor & 0xff | value << 8;
        else this.#enable(value & 0xf);
        return;
      case IIR_FCR:
        return this.#controlFifo(value);
      case LCR:
        this.#lcr = value;
        return;
      case MCR:
        return this.#controlModem(value & 0x1f);
      case SCR:
        this.#scratch = value;
        return;
        // LSR and MSR are read-only; the data sheet keeps writing LSR for factory tests.
    }
  }

  get #looped(): boolean {
    return (this.#mcr & LOOP) !== 0;
  }

  get #room(): number {
    return (this.#fcr & FIFO_ON) !== 0 ? FIFO_SIZE : 1;
  }

  /** What was fed comes as soon as there is room; what was asked for comes byte by byte, as on a wire. */
  #refill(): void {
    if (this.#line.receive === undefined) this.#arrive(Infinity);
  }

  #arrive(count: number): void {
    if (this.#looped) return;
    const free = Math.min(count, this.#room - this.#fifo.length, this.#coming.length);
    for (let i = 0; i < free; i++) this.#fifo.push(this.#coming.shift()!);
  }

  #takeByte(): number {
    const byte = this.#fifo.shift() ?? 0;
    this.#polled = false;
    this.#refill();
    return byte;
  }

  #send(byte: number): void {
    if (!this.#looped) this.#line.transmit(byte);
    else if (this.#fifo.length < this.#room) this.#fifo.push(byte);
    else {
      this.#overrun = true;
      // Without FIFOs the newer byte takes the place of the older, with them it is lost.
      if (this.#room === 1) this.#fifo[0] = byte;
    }
    this.#emptied = true;
  }

  #mayWait(offset: number): boolean {
    return offset === LSR && this.#polled && this.#fifo.length === 0 && !this.#looped &&
      (this.#coming.length > 0 || (this.#line.receive !== undefined && !this.#ended));
  }

  async #awaitByte(): Promise<number> {
    while (this.#coming.length === 0 && !this.#ended) {
      const bytes = await this.#line.receive!();
      if (bytes === undefined) this.#ended = true;
      else this.#coming.push(bytes);
    }
    this.#arrive(1);
    return this.#readByte(LSR);
  }

  #lineStatus(): number {
    const status = LINE.transmitterEmpty | (this.#fifo.length > 0 ? LINE.ready : 0) |
      (this.#overrun ? LINE.overrun : 0);
    this.#overrun = false;
    this.#polled = this.#fifo.length === 0;
    return status;
  }

  /** CTS, DSR, RI and DCD: in loop-back the guest's own RTS, DTR, OUT1 and OUT2. */
  #modemLines(): number {
    if (!this.#looped) {
      const carrier = !this.#ended || this.#coming.length + this.#fifo.length > 0;
      return CLEAR_AND_SET_READY | (carrier ? CARRIER : 0);
    }
    const [dtr, rts, out1, out2] = [0, 1, 2, 3].map((bit) => this.#mcr >> bit & 1);
    return rts << 4 | dtr << 5 | out1 << 6 | out2 << 7;
  }

  #modemChanges(): number {
    // The ring indicator counts at its trailing edge only.
    const changed = (this.#modemLines() ^ this.#seenLines) & ~RING;
    return changed >> 4 | (this.#rang ? 4 : 0);
  }

  #modemStatus(): number {
    const status = this.#modemLines() | this.#modemChanges();
    this.#seenLines = this.#modemLines();
    this.#rang = false;
    return status;
  }

  #controlModem(value: number): void {
    const rang = this.#modemLines() & RING;
    this.#mcr = value;
    if (rang && !(this.#modemLines() & RING)) this.#rang = true;
    this.#refill();
  }

  #enable(value: number): void {
    // Enabling it while the transmitter is empty raises it.
    if ((value & ~this.#ier & ENABLE.transmit) !== 0) this.#emptied = true;
    this.#ier = value;
  }

  #controlFifo(value: number): void {
    const toggled = ((value ^ this.#fcr) & FIFO_ON) !== 0;
    // The other bits count only if this write has the FIFOs on.
    const clear = (value & (FIFO_ON | CLEAR_RECEIVER)) === (FIFO_ON | CLEAR_RECEIVER);
    if (toggled || clear) this.#fifo = [];
    this.#fcr = (value & FIFO_ON) !== 0 ? value & 0xc9 : 0;
    this.#refill();
  }

  #cause(): number {
    if (this.#ier & ENABLE.line && this.#overrun) return CAUSE.line;
    if (this.#ier & ENABLE.received && this.#fifo.length > 0) {
      const trigger = (this.#fcr & FIFO_ON) !== 0 ? TRIGGERS[this.#fcr >> 6] : 1;
      return this.#fifo.length >= trigger ? CAUSE.received : CAUSE.timeout;
    }
    if (this.#ier & ENABLE.transmit && this.#emptied) return CAUSE.transmit;
    if (this.#ier & ENABLE.modem && this.#modemChanges() !== 0) return CAUSE.modem;
    return CAUSE.none;
  }

  #identify(): number {
    const cause = this.#cause();
    if (cause === CAUSE.transmit) this.#emptied = false;
    return cause | ((this.#fcr & FIFO_ON) !== 0 ? FIFOS_SHOWN : 0);
  }
}

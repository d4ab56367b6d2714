/** Interrupts of PowerPCs: an OpenPIC, which they share, on the external interrupt, and the decrementer of each. */
import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";
import { DECREMENTER_EVENT, MSR, SLOT } from "../../ppc/state.ts";
import { STATE } from "../../ir/layout.ts";
import type { Board } from "../board.ts";
import type { AccessSize, BusHandler, BusValue } from "../bus.ts";
import { interrupt, VECTOR, vectorAddress } from "./interrupt.ts";
import type { Vcpu } from "../vcpu.ts";
import { MOST_PROCESSORS, OPEN_PIC_SIZE, OpenPic, SOURCES } from "../interrupts/open_pic.ts";
import type { InterruptUnit } from "../interrupts/unit.ts";

/** Above the devices' windows. */
const OPEN_PIC_BASE = 0xfec0_0000;
const SIGN = 0x8000_0000;
/** Bits of `DECREMENTER_EVENT`. */
const WAITS = 1, PASSED = 2;

/** The side of each vCPU of one controller. Throws `RangeError` for more vCPUs than it serves. */
export function ppcInterrupts(vcpus: readonly Vcpu[]): InterruptUnit[] {
  if (vcpus.length > MOST_PROCESSORS) {
    throw new RangeError(
      `an OpenPIC serves ${MOST_PROCESSORS} vCPUs and not ${vcpus.length}: make fewer, or no interrupts`,
    );
  }
  const [{ board }] = vcpus;
  const pic = new OpenPic(vcpus.length, (processor, held) => {
    // The vCPU whose store this is cannot be reset in the middle of it.
    if (processor === board.acting()) return;
    const vcpu = vcpus[processor];
    if (!held) return vcpu.start(vectorAddress(vcpu, VECTOR.systemReset));
    vcpu.reset();
    vcpu.parked = true;
  });
  board.mmio.add({ base: OPEN_PIC_BASE, size: OPEN_PIC_SIZE, name: "openpic" }, words(pic, board));
  return vcpus.map((vcpu) => new PpcInterrupts(vcpu, pic));
}

class PpcInterrupts implements InterruptUnit {
  readonly lines = SOURCES;
  /** MSR[EE] changes in traps only. */
  readonly polled = false;
  readonly deadlineWakes = true;
  readonly #vcpu: Vcpu;
  readonly #pic: OpenPic;
  /** The decrementer's exception exists, as of the last `advance`. */
  #expired = false;
  /** The registers that `#deadline` was found for. */
  #dec = -1;
  #base = -1;
  #deadline = Infinity;

  constructor(vcpu: Vcpu, pic: OpenPic) {
    this.#vcpu = vcpu;
    this.#pic = pic;
  }

  setLine(line: number, level: boolean): void {
    this.#pic.setLine(line, level);
  }
  get asserted(): boolean {
    return this.#expired || this.#pic.asks(this.#vcpu.index);
  }
  get enabled(): boolean {
    return (this.#vcpu.state.get64(SLOT.msr) & MSR.EE) !== 0n;
  }
  get exits(): InterruptUnit["exits"] {
    return this.#vcpu.board.backend.interrupts;
  }
  castsShadow(): boolean {
    return false;
  }

  /** When the decrementer passes from 0 to -1; `Infinity` once it has. */
  get deadline(): number {
    if (this.#expired || this.#edge && this.#event & PASSED) return Infinity;
    return this.#passing();
  }

  /**
   * 64-bit: the exception is there as long as the decrementer's top bit is set (2.07B Book III-S 7.3). 32-bit: it
   * comes as that bit becomes set and stays until it is taken (PowerPC Programming Environments Manual, 2.3.14).
   */
  advance(): void {
    const passed = this.#vcpu.cycles >= this.#passing();
    if (!this.#edge) {
      this.#expired = passed;
      return;
    }
    if (passed && !(this.#event & PASSED)) this.#event = PASSED | WAITS;
    this.#expired = (this.#event & WAITS) !== 0;
  }

  /** The decrementer was written: to a negative value it passes 0 at once, unless it had before. */
  retime(): void {
    if (this.#edge && this.#vcpu.state.get32(SLOT.dec) < SIGN) this.#event &= ~PASSED;
    this.advance();
  }

  deliver(): boolean {
    const vcpu = this.#vcpu;
    const external = this.#pic.asks(vcpu.index);
    interrupt(vcpu, external ? VECTOR.external : VECTOR.decrementer, vcpu.state.get64(STATE.pc), 0n);
    if (!external && this.#edge) this.#event &= ~WAITS;
    this.advance();
    return true;
  }

  /** Machines without a non-maskable interrupt have the system reset interrupt for it, as QEMU's "nmi" gives (ISA 2.07B III-S 6.5.1). */
  deliverNmi(): boolean {
    const vcpu = this.#vcpu;
    interrupt(vcpu, VECTOR.systemReset, vcpu.state.get64(STATE.pc), 0n);
    return true;
  }

  reset(): void {
    this.#pic.reset();
    this.#expired = false;
  }

  save(): SavedState {
    const expired = this.#expired;
    return this.#vcpu.index === 0 ? { expired, pic: this.#pic.save() } : { expired };
  }
  load(saved: SavedFields): void {
    this.#expired = saved.flag("expired");
    if (this.#vcpu.index === 0) this.#pic.load(saved.fields("pic"));
  }

  get #edge(): boolean {
    return this.#vcpu.isa.addressWidth === 32;
  }
  get #event(): number {
    return this.#vcpu.state.get32(DECREMENTER_EVENT);
  }
  set #event(bits: number) {
    this.#vcpu.state.set32(DECREMENTER_EVENT, bits);
  }

  /** The first cycle at which the decrementer's top bit is set. */
  #passing(): number {
    const { state, board: { exits: { profile } } } = this.#vcpu;
    const dec = state.get32(SLOT.dec), base = state.getNumber(SLOT.decBase);
    if (dec === this.#dec && base === this.#base) return this.#deadline;
    this.#dec = dec;
    this.#base = base;
    const hz = BigInt(profile.timebaseHz!);
    const tick = BigInt(base) + BigInt(dec) + 1n;
    this.#deadline = dec >= SIGN ? 0 : Number((tick * BigInt(profile.coreHz) + hz - 1n) / hz);
    return this.#deadline;
  }
}

/** Registers of 32 bits, completed in the kernel; other accesses read as 0 and are dropped. */
function words(pic: OpenPic, board: Board): BusHandler {
  return {
    handledIn: "kernel",
    read(offset: number, size: AccessSize): BusValue {
      if (size !== 4) return size === 8 ? 0n : 0;
      return board.signal(() => pic.read(offset, board.acting()));
    },
    write(offset: number, size: AccessSize, value: BusValue): void {
      if (size === 4) board.signal(() => pic.write(offset, Number(value) >>> 0, board.acting()));
    },
  };
}

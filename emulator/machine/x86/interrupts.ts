/** Interrupts of a PC: two 8259A, an 8254 on line 0, and the way through the first vCPU's table. */
import { STATUS } from "../../engine/host.ts";
import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { EFLAGS_REST } from "../../x86/slots.ts";
import type { Board } from "../board.ts";
import type { AccessSize, BusHandler, BusValue } from "../bus.ts";
import type { Vcpu } from "../vcpu.ts";
import { loadsStack, opcodeAt } from "./opcode_at.ts";
import { deliver } from "./protected.ts";
import { type Pic8259, PicPair } from "../interrupts/pic8259.ts";
import { Pit8254, PIT_HZ } from "../interrupts/pit8254.ts";
import type { InterruptUnit } from "../interrupts/unit.ts";

/** I/O ports of the PC's board. */
const PORTS = { master: 0x20, slave: 0xa0, elcr: 0x4d0, timer: 0x40 } as const;
const TIMER_LINE = 0;
/** Opcodes. */
const STI = 0xfb, IRET = 0xcf;
const NMI = 2;

/** The 8259A's INT goes to the first vCPU; the others, without a local APIC, have no interrupts. */
export function x86Interrupts([first]: readonly Vcpu[]): InterruptUnit[] {
  return [new X86Interrupts(first)];
}

class X86Interrupts implements InterruptUnit {
  readonly lines = 16;
  readonly polled = true;
  readonly #vcpu: Vcpu;
  readonly #pics = new PicPair();
  #pit = new Pit8254();
  /** Ticks up to which the timer's edges have been passed on. */
  #seen = 0;
  #deadline = Infinity;
  /** Virtual time up to which this was looked at: the clock of another vCPU may be ahead of the first one's. */
  #clock = 0;

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
    const { board } = vcpu, { ports } = board;
    const { master, slave } = this.#pics;
    const pic = (chip: Pic8259) =>
      bytes(
        {
          in: (offset) => this.#pics.read(chip, offset === 1),
          out: (offset, value) => this.#pics.write(chip, offset === 1, value),
        },
        board,
        () => this.advance(),
      );
    ports.add({ base: PORTS.master, size: 2, name: "pic master" }, pic(master));
    ports.add({ base: PORTS.slave, size: 2, name: "pic slave" }, pic(slave));
    const elcr = bytes(
      {
        in: (offset) => (offset === 0 ? master : slave).elcr,
        out: (offset, value) => this.#pics.writeElcr(offset === 0 ? master : slave, value),
      },
      board,
      () => this.advance(),
    );
    ports.add({ base: PORTS.elcr, size: 2, name: "pic edge/level" }, elcr);
    ports.add({ base: PORTS.timer, size: 4, name: "pit" }, bytes(this.#timer(), board, () => this.advance()));
  }

  setLine(line: number, level: boolean): void {
    this.#pics.setLine(line, level);
  }
  get asserted(): boolean {
    return this.#pics.int;
  }
  get enabled(): boolean {
    return (this.#vcpu.state.get64(EFLAGS_REST) & FLAG.IF) !== 0n;
  }
  get deadline(): number {
    return this.#deadline;
  }
  get deadlineWakes(): boolean {
    return this.#pics.accepts(TIMER_LINE);
  }
  get exits(): InterruptUnit["exits"] {
    return this.#vcpu.board.backend.interrupts;
  }

  /** A rise of the timer's output is an edge of line 0; its fall is not passed on, so that no tick is lost. */
  advance(): void {
    if (this.#time() < this.#deadline) return;
    const now = this.#now();
    if (this.#pit.nextRise(this.#seen) <= now) {
      this.#pics.setLine(TIMER_LINE, false);
      this.#pics.setLine(TIMER_LINE, true);
    }
    this.#rearm(now);
  }

  castsShadow(address: bigint, wasEnabled: boolean): boolean {
    const found = opcodeAt(this.#vcpu, address);
    if (!found) return false;
    return found.opcode === STI ? !wasEnabled : loadsStack(this.#vcpu, found);
  }

  deliver(): boolean {
    const status = deliver(this.#vcpu, { vector: this.#pics.acknowledge(), kind: "external" });
    return status === STATUS.fault || status === STATUS.redirect;
  }

  /** Vector 2. SDM vol. 3A, 6.7. */
  deliverNmi(): boolean {
    const status = deliver(this.#vcpu, { vector: NMI, kind: "external" });
    return status === STATUS.fault || status === STATUS.redirect;
  }
  /** Further ones are held until the next IRET. SDM vol. 3A, 6.7.1. */
  endsNmi(address: bigint): boolean {
    const found = opcodeAt(this.#vcpu, address);
    // It may have left 64-bit mode, in which the byte before was a prefix.
    return found !== undefined && (found.opcode === IRET || found.opcode >> 4 === 4 && found.modrm === IRET);
  }

  reset(): void {
    this.#pics.reset();
    this.#pit = new Pit8254();
    this.#rearm(this.#now());
  }

  save(): SavedState {
    const [seen, deadline, clock] = [this.#seen, this.#deadline, this.#clock];
    return { pics: this.#pics.save(), pit: this.#pit.save(), seen, deadline, clock };
  }
  load(saved: SavedFields): void {
    this.#pics.load(saved.fields("pics"));
    this.#pit.load(saved.records("pit", 3, 3));
    this.#seen = saved.whole("seen");
    this.#deadline = saved.time("deadline");
    this.#clock = saved.whole("clock");
  }

  #timer(): ByteRegisters {
    return {
      in: (offset) => {
        this.#vcpu.board.exits.markClockRead();
        return this.#pit.read(offset, this.#now());
      },
      out: (offset, value) => {
        const now = this.#now();
        this.#pit.write(offset, value, now);
        // Mode 0 begins with a low output, which takes back what was asked for.
        if (offset === 3 && value >> 6 === 0 && !this.#pit.output(now)) this.#pics.setLine(TIMER_LINE, false);
        this.#rearm(now);
      },
    };
  }

  #rearm(now: number): void {
    this.#seen = now;
    const rise = this.#pit.nextRise(now);
    this.#deadline = rise === Infinity ? Infinity : this.#cyclesAt(rise);
  }
  #now(): number {
    return Number(BigInt(this.#time()) * BigInt(PIT_HZ) / this.#hz());
  }
  #time(): number {
    return this.#clock = Math.max(this.#clock, this.#vcpu.board.now());
  }
  /** The first cycle at which the timer's clock shows `ticks`. */
  #cyclesAt(ticks: number): number {
    const hz = BigInt(PIT_HZ);
    return Number((BigInt(ticks) * this.#hz() + hz - 1n) / hz);
  }
  #hz(): bigint {
    return BigInt(this.#vcpu.board.exits.profile.cyclesHz);
  }
}

interface ByteRegisters {
  in(offset: number): number;
  out(offset: number, value: number): void;
}

/** Registers of a byte each, completed in the kernel; wider accesses are accesses to each. */
function bytes(registers: ByteRegisters, board: Board, before: () => void): BusHandler {
  const each = (size: AccessSize, f: (i: number) => void) =>
    board.signal(() => {
      before();
      for (let i = 0; i < size; i++) f(i);
    });
  return {
    handledIn: "kernel",
    read(offset: number, size: AccessSize): BusValue {
      let value = 0;
      each(size, (i) => value += registers.in(offset + i) * 2 ** (8 * i));
      return value;
    },
    write(offset: number, size: AccessSize, value: BusValue): void {
      each(size, (i) => registers.out(offset + i, Number(BigInt(value) >> BigInt(8 * i) & 0xffn)));
    },
  };
}

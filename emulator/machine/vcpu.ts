/**
 * One vCPU, and the way of every exit: compiled code calls `load`, `store` or `trap`, the backend's table
 * says whether and under which name that leaves the guest, `#charge` writes the ledger, the bus or table
 * finds the handler, the handler's answer goes back into the instruction.
 */
import type { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import type { Engine } from "../engine/engine.ts";
import { ACCESS, type EngineHost, STATUS, type Status } from "../engine/host.ts";
import type { Direction, HandledIn, NativeReason } from "../engine/native_reason.ts";
import { CpuState } from "../engine/state.ts";
import { fillTlb } from "../engine/tlb.ts";
import type { Ledger } from "../exits/ledger.ts";
import type { ExitSite } from "../exits/row.ts";
import { STATE } from "../ir/layout.ts";
import type { Isa } from "../isa/isa.ts";
import type { SymbolTable } from "../isa/symbols.ts";
import type { AccessSize, Bus, BusValue } from "./bus.ts";
import type { HypercallTable } from "./hypercalls.ts";
import { Journal } from "./journal.ts";
import type { GuestMemory } from "./memory.ts";
import { fits, ones, piecesOf, swapValue } from "./access.ts";
import { Registers } from "./registers.ts";
import type { StopDetail } from "./stop.ts";
import type { TrapHandler } from "./traps.ts";
import type { Offender } from "./unimplemented.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** What a vCPU shares with the rest of its VM. */
export interface Board {
  readonly isa: Isa;
  readonly arena: Arena;
  readonly backend: Backend;
  readonly memory: GuestMemory;
  readonly ports: Bus;
  readonly mmio: Bus;
  readonly hypercalls: HypercallTable;
  readonly exits: Ledger;
  readonly symbols: SymbolTable;
  /** What an access gets that nobody claims: all ones, or the end of the run. */
  readonly unclaimed: "ones" | "stop";
  /** Whether a page's first MMIO access has been seen (then it is now). */
  touchMmioPage(page: number): boolean;
  /** By trap number of the ISA. */
  readonly traps: readonly TrapHandler[];
}

const PAGE = 4096;
/** Exceptions without an instruction completed between them, after which a guest is stopped. */
const FAULT_LIMIT = 1000;
/** Exits between two turns of the event loop: handlers are users' code, and Ctrl-C has to stay prompt. */
const EXITS_PER_SLICE = 10_000;
/** Guest-physical addresses have at most 52 bits on every processor that KVM runs on. */
const PHYSICAL_LIMIT = 2 ** 52;

/** A virtual CPU with its engine: the way of every exit leads through it. */
export class Vcpu implements VirtualCpu, EngineHost, ExitSite {
  readonly index: number;
  readonly state: CpuState;
  readonly registers: Registers;
  /** Set once, by the VM, which makes the engine around this vCPU. */
  engine!: Engine;
  readonly #board: Board;
  readonly #journal = new Journal();
  readonly #bytes = new DataView(new ArrayBuffer(8));
  #charged = 0;
  #stop: StopDetail | undefined;
  #stopAfter: StopDetail | undefined;
  #pending: Promise<void> | undefined;
  #inHandler = false;
  /** Exits completed in this slice of the run. */
  #completed = 0;
  /** Exceptions in a row, all at one count of instructions. */
  #faults = 0;
  #faultsAt = -1;

  constructor(index: number, board: Board) {
    this.index = index;
    this.#board = board;
    this.state = new CpuState(board.arena);
    this.registers = new Registers(board.isa, this.state, () => this.#abandon());
    this.reset();
  }

  /** Back to the ISA's reset values; time goes on. */
  reset(): void {
    this.restoreState(this.resetState());
  }

  get vcpu(): number {
    return this.index;
  }
  get pc(): bigint {
    return this.state.get64(STATE.pc);
  }
  set pc(address: bigint) {
    this.state.set64(STATE.pc, BigInt.asUintN(this.#board.isa.addressWidth, address));
    this.#abandon();
  }
  /** Instructions completed since the VM was made; during an exit, those before the one that exits. */
  get instructions(): number {
    return this.engine.instructions - (this.#inHandler ? 1 : 0);
  }
  /** Virtual time: cycles of instructions and of exits since the VM was made. */
  get cycles(): number {
    // While a device is waited for, its instruction's own cost is taken back; time stands still all the same.
    const waiting = this.#pending ? this.state.get32(STATE.cost) : 0;
    return this.state.getNumber(STATE.cycles) + this.#charged + waiting;
  }
  codeAddress(pc: bigint = this.pc): bigint {
    const { codeBase } = this.#board.isa;
    return codeBase === undefined ? pc : pc + this.state.get64(codeBase);
  }
  symbol(): string | undefined {
    const near = this.#board.symbols.nearest(this.pc);
    return near && (near.offset === 0n ? near.name : `${near.name}+0x${near.offset.toString(16)}`);
  }
  /** True while an exit of this vCPU is being handled, or waits for its device. */
  get inExit(): boolean {
    return this.#inHandler || this.#pending !== undefined;
  }

  /** A copy of all registers; time (cycles, instructions) is not among them. */
  saveState(): Uint8Array {
    return this.state.copy(0, STATE.end);
  }
  /** Puts registers back. An instruction that was left half-way is abandoned with its pending exit. */
  restoreState(bytes: Uint8Array): void {
    const cycles = this.state.get64(STATE.cycles);
    this.state.paste(0, bytes);
    this.state.set64(STATE.cycles, cycles);
    this.state.set32(STATE.left, 0);
    this.#abandon();
  }
  /** What `saveState` gives right after reset. */
  resetState(): Uint8Array {
    const bytes = new Uint8Array(STATE.end);
    const view = new DataView(bytes.buffer);
    for (const [offset, value] of this.#board.isa.reset) view.setBigUint64(offset, value, true);
    return bytes;
  }

  // --- What the run loop asks.

  /** Why the host stopped the engine, taken once; what was to end the run later is void then. */
  takeStop(): StopDetail | undefined {
    const stop = this.#stop;
    if (stop) this.#stop = this.#stopAfter = undefined;
    return stop;
  }
  /** What ends the run when the instruction at hand is complete. */
  get stopAfter(): StopDetail | undefined {
    return this.#stopAfter;
  }
  /** That instruction is complete. */
  clearStopAfter(): void {
    this.#stopAfter = undefined;
  }
  /** The device that the instruction at hand waits for. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }
  /** The engine is about to run; an instruction that was left half-way is executed again from its start. */
  beginSlice(): void {
    this.#journal.rewind();
    this.#completed = 0;
  }

  // --- EngineHost: where compiled code comes out.

  load(_cpu: number, size: number, flags: number): Status {
    const address = this.state.getNumber(STATE.args);
    const swap = (flags & ACCESS.bigEndian) !== 0;
    const inPage = address % PAGE + size <= PAGE;
    const slot = this.#board.memory.find(address);
    if (inPage && slot) {
      const place = slot.place + (address - slot.gpa);
      fillTlb(this.state, address, place, !slot.readOnly && !this.engine.isCode(place));
      this.#getBytes(place, size);
      this.#result(this.#value(size, !swap), size);
      return STATUS.proceed;
    }
    if (address >= PHYSICAL_LIMIT) return this.#beyond();
    this.#turn();
    if (inPage) return this.#mmioLoad(address, size as AccessSize, swap);
    // Across a page: piece by piece, each on its own side.
    for (const piece of piecesOf(address, size)) {
      const at = piece.address - address;
      const home = this.#board.memory.find(piece.address);
      if (home) {
        const place = home.place + (piece.address - home.gpa);
        for (let i = 0; i < piece.size; i++) this.#bytes.setUint8(at + i, this.#board.arena.u8[place + i]);
        continue;
      }
      const status = this.#access(
        this.#board.mmio,
        this.#mmioReason(piece.address),
        piece.address,
        "in",
        piece.size,
        0,
      );
      if (status !== STATUS.proceed) return status;
      for (let i = 0; i < piece.size; i++) this.#bytes.setUint8(at + i, this.state.get8(STATE.result + i));
    }
    this.#result(this.#value(size, !swap), size);
    return STATUS.proceed;
  }

  store(_cpu: number, size: number, flags: number): Status {
    const address = this.state.getNumber(STATE.args);
    const swap = (flags & ACCESS.bigEndian) !== 0;
    const inPage = address % PAGE + size <= PAGE;
    const slot = this.#board.memory.find(address);
    if (inPage && slot && !slot.readOnly) {
      const place = slot.place + (address - slot.gpa);
      this.#setValue(this.#argument(1, size), size, !swap);
      this.#putBytes(place, size);
      fillTlb(this.state, address, place, !this.engine.isCode(place));
      return STATUS.proceed;
    }
    if (address >= PHYSICAL_LIMIT) return this.#beyond();
    const value = this.#argument(1, size);
    this.#turn();
    if (inPage) {
      const native = this.#mmioReason(address);
      const seen = swap ? swapValue(value, size) : value;
      return this.#access(this.#board.mmio, native, address, "out", size as AccessSize, seen);
    }
    this.#setValue(value, size, !swap);
    const bytes = this.#bytes.buffer.slice(0);
    for (const piece of piecesOf(address, size)) {
      const view = new DataView(bytes, piece.address - address, piece.size);
      const home = this.#board.memory.find(piece.address);
      if (home && !home.readOnly) {
        const place = home.place + (piece.address - home.gpa);
        this.#board.arena.u8.set(new Uint8Array(bytes, piece.address - address, piece.size), place);
        this.engine.invalidate(place, piece.size);
        continue;
      }
      const part = valueOf(view, piece.size, true);
      const status = this.#access(
        this.#board.mmio,
        this.#mmioReason(piece.address),
        piece.address,
        "out",
        piece.size,
        part,
      );
      if (status !== STATUS.proceed) return status;
    }
    return STATUS.proceed;
  }

  trap(_cpu: number, trap: number): Status {
    this.#inHandler = true;
    try {
      const status = this.#board.traps[trap](this);
      return status === STATUS.proceed && this.#completed > EXITS_PER_SLICE ? STATUS.again : status;
    } finally {
      this.#inHandler = false;
    }
  }

  // --- What trap handlers are made of.

  /** Argument of the trap at hand: its low 32 bits, unsigned. */
  argument(index: number): number {
    return this.state.get32(STATE.args + 8 * index);
  }
  argument64(index: number): bigint {
    return this.state.get64(STATE.args + 8 * index);
  }
  /** Gives the trap at hand its result. */
  answer(value: bigint): void {
    this.state.set64(STATE.result, value);
  }
  get board(): Board {
    return this.#board;
  }
  /** Address of the instruction after the one that traps. */
  get nextPc(): bigint {
    return this.state.get64(STATE.nextPc);
  }
  /** The instruction that traps; no bytes where its memory has gone (a device may take a slot away). */
  get offender(): Offender {
    const { isa, memory } = this.#board;
    const { pc } = this;
    const bits = isa.pcWidth ?? isa.addressWidth;
    // The difference wraps with the program counter: an instruction may end at its last address.
    const length = Number(BigInt.asUintN(bits, this.nextPc - pc));
    const at = this.codeAddress(pc);
    const known = length <= isa.maxLength && at < BigInt(PHYSICAL_LIMIT) && memory.holds(at, length);
    return { bytes: known ? memory.read(at, length) : new Uint8Array(), pc, mode: isa.name };
  }

  /** Whether the instruction at hand was left half-way, and its next access is done already. */
  get replays(): boolean {
    this.#turn();
    return this.#journal.replays;
  }

  /** An exit that the hypervisor's kernel half completes by itself. */
  kernelExit(native: NativeReason, key: number): void {
    this.#turn();
    if (this.#journal.replays) {
      this.#journal.take();
      return;
    }
    this.#charge(native, key, "none", 0, "kernel");
    this.#journal.complete(undefined);
    this.#completed++;
  }

  /** An access to a port; its value stands in argument 2 where it goes out. */
  portAccess(native: NativeReason, direction: "in" | "out"): Status {
    this.#turn();
    const size = this.argument(1) as AccessSize;
    return this.#access(this.#board.ports, native, this.argument(0), direction, size, this.argument(2));
  }

  /** A hypercall; `unknown` sets the result that the ABI gives for a number that nobody answers. */
  hypercall(native: NativeReason, number: number, unknown: () => void): Status {
    this.#turn();
    if (this.#journal.replays) {
      this.#journal.take();
      return STATUS.proceed;
    }
    const call = this.#board.hypercalls.find(number);
    let handledIn: HandledIn = call ? "userspace" : "kernel";
    try {
      const { handledIn: said } = call ?? {};
      handledIn = (typeof said === "function" ? said(this) : said) ?? handledIn;
    } catch (error) {
      return this.#fail(call!.name, error);
    }
    this.#charge(native, number, "none", 0, handledIn);
    if (!call) {
      unknown();
      this.#journal.complete(undefined);
      return this.#accessDone();
    }
    return this.#finish(call.name, () => call.call(this), "none", 8);
  }

  /** Ends the run; the instruction is complete. */
  stopDone(stop: StopDetail): Status {
    this.#stop = stop;
    return STATUS.done;
  }
  /** Ends the run; the instruction is not executed. */
  stopAgain(stop: StopDetail): Status {
    this.#stop = stop;
    return STATUS.again;
  }
  /** As `stopAgain`, and the exits that the instruction made are made again when it is tried again. */
  stopAnew(stop: StopDetail): Status {
    this.#journal.abandon();
    return this.stopAgain(stop);
  }
  /**
   * The instruction at hand raises an exception whose handler is at `pc`. A guest that does nothing but
   * raise exceptions is stopped: it would never use up a budget.
   */
  fault(pc: bigint): Status {
    const now = this.engine.instructions;
    this.#faults = now === this.#faultsAt ? this.#faults + 1 : 1;
    this.#faultsAt = now;
    if (this.#faults > FAULT_LIMIT) {
      const message = `${FAULT_LIMIT} exceptions in a row, and no instruction completed between them`;
      return this.stopAgain({ reason: "INTERNAL_ERROR", message });
    }
    this.state.set64(STATE.pc, pc);
    // The next instruction has the same number as this one, which is not counted.
    this.#journal.abandon();
    return STATUS.fault;
  }
  /** Ends the run after the instruction at hand. */
  requestStop(stop: StopDetail): void {
    this.#stopAfter = stop;
  }
  /** Adds a device's own cycles to the exit at hand. */
  chargeDevice(cycles: number): void {
    this.#board.exits.chargeDevice(cycles);
    this.#charged += cycles;
  }

  // --- The one place where exits are counted and handlers found.

  #charge(native: NativeReason, key: number, direction: Direction, size: number, handledIn: HandledIn): void {
    const inHandler = this.#inHandler;
    this.#inHandler = true;
    const { exits } = this.#board;
    this.#charged += this.#journal.started
      ? exits.accessAgain(key, direction, size, handledIn, this)
      : exits.charge(native, key, direction, size, handledIn, this);
    this.#inHandler = inHandler;
  }

  #access(
    bus: Bus,
    native: NativeReason,
    key: number,
    direction: "in" | "out",
    size: AccessSize,
    value: BusValue,
  ): Status {
    if (this.#journal.replays) {
      const seen = this.#journal.take();
      if (direction === "in") this.#result(seen!, size);
      return STATUS.proceed;
    }
    const range = bus.find(key, size);
    this.#charge(native, key, direction, size, range?.handler.handledIn ?? "userspace");
    if (!range) return this.#nobody(bus, key, direction, size);
    const { handler, base, name } = range;
    const what = direction === "in"
      ? () => handler.read(key - base, size)
      : () => handler.write(key - base, size, size === 8 ? BigInt(value) : value);
    return this.#finish(name, what, direction, size);
  }

  /** Calls a handler and brings its answer, now or later, into the instruction. */
  #finish(
    device: string,
    handle: () => BusValue | void | Promise<BusValue | void>,
    direction: Direction,
    size: AccessSize,
  ): Status {
    this.#inHandler = true;
    let answer: BusValue | void | Promise<BusValue | void>;
    try {
      answer = handle();
    } catch (error) {
      return this.#fail(device, error);
    } finally {
      this.#inHandler = false;
    }
    if (answer instanceof Promise) {
      const wait = answer.then((value) => {
        if (this.#pending !== wait) return;
        this.#pending = undefined;
        const bad = direction === "in" && !fits(value);
        if (bad) this.#fail(device, badAnswer(device, value));
        else this.#journal.completeLater(value as BusValue | undefined);
      }, (error) => {
        if (this.#pending !== wait) return;
        this.#pending = undefined;
        this.#fail(device, error);
      });
      this.#pending = wait;
      return STATUS.again;
    }
    if (direction === "in") {
      if (!fits(answer)) return this.#fail(device, badAnswer(device, answer));
      this.#result(answer, size);
    }
    this.#journal.complete(answer as BusValue | undefined);
    return this.#accessDone();
  }

  #fail(device: string, error: unknown): Status {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return this.stopAgain({
      reason: "DEVICE_ERROR",
      device,
      error,
      message: `device ${device} failed: ${text}`,
    });
  }

  #nobody(bus: Bus, key: number, direction: "in" | "out", size: AccessSize): Status {
    if (this.#board.unclaimed === "stop") {
      const what = `${direction === "in" ? "load from" : "store to"} ${bus.name} 0x${key.toString(16)}`;
      return this.stopAgain({
        reason: "INTERNAL_ERROR",
        address: BigInt(key),
        message: `${what} (${size} bytes), which nothing claims`,
      });
    }
    if (direction === "in") this.#result(ones(size), size);
    this.#journal.complete(direction === "in" ? ones(size) : undefined);
    return this.#accessDone();
  }

  /**
   * On after a completed access, unless the run is to stop after its instruction, or the event loop is due a
   * turn: then the instruction is executed again, its accesses taken from the journal.
   */
  #accessDone(): Status {
    return this.#stopAfter || ++this.#completed > EXITS_PER_SLICE ? STATUS.again : STATUS.proceed;
  }

  #mmioLoad(address: number, size: AccessSize, swap: boolean): Status {
    const status = this.#access(this.#board.mmio, this.#mmioReason(address), address, "in", size, 0);
    if (swap && status === STATUS.proceed) {
      const value = size === 8 ? this.state.get64(STATE.result) : this.state.get32(STATE.result);
      this.#result(swapValue(value, size), size);
    }
    return status;
  }

  #mmioReason(address: number): NativeReason {
    const { first, later } = this.#board.backend.mmio;
    if (first === later || this.#journal.replays) return later;
    return this.#board.touchMmioPage(Math.floor(address / PAGE)) ? later : first;
  }

  #beyond(): Status {
    const address = this.argument64(0);
    return this.stopAgain({
      reason: "INTERNAL_ERROR",
      address,
      message: `access at 0x${address.toString(16)}, which is no guest-physical address: those have 52 bits`,
    });
  }

  /** The instruction at hand will not be gone on with. */
  #abandon(): void {
    this.#journal.abandon();
    this.#stop = this.#stopAfter = this.#pending = undefined;
    this.#completed = 0;
  }

  /** Opens the journal at the instruction at hand. */
  #turn(): void {
    this.#journal.turnTo(this.engine.instructions);
  }

  #argument(index: number, size: number): BusValue {
    return size === 8 ? this.argument64(index) : this.argument(index);
  }

  #result(value: BusValue, size: number): void {
    if (size === 8) return this.state.set64(STATE.result, BigInt(value));
    const bits = typeof value === "bigint" ? Number(BigInt.asUintN(32, value)) : value;
    this.state.set32(STATE.result, size === 4 ? bits >>> 0 : bits & (size === 2 ? 0xffff : 0xff));
    this.state.set32(STATE.result + 4, 0);
  }

  #getBytes(place: number, size: number): void {
    for (let i = 0; i < size; i++) this.#bytes.setUint8(i, this.#board.arena.u8[place + i]);
  }
  #putBytes(place: number, size: number): void {
    for (let i = 0; i < size; i++) this.#board.arena.u8[place + i] = this.#bytes.getUint8(i);
    this.engine.invalidate(place, size);
  }
  #value(size: number, littleEndian: boolean): BusValue {
    return valueOf(this.#bytes, size, littleEndian);
  }
  #setValue(value: BusValue, size: number, littleEndian: boolean): void {
    if (size === 8) this.#bytes.setBigUint64(0, BigInt(value), littleEndian);
    else if (size === 4) this.#bytes.setUint32(0, Number(value), littleEndian);
    else if (size === 2) this.#bytes.setUint16(0, Number(value), littleEndian);
    else this.#bytes.setUint8(0, Number(value));
  }
}

function valueOf(view: DataView, size: number, littleEndian: boolean): BusValue {
  if (size === 8) return view.getBigUint64(0, littleEndian);
  if (size === 4) return view.getUint32(0, littleEndian);
  return size === 2 ? view.getUint16(0, littleEndian) : view.getUint8(0);
}

function badAnswer(device: string, value: unknown): TypeError {
  return new TypeError(
    `${device} answered a load with ${
      value === null ? "null" : typeof value
    }: give a whole number or a bigint`,
  );
}

/**
 * Loads and stores that compiled code could not do by itself: RAM that its TLB does not hold yet, accesses
 * across a page, and everything without memory, which exits as MMIO.
 */
import { ACCESS, STATUS, type Status } from "../engine/host.ts";
import type { NativeReason } from "../engine/native_reason.ts";
import type { CpuState } from "../engine/state.ts";
import { fillTlb } from "../engine/tlb.ts";
import { STATE } from "../ir/layout.ts";
import { piecesOf, setValue, swapValue, valueOf } from "./access.ts";
import type { Board } from "./board.ts";
import type { AccessSize, BusValue } from "./bus.ts";
import { type ExitPath, setResult } from "./exit_path.ts";

const PAGE = 4096;
/** Guest-physical addresses have at most 52 bits on every processor that KVM runs on. */
export const PHYSICAL_LIMIT = 2 ** 52;

/** What the engine is told and asked of code in memory. */
interface CodeWatch {
  readonly engine: { isCode(place: number): boolean; invalidate(place: number, length: number): void };
}

export class MemoryPath {
  readonly #board: Board;
  readonly #state: CpuState;
  readonly #exits: ExitPath;
  readonly #watch: CodeWatch;
  /** The bytes of the access at hand, in the order of their addresses. */
  readonly #bytes = new DataView(new ArrayBuffer(8));

  constructor(board: Board, state: CpuState, exits: ExitPath, watch: CodeWatch) {
    this.#board = board;
    this.#state = state;
    this.#exits = exits;
    this.#watch = watch;
  }

  load(size: number, flags: number): Status {
    const address = this.#state.getNumber(STATE.args);
    const littleEndian = (flags & ACCESS.bigEndian) === 0;
    const inPage = address % PAGE + size <= PAGE;
    const slot = this.#board.memory.find(address);
    if (inPage && slot) {
      const place = slot.place + (address - slot.gpa);
      fillTlb(this.#state, address, place, !slot.readOnly && !this.#watch.engine.isCode(place));
      for (let i = 0; i < size; i++) this.#bytes.setUint8(i, this.#board.arena.u8[place + i]);
    } else if (address >= PHYSICAL_LIMIT) return this.#beyond();
    else {
      const status = inPage
        ? this.#mmioLoad(address, size as AccessSize, 0)
        : this.#loadPieces(address, size);
      if (status !== STATUS.proceed) return status;
    }
    setResult(this.#state, valueOf(this.#bytes, size, littleEndian), size);
    return STATUS.proceed;
  }

  store(size: number, flags: number): Status {
    const address = this.#state.getNumber(STATE.args);
    const littleEndian = (flags & ACCESS.bigEndian) === 0;
    const value: BusValue = size === 8
      ? this.#state.get64(STATE.args + 8)
      : this.#state.get32(STATE.args + 8);
    const inPage = address % PAGE + size <= PAGE;
    const slot = this.#board.memory.find(address);
    if (inPage && slot && !slot.readOnly) {
      const place = slot.place + (address - slot.gpa);
      setValue(this.#bytes, value, size, littleEndian);
      this.#write(place, 0, size);
      fillTlb(this.#state, address, place, !this.#watch.engine.isCode(place));
      return STATUS.proceed;
    }
    if (address >= PHYSICAL_LIMIT) return this.#beyond();
    if (inPage) {
      return this.#mmioStore(address, size as AccessSize, littleEndian ? value : swapValue(value, size));
    }
    return this.#storePieces(address, size, value, littleEndian);
  }

  /** Across a page: piece by piece, each on its own side. */
  #loadPieces(address: number, size: number): Status {
    for (const piece of piecesOf(address, size)) {
      const at = piece.address - address;
      const slot = this.#board.memory.find(piece.address);
      if (!slot) {
        const status = this.#mmioLoad(piece.address, piece.size, at);
        if (status !== STATUS.proceed) return status;
        continue;
      }
      const place = slot.place + (piece.address - slot.gpa);
      for (let i = 0; i < piece.size; i++) this.#bytes.setUint8(at + i, this.#board.arena.u8[place + i]);
    }
    return STATUS.proceed;
  }

  #storePieces(address: number, size: number, value: BusValue, littleEndian: boolean): Status {
    // A handler may cause accesses of its own: the bytes at hand are this store's only.
    const bytes = new DataView(new ArrayBuffer(8));
    setValue(bytes, value, size, littleEndian);
    for (const piece of piecesOf(address, size)) {
      const at = piece.address - address;
      const part = valueOf(new DataView(bytes.buffer, at, piece.size), piece.size, true);
      const slot = this.#board.memory.find(piece.address);
      if (slot && !slot.readOnly) {
        setValue(this.#bytes, part, piece.size, true);
        this.#write(slot.place + (piece.address - slot.gpa), 0, piece.size);
        continue;
      }
      const status = this.#mmioStore(piece.address, piece.size, part);
      if (status !== STATUS.proceed) return status;
    }
    return STATUS.proceed;
  }

  /** Puts the answer's bytes from `at` on. */
  #mmioLoad(address: number, size: AccessSize, at: number): Status {
    const { mmio } = this.#board;
    const status = this.#exits.access(mmio, this.#mmioReason(address), address, "in", size, 0);
    if (status !== STATUS.proceed) return status;
    for (let i = 0; i < size; i++) this.#bytes.setUint8(at + i, this.#state.get8(STATE.result + i));
    return STATUS.proceed;
  }

  #mmioStore(address: number, size: AccessSize, value: BusValue): Status {
    return this.#exits.access(this.#board.mmio, this.#mmioReason(address), address, "out", size, value);
  }

  #mmioReason(address: number): NativeReason {
    const { first, later } = this.#board.backend.mmio;
    if (first === later || this.#exits.replays) return later;
    return this.#board.touchMmioPage(Math.floor(address / PAGE)) ? later : first;
  }

  /** Writes the bytes at hand to linear memory and tells who holds code from there. */
  #write(place: number, from: number, size: number): void {
    for (let i = 0; i < size; i++) this.#board.arena.u8[place + i] = this.#bytes.getUint8(from + i);
    this.#watch.engine.invalidate(place, size);
  }

  #beyond(): Status {
    const address = this.#state.get64(STATE.args);
    return this.#exits.stopAgain({
      reason: "INTERNAL_ERROR",
      address,
      message: `access at 0x${address.toString(16)}, which is no guest-physical address: those have 52 bits`,
    });
  }
}

/**
 * Loads and stores that compiled code could not do by itself: RAM that its TLB does not hold yet, accesses
 * across a page, and everything without memory, which exits as MMIO. Where the architecture translates addresses, this is
 * the only place that asks it.
 */
import { ACCESS, STATUS, type Status, UNKNOWN_WAY } from "../engine/host.ts";
import type { NativeReason } from "../engine/native_reason.ts";
import type { CpuState } from "../engine/state.ts";
import { fillTlb, findWalk, keepWalk } from "../engine/tlb.ts";
import { STATE } from "../ir/layout.ts";
import { accessTag, MAPPINGS, NO_WAY } from "../ir/way_layout.ts";
import { piecesOf, setValue, swapValue, valueOf } from "./access.ts";
import type { Board } from "./board.ts";
import type { DebugUnit } from "./debug/debug_unit.ts";
import type { AccessSize, BusValue } from "./bus.ts";
import { MemoryLanes } from "./exit_lane.ts";
import type { KnownWays } from "./known_ways.ts";
import type { ExitPath } from "./exit_path.ts";
import { setResult } from "./result.ts";
import { REACH, type Reach, type Translation } from "./processor.ts";

const PAGE = 4096;
const FAST = { fast: true } as const;
/** Guest-physical addresses have at most 52 bits on every processor that KVM runs on. */
export const PHYSICAL_LIMIT = 2 ** 52;
/** What `#find` answers instead of an address. */
const FAULT = -1, BEYOND = -2;

/** The vCPU whose accesses these are. */
export interface Accessing {
  readonly isa: { readonly addressWidth: 32 | 64 };
  readonly translation: Translation | undefined;
  readonly debug: DebugUnit;
  /** Raises what a translation failed with. */
  raise(): Status;
}

export class MemoryPath {
  readonly #board: Board;
  readonly #state: CpuState;
  readonly #exits: ExitPath;
  readonly #cpu: Accessing;
  /** The bytes of the access at hand, in the order of their addresses. */
  readonly #bytes = new DataView(new ArrayBuffer(8));
  readonly #lanes = new MemoryLanes();
  readonly #ways: KnownWays;
  /** Whether the MMIO page at hand had an access before. */
  #touched = false;
  /** Whether stores to the page found last need not be looked at. */
  #storable = true;

  constructor(board: Board, state: CpuState, exits: ExitPath, cpu: Accessing, ways: KnownWays) {
    this.#ways = ways;
    this.#board = board;
    this.#state = state;
    this.#exits = exits;
    this.#cpu = cpu;
  }

  load(size: number, flags: number, number: number): Status {
    const low = this.#state.get32(STATE.args), high = this.#state.get32(STATE.args + 4);
    const littleEndian = (flags & ACCESS.bigEndian) === 0;
    const reach = flags & ACCESS.forWrite ? REACH.store : REACH.load;
    let status: Status;
    if ((low & PAGE - 1) + size > PAGE) {
      status = this.#loadAcross(low, high, size, reach);
      if (status === STATUS.proceed) this.#setLoaded(valueOf(this.#bytes, size, littleEndian), size);
    } else {
      const gpa = this.#find(low, high, reach);
      if (gpa < 0) return this.#refuse(gpa, low, high);
      const mappings = this.#state.get32(MAPPINGS);
      const known = this.#repeat("in", low, gpa, size, 0, true);
      status = known === UNKNOWN_WAY ? this.#loadWithin(low, high, reach, gpa, size) : known;
      if (number !== NO_WAY) this.#keepWay("load", number, size, flags, [low, high, mappings], gpa);
      if (status === STATUS.proceed && !littleEndian) {
        this.#setLoaded(swapValue(this.#loaded(size), size), size);
      }
    }
    if (status === STATUS.proceed) this.#cpu.debug.access(low, high, size, "read");
    return status;
  }

  /** The bytes as they are in memory, or as a device gives them: a little-endian value. */
  #loadWithin(low: number, high: number, reach: Reach, gpa: number, size: number): Status {
    const slot = this.#board.memory.find(gpa);
    if (!slot) {
      this.#keepWalk(low, high, reach, gpa);
      return this.#mmio("in", low, gpa, size as AccessSize, 0);
    }
    const place = slot.place + (gpa - slot.gpa);
    this.#remember(low, high, place, !slot.readOnly && this.#mayStore(place));
    for (let i = 0; i < size; i++) this.#bytes.setUint8(i, this.#board.arena.u8[place + i]);
    this.#setLoaded(valueOf(this.#bytes, size, true), size);
    return STATUS.proceed;
  }
  #loaded(size: number): BusValue {
    return size === 8 ? this.#state.get64(STATE.result) : this.#state.get32(STATE.result);
  }
  #setLoaded(value: BusValue, size: number): void {
    setResult(this.#state, value, size);
  }

  store(size: number, flags: number, number: number): Status {
    const low = this.#state.get32(STATE.args), high = this.#state.get32(STATE.args + 4);
    const littleEndian = (flags & ACCESS.bigEndian) === 0;
    const value: BusValue = size === 8
      ? this.#state.get64(STATE.args + 8)
      : this.#state.get32(STATE.args + 8);
    if ((low & PAGE - 1) + size > PAGE) return this.#storeAcross(low, high, size, value, littleEndian);
    const gpa = this.#find(low, high, REACH.store);
    if (gpa < 0) return this.#refuse(gpa, low, high);
    this.#cpu.debug.access(low, high, size, "write");
    const mappings = this.#state.get32(MAPPINGS);
    const known = this.#repeat("out", low, gpa, size, value, littleEndian);
    const slot = known === UNKNOWN_WAY ? this.#board.memory.find(gpa) : undefined;
    if (!slot || slot.readOnly) {
      const status = known === UNKNOWN_WAY
        ? this.#deviceStore(low, high, gpa, size, littleEndian ? value : swapValue(value, size))
        : known;
      if (number !== NO_WAY) this.#keepWay("store", number, size, flags, [low, high, mappings], gpa);
      return status;
    }
    const place = slot.place + (gpa - slot.gpa);
    setValue(this.#bytes, value, size, littleEndian);
    // A store to a table may have moved the page that it went to.
    if (!this.#write(place, size)) {
      const mayStore = this.#mayStore(place);
      if (mayStore) this.#board.watch.open(place);
      this.#remember(low, high, place, mayStore);
    }
    return STATUS.proceed;
  }

  #deviceStore(low: number, high: number, gpa: number, size: number, value: BusValue): Status {
    this.#keepWalk(low, high, REACH.store, gpa);
    return this.#mmio("out", low, gpa, size as AccessSize, value);
  }

  /** Compiled code reaches the page by itself from now on, but for accesses that a watchpoint may want. */
  #remember(low: number, high: number, place: number, writable: boolean): void {
    const watched = this.#cpu.debug.ofPage(low, high);
    if (watched !== "everything") {
      fillTlb(this.#state, low, high, place, writable && watched === "nothing");
    }
  }

  /** Guest-physical address of a byte, or why there is none. */
  #find(low: number, high: number, reach: Reach): number {
    const { translation } = this.#cpu;
    if (translation?.active(reach)) {
      const known = findWalk(this.#state, low, high, reach);
      if (known >= 0) return known;
      const gpa = translation.translate(low, high, reach);
      this.#storable = translation.storable;
      return gpa < PHYSICAL_LIMIT ? gpa : BEYOND;
    }
    this.#storable = true;
    return high < PHYSICAL_LIMIT / 2 ** 32 ? high * 2 ** 32 + low : BEYOND;
  }

  /** The way to a page that is left each time need not be found each time. */
  #keepWalk(low: number, high: number, reach: Reach, gpa: number): void {
    if (this.#cpu.translation?.active(reach)) keepWalk(this.#state, low, high, reach, gpa);
  }

  #refuse(why: number, low: number, high: number): Status {
    if (why === FAULT) return this.#cpu.raise();
    const address = BigInt(high) << 32n | BigInt(low);
    return this.#exits.stops.again({
      reason: "INTERNAL_ERROR",
      address,
      message: `access at 0x${address.toString(16)}, which is no guest-physical address: those have 52 bits`,
    });
  }

  #mayStore(place: number): boolean {
    return this.#storable && !this.#board.watch.isWatched(place);
  }

  /** Both sides of a page boundary, or the status of the side that cannot be reached: before any effect. */
  #sides(low: number, high: number, reach: Reach): readonly [number, number] | Status {
    const first = this.#find(low, high, reach);
    if (first < 0) return this.#refuse(first, low, high);
    const next = (low & -PAGE) + PAGE >>> 0;
    const wide = this.#cpu.isa.addressWidth === 64;
    const above = next === 0 && wide ? high + 1 >>> 0 : high;
    const second = this.#find(next, above, reach);
    return second < 0 ? this.#refuse(second, next, above) : [first, second];
  }

  /** Across a page: piece by piece, each on its own side. */
  #loadAcross(low: number, high: number, size: number, reach: Reach): Status {
    const sides = this.#sides(low, high, reach);
    if (typeof sides === "number") return sides;
    for (const { at, gpa, size: part } of split(low, size, sides)) {
      const slot = this.#board.memory.find(gpa);
      if (!slot) {
        const status = this.#mmioLoadPart(gpa, part, at);
        if (status !== STATUS.proceed) return status;
        continue;
      }
      const place = slot.place + (gpa - slot.gpa);
      for (let i = 0; i < part; i++) this.#bytes.setUint8(at + i, this.#board.arena.u8[place + i]);
    }
    return STATUS.proceed;
  }

  #storeAcross(low: number, high: number, size: number, value: BusValue, littleEndian: boolean): Status {
    const sides = this.#sides(low, high, REACH.store);
    if (typeof sides === "number") return sides;
    this.#cpu.debug.access(low, high, size, "write");
    // A handler may cause accesses of its own: the bytes at hand are this store's only.
    const bytes = new DataView(new ArrayBuffer(8));
    setValue(bytes, value, size, littleEndian);
    for (const { at, gpa, size: piece } of split(low, size, sides)) {
      const part = valueOf(new DataView(bytes.buffer, at, piece), piece, true);
      const slot = this.#board.memory.find(gpa);
      if (slot && !slot.readOnly) {
        setValue(this.#bytes, part, piece, true);
        this.#write(slot.place + (gpa - slot.gpa), piece);
        continue;
      }
      const status = this.#mmioStore(gpa, piece, part);
      if (status !== STATUS.proceed) return status;
    }
    return STATUS.proceed;
  }

  /** An access to a device by the way that it went before, if it is known. */
  #repeat(
    direction: "in" | "out",
    low: number,
    gpa: number,
    size: number,
    value: BusValue,
    littleEndian: boolean,
  ): Status | typeof UNKNOWN_WAY {
    const lane = this.#lanes.of(direction, low);
    if (lane.key !== gpa || lane.size !== size) return UNKNOWN_WAY;
    return this.#exits.repeat(lane, littleEndian ? value : swapValue(value, size));
  }

  /** The place in compiled code where an access comes from goes this way by itself, if it is the access's. */
  #keepWay(
    kind: "load" | "store",
    number: number,
    size: number,
    flags: number,
    words: readonly [low: number, high: number, mappings: number],
    gpa: number,
  ): void {
    const [low, high] = words, way = this.#lanes.of(kind === "load" ? "in" : "out", low);
    if (way.key !== gpa || way.size !== size || !this.#ways.wants(number, way)) return;
    if (this.#cpu.debug.ofPage(low, high) !== "nothing") return;
    const swaps = (flags & ACCESS.bigEndian) !== 0;
    this.#ways.keep(number, way, accessTag(kind, size, flags), words, swaps);
  }

  /** An access that is all of the guest's, of a little-endian value. */
  #mmio(direction: "in" | "out", low: number, gpa: number, size: AccessSize, value: BusValue): Status {
    this.#exits.ways.expect();
    const status = direction === "in" ? this.#mmioLoad(gpa, size) : this.#mmioStore(gpa, size, value);
    const way = this.#exits.ways.found;
    // The next access to the page is no first one.
    if (way?.charged?.native === this.#board.backend.mmio.later) {
      this.#lanes.of(direction, low).copy(way);
    }
    return status;
  }

  #mmioLoad(address: number, size: AccessSize): Status {
    return this.#exits.access(this.#board.mmio, this.#mmioReason(address), address, "in", size, 0);
  }
  /** Puts the answer's bytes from `at` on. */
  #mmioLoadPart(address: number, size: AccessSize, at: number): Status {
    const status = this.#mmioLoad(address, size);
    if (status !== STATUS.proceed) return status;
    for (let i = 0; i < size; i++) this.#bytes.setUint8(at + i, this.#state.get8(STATE.result + i));
    return STATUS.proceed;
  }

  #mmioStore(address: number, size: AccessSize, value: BusValue): Status {
    const { mmio, backend } = this.#board;
    const native = this.#mmioReason(address), { fast } = backend.mmio;
    const asksFast = fast === "every" || fast === "later" && this.#touched;
    return this.#exits.access(mmio, native, address, "out", size, value, asksFast ? FAST : undefined);
  }

  #mmioReason(address: number): NativeReason {
    const { first, later, fast } = this.#board.backend.mmio;
    if (first === later && fast !== "later" || this.#exits.replays) return later;
    this.#touched = this.#board.touchMmioPage(Math.floor(address / PAGE));
    return this.#touched ? later : first;
  }

  /** Writes the bytes at hand to linear memory and tells who holds something from there; whether translations changed. */
  #write(place: number, size: number): boolean {
    for (let i = 0; i < size; i++) this.#board.arena.u8[place + i] = this.#bytes.getUint8(i);
    return this.#board.watch.written(place, size);
  }
}

/** A piece of an access across a page: where it is in the access, and its guest-physical address. */
interface Piece {
  readonly at: number;
  readonly gpa: number;
  readonly size: AccessSize;
}

function split(low: number, size: number, [first, second]: readonly [number, number]): Piece[] {
  const before = PAGE - low % PAGE;
  return piecesOf(low, size).map((piece) => {
    const at = piece.address - low;
    return { at, gpa: at < before ? first + at : second + at - before, size: piece.size };
  });
}

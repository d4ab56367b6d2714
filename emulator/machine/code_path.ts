/**
 * Where code is fetched from, as `memory_path.ts` says where data is: the way from an address of code to its place, and
 * the pages with tables that translations were read from.
 */
import type { CpuState } from "../engine/state.ts";
import type { Isa } from "../isa/isa.ts";
import type { Board } from "./board.ts";
import { PHYSICAL_LIMIT } from "./memory_path.ts";
import { REACH, type Reach, type Translation } from "./processor.ts";

const PAGE = 4096, HIGH = 2 ** 32;

/** The vCPU whose code it is. */
export interface Fetching {
  readonly isa: Isa;
  readonly translation: Translation | undefined;
}

export class CodePath {
  readonly #board: Board;
  readonly #state: CpuState;
  readonly #cpu: Fetching;
  /** Pages of linear memory with tables that translations were read from. */
  readonly #tables = new Set<number>();

  constructor(board: Board, state: CpuState, cpu: Fetching) {
    this.#board = board;
    this.#state = state;
    this.#cpu = cpu;
  }

  /** Place in linear memory of the code at an address that `pc` and the code segment's base give, or -1. */
  placeOf(address: bigint): number {
    const [low, high] = this.#halves(address), { translation } = this.#cpu;
    let gpa = high * HIGH + low;
    if (translation?.active(REACH.fetch)) gpa = translation.translate(low, high, REACH.fetch);
    else if (gpa >= PHYSICAL_LIMIT) return -1;
    return gpa < 0 ? -1 : this.#place(gpa);
  }

  /** Whether an address is refused by its translation, which is asked also where it is not active: it may be none at all. */
  isRefused(address: bigint): boolean {
    const [low, high] = this.#halves(address), { translation } = this.#cpu;
    return translation !== undefined && translation.translate(low, high, REACH.fetch) < 0;
  }

  /** Guest-physical address of the code at `pc`, looked up without an effect; the linear one where there is none. */
  addressOf(pc: bigint): bigint {
    const { isa: { codeBase }, translation } = this.#cpu;
    const linear = codeBase === undefined ? pc : pc + this.#state.get64(codeBase);
    if (!translation?.active(REACH.fetch)) return linear;
    const [low, high] = this.#halves(linear);
    const gpa = translation.look(low, high, REACH.fetch);
    return gpa < 0 ? linear : BigInt(gpa);
  }

  /** The address that code at `pc` is fetched from, before translation. */
  linearOf(pc: bigint): bigint {
    const { codeBase, addressWidth } = this.#cpu.isa;
    return codeBase === undefined ? pc : BigInt.asUintN(addressWidth, pc + this.#state.get64(codeBase));
  }

  /** Guest-physical address, without an effect, whatever the privilege; undefined where nothing is mapped. */
  look(address: bigint, reach: Reach): bigint | undefined {
    const { translation, isa } = this.#cpu;
    if (address < 0n || address >> BigInt(isa.addressWidth) !== 0n) return undefined;
    const [low, high] = this.#halves(address);
    const gpa = translation?.active(reach) ? translation.look(low, high, reach) : high * HIGH + low;
    return gpa < 0 || gpa >= PHYSICAL_LIMIT ? undefined : BigInt(gpa);
  }

  /** A table at this guest-physical address was read for a translation. */
  watchTable(gpa: number): void {
    const place = this.#place(gpa), page = Math.floor(place / PAGE);
    if (place < 0 || this.#tables.has(page)) return;
    this.#tables.add(page);
    this.#board.watch.watch(place);
  }
  /**
   * The processor sets bits of a byte of a table, its own accessed and dirty flags: no translation changes by it, but code
   * that was decoded from there may. False where it cannot be written, in read-only memory.
   */
  markTable(gpa: number, bits: number): boolean {
    const slot = this.#board.memory.find(gpa);
    if (!slot || slot.readOnly) return false;
    const place = slot.place + (gpa - slot.gpa);
    this.#board.arena.u8[place] |= bits;
    this.#board.watch.marked(place);
    return true;
  }
  /** Whether the page of this place in linear memory holds such a table. */
  isTable(place: number): boolean {
    return this.#tables.has(Math.floor(place / PAGE));
  }
  /** Translations are asked for anew: what they are read from then is watched. */
  forgetTables(): void {
    this.#tables.clear();
  }

  #place(gpa: number): number {
    const slot = this.#board.memory.find(gpa);
    return slot ? slot.place + (gpa - slot.gpa) : -1;
  }

  /** An address's halves of 32 bits; addresses of 32 bits wrap. */
  #halves(address: bigint): readonly [low: number, high: number] {
    const high = this.#cpu.isa.addressWidth === 64 ? Number(BigInt.asUintN(32, address >> 32n)) : 0;
    return [Number(BigInt.asUintN(32, address)), high];
  }
}

/** The cells that exits are counted in: by reason, price class and key, found fast for a key that was seen before. */
import type { NativeReason } from "../engine/native_reason.ts";
import { Cell, compareCells, OTHER_KEYS } from "./aggregate.ts";
import type { Prices } from "./profile.ts";
import { PRICE_CLASSES } from "./stages.ts";

/** All that is kept for one native reason. */
export interface ReasonTable {
  readonly native: NativeReason;
  readonly prices: Prices;
  /** By price class: the cell charged last, so that a loop on one key needs no look-up. */
  readonly recent: (Cell | undefined)[];
  /** By price class and key. */
  readonly cells: (Map<number, Cell> | undefined)[];
  distinct: number;
}

export class CellTables {
  readonly #keyLimit: number;
  readonly #pricesOf: (reason: string) => Prices;
  #tables: (ReasonTable | undefined)[] = [];

  /** Keeps up to `keyLimit` keys of a reason apart. */
  constructor(keyLimit: number, pricesOf: (reason: string) => Prices) {
    this.#keyLimit = keyLimit;
    this.#pricesOf = pricesOf;
  }

  /** The table of a reason. Throws `TypeError` for a reason of another backend. */
  of(native: NativeReason): ReasonTable {
    const table = this.#tables[native.id];
    return table !== undefined && table.native === native ? table : this.#open(native);
  }

  /** The cell of a key; any that is no number below 2^53, or one too many, goes to `OTHER_KEYS`. */
  find(table: ReasonTable, at: number, key: number): Cell {
    const cell = table.recent[at];
    return cell !== undefined && cell.key === key ? cell : this.#look(table, at, key);
  }

  /** Adds a cell that was saved. */
  put(cell: Cell): void {
    const table = this.#tables[cell.native.id] ?? this.#open(cell.native);
    (table.cells[cell.priceClass] ??= new Map()).set(cell.key, cell);
    if (cell.key !== OTHER_KEYS) table.distinct++;
  }

  /** All cells in the documented order. */
  list(): Cell[] {
    const cells: Cell[] = [];
    for (const table of this.#tables) {
      for (const byKey of table?.cells ?? []) {
        if (byKey === undefined) continue;
        for (const cell of byKey.values()) cells.push(cell);
      }
    }
    return cells.sort(compareCells);
  }

  /** Forgets all cells, and the prices with them. */
  clear(): void {
    this.#tables = [];
  }

  #open(native: NativeReason): ReasonTable {
    const known = this.#tables[native.id];
    if (known !== undefined) {
      throw new TypeError(
        `${native.name} and ${known.native.name} both have the id ${native.id}: a ledger takes exits of one backend`,
      );
    }
    const table: ReasonTable = {
      native,
      prices: this.#pricesOf(native.reason),
      recent: new Array(PRICE_CLASSES).fill(undefined),
      cells: new Array(PRICE_CLASSES).fill(undefined),
      distinct: 0,
    };
    this.#tables[native.id] = table;
    return table;
  }

  #look(table: ReasonTable, at: number, key: number): Cell {
    const byKey = table.cells[at] ??= new Map<number, Cell>();
    let cell = byKey.get(key);
    if (cell === undefined) {
      const countable = Number.isSafeInteger(key) && key >= 0;
      if (!countable || table.distinct >= this.#keyLimit) return this.#others(table, at, byKey);
      table.distinct++;
      cell = new Cell(table.native, key, at);
      byKey.set(key, cell);
    }
    table.recent[at] = cell;
    return cell;
  }

  #others(table: ReasonTable, at: number, byKey: Map<number, Cell>): Cell {
    let cell = byKey.get(OTHER_KEYS);
    if (cell === undefined) {
      cell = new Cell(table.native, OTHER_KEYS, at);
      byKey.set(OTHER_KEYS, cell);
    }
    return cell;
  }
}

/** The ledger: every exit of a machine, counted by reason and key and charged in cycles. */
import type { Direction, NativeReason } from "../engine/native_reason.ts";
import { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import { type Aggregate, OTHER_KEYS } from "./aggregate.ts";
import { CellTables } from "./cell_tables.ts";
import { ChargedExit, type CountedElsewhere, NEVER, OpenExit } from "./charged_exit.ts";
import type { CostProfile } from "./profile.ts";
import type { LedgerView, RepricedLedger, RepriceOptions } from "./ledger_view.ts";
import { loadCells, loadRows, saveCells, saveRows } from "./ledger_state.ts";
import { repriceLedger } from "./reprice.ts";
import type { ExitRow, ExitSite } from "./row.ts";
import { RowRing } from "./row_ring.ts";
import { type Handling, priceClass, type StageCycles } from "./stages.ts";
import { sumAggregates, type Totals } from "./totals.ts";

/** How much a ledger keeps. */
export interface LedgerOptions {
  /** Rows to keep, 100,000 if not given (some 30 MB); the oldest go first, sums are not touched. */
  readonly rowLimit?: number;
  /**
   * Aggregates to keep apart for each native reason, 65,536 if not given. The guest chooses keys: beyond
   * this number exits go to one aggregate with the key `OTHER_KEYS` for each direction and handling.
   */
  readonly keyLimit?: number;
  /** Record rows from the start. */
  readonly record?: boolean;
}

/** Called after an exit is charged; it must not throw. `site` is only valid during the call. */
export type ExitListener = (
  native: NativeReason,
  key: number,
  direction: Direction,
  size: number,
  handledIn: Handling,
  site: ExitSite,
) => void;

/** vCPUs that exits may come from. */
const MOST_VCPUS = 64;

/**
 * Counts and charges exits. Sums are always kept and cost no allocation for a key that was seen before;
 * rows only while `record(true)`. Everything is a function of the calls made: no clock, no randomness.
 */
export class Ledger implements LedgerView {
  #profile: CostProfile;
  readonly #rows: RowRing;
  readonly #cells: CellTables;
  #recording: boolean;
  #count = 0;
  #cycles = 0;
  #clockRead = false;
  #listeners: readonly ExitListener[] | undefined;

  /** By vCPU. */
  #opens: OpenExit[] = [];
  /** The one of them whose vCPU exited last. */
  #open: OpenExit | undefined;
  #charged: ChargedExit | undefined;
  /** The same, if the next one like it needs no look: no rows are recorded, nobody listens. */
  #last: ChargedExit | undefined;
  /** Moves on when what was charged before may not be charged again without a look. */
  #era = 0;
  readonly #elsewhere: CountedElsewhere[] = [];

  /** Throws `RangeError` for a limit that is no integer of at least 0 (`keyLimit`) or 1 (`rowLimit`). */
  constructor(profile: CostProfile, options: LedgerOptions = {}) {
    const keyLimit = options.keyLimit ?? 65_536;
    if (!Number.isSafeInteger(keyLimit) || keyLimit < 0) {
      throw new RangeError(`key limit is ${keyLimit}: give an integer of at least 0`);
    }
    this.#profile = profile;
    this.#rows = new RowRing(options.rowLimit ?? 100_000);
    this.#cells = new CellTables(keyLimit, (reason) => this.#profile.pricesOf(reason));
    this.#recording = options.record ?? false;
  }

  /** The profile that exits are charged under. */
  get profile(): CostProfile {
    return this.#profile;
  }

  /** Throws `Error` while the ledger holds exits: their sum would be of two currencies. */
  set profile(profile: CostProfile) {
    if (profile === this.#profile) return;
    if (this.count > 0) {
      throw new Error(
        `the ledger holds ${this.count} exits priced under ${this.#profile.name}: reset() it before it takes ` +
          `${profile.name}, or ask for reprice(${profile.name})`,
      );
    }
    this.#profile = profile;
    this.#forgetRepeated();
    this.#cells.clear();
  }

  /** Exits since the reset. */
  get count(): number {
    this.#collect();
    return this.#count + (this.#last?.count ?? 0);
  }

  /** Cycles charged since the reset. */
  get cycles(): number {
    this.#collect();
    return this.#cycles + (this.#last ? this.#last.count * this.#last.price : 0);
  }

  /** True while rows are recorded. */
  get recording(): boolean {
    return this.#recording;
  }

  /** Recorded rows, oldest first; a copy. */
  get rows(): readonly ExitRow[] {
    return this.#rows.list();
  }

  /** The row of the last exit, if rows are recorded. */
  get lastRow(): ExitRow | undefined {
    this.#settleLast();
    const row = this.#open?.row;
    return row === undefined ? undefined : this.#rows.get(row);
  }

  /** Rows that were recorded and had to make room. */
  get droppedRows(): number {
    return this.#rows.dropped;
  }

  /** Rows to keep. */
  get rowLimit(): number {
    return this.#rows.limit;
  }

  /** True if the guest read a clock since the reset, or its vCPUs took turns: what it did next may depend on the profile. */
  get clockRead(): boolean {
    return this.#clockRead;
  }

  /**
   * Charges one exit and returns its cycles, without what its device and further accesses add later.
   * `key` is a number of `native.keySpace` below 2^53 (any other counts as `OTHER_KEYS`: guests choose keys, so none
   * is an error), `size` the bytes of the access, 0 if it has none. Throws `TypeError` for a reason of another backend.
   */
  charge(
    native: NativeReason,
    key: number,
    direction: Direction,
    size: number,
    handledIn: Handling,
    site: ExitSite,
  ): number {
    this.#settleLast();
    this.#countRepeats();
    const at = priceClass(direction, handledIn);
    const table = this.#cells.of(native), cell = this.#cells.find(table, at, key), price = table.prices[at];

    const open = this.#opens[site.vcpu] ??= new OpenExit();
    this.#open = open;
    open.close();
    open.turnTo(cell, table.prices);
    cell.add(1, size);
    this.#cycles += price.total;
    const seq = this.#count++;
    if (this.#recording) {
      open.row = this.#rows.push(seq, native, key, at, size, price, site);
    }
    if (this.#listeners !== undefined) {
      for (const listener of this.#listeners) listener(native, key, direction, size, handledIn, site);
    }
    // One for each cell, as an exit allocates nothing.
    const era = this.#recording || this.#listeners !== undefined ? NEVER : this.#era, known = cell.charged;
    const charged = known?.isLike(key, size, site, era) ? known : cell.charged = new ChargedExit(
      [native, key, direction, size, handledIn, site],
      { cell, open, prices: table.prices, price: price.total, era },
    );
    this.#charged = charged;
    this.#last = era === NEVER ? undefined : charged;
    return price.total;
  }

  /**
   * The exit charged last, for `chargeAgain`.
   *
   * @internal
   */
  get charged(): ChargedExit | undefined {
    return this.#charged;
  }

  /**
   * The same as `charge` of an exit like this one.
   *
   * @internal
   */
  chargeAgain(exit: ChargedExit): number {
    this.#settleLast();
    const { open } = exit;
    if (exit !== this.#last) {
      if (exit.era !== this.#era) {
        const { native, key, direction, size, handledIn, site } = exit;
        return this.charge(native, key, direction, size, handledIn, site);
      }
      this.#countRepeats();
      this.#last = this.#charged = exit;
      this.#open = open;
    }
    open.close();
    if (open.cell !== exit.cell) open.turnTo(exit.cell, exit.prices);
    exit.count++;
    return exit.price;
  }

  /**
   * Whether more exits like this one may be counted elsewhere, without a look at each.
   *
   * @internal
   */
  mayRepeat(exit: ChargedExit): boolean {
    return exit.era === this.#era;
  }
  /**
   * Tells who counts exits by itself.
   *
   * @internal
   */
  countsElsewhere(one: CountedElsewhere): void {
    this.#elsewhere.push(one);
  }
  /**
   * So many more exits like this one were counted elsewhere.
   *
   * @internal
   */
  countAgain({ price, size, cell }: ChargedExit, count: number): void {
    cell.add(count, size);
    this.#count += count;
    this.#cycles += count * price;
  }
  /** Of exits that were counted elsewhere, the last one is the one that is open. */
  #settleLast(): void {
    for (const one of this.#elsewhere) {
      const exit = one.takeLast();
      if (exit === undefined) continue;
      const { open } = exit;
      open.close();
      if (open.cell !== exit.cell) open.turnTo(exit.cell, exit.prices);
      this.#open = open;
    }
  }
  /** Brings what was counted elsewhere to where all others are counted. */
  #collect(): void {
    this.#settleLast();
    for (const one of this.#elsewhere) one.collect();
  }

  /** Brings the repeated exits to where all others are counted. */
  #countRepeats(): void {
    const last = this.#last;
    if (last === undefined || last.count === 0) return;
    const { count, price, size, cell } = last;
    last.count = 0;
    cell.add(count, size);
    this.#count += count;
    this.#cycles += count * price;
  }
  /** The next exit is to be looked at, whatever it is like. */
  #forgetRepeated(): void {
    this.#collect();
    this.#countRepeats();
    this.#last = this.#charged = undefined;
    this.#era++;
    for (const one of this.#elsewhere) one.forget();
  }

  /**
   * Charges a further access of the instruction of its vCPU's last exit (a split or string access) and returns its
   * cycles: dispatch and, if it goes to userspace, the return to it. It counts in that exit's row and
   * aggregate, whatever its own key. Throws `Error` if there was no exit.
   */
  accessAgain(
    key: number,
    direction: Direction,
    size: number,
    handledIn: Handling,
    site: ExitSite,
  ): number {
    this.#settleLast();
    const open = this.#opens[site.vcpu], cell = open?.cell;
    if (open === undefined || cell === undefined) {
      throw new Error(`a further access at ${key} without an exit before it: charge() comes first`);
    }
    const at = priceClass(direction, handledIn);
    const price = open.prices[at];
    const cycles = price.dispatch + price.userspace;
    cell.addAgain(at, size);
    open.extra += cycles;
    this.#cycles += cycles;
    if (open.row !== undefined) this.#rows.accessAgain(open.row, at, price);
    return cycles;
  }

  /**
   * Whether a vCPU has had an exit since the reset, to which more can be charged.
   *
   * @internal
   */
  isOpen(vcpu: number): boolean {
    this.#settleLast();
    return this.#opens[vcpu]?.cell !== undefined;
  }

  /**
   * Adds what a device says its work costs to the last exit, or to the last one of a vCPU. Throws `RangeError` unless
   * `cycles` is a safe integer of at least 0, and `Error` if there was no exit.
   */
  chargeDevice(cycles: number, vcpu?: number): void {
    if (!Number.isSafeInteger(cycles) || cycles < 0) {
      throw new RangeError(`a device charged ${cycles} cycles: give an integer of at least 0`);
    }
    this.#settleLast();
    const open = vcpu === undefined ? this.#open : this.#opens[vcpu], cell = open?.cell;
    if (open === undefined || cell === undefined) {
      throw new Error(`a device charged ${cycles} cycles without an exit before it: charge() comes first`);
    }
    cell.device += cycles;
    open.extra += cycles;
    this.#cycles += cycles;
    if (open.row !== undefined) this.#rows.chargeDevice(open.row, cycles);
  }

  /** Says that something depends on charged cycles: a clock that the guest read (TSC, timebase ...), vCPUs' turns. */
  markClockRead(): void {
    this.#clockRead = true;
  }

  /** Starts or stops recording rows; what is recorded stays until `reset()`. */
  record(on: boolean): void {
    this.#recording = on;
    this.#forgetRepeated();
  }

  /** Calls `listener` after each exit; returns a function that ends this. */
  onExit(listener: ExitListener): () => void {
    this.#listeners = [...(this.#listeners ?? []), listener];
    this.#forgetRepeated();
    return () => {
      const rest = (this.#listeners ?? []).filter((other) => other !== listener);
      this.#listeners = rest.length > 0 ? rest : undefined;
    };
  }

  /** By reason, key, direction and handling, in that order; cost grows with their number, not with the exits. */
  aggregates(): readonly Aggregate[] {
    this.#collect();
    this.#countRepeats();
    return this.#cells.list().map((cell) =>
      cell.aggregate(
        this.#profile.pricesOf(cell.native.reason),
        this.#opens.filter((open) => open.cell === cell).map(({ extra }) => extra),
        true,
      )
    );
  }

  /** Sums over every exit since the reset. */
  totals(): Totals {
    return sumAggregates(this.aggregates());
  }

  /** Forgets all exits, rows and that the clock was read; profile, recording and listeners stay. */
  reset(): void {
    this.#forgetRepeated();
    this.#cells.clear();
    this.#rows.clear();
    this.#count = 0;
    this.#cycles = 0;
    this.#clockRead = false;
    this.#opens = [];
    this.#open = undefined;
  }

  /**
   * The same exits under another profile, without running again. What devices charged stays as it is; the
   * guest's instructions are priced only if their counts are given. Throws `TypeError` if the guest read its
   * clock (under other prices it would have read other values), or if the profile is of another architecture.
   */
  reprice(profile: CostProfile, options: RepriceOptions = {}): RepricedLedger {
    if (this.#clockRead) {
      throw new TypeError(
        `the exits cannot be priced again under ${profile.name}: the guest read its clock, or took turns by it, so it might have run ` +
          `differently; run it again under that profile`,
      );
    }
    if (profile.arch !== this.#profile.arch) {
      throw new TypeError(
        `the exits cannot be priced again under ${profile.name}: it is a profile of ${profile.arch} and they ` +
          `are exits of ${this.#profile.arch}`,
      );
    }
    this.#collect();
    this.#countRepeats();
    return repriceLedger(
      {
        cells: this.#cells.list(),
        open: this.#opens,
        rows: this.#rows.list(),
        droppedRows: this.#rows.dropped,
        count: this.#count,
        charged: profile === this.#profile,
      },
      profile,
      options,
    );
  }

  /**
   * Everything, for a snapshot.
   *
   * @internal
   */
  save(): SavedState {
    this.#collect();
    this.#countRepeats();
    const cells = this.#cells.list(), rows = this.#rows.list();
    const cellNumbers = new Map(cells.map((cell, i) => [cell, i]));
    return {
      recording: this.#recording,
      count: this.#count,
      cycles: this.#cycles,
      clockRead: this.#clockRead,
      cells: saveCells(cells),
      ...saveRows(rows),
      dropped: this.#rows.dropped,
      // A list of vCPUs may have holes.
      opens: Array.from(this.#opens, (open) => [
        open?.cell ? cellNumbers.get(open.cell)! + 1 : 0,
        open?.row === undefined ? 0 : this.#rows.indexOf(open.row) + 1,
        open?.extra ?? 0,
      ]),
      last: this.#open ? this.#opens.indexOf(this.#open) + 1 : 0,
    };
  }

  /**
   * Puts back what `save` gave, whose exits were of a backend with these reasons and charged under this ledger's profile.
   * Throws `SyntaxError` for what is none.
   *
   * @internal
   */
  load(saved: SavedFields, reasons: readonly NativeReason[]): void {
    this.reset();
    this.#recording = saved.flag("recording");
    this.#count = saved.whole("count");
    this.#cycles = saved.whole("cycles");
    this.#clockRead = saved.flag("clockRead");
    const cells = loadCells(saved, reasons);
    for (const cell of cells) this.#cells.put(cell);
    const rows = loadRows(saved, reasons, this.#rows.limit);
    this.#rows.load(rows, saved.whole("dropped"));
    this.#opens = saved.list("opens", MOST_VCPUS).map((_, i, list) => {
      const [cell, row, extra] = new SavedFields({ open: list[i] }, "exits").wholes("open", 3);
      const open = new OpenExit();
      open.cell = cells[cell - 1];
      open.row = row > 0 && row <= rows.length ? row - 1 : undefined;
      open.extra = extra ?? 0;
      if (open.cell) open.prices = this.#profile.pricesOf(open.cell.native.reason);
      return open;
    });
    this.#open = this.#opens[saved.whole("last", this.#opens.length) - 1];
  }
}

export type {
  Aggregate,
  ExitRow,
  ExitSite,
  Handling,
  LedgerView,
  RepricedLedger,
  RepriceOptions,
  StageCycles,
  Totals,
};
export { OTHER_KEYS };

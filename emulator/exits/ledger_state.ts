/** What a ledger holds as tables of numbers, for snapshots: a ledger of 100,000 rows is some 20 MB. */
import type { NativeReason } from "../engine/native_reason.ts";
import type { SavedFields } from "../engine/saved_fields.ts";
import { numbersToBytes, rowsOfNumbers, type SavedState } from "../engine/saved_state.ts";
import { Cell, OTHER_KEYS } from "./aggregate.ts";
import { Row } from "./row.ts";
import { PRICE_CLASSES } from "./stages.ts";

/** Reason, key and price class, then what `Cell.save` gives. */
const CELL_COLUMNS = 3 + 11 + PRICE_CLASSES;
/** Where the smallest extra stands in them, which is `Infinity` while there is none. */
const LEAST_EXTRA = 3 + 8;
/** Of `saveRows`. */
const ROW_COLUMNS = 18 + 1 + PRICE_CLASSES;
const MOST_SYMBOLS = 1_000_000;

export function saveCells(cells: readonly Cell[]): Uint8Array {
  return numbersToBytes(
    cells.flatMap((cell) => [cell.native.id, cell.key, cell.priceClass, ...cell.save()]),
  );
}

/** Cells of a backend with these reasons. Throws `SyntaxError` for what is none. */
export function loadCells(saved: SavedFields, reasons: readonly NativeReason[]): Cell[] {
  return Array.from(rowsOfNumbers(saved.bytes("cells"), CELL_COLUMNS, "the ledger"), (numbers) => {
    numbers.forEach((number, i) => {
      const known = isCount(number) || i === LEAST_EXTRA && number === Infinity ||
        i === 1 && number === OTHER_KEYS;
      if (!known) throw malformed();
    });
    const [id, key, priceClass, ...counts] = numbers;
    if (!reasons[id] || priceClass >= PRICE_CLASSES) throw malformed();
    const cell = new Cell(reasons[id], key, priceClass);
    cell.load(counts);
    return cell;
  });
}

/** Rows, and the symbols that they name by their number. */
export function saveRows(rows: readonly Row[]): { rows: Uint8Array; symbols: SavedState } {
  const symbols = new Map<string, number>();
  const numbers: number[] = [];
  for (const row of rows) {
    const { symbol, cycles, recorded: { native, priceClass, again } } = row;
    if (symbol !== undefined && !symbols.has(symbol)) symbols.set(symbol, symbols.size + 1);
    numbers.push(row.seq, row.vcpu, native.id, row.key, priceClass, row.size);
    numbers.push(Number(row.pc & 0xffff_ffffn), Number(row.pc >> 32n), symbols.get(symbol ?? "") ?? 0);
    numbers.push(row.instructions, row.at);
    numbers.push(cycles.worldSwitch, cycles.dispatch, cycles.decode, cycles.userspace, cycles.device);
    numbers.push(row.accesses, row.returns, again ? 1 : 0, ...again ?? new Array(PRICE_CLASSES).fill(0));
  }
  return { rows: numbersToBytes(numbers), symbols: [...symbols.keys()] };
}

/** At most `limit` rows of a backend with these reasons. Throws `SyntaxError` for what is none. */
export function loadRows(saved: SavedFields, reasons: readonly NativeReason[], limit: number): Row[] {
  const bytes = saved.bytes("rows"), symbols = saved.list("symbols", MOST_SYMBOLS);
  if (bytes.length > 8 * ROW_COLUMNS * limit) throw malformed();
  return Array.from(rowsOfNumbers(bytes, ROW_COLUMNS, "the ledger's rows"), (numbers) => {
    // A guest's access may be anywhere, and a hypercall have any number.
    if (!numbers.every((number, i) => i === 3 ? Number.isFinite(number) : isCount(number))) throw malformed();
    const [seq, vcpu, id, key, priceClass, size, low, high, symbol, instructions, at, ...rest] = numbers;
    const [worldSwitch, dispatch, decode, userspace, device, accesses, returns, furthers, ...again] = rest;
    const name = symbols[symbol - 1];
    if (!reasons[id] || priceClass >= PRICE_CLASSES || symbol !== 0 && typeof name !== "string") {
      throw malformed();
    }
    if (Math.max(low, high) >= 2 ** 32) throw malformed();
    const total = worldSwitch + dispatch + decode + userspace + device;
    return new Row({
      seq,
      vcpu,
      native: reasons[id],
      key,
      priceClass,
      size,
      pc: BigInt(high) << 32n | BigInt(low),
      symbol: typeof name === "string" ? name : undefined,
      instructions,
      at,
      cycles: { worldSwitch, dispatch, decode, userspace, device, total },
      accesses,
      returns,
      again: furthers ? again : undefined,
    });
  });
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

function malformed(): SyntaxError {
  return new SyntaxError("the snapshot is malformed: its ledger is none of this backend");
}

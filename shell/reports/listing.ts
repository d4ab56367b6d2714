/** Disassembly as a listing: address, bytes, text, with labels above and a mark at the program counter. */
import { hex, hexBytes } from "./hexdump.ts";

export interface ListingLine {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** Names of symbols that stand exactly here. */
  readonly labels?: readonly string[];
}

export interface ListingOptions {
  /** Where the `=>` goes. */
  readonly pc?: bigint;
  /** Digits of an address. */
  readonly digits?: number;
  /** Addresses with a breakpoint get a `*`. */
  readonly breakpoints?: ReadonlySet<bigint>;
}

export function listing(lines: readonly ListingLine[], options: ListingOptions = {}): string[] {
  const width = Math.max(0, ...lines.map((line) => line.bytes.length)) * 3 - 1;
  const out: string[] = [];
  for (const line of lines) {
    for (const label of line.labels ?? []) out.push(`${label}:`);
    const here = line.address === options.pc ? "=>" : "  ";
    const stop = options.breakpoints?.has(line.address) === true ? "*" : " ";
    const bytes = hexBytes(line.bytes).padEnd(Math.max(width, 0));
    out.push(`${here}${stop}${hex(line.address, options.digits ?? 8)}  ${bytes}  ${line.text}`.trimEnd());
  }
  return out;
}

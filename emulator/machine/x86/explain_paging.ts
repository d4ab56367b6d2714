/** What a walk of x86's tables saw, in words. SDM vol. 3A, 4.7 for the error code of a page fault. */
import type { PageWalk, WalkStep } from "../debug/page_walk.ts";
import { bitNames } from "../debug/page_walk.ts";
import { PF } from "./page_fault.ts";
import {
  type Level,
  PAGING_32,
  PAGING_32_PSE,
  PAGING_4_LEVEL,
  PAGING_PAE,
  type PagingFormat,
} from "./paging_formats.ts";

/** An entry that a walk read. */
export interface SeenEntry {
  readonly at: number;
  readonly value: bigint;
  readonly level: Level;
}

const NAMES: ReadonlyMap<PagingFormat, { readonly mode: string; readonly tables: readonly string[] }> =
  new Map([
    [PAGING_32, { mode: "32-bit paging", tables: ["PD", "PT"] }],
    [PAGING_32_PSE, { mode: "32-bit paging with 4 MiB pages", tables: ["PD", "PT"] }],
    [PAGING_PAE, { mode: "PAE paging", tables: ["PD", "PT"] }],
    [PAGING_4_LEVEL, { mode: "4-level paging", tables: ["PML4", "PDPT", "PD", "PT"] }],
  ]);

const BITS = [
  [1n, "P"],
  [2n, "RW"],
  [4n, "US"],
  [8n, "PWT"],
  [0x10n, "PCD"],
  [0x20n, "A"],
  [0x40n, "D"],
  [0x80n, "PS"],
  [0x100n, "G"],
  [1n << 63n, "XD"],
] as const;

/** Name of a format. */
export function modeName(format: PagingFormat): string {
  return NAMES.get(format)!.mode;
}

/** The entries that were read, as steps. */
export function stepsOf(format: PagingFormat, address: bigint, seen: readonly SeenEntry[]): WalkStep[] {
  const { tables } = NAMES.get(format)!;
  return seen.map(({ at, value, level: { shift, mask } }, i) => {
    const index = Number(address >> BigInt(shift)) & mask;
    const isPage = i === tables.length - 1;
    // In the last table bit 7 is PAT.
    const bits = isPage ? BITS.map(([m, name]) => [m, name === "PS" ? "PAT" : name] as const) : BITS;
    return { name: `${tables[i]}[${index}]`, at: BigInt(at), value, says: bitNames(value, bits) };
  });
}

/** Why an access is refused, by a page fault's error code. */
export function pageFaultText(
  code: number,
  steps: readonly WalkStep[],
  { reach, user }: Pick<PageWalk, "reach" | "user">,
): string {
  const last = steps.at(-1),
    lacking = (bit: bigint) => steps.find(({ at, value }) => at !== undefined && !(value! & bit));
  const bits = bitNames(BigInt(code), [[1n, "P"], [2n, "W"], [4n, "U"], [8n, "RSVD"], [16n, "I"]]);
  return `#PF, error code 0x${code.toString(16)} (${bits}): ${why()}`;
  function why(): string {
    if ((code & PF.P) === 0) return `${last?.name ?? "the first entry"} is not present`;
    if (code & PF.RSVD) return `${last!.name} has reserved bits set`;
    const supervisor = user ? lacking(4n) : undefined;
    if (supervisor) return `${supervisor.name} is the supervisor's`;
    const readOnly = reach === "store" ? lacking(2n) : undefined;
    if (readOnly) return `${readOnly.name} is read-only${user ? "" : ", and CR0.WP is set"}`;
    const data = steps.find(({ value }) => (value ?? 0n) & 1n << 63n);
    return `${data?.name ?? "an entry"} forbids execution`;
  }
}

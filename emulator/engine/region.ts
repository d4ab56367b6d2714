/**
 * Compiles guest code into one WebAssembly function from the same definitions that the interpreter is made of: operands
 * are constants, state slots live in locals, branches inside stay inside, compare and branch fuse through recipes.
 *
 * `run(cpu, left, block) -> status` enters at one of its entries. Like the interpreter it pays for a block when it enters
 * it and gives back what it leaves undone, so counts and cycles are exact at every exit.
 */
import type { FlatPlaces } from "../ir/flat_layout.ts";
import { writeFind } from "../ir/lower.ts";
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa } from "../isa/isa.ts";
import { ModuleWriter, type Signature } from "../wasm/module_writer.ts";
import { type EngineHost, hostImports } from "./host.ts";
import { findBlocks, leads, type RegionInstruction } from "./region_blocks.ts";
import { looksOf } from "./region_budget.ts";
import { regionCode, type RegionRequest } from "./region_code.ts";
import { graphOf } from "./region_graph.ts";
import { settleSignature } from "./region_kept.ts";
import type { WayNumbers } from "./region_ways.ts";
import { MOST_COMPARED, RegionWriter } from "./region_writer.ts";

const PAGE = 2 ** TLB.pageBits;

/** Bytes in linear memory: the first, and one past the last. */
export interface CodeRange {
  readonly start: number;
  readonly end: number;
}

export interface Region {
  readonly pc: bigint;
  /** Addresses at which it may be entered, by the number of the block there. */
  readonly entries: ReadonlyMap<bigint, number>;
  /** Those of them that were asked for besides the first. */
  readonly joined: readonly bigint[];
  /** Where it looks up the blocks of computed addresses, if it does. */
  readonly map: BlockMap | undefined;
  /** Addresses at which its blocks begin. */
  readonly blocks: ReadonlySet<bigint>;
  /** Where its code lies in linear memory. */
  readonly code: readonly CodeRange[];
  /** What it was compiled for: base of the code segment, bytes asked for if any were. */
  readonly codeBase: bigint;
  readonly length: number | undefined;
  readonly instructions: number;
  /** Instructions from one look at the budget to the next, at most: what the budget has to cover to get anywhere. */
  readonly longest: number;
  /** The module's size in bytes. */
  readonly bytes: number;
  readonly run: RegionFunction;
}

export type RegionFunction = (cpu: number, left: number, block: number) => number;

/** How regions find each other: see `region_table.ts`. */
export interface RegionLinks {
  /** What this region is called there. */
  readonly own: number;
}

/** A byte for each address from the lowest entry to the highest: the number of the block there and 1, or 0. */
export interface BlockMap {
  readonly place: number;
  readonly first: bigint;
  readonly bytes: Uint8Array;
}

/** Addresses that a map has at most. */
const MAP_BYTES = 4096;

/** Throws `RangeError` if the code holds what cannot be decoded, or too much. */
export function compileRegion(
  request: RegionRequest & {
    readonly host: EngineHost;
    readonly links: RegionLinks;
    /** Place of the vCPU's state area. */
    readonly cpu: number;
    /** Where memory lies that addresses reach without a translation, while there is such. */
    readonly flat: FlatPlaces | undefined;
    readonly ways: WayNumbers | undefined;
  },
): Region {
  const { arena, host, source, codeBase, pc, length, isa, links, flat, ways, cpu } = request;
  const instructions = regionCode(request);
  const joined = request.joined ?? [];
  const { bytes, longest, entries, blocks, map } = regionBytes(
    isa,
    instructions,
    {
      ...{ stops: source.stops.from(codeBase), joined, links, cpu, memory: arena.u8.length, flat, ways },
      mapAt: (length) => arena.allocate(length),
    },
  );
  if (map) arena.u8.set(map.bytes, map.place);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory: arena.memory },
    host: hostImports(host),
  });
  return {
    pc,
    entries,
    joined,
    map,
    blocks,
    code: rangesOf(instructions, (at) => source.codeAt(at + codeBase)),
    codeBase,
    length,
    instructions: instructions.length,
    longest,
    bytes: bytes.length,
    run: instance.exports.run as RegionFunction,
  };
}

/** What a region is compiled for. */
export interface RegionPlan {
  /** It leaves at each of these. */
  readonly stops?: ReadonlySet<bigint>;
  /** It is entered at these too. */
  readonly joined?: readonly bigint[];
  readonly links: RegionLinks;
  /** Place of the vCPU's state area. */
  readonly cpu: number;
  /** How many bytes linear memory has at least. */
  readonly memory: number;
  readonly flat?: FlatPlaces;
  readonly ways?: WayNumbers;
  /** A place in linear memory for a map of so many bytes. */
  mapAt(bytes: number): number;
}

const PLAIN: RegionPlan = { links: { own: 0 }, cpu: 0, memory: 65536, mapAt: () => 0 };

/** A region's module, not yet compiled. */
export interface RegionModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly longest: number;
  readonly entries: ReadonlyMap<bigint, number>;
  readonly blocks: ReadonlySet<bigint>;
  readonly map: BlockMap | undefined;
}

/** The module for decoded instructions, the first of which it is entered at. */
export function regionBytes(
  isa: Isa,
  instructions: readonly RegionInstruction[],
  { stops = new Set(), joined = [], links, cpu, memory, flat, ways, mapAt }: RegionPlan = PLAIN,
): RegionModule {
  const [{ pc }] = instructions;
  // In the order in which they follow each other.
  const sorted = instructions.toSorted((a, b) => (a.pc < b.pc ? -1 : 1));
  const blocks = findBlocks(isa, sorted, new Set([pc, ...stops, ...joined]));
  const places = new Map(blocks.map(([{ pc }], i) => [pc, i]));
  const entries = new Map([[pc, places.get(pc)!]]);
  for (const at of joined) {
    const block = places.get(at);
    if (block !== undefined) entries.set(at, block);
  }
  for (const block of blocks) {
    // Who returns knows the address only then.
    const { returnsTo } = leads(isa, block[block.length - 1]);
    const there = returnsTo === undefined || stops.has(returnsTo) ? undefined : places.get(returnsTo);
    if (there !== undefined) entries.set(returnsTo!, there);
  }
  const map = entries.size > MOST_COMPARED
    ? mapOf(new Map([...entries].filter(([at]) => !stops.has(at))), mapAt)
    : undefined;
  const module = new ModuleWriter();
  const imports = {
    load: module.importFunction("host", "load", signature(4)),
    store: module.importFunction("host", "store", signature(4)),
    trap: module.importFunction("host", "trap", signature(3)),
    again: module.importFunction("host", "again", signature(2)),
  };
  const { code } = module.define({ parameters: ["i32", "i32", "i32"], results: ["i32"] }, "run");
  const find = flat && module.define({ parameters: ["i32", "i64", "i32", "i32"], results: ["i32"] });
  if (find) writeFind(find.code);
  const graph = graphOf(isa, blocks, { places, entries: [...entries.values()], stops });
  const looks = looksOf(graph);
  new RegionWriter(code, imports, {
    graph,
    looks,
    entries: [...entries.values()],
    stops,
    codeBase: isa.codeBase,
    links,
    map,
    cpu,
    groups: isa.kept ?? [],
    settle: (group) => module.define(settleSignature(group)),
    ways,
    flat: flat && find && { place: flat.place, marks: flat.marks, find: find.index },
  }).write();
  return {
    bytes: module.finish(memory),
    longest: Math.max(...looks.values()),
    entries,
    blocks: new Set(places.keys()),
    map,
  };
}

/** Of a function of the host's. */
function signature(parameters: number): Signature {
  return { parameters: Array.from({ length: parameters }, () => "i32" as const), results: ["i32"] };
}

/** For entries that are not too far apart. */
function mapOf(entries: ReadonlyMap<bigint, number>, mapAt: RegionPlan["mapAt"]): BlockMap | undefined {
  if (entries.size < 2) return undefined;
  const addresses = [...entries.keys()];
  const first = addresses.reduce((a, b) => (a < b ? a : b)),
    last = addresses.reduce((a, b) => (a > b ? a : b));
  if (last - first >= MAP_BYTES) return undefined;
  const bytes = new Uint8Array(Number(last - first) + 1);
  for (const [at, block] of entries) bytes[Number(at - first)] = block + 1;
  return { place: mapAt(bytes.length), first, bytes };
}

/** Where instructions lie, those in a row together; the second page of one may be elsewhere than behind the first. */
function rangesOf(
  instructions: readonly RegionInstruction[],
  placeOf: (pc: bigint) => number,
): CodeRange[] {
  const ranges: { start: number; end: number }[] = [];
  const add = (start: number, length: number) => {
    const last = ranges[ranges.length - 1];
    if (last && last.end === start) last.end += length;
    else ranges.push({ start, end: start + length });
  };
  for (const { pc, decoded: { length } } of instructions) {
    const start = placeOf(pc), onPage = Math.min(length, PAGE - start % PAGE);
    add(start, onPage);
    if (onPage < length) add(placeOf(pc + BigInt(onPage)), length - onPage);
  }
  return ranges;
}

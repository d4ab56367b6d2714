/** Finds the code of a region: a stretch that was asked for, or what direct branches reach from an address. */
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import type { CodeSource } from "./code_cache.ts";
import { fetchAndDecode, type NoInstruction } from "./fetch.ts";
import { leads, type RegionInstruction } from "./region_blocks.ts";

/** Instructions in a region at most: V8's baseline compiler grows faster than linearly beyond (80 ms at 1,000). */
export const REGION_LIMIT = 200;
/** The same of one that leads nowhere. */
const STRAIGHT_LIMIT = 200;
const PAGE = BigInt(2 ** TLB.pageBits);

/** Where a region's code comes from. */
export interface RegionRequest {
  readonly isa: Isa;
  readonly arena: Arena;
  readonly source: CodeSource;
  readonly codeBase: bigint;
  /** Address of the first instruction. */
  readonly pc: bigint;
  /** Bytes from there on that belong to the region; if not given, what branches lead to. */
  readonly length?: number;
  /** Further addresses that it is entered at, and whose code belongs to it. */
  readonly joined?: readonly bigint[];
  /** The region keeps to the first instruction's page: any other may be anywhere, and to look has effects. */
  readonly samePage: boolean;
  /** Whether a region begins at an address that is better gone on in than compiled once more. */
  readonly isElsewhere?: (pc: bigint) => boolean;
}

/** The instructions of a region, the one at `pc` first. Throws `RangeError` for a stretch that cannot be one. */
export function regionCode(request: RegionRequest): RegionInstruction[] {
  return request.length === undefined ? reachable(request) : stretch(request, request.length);
}

function stretch(request: RegionRequest, length: number): RegionInstruction[] {
  const { pc, codeBase, samePage } = request;
  const instructions: RegionInstruction[] = [];
  const toPageEnd = PAGE - (pc + codeBase) % PAGE;
  const end = pc + (samePage && toPageEnd < BigInt(length) ? toPageEnd : BigInt(length));
  for (let at = pc; at < end;) {
    if (instructions.length === REGION_LIMIT) {
      throw new RangeError(
        `a region holds at most ${REGION_LIMIT} instructions; ${length} bytes from 0x${
          pc.toString(16)
        } are more`,
      );
    }
    const instruction = instructionAt(request, at);
    if ("kind" in instruction) {
      if (samePage && instruction.kind === "fetch" && instructions.length > 0) break;
      throw new RangeError(`no region from 0x${pc.toString(16)}: no instruction at 0x${at.toString(16)}`);
    }
    instructions.push(instruction);
    if (instruction.nextPc <= at) break;
    at = instruction.nextPc;
  }
  return instructions;
}

/** Nearest first, so that what the limit leaves out is what is farthest away. */
function reachable(request: RegionRequest): RegionInstruction[] {
  const { isa, pc, codeBase, joined = [], samePage, source, isElsewhere } = request;
  const found = new Map<bigint, RegionInstruction>();
  /** Where each instruction may lead, for `withoutDeadEnds`. */
  const next = new Map<bigint, readonly bigint[] | "away">();
  const elsewhere = new Set<bigint>();
  const page = (pc + codeBase) / PAGE, stops = source.stops.from(codeBase);
  for (const heads = [pc, ...joined]; heads.length > 0 && found.size < REGION_LIMIT;) {
    for (let at = heads.shift()!; !found.has(at) && found.size < REGION_LIMIT;) {
      if (samePage && (at + codeBase) / PAGE !== page) break;
      // What begins at a stop is looked at each time.
      if (stops.has(at) && at !== pc) break;
      if (at !== pc && isElsewhere?.(at)) {
        elsewhere.add(at);
        break;
      }
      const instruction = instructionAt(request, at);
      if ("kind" in instruction) break;
      found.set(at, instruction);
      next.set(at, [instruction.nextPc]);
      if (instruction.decoded.form.endsBlock) {
        const { targets, returnsTo, falls } = leads(isa, instruction);
        heads.push(...targets, ...(returnsTo === undefined ? [] : [returnsTo]));
        const known = [...targets, ...falls ? [instruction.nextPc] : []];
        next.set(at, known.length > 0 ? known : "away");
        if (!falls) break;
      }
      if (instruction.nextPc <= at) break;
      at = instruction.nextPc;
    }
  }
  const [first, ...others] = withoutDeadEnds(pc, found, next, elsewhere);
  if (!first) throw new RangeError(`no region from 0x${pc.toString(16)}: no instruction there`);
  return [first, ...others.sort((a, b) => (a.pc < b.pc ? -1 : 1))];
}

/**
 * Leaves out what leads nowhere but to where the limit, a page or nothing that can be decoded cut it off, as data behind
 * code does: what comes back to some address, or goes on at a computed one, is what a region is for.
 */
function withoutDeadEnds(
  pc: bigint,
  found: ReadonlyMap<bigint, RegionInstruction>,
  next: ReadonlyMap<bigint, readonly bigint[] | "away">,
  elsewhere: ReadonlySet<bigint>,
): RegionInstruction[] {
  const before = new Map<bigint, bigint[]>();
  const good = new Set<bigint>();
  for (const [at, targets] of next) {
    if (targets === "away") {
      good.add(at);
      continue;
    }
    for (const target of targets) {
      // Back to where it was: a loop, whatever is in between.
      if (target <= at && found.has(target) || elsewhere.has(target)) good.add(at);
      const list = before.get(target);
      if (list) list.push(at);
      else before.set(target, [at]);
    }
  }
  for (const at of good) for (const from of before.get(at) ?? []) good.add(from);
  // Straight code that is longer than what was looked at: as much as is worth the compiling.
  if (!good.has(pc)) return [...found.values()].slice(0, STRAIGHT_LIMIT);
  return [...found.values()].filter((instruction) => good.has(instruction.pc));
}

function instructionAt(request: RegionRequest, at: bigint): RegionInstruction | NoInstruction {
  const { isa, arena, source, codeBase, samePage } = request;
  const decoded = fetchAndDecode(isa, arena, source, at, at + codeBase, samePage);
  if ("kind" in decoded) return decoded;
  const nextPc = BigInt.asUintN(isa.pcWidth ?? isa.addressWidth, at + BigInt(decoded.length));
  return { pc: at, nextPc, decoded, cost: source.costOf(decoded.form.cycleClass) };
}

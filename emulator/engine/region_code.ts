/** Finds the code of a region: a stretch that was asked for, or what direct branches reach from an address. */
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";
import type { CodeSource } from "./code_cache.ts";
import { fetchAndDecode, type NoInstruction } from "./fetch.ts";
import { leads, type RegionInstruction } from "./region_blocks.ts";

/** Instructions in a region at most: V8's baseline compiler grows faster than linearly beyond (80 ms at 1,000). */
export const REGION_LIMIT = 200;
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
  /** The region keeps to the first instruction's page: any other may be anywhere, and to look has effects. */
  readonly samePage: boolean;
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
  const { isa, pc, codeBase, samePage, source } = request;
  const found = new Map<bigint, RegionInstruction>();
  const page = (pc + codeBase) / PAGE, stops = source.stops.from(codeBase);
  for (const heads = [pc]; heads.length > 0 && found.size < REGION_LIMIT;) {
    for (let at = heads.shift()!; !found.has(at) && found.size < REGION_LIMIT;) {
      if (samePage && (at + codeBase) / PAGE !== page) break;
      // What begins at a stop is looked at each time.
      if (stops.has(at) && at !== pc) break;
      const instruction = instructionAt(request, at);
      if ("kind" in instruction) break;
      found.set(at, instruction);
      if (instruction.decoded.form.endsBlock) {
        const { targets, returnsTo, falls } = leads(isa, instruction);
        heads.push(...targets, ...(returnsTo === undefined ? [] : [returnsTo]));
        if (!falls) break;
      }
      if (instruction.nextPc <= at) break;
      at = instruction.nextPc;
    }
  }
  const [first, ...others] = found.values();
  if (!first) throw new RangeError(`no region from 0x${pc.toString(16)}: no instruction there`);
  return [first, ...others.sort((a, b) => (a.pc < b.pc ? -1 : 1))];
}

function instructionAt(request: RegionRequest, at: bigint): RegionInstruction | NoInstruction {
  const { isa, arena, source, codeBase, samePage } = request;
  const decoded = fetchAndDecode(isa, arena, source, at, at + codeBase, samePage);
  if ("kind" in decoded) return decoded;
  const nextPc = BigInt.asUintN(isa.pcWidth ?? isa.addressWidth, at + BigInt(decoded.length));
  return { pc: at, nextPc, decoded, cost: source.costOf(decoded.form.cycleClass) };
}

/**
 * Compiles a stretch of guest code into one WebAssembly function from the same definitions that the
 * interpreter is made of: operands are constants, state slots live in locals, direct branches inside the
 * stretch stay inside, compare and branch fuse through recipes.
 *
 * `run(cpu, left) -> status` enters at the first instruction. Like the interpreter it pays for a block when it
 * enters it and gives back what it leaves undone, so counts and cycles are exact at every exit.
 */
import { TLB } from "../ir/tlb_layout.ts";
import type { Isa } from "../isa/isa.ts";
import { ModuleWriter } from "../wasm/module_writer.ts";
import type { Arena } from "./arena.ts";
import type { CodeSource } from "./code_cache.ts";
import { fetchAndDecode } from "./fetch.ts";
import type { EngineHost } from "./host.ts";
import { findBlocks, recordBlock, type RegionInstruction } from "./region_blocks.ts";
import { RegionWriter } from "./region_writer.ts";

/** Instructions in a region at most: V8's baseline compiler grows faster than linearly beyond (80 ms at 1,000). */
const REGION_LIMIT = 200;
const PAGE = BigInt(2 ** TLB.pageBits);

export interface Region {
  /** Where its code lies in linear memory: first byte, and one past the last. */
  readonly start: number;
  readonly end: number;
  /** What it was compiled for: base of the code segment, bytes asked for. */
  readonly codeBase: bigint;
  readonly length: number;
  readonly instructions: number;
  /** Instructions of its longest block: what the budget has to cover to get anywhere. */
  readonly longest: number;
  /** The module's size in bytes. */
  readonly bytes: number;
  run(cpu: number, left: number): number;
}

export interface RegionRequest {
  readonly isa: Isa;
  readonly arena: Arena;
  readonly host: EngineHost;
  readonly source: CodeSource;
  readonly codeBase: bigint;
  /** Address of the first instruction, and how many bytes from there on belong to the region. */
  readonly pc: bigint;
  readonly length: number;
  /** The region ends with the first instruction's page at the latest: the next one may be anywhere. */
  readonly samePage: boolean;
}

/** Throws `RangeError` if the stretch holds what cannot be decoded, or too much. */
export function compileRegion(request: RegionRequest): Region {
  const { arena, host, source, codeBase, pc, length } = request;
  const instructions = decodeStretch(request);
  const last = instructions[instructions.length - 1];
  const start = source.codeAt(pc + codeBase);
  const end = source.codeAt(last.pc + codeBase) + last.decoded.length;
  const { bytes, longest } = regionBytes(request.isa, instructions, source.stops.from(codeBase));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory: arena.memory },
    host: { load: host.load.bind(host), store: host.store.bind(host), trap: host.trap.bind(host) },
  });
  const run = instance.exports.run as Region["run"];
  return {
    start,
    end,
    codeBase,
    length,
    instructions: instructions.length,
    longest,
    bytes: bytes.length,
    run,
  };
}

/** The module for a stretch of decoded instructions, not yet compiled; it leaves at each of `stops`. */
export function regionBytes(
  isa: Isa,
  instructions: readonly RegionInstruction[],
  stops: ReadonlySet<bigint> = new Set(),
): { bytes: Uint8Array<ArrayBuffer>; longest: number } {
  const blocks = findBlocks(isa, instructions, stops).map((block) => recordBlock(isa, block));
  const module = new ModuleWriter();
  const imports = {
    load: module.importFunction("host", "load", { parameters: ["i32", "i32", "i32"], results: ["i32"] }),
    store: module.importFunction("host", "store", { parameters: ["i32", "i32", "i32"], results: ["i32"] }),
    trap: module.importFunction("host", "trap", { parameters: ["i32", "i32"], results: ["i32"] }),
  };
  const { code } = module.define({ parameters: ["i32", "i32"], results: ["i32"] }, "run");
  new RegionWriter(code, imports, blocks, stops, isa.codeBase).write();
  return { bytes: module.finish(), longest: Math.max(...blocks.map((block) => block.instructions.length)) };
}

function decodeStretch(request: RegionRequest): RegionInstruction[] {
  const { isa, arena, source, codeBase, pc, length, samePage } = request;
  const instructions: RegionInstruction[] = [];
  const bits = isa.pcWidth ?? isa.addressWidth;
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
    const decoded = fetchAndDecode(isa, arena, source, at, at + codeBase, samePage);
    if ("kind" in decoded) {
      if (samePage && decoded.kind === "fetch" && instructions.length > 0) break;
      throw new RangeError(`no region from 0x${pc.toString(16)}: no instruction at 0x${at.toString(16)}`);
    }
    const nextPc = BigInt.asUintN(bits, at + BigInt(decoded.length));
    instructions.push({ pc: at, nextPc, decoded, cost: source.costOf(decoded.form.cycleClass) });
    if (nextPc <= at) break;
    at = nextPc;
  }
  return instructions;
}

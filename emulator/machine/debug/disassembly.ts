/** Guest code as text: instruction after instruction, as far as there is memory. */
import type { InstructionSet } from "../../isa/isa.ts";
import type { SymbolTable } from "../../isa/symbols.ts";
import type { GuestMemory } from "../memory.ts";
import { type Mapping, readVirtual } from "./virtual_memory.ts";

/** One instruction, or bytes that are none. */
export interface DisassembledLine {
  /** Guest-physical. */
  readonly address: bigint;
  /** Its bytes in memory order. */
  readonly bytes: Uint8Array;
  /** `(bad)` where no instruction could be decoded. */
  readonly text: string;
  /** The name of exactly this address, if it has one. */
  readonly symbol?: string;
}

/** Where the code is, and what reads it. */
export interface CodeView {
  readonly isa: InstructionSet;
  readonly memory: GuestMemory;
  readonly symbols: SymbolTable;
  /** From an address of the code to the guest-physical one. */
  readonly map: Mapping;
  /** Bytes to step over where there is no instruction. */
  readonly step: number;
}

/** `count` instructions from an address on; fewer where memory ends. */
export function disassemble(view: CodeView, address: bigint, count: number): DisassembledLine[] {
  const { isa, symbols } = view, lines: DisassembledLine[] = [];
  for (let at = address; lines.length < count;) {
    const bytes = codeBytes(view, at);
    if (bytes.length === 0) break;
    const decoded = isa.disassemble(bytes, at);
    const length = decoded?.length ?? view.step;
    const near = symbols.nearest(at);
    lines.push({
      address: at,
      bytes: bytes.slice(0, length),
      text: decoded?.text ?? "(bad)",
      symbol: near && near.offset === 0n ? near.name : undefined,
    });
    at += BigInt(length);
  }
  return lines;
}

/** As many bytes as are there, up to the longest instruction's. */
function codeBytes({ isa, memory, map }: CodeView, address: bigint): Uint8Array {
  for (let length = isa.maxLength; length > 0; length--) {
    const last = map(address + BigInt(length - 1));
    if (last === undefined || !memory.holds(last, 1)) continue;
    try {
      return readVirtual(memory, map, address, length);
    } catch {
      // A hole before the last byte.
    }
  }
  return new Uint8Array();
}

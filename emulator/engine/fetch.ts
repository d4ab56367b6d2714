/** Instruction fetch: the bytes at an address, and what the ISA makes of them. */
import { TLB } from "../ir/tlb_layout.ts";
import type { Decoded, Isa, Undecodable } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";

const PAGE = 2 ** TLB.pageBits;

/** Why there is no instruction. */
export type NoInstruction =
  | { readonly kind: "fetch"; readonly address: bigint }
  | { readonly kind: "undecodable"; readonly bytes: Uint8Array; readonly why: Undecodable };

/** Place in linear memory of the code byte at a linear guest address, or -1 where there is none. */
export type CodeAt = { codeAt(address: bigint): number };

/**
 * What an instruction fetch yields at one address. The second page of an instruction that crosses into one is looked at
 * only if it does, and `within` a page not at all: looking has effects on the guest's page tables.
 */
export function fetchAndDecode(
  isa: Isa,
  arena: Arena,
  source: CodeAt,
  pc: bigint,
  linear: bigint,
  within = false,
): Decoded | NoInstruction {
  const place = source.codeAt(linear);
  if (place < 0) return { kind: "fetch", address: linear };
  return decodeAt(isa, arena, source, place, pc, linear, within, new Uint8Array(isa.maxLength));
}

/** The same where the place of the first byte is known; `room` is for the ISA's longest instruction. */
export function decodeAt(
  isa: Isa,
  arena: Arena,
  source: CodeAt,
  place: number,
  pc: bigint,
  linear: bigint,
  within: boolean,
  room: Uint8Array,
): Decoded | NoInstruction {
  const onPage = Math.min(isa.maxLength, PAGE - place % PAGE), { u8 } = arena;
  for (let i = 0; i < onPage; i++) room[i] = u8[place + i];
  let bytes = onPage < room.length ? room.subarray(0, onPage) : room;
  let instruction = isa.decode(bytes, pc);
  if ("undecodable" in instruction && instruction.truncated && onPage < isa.maxLength) {
    const next = linear + BigInt(onPage), rest = within ? -1 : source.codeAt(next);
    if (rest < 0) return { kind: "fetch", address: next };
    const whole = new Uint8Array(isa.maxLength);
    whole.set(bytes);
    whole.set(arena.u8.subarray(rest, rest + isa.maxLength - onPage), onPage);
    bytes = whole;
    instruction = isa.decode(bytes, pc);
  }
  if ("form" in instruction) return instruction;
  return { kind: "undecodable", bytes: bytes.slice(0, instruction.length), why: instruction };
}

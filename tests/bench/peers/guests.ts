/**
 * What trapsh and its peers run: the benchmark's x86 programs and two exit loops, each made to run for ever and to
 * tell its result over a serial line, which every PC has.
 */
import { AT, EXITS, SIZE } from "../guests/guest.ts";
import {
  crcResult,
  dispatchResult,
  divideResult,
  fibResult,
  integerResult,
  sampleBytes,
  sieveResult,
  stringsResult,
} from "../guests/results.ts";
import { widen } from "../guests/widths.ts";
import { x86ExitLoops, x86Workloads } from "../guests/x86.ts";
import { ROUNDS } from "../guests/x86_further.ts";

/** The first serial line of a PC: its transmit register. */
export const SERIAL = 0x3f8;
/** A port that a PC leaves free: the exit loops' device, which answers every load with 1. */
export const PORT = 0x5c0;

export interface PeerGuest {
  readonly name: string;
  readonly bits: 32 | 64;
  /** Runs over and over, `REPEAT` times a pass. */
  readonly program: string;
  /** Once a pass: makes the result from what the program leaves, in the accumulator. */
  readonly tally: string;
  readonly result: bigint;
  /** Whose handler is reached through `PORT` how many times a pass; none for a program that computes. */
  readonly exits?: "out" | "in";
}

/** Times that a pass runs its program, so that what the serial line takes does not show. */
export const REPEAT = 10;

/** Adds up the copy, turning the sum with each byte, and clears it for the next pass. */
const COPY_TALLY = `
        mov $$si, ${AT.target}
        mov $$cx, ${SIZE.copy}
        xor $$ax, $$ax
tally:  movzx edx, byte ptr [$si]
        mov byte ptr [$si], 0
        rol eax, 1
        add eax, edx
        inc $si
        dec $$cx
        jnz tally`;

function copyResult(): bigint {
  return BigInt(
    sampleBytes(SIZE.copy).reduce((sum, byte) => ((sum << 1 | sum >>> 31) + byte) >>> 0, 0),
  );
}

function results(bits: 32 | 64): Readonly<Record<string, bigint>> {
  return {
    integer: integerResult(bits),
    sieve: sieveResult(),
    crc32: crcResult(),
    copy: copyResult(),
    calls: fibResult(),
    dispatch: dispatchResult(ROUNDS.dispatch),
    strings: stringsResult(ROUNDS.strings),
    divide: divideResult(bits),
  };
}

function computing(bits: 32 | 64): PeerGuest[] {
  const expected = results(bits);
  return x86Workloads(bits).map(({ name, source }) => ({
    name,
    bits,
    program: source,
    tally: name === "copy" ? widen(COPY_TALLY, bits) : "",
    result: expected[name],
  }));
}

/** The loops end with their counter at 0; what `in` was answered is added up in ebx. */
function leaving(bits: 32 | 64): PeerGuest[] {
  const loops = x86ExitLoops(bits, { window: 0, port: PORT });
  const guest = (name: "out" | "in", tally: string, result: bigint): PeerGuest => {
    const { source } = loops.find((loop) => loop.name === name)!;
    return { name, bits, program: source, tally, result, exits: name };
  };
  return [guest("out", "mov eax, eax", 0n), guest("in", "mov eax, ebx", BigInt(EXITS))];
}

export const PEER_GUESTS: readonly PeerGuest[] = ([32, 64] as const).flatMap((bits) => [
  ...computing(bits),
  ...leaving(bits),
]);

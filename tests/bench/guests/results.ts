/** The right results, worked out in TypeScript and not by the emulator. */
import { SIZE } from "./guest.ts";

/** a += c; a ^= a << 3; b -= a, for c from `SIZE.integer` down to 1, in registers of `bits`. Gives a ^ b. */
export function integerResult(bits: 16 | 32 | 64): bigint {
  let a = 0n, b = 1n;
  for (let c = BigInt(SIZE.integer); c > 0n; c--) {
    a = BigInt.asUintN(bits, a + c);
    a ^= BigInt.asUintN(bits, a << 3n);
    b = BigInt.asUintN(bits, b - a);
  }
  return a ^ b;
}

/** Odd primes up to 2 * `SIZE.sieve` + 1, 3 being the first. */
export function sieveResult(): bigint {
  let primes = 0n;
  for (let candidate = 3; candidate <= 2 * SIZE.sieve + 1; candidate += 2) {
    let prime = true;
    for (let divisor = 3; prime && divisor * divisor <= candidate; divisor += 2) {
      prime = candidate % divisor !== 0;
    }
    if (prime) primes++;
  }
  return primes;
}

/** Input of the CRC and the copy: no two neighbours alike. */
export function sampleBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 73 + (i >> 8) * 5);
}

/** CRC-32 (IEEE 802.3, reflected 0xedb88320) of the sample, by table. */
export function crcResult(): bigint {
  const table = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? c >>> 1 ^ 0xedb88320 : c >>> 1;
    return c;
  });
  let crc = 0xffff_ffff;
  for (const byte of sampleBytes(SIZE.crc)) crc = crc >>> 8 ^ table[(crc ^ byte) & 0xff];
  return BigInt(~crc >>> 0);
}

export function fibResult(): bigint {
  let a = 0n, b = 1n;
  for (let i = 0; i < SIZE.fib; i++) [a, b] = [b, a + b];
  return a;
}

/** What four operations make of 0, picked by the low two bits of the sample's bytes, `rounds` times over. */
export function dispatchResult(rounds: number): bigint {
  const operations: readonly ((a: number) => number)[] = [
    (a) => a + 7,
    (a) => a ^ 0x1234,
    (a) => a << 3 | a >>> 29,
    (a) => a - 5,
  ];
  let a = 0;
  for (let round = 0; round < rounds; round++) {
    for (const byte of sampleBytes(SIZE.dispatch)) a = operations[byte & 3](a) >>> 0;
  }
  return BigInt(a);
}

/** A round: 1 for a copy that equals its source, and the bytes after the first 0xff of it. */
export function stringsResult(rounds: number): bigint {
  const bytes = sampleBytes(SIZE.strings);
  return BigInt(rounds) * BigInt(1 + bytes.length - 1 - bytes.indexOf(0xff));
}

/** The golden ratio's bits: odd, and greater than any factor of the division's program. */
export const DIVISOR = { 32: 0x9e37_79b1n, 64: 0x9e37_79b9_7f4a_7c15n } as const;

/** a = a * c + c, divided by a constant: quotient ^ remainder, for c from `SIZE.divide` down to 1. */
export function divideResult(bits: 32 | 64): bigint {
  let a = 1n;
  for (let c = BigInt(SIZE.divide); c > 0n; c--) {
    const dividend = a * c + c;
    a = dividend / DIVISOR[bits] ^ dividend % DIVISOR[bits];
  }
  return a;
}

/** a = a * constant + c, divided by c: quotient ^ remainder, for c from `SIZE.divide` down to 1, in registers of `bits`. */
export function quotientsResult(bits: 32 | 64): bigint {
  let a = 1n;
  for (let c = BigInt(SIZE.divide); c > 0n; c--) {
    const dividend = BigInt.asUintN(bits, a * DIVISOR[bits] + c);
    a = dividend / c ^ dividend % c;
  }
  return a;
}

/** The sum of the constants that a program writes into itself, from `SIZE.patch` down to 1. */
export function patchResult(): bigint {
  return BigInt(SIZE.patch * (SIZE.patch + 1) / 2);
}

/** What functions that each add a number of their own, `SIZE.cold` down to 1, make of 0 in `rounds` rounds. */
export function coldResult(rounds: number): bigint {
  let a = 0;
  for (let round = 0; round < rounds; round++) {
    for (let own = SIZE.cold; own > 0; own--) {
      const sum = a + own | 0;
      a = sum << 3 | sum >>> 29;
      for (let c = 4; c > 0; c--) a = (a ^ c) + 7 | 0;
      if (a & 1) a = ~a;
    }
  }
  return BigInt(a >>> 0);
}

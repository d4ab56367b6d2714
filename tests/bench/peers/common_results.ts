/** What the programs come to that are the same on every architecture. */
import { SIZE } from "../guests/guest.ts";
import {
  crcResult,
  dispatchResult,
  fibResult,
  integerResult,
  patchResult,
  sampleBytes,
  sieveResult,
} from "../guests/results.ts";

/** By name; `rounds` are the dispatch's. */
export function commonResults(bits: 32 | 64, rounds: number): Readonly<Record<string, bigint>> {
  return {
    integer: integerResult(bits),
    sieve: sieveResult(),
    crc32: crcResult(),
    copy: copyResult(),
    calls: fibResult(),
    dispatch: dispatchResult(rounds),
    patch: patchResult(),
  };
}

/** The sum that a guest makes of the copied bytes, turned with each. */
function copyResult(): bigint {
  return BigInt(
    sampleBytes(SIZE.copy).reduce((sum, byte) => ((sum << 1 | sum >>> 31) + byte) >>> 0, 0),
  );
}

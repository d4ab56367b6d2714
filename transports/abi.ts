/** The hypercall ABI that a machine's guests use, and bytes in its registers. */
import type { HypercallAbi } from "../emulator/machine/hypervisors/abi.ts";
import type { BackendName } from "../emulator/machine/hypervisors/hypervisor.ts";
import { hypervisorOf } from "../emulator/machine/hypervisors/hypervisors.ts";

export type { HypercallAbi };

/** The ABI of a hypervisor, by default the backend's own. Throws `RangeError` where it has none, with the reason. */
export function abiOf(backend: BackendName, mode: 16 | 32 | 64, hypervisor?: string): HypercallAbi {
  const found = hypervisorOf(backend, mode, hypervisor);
  const abi = found.abi(backend, mode);
  if (typeof abi === "string") throw new RangeError(`${found.title}: ${abi}`);
  return abi;
}

/** Payload bytes that fit in a CALL's arguments, beside handle and fn. */
export function callCapacity(abi: HypercallAbi): number {
  return ((abi.memoryWords ?? abi.args.length) - 2) * abi.width;
}

/** The widest register access that is one call: a store's arguments are handle, offset, and the value in whole words. */
export function widestAccess({ width, args }: HypercallAbi): 4 | 8 {
  return width === 8 || args.length >= 4 ? 8 : 4;
}

/** Reply bytes that fit in the outputs; in memory the first word is the length. */
export function replyCapacity(abi: HypercallAbi): number {
  return abi.memoryWords === undefined ? abi.outputs.length * abi.width : (abi.memoryWords - 1) * abi.width;
}

/** The ABI's words for up to `count` registers of bytes, the last one padded with zeros. */
export function toWords(abi: HypercallAbi, bytes: Uint8Array): bigint[] {
  const words: bigint[] = [];
  for (let at = 0; at < bytes.length; at += abi.width) {
    let word = 0n;
    for (let i = 0; i < abi.width; i++) {
      const byte = BigInt(bytes[at + i] ?? 0);
      word |= byte << BigInt(8 * (abi.order === "le" ? i : abi.width - 1 - i));
    }
    words.push(word);
  }
  return words;
}

/** The first `length` bytes of the words. */
export function fromWords(abi: HypercallAbi, words: readonly bigint[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const word = words[Math.trunc(i / abi.width)];
    const within = i % abi.width;
    bytes[i] = Number((word >> BigInt(8 * (abi.order === "le" ? within : abi.width - 1 - within))) & 0xffn);
  }
  return bytes;
}

/**
 * Guest memory in packets: at linear addresses on x86, at effective ones on PowerPC, translated page by page as the vCPU
 * would. Devices are not touched: to read one is an exit, and may change it.
 */
import type { VirtualCpu } from "../machine_types.ts";

const PAGE = 4096n;

/** Bytes from an address on, up to `length` of them and no further than memory goes; undefined if the first is nowhere. */
export function readBytes(
  vcpu: VirtualCpu,
  address: bigint,
  length: number,
): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const at = address + BigInt(done);
    const count = Math.min(length - done, Number(PAGE - at % PAGE));
    const page = tryTo(() => vcpu.readMemory(at, count));
    if (!page) break;
    bytes.set(page, done);
    done += count;
  }
  return done === 0 && length > 0 ? undefined : bytes.subarray(0, done);
}

/** All bytes or none: false where some of them have no memory. */
export function writeBytes(vcpu: VirtualCpu, address: bigint, bytes: Uint8Array): boolean {
  return tryTo(() => {
    vcpu.writeMemory(address, bytes);
    return true;
  }) === true;
}

/** Undefined for what is not mapped, or no memory. */
function tryTo<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

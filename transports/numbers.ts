/**
 * The hypercalls that reach devices. Private to trapsh: no hypervisor assigns these numbers.
 *
 * These numbers serve where a number has 32 bits: as KVM's in rax; as ePAPR's token in r11, vendor 0x5453 ("TS") in its
 * upper half; as a PAPR function in r3, a multiple of 4 far above the assigned ones; as OSI's selector in r5. Xen's page
 * has 128 slots, Hyper-V's call codes and VMware's commands 16 bits: there they are the same calls in the same order, by
 * what the ABI says of its `numbers`. Under Hyper-V arguments and outputs are words in guest memory, before the outputs
 * the status.
 *
 * Arguments stand in the order of the ABI's argument registers (`abi.ts`), register-wide words:
 *
 * | hypercall | arguments | outputs on success |
 * |---|---|---|
 * | CALL | handle + (length << 16), fn, payload... | reply (its beginning) |
 * | CALL_DESCRIPTOR | handle, descriptor's guest-physical address | - |
 * | READ | handle + (size << 16), offset | value (on 32-bit guests: low, high) |
 * | WRITE | handle + (size << 16), offset, value (on 32-bit guests: low, high) | - |
 * | FETCH | handle, guest-physical address, capacity | - (the status is the bytes written) |
 * | SEND | handle + (bytes << 16), payload... | reply, once the payload is complete |
 * | RECEIVE | handle | reply (its next part) |
 * | NOTIFY | handle, queue | - |
 *
 * The handle is 16 bits, a length at most 65,535. Status: for CALL, the reply's whole length; for SEND, EAGAIN
 * until the payload is complete; for RECEIVE and FETCH, the bytes given.
 * Payload and reply words hold the bytes that the guest's own load of a whole register finds in memory, the
 * last one padded: x86 first byte lowest, PowerPC first byte highest (as in PAPR's H_PUT_TERM_CHAR).
 */
import type { HypercallAbi } from "../emulator/machine/hypervisors/abi.ts";

export const HYPERCALL = {
  CALL: 0x5453_0004,
  CALL_DESCRIPTOR: 0x5453_0008,
  READ: 0x5453_000c,
  WRITE: 0x5453_0010,
  FETCH: 0x5453_0014,
  SEND: 0x5453_0018,
  RECEIVE: 0x5453_001c,
  NOTIFY: 0x5453_0030,
} as const;

export type HypercallName = keyof typeof HYPERCALL;

/** In the order of their numbers, which begin with CALL's. */
export const HYPERCALL_NAMES = Object.keys(HYPERCALL) as readonly HypercallName[];

/** A call's number under an ABI. */
export function hypercallNumber({ numbers }: Pick<HypercallAbi, "numbers">, name: HypercallName): number {
  return numbers.first + numbers.step * (HYPERCALL[name] - HYPERCALL.CALL) / 4;
}

/**
 * Calls of another kind, numbered between RECEIVE and NOTIFY: a fast call (`bridge.ts`), MMIO (`mmio_hypercall.ts`), and the doorbell
 * of rings, whose argument is the ring (`rings/doorbell.ts`).
 */
const OTHER_NAMES = ["FASTCALL", "MMIO_LOAD", "MMIO_STORE", "KICK"] as const;

/** The number of one of them under an ABI. */
export function otherNumber(
  { numbers }: Pick<HypercallAbi, "numbers">,
  name: (typeof OTHER_NAMES)[number],
): number {
  return hypercallNumber({ numbers }, "RECEIVE") + numbers.step * (1 + OTHER_NAMES.indexOf(name));
}

/** Longest payload that CALL and SEND carry: the length has 16 bits. */
export const MAX_REGISTER_PAYLOAD = 0xffff;

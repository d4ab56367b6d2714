/**
 * The call window of a device: eight 32-bit registers by which a guest calls it, the same on the port bus
 * and on the MMIO bus. All registers are little-endian on every architecture, as virtio's are.
 *
 * Word by word: write FN, then LENGTH, then the payload to DATA, an access at a time; the call runs in the
 * access that completes the payload (the write of LENGTH if it is 0). Then RESULT tells the reply's
 * length or a negative errno, and DATA gives the reply. DATA moves bytes, in address order.
 *
 * By descriptor: write a descriptor's guest-physical address to DOORBELL (see `descriptor.ts`).
 *
 * NOTIFY is no call: it tells the device that a queue of its own in guest memory has work.
 */

/** Offsets of the registers in bytes. */
export const WINDOW = {
  /** W, 4 bytes: the function number; drops a call in progress. Or 8 bytes: FN and LENGTH in one access. */
  fn: 0x00,
  /** W, 4 bytes: payload bytes; begins the call. */
  length: 0x04,
  /** W: payload; R: reply; 1, 2, 4 or 8 bytes. Reads past the reply's end give 0. */
  data: 0x08,
  /** R, 4 bytes, signed: bytes of the reply not read yet, or -errno of the last call. */
  result: 0x10,
  /** W, 4 bytes: the number of a queue that has work; calls in progress do not mind. */
  notify: 0x14,
  /** W, 4 or 8 bytes: guest-physical address of a call descriptor. */
  doorbell: 0x18,
} as const;

/** Bytes of a window. */
export const WINDOW_SIZE = 0x20;

/** What each register is, for tables and documents. */
export const WINDOW_REGISTERS: readonly {
  readonly name: keyof typeof WINDOW;
  readonly access: "R" | "W" | "RW";
  readonly sizes: readonly number[];
}[] = [
  { name: "fn", access: "W", sizes: [4, 8] },
  { name: "length", access: "W", sizes: [4] },
  { name: "data", access: "RW", sizes: [1, 2, 4, 8] },
  { name: "result", access: "R", sizes: [4] },
  { name: "notify", access: "W", sizes: [4] },
  { name: "doorbell", access: "W", sizes: [4, 8] },
];

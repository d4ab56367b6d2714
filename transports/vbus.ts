/**
 * The bridge of AlacrityVM's vbus, ABI version 2, as a guest meets it: include/linux/vbus_pci.h of the vbus tree (2009)
 * and vbus-pci.c of its QEMU. All numbers are little-endian on every architecture.
 *
 * BAR0 (memory, 64 bytes) holds a call descriptor; a read of 4 bytes anywhere in it executes that and gives the status.
 * BAR1 (ports, 32 bytes) has the doorbells. A fast call: each CPU names a descriptor in RAM once, then writes its own
 * number to a port.
 */

export const VBUS_MAGIC = 0xbf53_eef5;
export const VBUS_VERSION = 2;

/** Vectors of the bridge. */
export const BRIDGE = { NEGOTIATE: 0, QREG: 1, SLOWCALL: 2, FASTCALL_ADD: 3, FASTCALL_DROP: 4 } as const;

/** Vectors of SLOWCALL and of a fast call: version 2's, which begin at DEVOPEN. */
export const BUSCALL = { DEVOPEN: 0, DEVCLOSE: 1, DEVCALL: 2, DEVSHM: 3 } as const;

/** `{vector u32, len u32, datap u64}`. */
export const CALL_DESC = { vector: 0, len: 4, datap: 8, size: 16 } as const;
/** A call descriptor and its result, i32. */
export const FASTCALL_DESC = { ...CALL_DESC, result: 16, size: 24 } as const;
/** `{magic u32, version u32, capabilities u64}`. */
export const NEGOTIATE = { magic: 0, version: 4, capabilities: 8, size: 16 } as const;
/** `{devid u32, version u32, handle u64}`. */
export const DEVICE_OPEN = { devid: 0, version: 4, handle: 8, size: 16 } as const;
/**
 * `{devh u64, func u32, len u32, flags u32, datap u64 at 24}`. `len` is the buffer's, for payload and reply. vbus left
 * `flags` unused; here its low 25 bits are the payload's bytes, and bit 31 asks for what is left of the last reply.
 */
export const DEVICE_CALL = { devh: 0, func: 8, len: 12, flags: 16, datap: 24, size: 32 } as const;
export const DEVICE_CALL_FETCH = 0x8000_0000;
export const DEVICE_CALL_PAYLOAD = 0x01ff_ffff;
/** Version of the devices' ABI that DEVOPEN takes. */
export const DEVICE_ABI = 1;

/** BAR0. */
export const BAR0_SIZE = 64;
/** Offsets in BAR1; `callX`, a port that carries register state (`call_x.ts`), is ours. */
export const BAR1 = { eventq: 0, fastcall: 4, shmsignal: 8, callX: 0x10, size: 32 } as const;

/** Where the bridge stands: BAR1 has ports, and right behind BAR0 the same in memory, for guests without ports. */
export interface BridgePlace {
  readonly bar0: number;
  readonly bar1: { readonly ports: number; readonly memory: number };
}

/** Real mode reaches 1 MiB: below the option ROMs there. */
export function bridgePlace(mode: 16 | 32 | 64): BridgePlace {
  const bar0 = mode === 16 ? 0xc_f000 : 0xfd00_0000;
  return { bar0, bar1: { ports: 0xfe00, memory: bar0 + BAR0_SIZE } };
}

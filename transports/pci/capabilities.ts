/**
 * How a guest finds a device's call interface: a PCI function for each device that takes calls or doorbells, on both
 * architectures ("feasible anywhere PCI works", condition (a) of the May 2009 thread). All numbers are little-endian.
 *
 * Vendor 0x1af4, device 0x10f0: the range 0x10f0 to 0x10ff of that vendor is for use without registration (QEMU
 * docs/specs/pci-ids.rst). BARs 0 and 2 are memory, 1 and 3 are ports; a function has the BARs and capabilities of the vehicles that
 * its guest may use, and no others. Vendor-specific capabilities, in the shape of virtio's (`struct virtio_pci_cap`, virtio 1.2,
 * 4.1.4):
 *
 * | offset | field | |
 * |---|---|---|
 * | 0 | id u8 | 9: vendor-specific |
 * | 1 | next u8 | offset of the next capability, 0 ends the list |
 * | 2 | length u8 | bytes of this one |
 * | 3 | type u8 | `CAPABILITY` |
 * | 4 | bar u8 | REGISTERS, CALL: which BAR |
 * | 8 | offset u32 | REGISTERS, CALL: from the BAR's base. HYPERCALL: the device's handle |
 * | 12 | size u32 | REGISTERS, CALL: bytes. HYPERCALL: the number of CALL (`numbers.ts`) |
 * | 16 | step u32 | HYPERCALL only: from a number to the next one |
 *
 * NAME has text from offset 4 on to its end, not terminated.
 */

/** Types of our capabilities. */
export const CAPABILITY = {
  /** The device's own registers. */
  REGISTERS: 1,
  /** Its call window (`window.ts`). */
  CALL: 2,
  /** Its handle and numbers, for guests that found a hypervisor to call. */
  HYPERCALL: 3,
  /** What the device is called in its VM. */
  NAME: 4,
} as const;

/** PCI's number for a capability that its vendor defines. */
export const VENDOR_SPECIFIC = 9;

export const PCI_ID = { vendor: 0x1af4, device: 0x10f0, bridge: 0x10f1 } as const;

/** Where the list begins, and the end of a function's space. */
export const CAPABILITIES = 0x40, SPACE = 0x100;

/** The systems that the peers' guests run on: how ours is made, where a guest tells its results and leaves for a device. */
import type { VmOptions } from "../../../mod.ts";
import { HYPERCALL } from "../guests/guest.ts";

export type SystemName = "x86-32" | "x86-32 paging" | "x86-64" | "ppc32" | "ppc64" | "ppc64le";

/** What an access is made to: a port, a guest-physical address, a hypercall of this number. */
export type Place =
  | { readonly by: "port"; readonly at: number }
  | { readonly by: "mmio"; readonly at: number }
  | { readonly by: "hypercall"; readonly at: number };

export interface PeerSystem {
  readonly name: SystemName;
  /** Our own machine, as it is when the image is entered. */
  readonly options: VmOptions;
  /** Of a register, and of a result. */
  readonly bits: 32 | 64;
  /** Which of a result's bytes is told first: the lowest or the highest. */
  readonly told: "le" | "be";
  /** Where the guest tells its results. */
  readonly console: Place;
  /** The devices of the exit loops. QEMU has them too: each keeps the last value stored and gives it to loads. */
  readonly port?: number;
  readonly window?: number;
  readonly hypercall?: number;
  /** A virtio device's registers in the ports. */
  readonly virtio?: { readonly queueSize: number; readonly notify: number };
}

/** Guest RAM of every system, ours and the peers'. */
export const RAM_MIB = 32;
const memory = RAM_MIB * 2 ** 20;

/** The first serial line of a PC: its transmit register. */
const COM1 = 0x3f8;
/** PCI's configuration address (PCI 2.1, 3.7.4.1): 32 bits that are read back, without an effect by themselves. */
const PCI_ADDRESS = 0xcf8;
/**
 * The comparator of the high-precision timer's timer 0 (IA-PC HPET 1.0a, 2.3.9.2): 32 bits that are read back, without
 * an effect while the timer is off.
 */
const HPET_COMPARATOR = 0xfed0_0108;
/** Where the PReP board shows its ports. */
const PREP_PORTS = 0x8000_0000;
/** PAPR 14.15.4.2 and 14.5.4.3.5: text for the console; a value for SPRG0. */
const H_PUT_TERM_CHAR = 0x58, H_SET_SPRG0 = 0x24;

/** Where the guest puts the registers of the PC's only virtio device (virtio 1.1, 4.1.4.8): a queue's size, its doorbell. */
export const VIRTIO = { slot: 2, base: 0xc000, queueSize: 0xc00c, notify: 0xc010, entries: 8 } as const;

const PC = {
  told: "le",
  console: { by: "port", at: COM1 },
  port: PCI_ADDRESS,
  window: HPET_COMPARATOR,
  hypercall: HYPERCALL,
  virtio: VIRTIO,
} as const;

const PSERIES = {
  bits: 64,
  told: "be",
  console: { by: "hypercall", at: H_PUT_TERM_CHAR },
  hypercall: H_SET_SPRG0,
} as const;

export const SYSTEMS: Readonly<Record<SystemName, PeerSystem>> = {
  "x86-32": { ...PC, name: "x86-32", bits: 32, options: { arch: "x86", mode: 32, memory } },
  "x86-32 paging": { ...PC, name: "x86-32 paging", bits: 32, options: { arch: "x86", mode: 32, memory } },
  // Entered like the others: it is the image that goes to long mode.
  "x86-64": { ...PC, name: "x86-64", bits: 64, options: { arch: "x86", mode: 32, memory } },
  "ppc32": {
    name: "ppc32",
    bits: 32,
    told: "be",
    console: { by: "mmio", at: PREP_PORTS + COM1 },
    window: PREP_PORTS + PCI_ADDRESS,
    options: { arch: "ppc", mode: 32, memory },
  },
  "ppc64": { ...PSERIES, name: "ppc64", options: { arch: "ppc", mode: 64, order: "be", memory } },
  "ppc64le": { ...PSERIES, name: "ppc64le", options: { arch: "ppc", mode: 64, order: "le", memory } },
};

/**
 * PCI I/O space on PowerPC. There is no IN and OUT: the host bridge maps the bus's I/O space into memory, so
 * a driver's port access is a load or a store, and to a hypervisor one more MMIO exit.
 *
 * 64 KiB at 0xFE000000, where bridges of the MPC10x kind put it in their address map B; port n is at
 * 0xFE000000 + n. PCI's I/O cycles carry 4 bytes at most.
 */
export const PCI_IO_BASE = 0xfe00_0000;
export const PCI_IO_SIZE = 0x1_0000;

/** First port that devices get, above the legacy ones. */
const FIRST_PORT = 0x1000;

/** Gives out ports: aligned to their number, lowest first. */
export class PortAllocator {
  readonly #taken = new Map<number, number>();

  /** The first of `size` ports. Throws `RangeError` if the 64 KiB are used up. */
  take(size: number): number {
    const step = 2 ** Math.ceil(Math.log2(Math.max(size, 8)));
    const first = Math.ceil(FIRST_PORT / step) * step;
    for (let base = first; base + size <= PCI_IO_SIZE; base += step) {
      if ([...this.#taken].some(([start, count]) => base < start + count && start < base + size)) continue;
      this.#taken.set(base, size);
      return base;
    }
    throw new RangeError(`${size} ports are more than is left of the PCI I/O window's ${PCI_IO_SIZE}`);
  }

  /** Takes back what begins at `base`. */
  give(base: number): void {
    this.#taken.delete(base);
  }
}

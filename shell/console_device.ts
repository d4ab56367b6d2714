/** The console of a guest that `exec` runs: the transmitter of a 16550 UART, enough for a boot-time `putchar`. */
import type { SessionDevice, Sink } from "./session.ts";

/** Register offsets of a 16550 (National Semiconductor PC16550D, table 2). */
const TRANSMIT = 0;
const LINE_STATUS = 5;
/** Transmitter holding register empty, transmitter empty. */
const READY = 0x60;

/** COM1 of a PC; on PowerPC the same port in the PCI I/O window. */
const COM1 = 0x3f8;
const PCI_IO_WINDOW = 0xfe00_0000;

/**
 * Bytes that the guest stores to the transmit register go to `out` as UTF-8 text; the line status always
 * says ready; nothing is ever received.
 */
export function consoleDevice(arch: "x86" | "ppc", out: Sink): SessionDevice {
  const decoder = new TextDecoder();
  return {
    device: {
      name: "console",
      size: 8,
      read: (offset) => offset === LINE_STATUS ? READY : 0,
      write(offset, size, value) {
        if (offset !== TRANSMIT || size !== 1) return;
        const text = decoder.decode(Uint8Array.of(Number(value)), { stream: true });
        if (text !== "") out.write(text);
      },
    },
    at: arch === "x86" ? { port: COM1 } : { gpa: PCI_IO_WINDOW + COM1 },
  };
}

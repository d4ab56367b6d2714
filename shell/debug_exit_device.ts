/** Where guests find the port that ends them. */
import { debugExitDevice } from "../emulator/machine/devices/debug_exit.ts";
import type { SessionDevice } from "./session.ts";

/** QEMU's own default for isa-debug-exit; a handle beside the console's. */
const PORT = 0x501, HANDLE = 0xfff9;
const PCI_IO_WINDOW = 0xfe00_0000;

/**
 * The device `debug-exit`: port 0x501, on PowerPC the byte at 0xfe000501, where the same port lies in the PCI
 * I/O window. A byte that the guest stores there ends its run and is the exit status of `exec`: the byte itself,
 * where QEMU makes 2n + 1 of it.
 */
export function exitDevice(): SessionDevice {
  return { device: debugExitDevice(), at: { port: PORT, gpa: PCI_IO_WINDOW + PORT, handle: HANDLE } };
}

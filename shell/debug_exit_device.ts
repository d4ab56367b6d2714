/** Where guests that `exec` runs find the port that ends them. */
import { debugExitDevice } from "../emulator/machine/devices/debug_exit.ts";
import type { SessionDevice } from "./session.ts";

/** QEMU's own default for isa-debug-exit; on PowerPC the same port in the PCI I/O window. */
const PORT = 0x501;
const PCI_IO_WINDOW = 0xfe00_0000;

/** Attached as port 0x501: what the guest writes there is the exit status of `exec`. */
export function exitDevice(arch: "x86" | "ppc"): SessionDevice {
  return { device: debugExitDevice(), at: arch === "x86" ? { port: PORT } : { gpa: PCI_IO_WINDOW + PORT } };
}

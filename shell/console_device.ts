/** The console of guests: a 16550A serial port where a PC has COM1. */
import { Uart16550 } from "../emulator/machine/devices/uart16550.ts";
import type { SessionDevice, Sink } from "./session.ts";
import { isMuted, noteLine } from "./sinks.ts";

/** Port of COM1 on a PC; its handle is out of the way of users' devices, which count from 1. */
const PORT = 0x3f8, HANDLE = 0xfff8;
/** Where ports lie among the guest-physical addresses of a PowerPC machine, and here of x86 too. */
const PCI_IO_WINDOW = 0xfe00_0000;

/** The next bytes of a guest's input, or undefined at its end. */
export type Input = () => Promise<Uint8Array | undefined>;

/**
 * The device `console`. What the guest sends goes to `out` as UTF-8 text, byte by byte; `input` is asked when
 * the guest waits for some. Without it nothing comes but what is fed to the device.
 */
export function consoleDevice(out: Sink, input?: Input): SessionDevice {
  const decoder = new TextDecoder();
  const uart = new Uart16550({
    transmit(byte) {
      const text = decoder.decode(Uint8Array.of(byte), { stream: true });
      if (text === "" || isMuted(out)) return;
      out.write(text);
      noteLine(out, text);
    },
    ...(input && { receive: input }),
  });
  return { device: uart, at: { port: PORT, gpa: PCI_IO_WINDOW + PORT, handle: HANDLE } };
}

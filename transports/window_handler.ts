/** The call window's registers (`window.ts`) as a handler for a bus. */
import type { Device, DeviceContext } from "../emulator/machine/device.ts";
import type { BusHandler } from "../emulator/machine/bus.ts";
import type { CallPort } from "./call_port.ts";
import { guarded } from "./device_failure.ts";
import { after, type MaybePromise } from "./maybe_promise.ts";
import { Refusal } from "./status.ts";
import { WINDOW, WINDOW_REGISTERS } from "./window.ts";

/** What a read gives where there is nothing to read: all ones, as an empty bus does. */
function ones(size: number): number | bigint {
  return size === 8 ? (1n << 64n) - 1n : 2 ** (8 * size) - 1;
}

function toSize(value: bigint, size: number): number | bigint {
  return size === 8 ? value : Number(value);
}

/** Bytes in address order as the value that a little-endian register shows. */
function fromBytes(bytes: Uint8Array, size: number): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return toSize(value, size);
}

function intoBytes(value: number | bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return bytes.subarray(0, size);
}

/** Answers for the window of `port`. An access that no register takes reads as ones or sets RESULT to -EINVAL. */
export function windowHandler(port: CallPort): BusHandler {
  const allows = (name: keyof typeof WINDOW, size: number) =>
    WINDOW_REGISTERS.some((register) => register.name === name && register.sizes.includes(size));
  const ignored = (offset: number, size: number): void => {
    port.refuse(
      new Refusal("EINVAL", `a write of ${size} bytes at 0x${offset.toString(16)} of the call window`),
    );
  };
  return {
    read(offset, size) {
      if (offset === WINDOW.data && allows("data", size)) return fromBytes(port.take(size), size);
      if (offset === WINDOW.result && allows("result", size)) return port.result >>> 0;
      return ones(size);
    },
    write(offset, size, value): void | Promise<void> {
      let done: MaybePromise<number> = 0;
      if (offset === WINDOW.data && allows("data", size)) {
        done = port.push(intoBytes(value, size));
      } else if (offset === WINDOW.fn && size === 8) {
        const word = BigInt(value);
        port.select(Number(word & 0xffff_ffffn));
        done = port.begin(Number(word >> 32n));
      } else if (offset === WINDOW.fn && size === 4) {
        port.select(Number(value));
      } else if (offset === WINDOW.length && size === 4) {
        done = port.begin(Number(value));
      } else if (offset === WINDOW.notify && allows("notify", size)) {
        done = port.notify(Number(value));
      } else if (offset === WINDOW.doorbell && allows("doorbell", size)) {
        done = port.doorbell(BigInt(value));
      } else {
        ignored(offset, size);
      }
      return after(done, () => undefined) as void | Promise<void>;
    },
  };
}

/** A device's own registers as a handler for PCI's I/O space, which carries 4 bytes at most. */
export function registerHandler(device: () => Device, context: () => DeviceContext): BusHandler {
  return {
    read(offset, size) {
      const { name, read } = device();
      if (read === undefined || size === 8) return ones(size);
      return guarded(name, `read(offset ${offset}, size ${size})`, () => {
        return device().read!(offset, size as 1 | 2 | 4, context());
      });
    },
    write(offset, size, value) {
      const { name, write } = device();
      if (write === undefined || size === 8) return;
      return guarded(name, `write(offset ${offset}, size ${size})`, () => {
        return device().write!(offset, size as 1 | 2 | 4, Number(value), context());
      });
    },
  };
}

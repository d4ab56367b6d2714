/** The device to try a transport with: a call is answered with its own data, registers keep what is written. */
import { SavedFields } from "../../engine/saved_fields.ts";
import type { Device } from "../device.ts";

/** Bytes of the register window. */
const WINDOW = 64;

/**
 * A device named `echo`. `call(fn, data)` returns `data` whatever `fn` is, as `queue(data)` does for rings; its 64 bytes of registers are
 * plain storage, little-endian, and may be accessed in any width at any offset inside.
 */
export function echoDevice(): Device {
  const registers = new DataView(new ArrayBuffer(WINDOW));
  return {
    name: "echo",
    size: WINDOW,
    read(offset, size) {
      switch (size) {
        case 1:
          return registers.getUint8(offset);
        case 2:
          return registers.getUint16(offset, true);
        case 4:
          return registers.getUint32(offset, true);
        case 8:
          return registers.getBigUint64(offset, true);
      }
    },
    write(offset, size, value) {
      switch (size) {
        case 1:
          return registers.setUint8(offset, Number(value));
        case 2:
          return registers.setUint16(offset, Number(value), true);
        case 4:
          return registers.setUint32(offset, Number(value), true);
        case 8:
          return registers.setBigUint64(offset, BigInt(value), true);
      }
    },
    call: (_fn, data) => data,
    queue: (data) => data,
    save: () => new Uint8Array(registers.buffer.slice(0)),
    load(state) {
      new Uint8Array(registers.buffer).set(new SavedFields({ state }, "echo").bytes("state", WINDOW));
    },
    reset() {
      for (let i = 0; i < WINDOW; i++) registers.setUint8(i, 0);
    },
  };
}

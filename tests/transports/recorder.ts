/** A device that notes what it is asked. */
import type { Device } from "../../emulator/machine/device.ts";

export interface Asked {
  readonly verb: "read" | "write" | "call";
  /** Offset and size of an access, or the function number. */
  readonly at: readonly number[];
  /** Value of a write, payload of a call. */
  readonly data?: number | bigint | readonly number[];
}

/** Answers reads with `value`, calls with `reply(fn, payload)`. */
export function recorder(
  reply: NonNullable<Device["call"]> = (_fn, data) => data,
  value: (offset: number, size: number) => number | bigint = () => 0,
): { device: Device; asked: Asked[] } {
  const asked: Asked[] = [];
  const device: Device = {
    name: "dut",
    size: 16,
    read(offset, size) {
      asked.push({ verb: "read", at: [offset, size] });
      return value(offset, size);
    },
    write(offset, size, data) {
      asked.push({ verb: "write", at: [offset, size], data });
    },
    call(fn, data, context) {
      asked.push({ verb: "call", at: [fn], data: [...data] });
      return reply(fn, data, context);
    },
  };
  return { device, asked };
}

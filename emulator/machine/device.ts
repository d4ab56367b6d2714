/** What a user writes to make a device: it sees offsets, sizes and calls, never where it is mapped. */
import type { HandledIn } from "../engine/native_reason.ts";
import type { SavedState } from "../engine/saved_state.ts";
import type { AccessSize, BusValue } from "./bus.ts";

/** What a device's handlers may do beside answering. */
export interface DeviceContext {
  /** Adds cycles (a whole number) of the device's own work to the exit that is being handled. */
  charge(cycles: number): void;
  /** Guest-physical memory, for devices that do DMA. Throws `RangeError` where there is none. */
  readonly memory: {
    /** A copy of `length` bytes at a guest-physical address. */
    read(gpa: number | bigint, length: number): Uint8Array;
    /** Writes bytes at a guest-physical address. */
    write(gpa: number | bigint, bytes: Uint8Array): void;
  };
  /** Virtual time, in cycles, of the vCPU whose exit this is. */
  readonly cycles: number;
  /**
   * Drives an interrupt line, true is active: taken by the vCPU that it goes to right after the instruction whose access
   * this is, or, if that is another vCPU, when its turn comes.
   * Throws `Error` in a VM without `interrupts`, `RangeError` for a line that its controller does not have.
   */
  irq(line: number, level: boolean): void;
  /** Ends the run when this access is complete, with stop reason SYSTEM_EVENT and this code. */
  stop(code: number): void;
}

/** A call's answer: bytes, or a number that is answered as 8 bytes little-endian. */
export type Reply = Uint8Array | number | bigint | void;

/**
 * A device. Every handler may be `async`: the guest's time and every vCPU stand still until it settles,
 * and no access that was completed is repeated.
 */
export interface Device {
  /** Unique in its VM: letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  /** Bytes of its register window, 1 to 1,048,576: 8 if not given. */
  readonly size?: number;
  /** Who completes its accesses: the kernel half of the hypervisor or, if not given, userspace. */
  readonly handledIn?: HandledIn;
  /** A load of `size` bytes at `offset`; without it every load gives ones. Values as on a bus: `BusValue`. */
  read?(offset: number, size: AccessSize, context: DeviceContext): BusValue | Promise<BusValue>;
  /** A store; `value` is a bigint exactly when `size` is 8. Without it stores are dropped. */
  write?(offset: number, size: AccessSize, value: BusValue, context: DeviceContext): void | Promise<void>;
  /** A synchronous call with a function number (32 bits) and any number of bytes. */
  call?(fn: number, data: Uint8Array, context: DeviceContext): Reply | Promise<Reply>;
  /** A request that came by a ring (`Handle.ring`); the reply goes back by it, in the order of the requests. */
  queue?(data: Uint8Array, context: DeviceContext): Reply | Promise<Reply>;
  /**
   * A doorbell: queue `queue` (32 bits) of the device, whose layout is the device's own, has work. By any vehicle, by its
   * call window or by hypercall; `Handle.notify` rings it.
   */
  notify?(queue: number, context: DeviceContext): void | Promise<void>;
  /** Back to its first state, on `vm.reset()`. */
  reset?(): void;
  /**
   * Says that it has nothing to save: its answers depend on nothing that came before. A snapshot of a VM needs this, or
   * `save` and `load`, of each device.
   */
  readonly stateless?: boolean;
  /**
   * All that its later answers depend on, as plain data (what JSON has, bigints, bytes): for `saveVm`, between two
   * instructions and while no handler runs. Long things are given as bytes.
   */
  save?(): SavedState;
  /** Puts back what `save` gave, of this device or one like it, whatever this one has done so far. Throws if it cannot. */
  load?(state: SavedState): void;
}

/** Checks that a value from a user's module is a device. Throws `TypeError` that says what is missing. */
export function checkDevice(value: unknown, where = "device"): Device {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `${where} is ${
        value === null ? "null" : typeof value
      }, not a device: an object with a name and read, write, call, queue or notify`,
    );
  }
  const device = value as Record<string, unknown>;
  if (typeof device.name !== "string" || !/^[\w.-]+$/.test(device.name)) {
    throw new TypeError(
      `${where}.name is ${JSON.stringify(device.name)}: give a word of letters, digits, "_", "-" and "."`,
    );
  }
  const size = device.size;
  if (size !== undefined && (!Number.isInteger(size) || Number(size) < 1 || Number(size) > 2 ** 20)) {
    throw new TypeError(`${where}.size is ${String(size)}: give the register window's bytes, 1 to 1048576`);
  }
  if (device.handledIn !== undefined && device.handledIn !== "kernel" && device.handledIn !== "userspace") {
    throw new TypeError(
      `${where}.handledIn is ${JSON.stringify(device.handledIn)}: give "kernel" or "userspace"`,
    );
  }
  const handlers = ["read", "write", "call", "queue", "notify"].filter((name) => device[name] !== undefined);
  if (handlers.length === 0) {
    throw new TypeError(`${where} "${device.name}" has none of read, write, call, queue and notify`);
  }
  const others = ["reset", "save", "load"].filter((name) => device[name] !== undefined);
  for (const name of [...handlers, ...others]) {
    if (typeof device[name] !== "function") {
      throw new TypeError(`${where}.${name} is a ${typeof device[name]}, not a function`);
    }
  }
  if ((device.save === undefined) !== (device.load === undefined)) {
    const [has, lacks] = device.save === undefined ? ["load", "save"] : ["save", "load"];
    throw new TypeError(`${where} "${device.name}" has ${has} and no ${lacks}: give both or none`);
  }
  if (device.stateless !== undefined && typeof device.stateless !== "boolean") {
    throw new TypeError(`${where}.stateless is a ${typeof device.stateless}, not true or false`);
  }
  return value as Device;
}

/** Whether a snapshot can hold the device. */
export function canBeSaved(device: Device): boolean {
  return device.stateless === true || device.save !== undefined;
}

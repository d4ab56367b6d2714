/** The host's side of our hypercalls (`numbers.ts`): arguments from registers, the answer into registers. */
import type { DeviceContext } from "../emulator/machine/device.ts";
import type { Attachment } from "../emulator/machine/devices.ts";
import { HV_FAST } from "../emulator/machine/hypervisors/hyperv.ts";
import { readRegister, registerValues } from "../emulator/machine/hypervisors/abi.ts";
import { fromWords, type HypercallAbi, replyCapacity, toWords, widestAccess } from "./abi.ts";
import type { CallPort } from "./call_port.ts";
import { checkRam, type GuestRam } from "./descriptor.ts";
import { guarded } from "./device_failure.ts";
import { after, isPromise, type MaybePromise } from "./maybe_promise.ts";
import type { HypercallName } from "./numbers.ts";
import { ERRNO, type ErrnoName, Refusal } from "./status.ts";

/** The vCPU's registers as a handler sees them. */
export interface RegisterFile {
  get(name: string): bigint;
  set(name: string, value: bigint): void;
}

/** A device as the hypercalls reach it. */
export interface Target {
  readonly attachment: Attachment;
  readonly port: CallPort;
}

/** A hypercall's answer: its status, and bytes or words for the output registers. */
interface Answer {
  readonly status: number;
  readonly bytes?: Uint8Array;
  readonly words?: readonly bigint[];
}

type Action = (target: Target, args: readonly bigint[], abi: HypercallAbi) => MaybePromise<Answer>;

const SIZES: readonly bigint[] = [1n, 2n, 4n, 8n];

/** The bytes of payload words, cut to what was announced. */
function payloadOf(words: readonly bigint[], abi: HypercallAbi, length: number): Uint8Array {
  return fromWords(abi, words, Math.min(length, words.length * abi.width));
}

/** A value as output words: one register, or low and high half. */
function valueWords(value: bigint, abi: HypercallAbi): bigint[] {
  return abi.width === 8 ? [value] : [value & 0xffff_ffffn, value >> 32n];
}

function replied(port: CallPort, status: number, abi: HypercallAbi): Answer {
  return status <= 0 ? { status } : { status, bytes: port.take(replyCapacity(abi)) };
}

/** Size and offset of a register access, or a refusal. */
function registerAccess(target: Target, args: readonly bigint[]): [1 | 2 | 4 | 8, number] {
  const { device } = target.attachment;
  const size = args[0] >> 16n, offset = args[1];
  if (!SIZES.includes(size)) throw new Refusal("EINVAL", `an access of ${size} bytes; 1, 2, 4 and 8 exist`);
  if (offset + size > BigInt(target.attachment.window.size)) {
    throw new Refusal(
      "EINVAL",
      `${size} bytes at offset ${offset} lie outside of the registers of "${device.name}"`,
    );
  }
  return [Number(size) as 1 | 2 | 4 | 8, Number(offset)];
}

/** A device's answer to a load, whose low bits are taken. */
function toBits(value: number | bigint): bigint {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return BigInt(value);
  throw new TypeError(`a load was answered with ${String(value)}: give a whole number or a bigint`);
}

/** What each hypercall does; `contextOf` gives the device's context for the exit in progress. */
export function hypercallActions(
  contextOf: (attachment: Attachment) => DeviceContext,
): Record<HypercallName, Action> {
  return {
    CALL({ port }, args, abi) {
      const length = Number((args[0] >> 16n) & 0xffffn);
      port.select(Number(args[1] & 0xffff_ffffn));
      const begun = port.begin(length);
      const ran = length === 0 ? begun : port.push(payloadOf(args.slice(2), abi, length));
      return after(ran, (status) => replied(port, status, abi));
    },
    SEND({ port }, args, abi) {
      const length = Number((args[0] >> 16n) & 0xffffn);
      return after(port.push(payloadOf(args.slice(1), abi, length)), (status) => replied(port, status, abi));
    },
    RECEIVE({ port }, _args, abi) {
      if (port.result < 0) return { status: port.result };
      const bytes = port.take(replyCapacity(abi));
      return { status: bytes.length, bytes };
    },
    FETCH({ port }, args) {
      return { status: port.result < 0 ? port.result : port.fetch(args[1], Number(args[2])) };
    },
    CALL_DESCRIPTOR({ port }, args) {
      return after(port.doorbell(args[1]), (status) => ({ status: Math.min(status, 0) }));
    },
    NOTIFY({ port }, args) {
      return after(port.notify(Number(args[1] & 0xffff_ffffn)), (status) => ({ status }));
    },
    READ(target, args, abi) {
      const [size, offset] = registerAccess(target, args);
      const { device } = target.attachment;
      const value = guarded(device.name, `read(offset ${offset}, size ${size})`, () => {
        // As on the buses: nobody answers, so the lines stay up.
        if (device.read === undefined) return ~0n;
        return after(device.read(offset, size, contextOf(target.attachment)), toBits);
      });
      return after(
        value,
        (value) => ({ status: 0, words: valueWords(BigInt.asUintN(8 * size, value), abi) }),
      );
    },
    WRITE(target, args, abi) {
      const [size, offset] = registerAccess(target, args);
      const { device } = target.attachment;
      if (size > widestAccess(abi)) {
        throw new Refusal("EINVAL", `a store of ${size} bytes in ${args.length} registers`);
      }
      const wide = abi.width === 8 ? args[2] : args[2] | ((args[3] ?? 0n) << 32n);
      const bits = BigInt.asUintN(8 * size, wide);
      const value = size === 8 ? bits : Number(bits);
      const asked = `write(offset ${offset}, size ${size})`;
      const done = guarded(device.name, asked, () => {
        return device.write?.(offset, size, value, contextOf(target.attachment));
      });
      return after(done, () => ({ status: 0 }));
    },
  };
}

/** One call as the ABI brings it: its arguments, and the way back for its answer. */
interface Frame {
  readonly args: readonly bigint[];
  /** Of this call: what fits may depend on where its memory is. */
  readonly abi: HypercallAbi;
  /** A success. */
  put(answer: Answer): void;
}

function put(registers: RegisterFile, name: string, value: bigint, abi: HypercallAbi): void {
  for (const [register, part] of registerValues(name, BigInt.asUintN(8 * abi.width, value))) {
    registers.set(register, part);
  }
}

function putError(registers: RegisterFile, abi: HypercallAbi, code: number): void {
  put(registers, abi.status, BigInt(code), abi);
}

/** Arguments and outputs are registers. */
function registerFrame(registers: RegisterFile, abi: HypercallAbi): Frame {
  const mask = (1n << BigInt(8 * abi.width)) - 1n;
  return {
    args: abi.args.map((register) => readRegister(registers, register) & mask),
    abi,
    put(answer) {
      if (abi.length === "status") {
        put(registers, abi.status, BigInt(answer.status), abi);
      } else {
        put(registers, abi.status, 0n, abi);
        put(registers, abi.length, BigInt(answer.status), abi);
      }
      const words = answer.words ?? toWords(abi, answer.bytes ?? new Uint8Array(0));
      words.forEach((word, index) => put(registers, abi.outputs[index], word, abi));
    },
  };
}

const PAGE = 4096n;
/** Words that any call has, beside its payload. */
const FIXED_WORDS = 4;

/** Bytes from an address to the end of its page, which a block may not cross. */
function room(address: bigint): number {
  return Number(PAGE - (address & (PAGE - 1n)));
}

/**
 * Hyper-V's: a fast call has two words in registers and returns a status alone; any other has both blocks in guest memory.
 * Throws `Refusal` for blocks outside of RAM.
 */
function memoryFrame(registers: RegisterFile, abi: HypercallAbi, ram: GuestRam): Frame {
  const control = readRegister(registers, abi.number);
  const args = abi.args.map((register) => readRegister(registers, register));
  const success = () => put(registers, abi.status, 0n, abi);
  if (control & HV_FAST) return { args, abi, put: success };
  const [input, output] = args, most = room(input) / 8;
  const words = (count: number) => {
    checkRam(ram, input, 8 * count, "input");
    const bytes = ram.read(input, 8 * count), view = new DataView(bytes.buffer, bytes.byteOffset);
    return Array.from({ length: count }, (_, i) => view.getBigUint64(8 * i, true));
  };
  const length = Number((words(1)[0] >> 16n) & 0xffffn);
  checkRam(ram, output, room(output), "output");
  return {
    args: words(Math.min(most, FIXED_WORDS + Math.ceil(length / 8))),
    abi: { ...abi, memoryWords: room(output) / 8 },
    put(answer) {
      const reply = answer.words ? fromWords(abi, answer.words, 8 * answer.words.length) : answer.bytes;
      const block = new Uint8Array(8 + (reply?.length ?? 0));
      new DataView(block.buffer).setBigUint64(0, BigInt(answer.status), true);
      if (reply) block.set(reply, 8);
      ram.write(output, block);
      success();
    },
  };
}

/** The handle that a call is for; 0, which no device has, where it cannot be told. */
export function handleOf(registers: RegisterFile, abi: HypercallAbi, ram: GuestRam): number {
  try {
    const first = abi.memoryWords === undefined
      ? readRegister(registers, abi.args[0])
      : memoryFrame(registers, abi, ram).args[0];
    return Number(first & 0xffffn);
  } catch (error) {
    if (error instanceof Refusal) return 0;
    throw error;
  }
}

/** Serves one hypercall for a vCPU. A handler that throws makes it throw. */
export function serveHypercall(
  action: Action,
  registers: RegisterFile,
  abi: HypercallAbi,
  ram: GuestRam,
  find: (handle: number) => Target | undefined,
): void | Promise<void> {
  let target: Target | undefined;
  try {
    const frame = abi.memoryWords === undefined
      ? registerFrame(registers, abi)
      : memoryFrame(registers, abi, ram);
    target = find(Number(frame.args[0] & 0xffffn));
    if (target === undefined) return putError(registers, abi, abi.errors.ENODEV);
    const finish = (answer: Answer): void => {
      if (answer.status >= 0) return frame.put(answer);
      putError(registers, abi, errorCode(abi, answer.status));
    };
    const answer = action(target, frame.args, frame.abi);
    return isPromise(answer) ? answer.then(finish) : finish(answer);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return putError(registers, abi, errorCode(abi, target?.port.refuse(error) ?? -ERRNO[error.errno]));
  }
}

function errorCode(abi: HypercallAbi, status: number): number {
  for (const [name, errno] of Object.entries(ERRNO)) {
    if (errno === -status) return abi.errors[name as ErrnoName];
  }
  return abi.errors.EIO;
}

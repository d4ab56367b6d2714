/**
 * ePAPR's byte channels: a console, or any two ends, by hypercall. Power ePAPR 1.1, chapter 6 (its text from memory); Linux
 * arch/powerpc/include/asm/epapr_hcalls.h and drivers/tty/ehv_bytechan.c.
 */
import { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import { ByteQueue } from "./devices/byte_queue.ts";
import { epaprToken } from "./hypervisors/epapr.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";
import type { Vm } from "./vm.ts";

const SEND = epaprToken(1), RECEIVE = epaprToken(2), POLL = epaprToken(3);
/** Bytes of one call, in r5 to r8, the first one in the high byte of r5's low word. */
const MOST = 16, WORDS = ["r5", "r6", "r7", "r8"] as const;
/** Statuses, in r3. */
const EV = { SUCCESS: 0, EAGAIN: 4, EINVAL: 8 } as const;
const MOST_CHANNELS = 256, LARGEST = 2 ** 20;

/** What is behind a channel. */
export interface ByteChannelOptions {
  /** `hv-handle`, which the guest names it by: 0 to 0xffffffff. */
  readonly handle: number;
  /** Takes what the guest sends, at most 16 bytes a call. */
  transmit(bytes: Uint8Array): void;
  /** How many bytes it takes now, asked at each call; any number if not given. A guest that has more is told EV_EAGAIN. */
  room?(): number;
  /** Bytes that wait for the guest at most, 1 to 1,048,576: 4,096 if not given. */
  readonly depth?: number;
}

/** The host's end of a channel. */
export interface ByteChannel {
  /** `ByteChannelOptions.handle`. */
  readonly handle: number;
  /** Bytes that the guest has not fetched. */
  readonly waiting: number;
  /** Adds bytes for the guest; how many there was room for. */
  feed(bytes: Uint8Array): number;
}

class Channel implements ByteChannel {
  readonly options: ByteChannelOptions;
  readonly depth: number;
  readonly received = new ByteQueue();

  constructor(options: ByteChannelOptions) {
    const { handle, depth = 4096 } = options;
    if (!Number.isSafeInteger(handle) || handle < 0 || handle >= 2 ** 32) {
      throw new RangeError(`byte channel ${handle}: a handle has 32 bits`);
    }
    if (!Number.isSafeInteger(depth) || depth < 1 || depth > LARGEST) {
      throw new RangeError(`byte channel ${handle} cannot hold ${depth} bytes: give 1 to ${LARGEST}`);
    }
    this.options = options;
    this.depth = depth;
  }

  get handle(): number {
    return this.options.handle;
  }
  get waiting(): number {
    return this.received.length;
  }
  feed(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.depth - this.waiting);
    this.received.push(bytes.subarray(0, taken));
    return taken;
  }
  /** Of `most` bytes, those that its taker has room for. */
  space(most: number): number {
    const room = this.options.room?.() ?? most;
    if (Number.isSafeInteger(room) && room >= 0) return Math.min(room, most);
    throw new RangeError(`byte channel ${this.handle} says that it has room for ${room} bytes`);
  }
}

/** The byte channels of a VM under ePAPR; `createByteChannels` makes it. */
export class ByteChannels {
  readonly #channels = new Map<number, Channel>();
  /** Bytes of a snapshot whose channels have not been added again. */
  readonly #saved = new Map<number, Uint8Array>();

  /** @internal */
  constructor(vm: Vm) {
    const register = (number: number, name: string, call: (channel: Channel, vcpu: VirtualCpu) => number) =>
      vm.hypercalls.register(number, {
        name,
        call: (vcpu) => {
          const { registers } = vcpu, channel = this.#channels.get(low(registers.get("r3")));
          registers.set("r3", channel ? call(channel, vcpu) : EV.EINVAL);
        },
      });
    register(SEND, "EV_BYTE_CHANNEL_SEND", send);
    register(RECEIVE, "EV_BYTE_CHANNEL_RECEIVE", receive);
    register(POLL, "EV_BYTE_CHANNEL_POLL", poll);
    vm.parts.add("byte channels", {
      save: () => this.#save(),
      load: (state) => this.#load(new SavedFields(state, "byte channels")),
    });
  }

  /** Adds a channel, with the bytes that a snapshot had for it. Throws `RangeError` for a handle that is taken or none. */
  add(options: ByteChannelOptions): ByteChannel {
    const channel = new Channel(options), { handle } = channel;
    if (this.#channels.has(handle)) throw new RangeError(`there is a byte channel ${handle} already`);
    if (this.#channels.size >= MOST_CHANNELS) {
      throw new RangeError(`${MOST_CHANNELS} byte channels are all that there can be`);
    }
    channel.feed(this.#saved.get(handle) ?? new Uint8Array());
    this.#saved.delete(handle);
    this.#channels.set(handle, channel);
    return channel;
  }

  #save(): SavedState {
    const all = new Map(this.#saved);
    for (const [handle, { received }] of this.#channels) all.set(handle, received.peek());
    return { channels: [...all].sort(([a], [b]) => a - b).map(([handle, bytes]) => ({ handle, bytes })) };
  }
  #load(saved: SavedFields): void {
    for (const one of saved.records("channels", MOST_CHANNELS)) {
      this.#saved.set(one.whole("handle", 2 ** 32 - 1), one.bytes("bytes").slice());
    }
  }
}

/**
 * Serves EV_BYTE_CHANNEL_SEND, RECEIVE and POLL to the guest of a VM under ePAPR. The device tree names no channel: a guest
 * has to know their handles. Throws `Error` under another hypervisor, `RangeError` where the numbers are taken.
 *
 * @example
 * ```ts
 * import { createByteChannels, createVm } from "trapsh";
 * import { assertEquals } from "@std/assert";
 *
 * const vm = createVm({ arch: "ppc", mode: 32, backend: "kvm-pr", hypervisor: "epapr" });
 * let sent = "";
 * createByteChannels(vm).add({
 *   handle: 5,
 *   transmit: (bytes) => void (sent += new TextDecoder().decode(bytes)),
 * });
 * const call = "lis r0, 0x4b56\nori r0, r0, 0x4d21\nlis r11, 1\nori r11, r11, 1\nsc";
 * vm.load(vm.assemble(`li r3, 5\nli r4, 2\nlis r5, 0x4f4b\n${call}\nend: b end`));
 * await vm.run({ instructions: 100, until: vm.symbols.lookup("end") });
 * assertEquals([sent, vm.vcpu.registers.get("r3")], ["OK", 0n]);
 * ```
 */
export function createByteChannels(vm: Vm): ByteChannels {
  if (vm.hypervisor.name !== "epapr") {
    throw new Error(`byte channels are ePAPR's: this VM's hypervisor is ${vm.hypervisor.name}`);
  }
  return new ByteChannels(vm);
}

const low = (value: bigint) => Number(BigInt.asUintN(32, value));

/** r4 bytes; r4 becomes how many were taken. */
function send(channel: Channel, { registers }: VirtualCpu): number {
  const count = low(registers.get("r4"));
  if (count > MOST) return EV.EINVAL;
  const bytes = new Uint8Array(MOST), view = new DataView(bytes.buffer);
  WORDS.forEach((name, i) => view.setUint32(4 * i, low(registers.get(name))));
  const taken = channel.space(count);
  if (taken > 0) channel.options.transmit(bytes.slice(0, taken));
  registers.set("r4", taken);
  return taken < count ? EV.EAGAIN : EV.SUCCESS;
}

/** At most r4 bytes; r4 becomes how many there are. What is behind them in r5 to r8 is 0. */
function receive(channel: Channel, { registers }: VirtualCpu): number {
  const most = low(registers.get("r4"));
  if (most > MOST) return EV.EINVAL;
  const view = new DataView(new ArrayBuffer(MOST)), count = Math.min(most, channel.waiting);
  for (let i = 0; i < count; i++) view.setUint8(i, channel.received.shift()!);
  WORDS.forEach((name, i) => registers.set(name, view.getUint32(4 * i)));
  registers.set("r4", count);
  return EV.SUCCESS;
}

/** r4 becomes the bytes that can be received, r5 those that can be sent. */
function poll(channel: Channel, { registers }: VirtualCpu): number {
  registers.set("r4", channel.waiting);
  registers.set("r5", channel.space(channel.depth));
  return EV.SUCCESS;
}

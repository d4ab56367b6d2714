/**
 * VMware's message channels: what a guest sends, and the answer that it fetches. Their requests are command 30 of the
 * backdoor, four bytes of a message at a time, or all of it in one instruction at the high-bandwidth port. open-vm-tools
 * lib/message/message.c, lib/include/guest_msg_def.h and backdoor_def.h.
 *
 * A channel is of the protocol RPCI: a message is a command and its arguments as text, the answer is `1 ` and a result or `0 `
 * and why not. Here `DEVICE FUNCTION BYTES` calls a device. A message is carried out when the guest asks for the answer.
 */
import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";
import type { CpuState } from "../../engine/state.ts";
import { RBX, RCX, RDI, RDX, RSI } from "../../x86/slots.ts";

/** Requests, in the upper half of ecx; the lower half is the command. */
const TYPE = {
  open: 0,
  sendSize: 1,
  sendPayload: 2,
  receiveSize: 3,
  receivePayload: 4,
  receiveStatus: 5,
  close: 6,
} as const;
/** Statuses, in its place; 0 is a failure. */
export const STATUS = { success: 1, doReceive: 2, highBandwidth: 0x80 } as const;
/** GUESTMSG_MAX_CHANNEL and GUESTMSG_MAX_IN_SIZE. */
const MOST_CHANNELS = 128, MOST_BYTES = 64 * 1024;
/** The protocol's magic number, "RPCI", and GUESTMSG_FLAG_COOKIE. */
const RPCI = 0x4943_5052, WITH_COOKIE = 0x8000_0000;

/** One direction of a channel: how much is to come, and what has. */
interface Message {
  readonly bytes: Uint8Array;
  /** How many of them have passed. */
  at: number;
}

interface Channel {
  readonly id: number;
  /** High and low word, 0 for one that was opened without: who does not know them has no part in it. */
  readonly cookie: readonly [number, number];
  /** What the guest sends; carried out once, when it is whole. */
  sent: Message | undefined;
  answer: Message | undefined;
}

/** A string instruction at the high-bandwidth port that has moved some of its bytes. */
interface Transfer {
  readonly direction: "in" | "out";
  readonly channel: number;
  /** Bytes that are left after the one that it moved last. */
  left: number;
}

/** What the host's end does with a message: the answer's text, or bytes behind it. */
export type MessageService = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** The channels of a VM. */
export class MessageChannels {
  #channels: Channel[] = [];
  /** Channels that were opened so far: cookies follow from it. */
  #opened = 0;
  #transfer: Transfer | undefined;

  /** Command 30: registers as in `message.c`; what `service` makes of a message may take its time. */
  request(state: CpuState, service: MessageService): void | Promise<void> {
    const type = state.get32(RCX) >>> 16;
    if (type === TYPE.open) return this.#open(state);
    const channel = this.#find(state.get32(RDX) >>> 16, state.get32(RSI), state.get32(RDI));
    if (!channel) return setStatus(state, 0);
    switch (type) {
      case TYPE.sendSize:
        return sendSize(state, channel);
      case TYPE.sendPayload:
        return sendPayload(state, channel);
      case TYPE.receiveSize:
        return receiveSize(state, channel, service);
      case TYPE.receivePayload:
        return receivePayload(state, channel);
      case TYPE.receiveStatus:
        channel.answer = undefined;
        return setStatus(state, STATUS.success);
      case TYPE.close:
        this.#channels = this.#channels.filter((one) => one !== channel);
        return setStatus(state, STATUS.success);
      default:
        return setStatus(state, 0);
    }
  }

  /** Whether an iteration with `left` bytes to go, itself included, belongs to an instruction that moves its bytes already. */
  goesOn(direction: "in" | "out", id: number, left: number): boolean {
    const { direction: way, channel, left: after } = this.#transfer ?? {};
    return way === direction && channel === id && left === after;
  }

  /** A string instruction of `count` bytes begins: whether the channel takes them all, or has so many. */
  begin(direction: "in" | "out", id: number, cookie: readonly [number, number], count: number): boolean {
    const channel = this.#find(id, ...cookie), message = direction === "in" ? channel?.answer : channel?.sent;
    this.#transfer = undefined;
    if (!message || count < 1 || count > message.bytes.length - message.at) return false;
    this.#transfer = { direction, channel: id, left: count };
    return true;
  }

  /** The next byte of the instruction that has begun: the guest's, or the one that it gets. */
  move(value: number): number {
    const { direction, channel: id } = this.#transfer!;
    const channel = this.#channels.find((one) => one.id === id);
    const message = direction === "in" ? channel?.answer : channel?.sent;
    if (--this.#transfer!.left === 0) this.#transfer = undefined;
    // Another vCPU may have closed it meanwhile.
    if (!message || message.at >= message.bytes.length) return 0xff;
    if (direction === "out") message.bytes[message.at] = value;
    return message.bytes[message.at++];
  }

  /** For a snapshot. */
  save(): SavedState {
    const part = (message: Message | undefined) =>
      message ? { bytes: message.bytes.slice(), at: message.at } : null;
    return {
      opened: this.#opened,
      channels: this.#channels.map(({ id, cookie, sent, answer }) => ({
        id,
        cookie: [...cookie],
        sent: part(sent),
        answer: part(answer),
      })),
      transfer: this.#transfer ? { ...this.#transfer } : null,
    };
  }
  /** Puts back what `save` gave. Throws `SyntaxError` for what is none. */
  load(saved: SavedFields): void {
    const part = (channel: SavedFields, name: string): Message | undefined => {
      if (!channel.has(name)) return undefined;
      const message = channel.fields(name), bytes = message.bytes("bytes").slice();
      return { bytes, at: message.whole("at", bytes.length) };
    };
    this.#opened = saved.whole("opened");
    this.#channels = saved.records("channels", MOST_CHANNELS).map((channel) => {
      const [high = 0, low = 0] = channel.wholes("cookie", 2, 2 ** 32 - 1);
      return {
        id: channel.whole("id", MOST_CHANNELS - 1),
        cookie: [high, low],
        sent: part(channel, "sent"),
        answer: part(channel, "answer"),
      };
    });
    if (!saved.has("transfer")) return void (this.#transfer = undefined);
    const transfer = saved.fields("transfer");
    this.#transfer = {
      direction: transfer.oneOf("direction", ["in", "out"]),
      channel: transfer.whole("channel", MOST_CHANNELS - 1),
      left: transfer.whole("left", 2 ** 32, 1),
    };
  }
  #open(state: CpuState): void {
    const asked = state.get32(RBX);
    const id = Array.from({ length: MOST_CHANNELS }, (_, i) => i).find((i) =>
      this.#channels.every((one) => one.id !== i)
    );
    if ((asked & ~WITH_COOKIE) !== RPCI || id === undefined) return setStatus(state, 0);
    const serial = ++this.#opened;
    // VMware's are random; these tell one opening from the next, which is what the guest needs.
    const cookie = (asked & WITH_COOKIE) === 0
      ? [0, 0] as const
      : [Math.imul(serial, 0x9e37_79b1) >>> 0, ~serial >>> 0] as const;
    this.#channels.push({ id, cookie, sent: undefined, answer: undefined });
    setHigh(state, RDX, id);
    state.set64(RSI, BigInt(cookie[0]));
    state.set64(RDI, BigInt(cookie[1]));
    setStatus(state, STATUS.success);
  }

  #find(id: number, high: number, low: number): Channel | undefined {
    const channel = this.#channels.find((one) => one.id === id);
    if (!channel || channel.cookie[0] === 0) return channel;
    return channel.cookie[0] === high && channel.cookie[1] === low ? channel : undefined;
  }
}

function setHigh(state: CpuState, slot: number, value: number): void {
  state.set64(slot, BigInt(((value << 16) | (state.get32(slot) & 0xffff)) >>> 0));
}

function setStatus(state: CpuState, status: number): void {
  setHigh(state, RCX, status);
}

function sendSize(state: CpuState, channel: Channel): void {
  const size = state.get32(RBX);
  if (size > MOST_BYTES) return setStatus(state, 0);
  channel.sent = { bytes: new Uint8Array(size), at: 0 };
  channel.answer = undefined;
  setStatus(state, STATUS.success | STATUS.highBandwidth);
}

function sendPayload(state: CpuState, { sent }: Channel): void {
  if (!sent || sent.at >= sent.bytes.length) return setStatus(state, 0);
  for (let word = state.get32(RBX), i = 0; i < 4 && sent.at < sent.bytes.length; i++) {
    sent.bytes[sent.at++] = word >>> (8 * i) & 0xff;
  }
  setStatus(state, STATUS.success);
}

/** Whether there is an answer, and its size: the message before is carried out now. */
function receiveSize(state: CpuState, channel: Channel, service: MessageService): void | Promise<void> {
  const { sent } = channel;
  const tell = (bytes?: Uint8Array): void => {
    if (bytes) {
      channel.sent = undefined;
      channel.answer = { bytes, at: 0 };
    }
    if (!channel.answer) return setStatus(state, STATUS.success);
    setHigh(state, RDX, TYPE.sendSize);
    state.set64(RBX, BigInt(channel.answer.bytes.length));
    setStatus(state, STATUS.success | STATUS.doReceive | STATUS.highBandwidth);
  };
  if (!sent || sent.at < sent.bytes.length) return tell();
  const answer = service(sent.bytes);
  return answer instanceof Promise ? answer.then(tell) : tell(answer);
}

function receivePayload(state: CpuState, { answer }: Channel): void {
  const before = state.get32(RBX);
  if (!answer || answer.at >= answer.bytes.length || (before & STATUS.success) === 0) {
    return setStatus(state, 0);
  }
  const view = new Uint8Array(4);
  view.set(answer.bytes.subarray(answer.at, answer.at + 4));
  answer.at = Math.min(answer.at + 4, answer.bytes.length);
  setHigh(state, RDX, TYPE.sendPayload);
  state.set64(RBX, BigInt(new DataView(view.buffer).getUint32(0, true)));
  setStatus(state, STATUS.success);
}

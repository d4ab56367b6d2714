/**
 * What our requests are in any ring, beside the ring's own layout. Little-endian.
 *
 * | request | | reply | |
 * |---|---|---|---|
 * | 0 | verb u32: 0 queue, 1 call | 0 | status i32: 0 or -errno |
 * | 4 | fn u32 | 4 | length u32: the whole reply's, those bytes included that did not fit |
 * | 8 | bytes | 8 | bytes |
 */
import type { Device, DeviceContext } from "../../emulator/machine/device.ts";
import { guarded } from "../device_failure.ts";
import { after, type MaybePromise } from "../maybe_promise.ts";
import { toBytes } from "../payload.ts";
import { ERRNO, type ErrnoName, statusName } from "../status.ts";
import type { RingRequest } from "./ring_sides.ts";

/** What a request asks for. */
export const VERB = { queue: 0, call: 1 } as const;
/** Bytes before those of the request, and of the reply. */
export const REQUEST_HEAD = 8, REPLY_HEAD = 8;

export function requestHead(verb: number, fn: number): Uint8Array {
  const bytes = new Uint8Array(REQUEST_HEAD), view = new DataView(bytes.buffer);
  view.setUint32(0, verb, true);
  view.setUint32(4, fn, true);
  return bytes;
}

/** Asks the device what a request says. What its handler throws, or rejects with, is a `DeviceFailure`. */
export function serveRequest(
  device: Device,
  context: DeviceContext,
  { bytes, capacity }: RingRequest,
): MaybePromise<Uint8Array> {
  if (bytes.length < REQUEST_HEAD) return reply("EINVAL", capacity);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const verb = view.getUint32(0, true), fn = view.getUint32(4, true), payload = bytes.slice(REQUEST_HEAD);
  switch (verb) {
    case VERB.queue:
      if (!device.queue) return reply("ENOSYS", capacity);
      return after(
        guarded(device.name, "queue()", () => device.queue!(payload, context)),
        (answer) => reply(toBytes(answer, "the reply"), capacity),
      );
    case VERB.call:
      if (!device.call) return reply("ENOSYS", capacity);
      return after(
        guarded(device.name, `call(fn ${fn})`, () => device.call!(fn, payload, context)),
        (answer) => reply(toBytes(answer, "the reply"), capacity),
      );
    default:
      return reply("ENOSYS", capacity);
  }
}

/** A reply's bytes, or why there are none. */
export function fromReply(
  reply: Uint8Array,
): { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly reason: string } {
  if (reply.length < REPLY_HEAD) return { ok: false, reason: `a reply of ${reply.length} bytes has no head` };
  const view = new DataView(reply.buffer, reply.byteOffset, reply.length);
  const status = view.getInt32(0, true), length = view.getUint32(4, true);
  if (status < 0) return { ok: false, reason: `the device answers ${statusName(status)}` };
  if (length > reply.length - REPLY_HEAD) {
    const room = reply.length - REPLY_HEAD;
    return {
      ok: false,
      reason: `the reply has ${length} bytes, and there was room for ${room}; give \`reply\``,
    };
  }
  return { ok: true, bytes: reply.slice(REPLY_HEAD, REPLY_HEAD + length) };
}

function reply(answer: Uint8Array | ErrnoName, capacity: number): Uint8Array {
  const bytes = typeof answer === "string" ? new Uint8Array(0) : answer;
  const whole = new Uint8Array(REPLY_HEAD + bytes.length), view = new DataView(whole.buffer);
  view.setInt32(0, typeof answer === "string" ? -ERRNO[answer] : 0, true);
  view.setUint32(4, bytes.length, true);
  whole.set(bytes, REPLY_HEAD);
  return whole.subarray(0, capacity);
}

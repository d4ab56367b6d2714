/** A call by a descriptor in guest RAM and one doorbell. */
import { FLAG_FETCH } from "../descriptor.ts";
import { STUB_SLOT } from "../places.ts";
import { statusName } from "../status.ts";
import type { DescriptorRole, StubText } from "../stubs/stub_text.ts";
import { type CallRequest, refused, type Wiring } from "./vehicle.ts";
import { type ReplyPart, wholeReply } from "./whole_reply.ts";

/** A doorbell as a descriptor stub takes it. */
export interface DoorbellPlace {
  readonly stub: StubText<DescriptorRole>;
  /** `BLOCK.target`. */
  readonly target: number;
  readonly registers?: Readonly<Record<string, bigint>>;
}

interface Exchange {
  readonly fn: number;
  readonly fetch: boolean;
  readonly bytes: Uint8Array;
  readonly capacity: number;
}

export async function callByDescriptor(
  wiring: Wiring,
  place: DoorbellPlace,
  request: CallRequest,
): Promise<Uint8Array> {
  const { bytes, fn, capacity } = request;
  const first = await exchange(wiring, place, request, { fn, fetch: false, bytes, capacity });
  return await wholeReply(
    first,
    (bytes) =>
      exchange(wiring, place, request, { fn, fetch: true, bytes: new Uint8Array(0), capacity: bytes }),
  );
}

/** One exit: what came into the reply buffer, and how much there was. */
async function exchange(
  wiring: Wiring,
  place: DoorbellPlace,
  { what, signal }: CallRequest,
  { fn, fetch, bytes, capacity }: Exchange,
): Promise<ReplyPart> {
  const { runner } = wiring;
  const { memory } = runner.vm;
  const { chunk } = STUB_SLOT;
  const block = runner.writeBlock(place.target);
  // Small buffers are in the stub slot, large ones in a slot that grows.
  const bulkOut = bytes.length > chunk ? (bytes.length + 7) & ~7 : 0;
  const bulkIn = capacity > chunk ? capacity : 0;
  const bulk = bulkOut + bulkIn > 0 ? runner.bulk(bulkOut + bulkIn) : 0;
  const data = bulkOut > 0 ? bulk : runner.places.stubs + STUB_SLOT.out;
  const reply = bulkIn > 0 ? bulk + bulkOut : runner.places.stubs + STUB_SLOT.in;
  if (bytes.length > 0) memory.write(data, bytes);
  const outputs = await runner.run({
    what,
    stub: place.stub,
    inputs: {
      fn: BigInt(fn),
      flags: BigInt(fetch ? FLAG_FETCH : 0),
      data: BigInt(data),
      length: BigInt(bytes.length),
      capacity: BigInt(capacity),
      reply: BigInt(reply),
      block,
    },
    registers: place.registers,
    exits: () => 1,
    signal,
  });
  const status = Number(BigInt.asIntN(32, outputs.role("status")));
  if (status < 0) throw refused(wiring, what, statusName(status));
  const length = Number(BigInt.asUintN(32, outputs.role("replyLength")));
  return { part: memory.read(reply, Math.min(length, capacity)), length };
}

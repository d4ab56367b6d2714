/** A call through a call window, a word at a time. */
import { pointer, STUB_SLOT } from "../places.ts";
import { statusName } from "../status.ts";
import type { StubOutputs } from "../stub_runner.ts";
import type { WordRole, WordStub } from "../stubs/stub_text.ts";
import { type CallRequest, refused, type Wiring } from "./vehicle.ts";

/** A call window as a word stub takes it. */
export interface WindowPlace {
  readonly stub: WordStub;
  /** `window` at the entry `call`. */
  readonly begin: bigint;
  /** `window` at the entries `send` and `receive`. */
  readonly data: bigint;
  /** Exits of so many words, one each if not given. */
  readonly exits?: { sent(words: number): number; received(words: number): number };
  /** Segment registers, in real mode. */
  readonly registers?: Readonly<Record<string, bigint>>;
}

export async function callByWords(
  wiring: Wiring,
  place: WindowPlace,
  request: CallRequest,
): Promise<Uint8Array> {
  const { runner } = wiring;
  const { stub, registers } = place;
  const { bytes, what, signal } = request;
  const { chunk } = STUB_SLOT;
  const room = chunk / stub.width;
  const wordsOf = (count: number) => Math.ceil(count / stub.width);
  const resultOf = (outputs: StubOutputs<WordRole>) => Number(BigInt.asIntN(32, outputs.role("result")));
  const { sent, received } = place.exits ?? { sent: (count) => count, received: (count) => count };
  const out = pointer(runner.places, STUB_SLOT.out), into = pointer(runner.places, STUB_SLOT.in);
  const run = (entry: string, inputs: Partial<Record<WordRole, bigint>>, fixed: number, asks: boolean) =>
    runner.run({
      what,
      stub,
      entry,
      inputs,
      registers,
      signal,
      exits(outputs) {
        return fixed + (asks ? 1 + received(Math.min(wordsOf(Math.max(resultOf(outputs), 0)), room)) : 0);
      },
    });

  // The first chunk goes with the call itself, which asks for the reply if there is no other.
  let outputs: StubOutputs<WordRole> | undefined;
  for (let at = 0; at === 0 || at < bytes.length; at += chunk) {
    const part = bytes.subarray(at, at + chunk);
    const last = at + chunk >= bytes.length;
    const words = wordsOf(part.length);
    runner.writeOut(part);
    const inputs: Partial<Record<WordRole, bigint>> = {
      window: at === 0 ? place.begin : place.data,
      buffer: out,
      words: BigInt(words),
      reply: into,
      room: BigInt(last ? room : 0),
    };
    if (at > 0) {
      outputs = await run("send", inputs, sent(words), last);
      continue;
    }
    const length = BigInt(bytes.length);
    if (stub.registers.length === undefined) inputs.fn = BigInt(request.fn) | (length << 32n);
    else Object.assign(inputs, { fn: BigInt(request.fn), length });
    outputs = await run("call", inputs, sent(words) + (stub.registers.length === undefined ? 1 : 2), last);
  }

  const result = resultOf(outputs!);
  if (result < 0) throw refused(wiring, what, statusName(result));
  const reply = new Uint8Array(result);
  reply.set(runner.readIn(Math.min(result, chunk)));
  for (let at = chunk; at < result; at += chunk) {
    const length = Math.min(chunk, result - at);
    const words = wordsOf(length);
    await run("receive", { window: place.data, buffer: into, words: BigInt(words) }, received(words), false);
    reply.set(runner.readIn(length), at);
  }
  return reply;
}

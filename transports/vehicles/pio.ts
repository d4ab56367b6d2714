/** x86: calls and register accesses by IN and OUT. */
import { x86PioAccess } from "../stubs/x86_access.ts";
import { x86Descriptor } from "../stubs/x86_descriptor.ts";
import { STRING_EXITS, x86StringWords } from "../stubs/x86_string.ts";
import { x86PioWords } from "../stubs/x86_words.ts";
import { WINDOW } from "../window.ts";
import { callByDescriptor } from "./descriptor.ts";
import type { AccessRequest, CallRequest, NotifyRequest, Vehicle, Wiring } from "./vehicle.ts";
import { callByWords } from "./words.ts";

/** Payloads up to this many bytes go by words if the caller leaves it open. */
export const AUTO_WORDS = 8;

export class PioVehicle implements Vehicle {
  readonly widest = 4;
  readonly #wiring: Wiring;
  readonly #registers: number;
  readonly #window: number;
  readonly #inKernel: () => boolean;

  constructor(
    wiring: Wiring,
    place: { readonly registers: number; readonly call: number },
    inKernel: () => boolean = () => false,
  ) {
    this.#inKernel = inKernel;
    this.#wiring = wiring;
    this.#registers = place.registers;
    this.#window = place.call;
  }

  call(request: CallRequest): Promise<Uint8Array> {
    const { mode } = this.#wiring.runner.vm;
    if (request.data === "string") {
      const begin = BigInt(this.#window), data = begin + BigInt(WINDOW.data);
      const exits = {
        sent: (words: number) => STRING_EXITS.sent(words, this.#inKernel()),
        received: STRING_EXITS.received,
      };
      return callByWords(this.#wiring, { stub: x86StringWords(mode), begin, data, exits }, request);
    }
    if (request.data === "words" || (request.data === "auto" && request.bytes.length <= AUTO_WORDS)) {
      const begin = BigInt(this.#window), data = begin + BigInt(WINDOW.data);
      return callByWords(this.#wiring, { stub: x86PioWords(mode), begin, data }, request);
    }
    const place = { stub: x86Descriptor("pio", mode), target: this.#window + WINDOW.doorbell };
    return callByDescriptor(this.#wiring, place, request);
  }

  async read(request: AccessRequest): Promise<bigint> {
    const value = await this.#access("read", request, this.#registers + request.offset, 0n);
    return BigInt.asUintN(8 * request.size, value);
  }

  async write(request: AccessRequest, value: bigint): Promise<void> {
    await this.#access("write", request, this.#registers + request.offset, value);
  }

  async notify({ what, queue, signal }: NotifyRequest): Promise<void> {
    const request = { what, offset: WINDOW.notify, size: 4, signal } as const;
    await this.#access("write", request, this.#window + WINDOW.notify, BigInt(queue));
  }

  async #access(
    verb: "read" | "write",
    { what, size, signal }: AccessRequest,
    port: number,
    value: bigint,
  ): Promise<bigint> {
    if (size === 8) throw new RangeError(`${what}: x86 has no IN and OUT of 8 bytes`);
    const { runner } = this.#wiring;
    const outputs = await runner.run({
      what,
      stub: x86PioAccess(verb, size, runner.vm.mode),
      inputs: { address: BigInt(port), value },
      exits: () => 1,
      signal,
    });
    return outputs.role("value");
  }
}

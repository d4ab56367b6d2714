/** Calls and register accesses by hypercall: registers when they fit, else a descriptor. */
import { callCapacity, type HypercallAbi, replyCapacity } from "../abi.ts";
import { HYPERCALL, type HypercallName, MAX_REGISTER_PAYLOAD } from "../numbers.ts";
import { pointer, STUB_SLOT } from "../places.ts";
import { ERRNO } from "../status.ts";
import type { StubOutputs } from "../stub_runner.ts";
import { bareHypercall, packedHypercall } from "../stubs/hypercall.ts";
import { ppcDescriptor } from "../stubs/ppc_descriptor.ts";
import type { DescriptorRole, StubText } from "../stubs/stub_text.ts";
import { x86Descriptor } from "../stubs/x86_descriptor.ts";
import { callByDescriptor } from "./descriptor.ts";
import { type AccessRequest, type CallRequest, refused, type Vehicle, type Wiring } from "./vehicle.ts";

/** A status as the ABI's registers tell it: a length, or that it failed with a code. */
type Decoded = { readonly ok: true; readonly length: number } | { readonly ok: false; readonly code: number };

export class HypercallVehicle implements Vehicle {
  readonly widest = 8;
  readonly #wiring: Wiring;
  readonly #abi: HypercallAbi;
  readonly #handle: number;
  readonly #fixed: Readonly<Record<string, bigint>>;

  /** `fixed` is what else its registers hold: a port. */
  constructor(
    wiring: Wiring,
    abi: HypercallAbi,
    handle: number,
    fixed: Readonly<Record<string, bigint>> = {},
  ) {
    this.#fixed = fixed;
    this.#wiring = wiring;
    this.#abi = abi;
    this.#handle = handle;
  }

  call(request: CallRequest): Promise<Uint8Array> {
    const packed = request.data === "words" || request.data === "registers" ||
      (request.data === "auto" && request.bytes.length <= callCapacity(this.#abi));
    if (packed) return this.#callPacked(request);
    const place = { stub: this.#descriptorStub(), target: this.#handle };
    return callByDescriptor(this.#wiring, place, request);
  }

  async read(request: AccessRequest): Promise<bigint> {
    const { size, offset } = request;
    const outputs = await this.#bare("READ", request, [this.#first(size), BigInt(offset)]);
    const bytes = this.#abi.width;
    const low = outputs.register(this.#abi.outputs[0]);
    const high = bytes < size ? outputs.register(this.#abi.outputs[1]) : 0n;
    const value = BigInt.asUintN(8 * bytes, low) | (BigInt.asUintN(8 * bytes, high) << BigInt(8 * bytes));
    return BigInt.asUintN(8 * size, value);
  }

  async write(request: AccessRequest, value: bigint): Promise<void> {
    const { size, offset } = request;
    const words = this.#abi.width === 8 ? [value] : [value & 0xffff_ffffn, value >> 32n];
    await this.#bare("WRITE", request, [this.#first(size), BigInt(offset), ...words]);
  }

  /** Handle and a count in one argument. */
  #first(count: number): bigint {
    return BigInt(this.#handle) | (BigInt(count) << 16n);
  }

  async #callPacked(request: CallRequest): Promise<Uint8Array> {
    const { bytes, what, fn } = request;
    if (bytes.length > MAX_REGISTER_PAYLOAD) {
      throw new RangeError(
        `${what}: ${bytes.length} bytes in registers; at most ${MAX_REGISTER_PAYLOAD}, use a descriptor for more`,
      );
    }
    const abi = this.#abi;
    const capacity = callCapacity(abi);
    const head = bytes.subarray(0, capacity);
    let outputs = await this.#packed("CALL", request, [this.#first(bytes.length), BigInt(fn)], head);
    const step = (abi.args.length - 1) * abi.width;
    for (let at = head.length; at < bytes.length; at += step) {
      this.#expect(outputs, request.what, abi.errors.EAGAIN);
      const part = bytes.subarray(at, at + step);
      outputs = await this.#packed("SEND", request, [this.#first(part.length)], part);
    }
    const length = this.#expect(outputs, what);
    const reply = new Uint8Array(length);
    let filled = Math.min(length, replyCapacity(abi));
    reply.set(this.#stored(filled));
    if (filled < length && (request.data === "words" || request.data === "registers")) {
      while (filled < length) {
        const more = this.#expect(
          await this.#packed("RECEIVE", request, [BigInt(this.#handle)], NOTHING),
          what,
        );
        if (more === 0) throw new Error(`${what}: the reply ended after ${filled} of ${length} bytes`);
        reply.set(this.#stored(more), filled);
        filled += more;
      }
    } else if (filled < length) {
      reply.set(await this.#fetch(request, length - filled), filled);
    }
    return reply;
  }

  /** The rest of a reply, by one exit. */
  async #fetch(request: CallRequest, length: number): Promise<Uint8Array> {
    const { runner } = this.#wiring;
    const gpa = length > STUB_SLOT.chunk ? runner.bulk(length) : runner.places.stubs + STUB_SLOT.in;
    const args = [BigInt(this.#handle), BigInt(gpa), BigInt(length)];
    const outputs = await this.#bare("FETCH", request, args);
    const given = this.#expect(outputs, request.what);
    if (given !== length) throw new Error(`${request.what}: FETCH gave ${given} bytes of ${length}`);
    return runner.vm.memory.read(gpa, length);
  }

  /** A hypercall whose arguments are all in registers. */
  async #bare(
    name: HypercallName,
    request: { what: string; signal?: AbortSignal },
    args: readonly bigint[],
  ): Promise<StubOutputs<never>> {
    const { runner } = this.#wiring;
    const outputs = await runner.run({
      what: request.what,
      stub: bareHypercall(this.#abi, runner.vm.arch),
      inputs: {},
      registers: this.#arguments(name, args),
      exits: () => 1,
      signal: request.signal,
    });
    this.#expect(outputs, request.what);
    return outputs;
  }

  /** A hypercall with a payload behind its first arguments, whose outputs go to the in buffer. */
  #packed(
    name: HypercallName,
    request: CallRequest,
    first: readonly bigint[],
    payload: Uint8Array,
  ): Promise<StubOutputs<"buffer">> {
    const { runner } = this.#wiring;
    const { arch, mode } = runner.vm;
    const words = Math.ceil(payload.length / this.#abi.width);
    const padded = new Uint8Array(words * this.#abi.width);
    padded.set(payload);
    runner.writeOut(padded);
    return runner.run({
      what: request.what,
      stub: packedHypercall(this.#abi, arch, mode, first.length, words),
      inputs: { buffer: pointer(runner.places, STUB_SLOT.out) },
      registers: this.#arguments(name, first),
      exits: () => 1,
      signal: request.signal,
    });
  }

  /** The first `length` bytes of the output registers, as the stub stored them. */
  #stored(length: number): Uint8Array {
    return this.#wiring.runner.readIn(length);
  }

  #arguments(name: HypercallName, args: readonly bigint[]): Record<string, bigint> {
    const abi = this.#abi;
    return {
      ...this.#fixed,
      [abi.number]: BigInt(HYPERCALL[name]),
      ...Object.fromEntries(args.map((arg, i) => [abi.args[i], arg])),
    };
  }

  /** The length of a success; with `code`, instead that failure. Throws on anything else. */
  #expect(outputs: StubOutputs<never>, what: string, code?: number): number {
    const decoded = this.#decode(outputs);
    if (code !== undefined && !decoded.ok && decoded.code === code) return 0;
    if (code === undefined && decoded.ok) return decoded.length;
    const { trap, status } = this.#abi;
    const got = decoded.ok ? `${status} tells success too early` : `${trap} gave ${this.#name(decoded.code)}`;
    throw refused(this.#wiring, what, got);
  }

  #decode(outputs: StubOutputs<never>): Decoded {
    const abi = this.#abi;
    const status = Number(BigInt.asIntN(8 * abi.width, outputs.register(abi.status)));
    if (abi.length === "status") {
      return status < 0 ? { ok: false, code: status } : { ok: true, length: status };
    }
    if (status !== 0) return { ok: false, code: status };
    return { ok: true, length: Number(BigInt.asUintN(8 * abi.width, outputs.register(abi.length))) };
  }

  /** A failure's code with the names that it stands for. */
  #name(code: number): string {
    const names = (Object.keys(ERRNO) as (keyof typeof ERRNO)[]).filter((name) =>
      this.#abi.errors[name] === code
    );
    return `${this.#abi.status} = ${code}${names.length === 0 ? "" : ` (${names.join(" or ")})`}`;
  }

  #descriptorStub(): StubText<DescriptorRole> {
    const { backend, mode } = this.#wiring.runner.vm;
    switch (backend.name) {
      case "vmx":
        return x86Descriptor("vmcall", mode);
      case "svm":
        return x86Descriptor("vmmcall", mode);
      case "kvm-hv":
        return ppcDescriptor("papr");
      case "kvm-pr":
        return ppcDescriptor("epapr");
    }
  }
}

const NOTHING = new Uint8Array(0);

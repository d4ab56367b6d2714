/** Calls and register accesses by hypercall: registers when they fit, else a descriptor. */
import { callCapacity, type HypercallAbi, replyCapacity, widestAccess } from "../abi.ts";
import { hypercallPage } from "../hypercall_page.ts";
import { type HypercallName, hypercallNumber, MAX_REGISTER_PAYLOAD } from "../numbers.ts";
import { STUB_SLOT } from "../places.ts";
import { ERRNO } from "../status.ts";
import { ppcDescriptor } from "../stubs/ppc_descriptor.ts";
import type { DescriptorRole, StubText } from "../stubs/stub_text.ts";
import { loadNarrow, type PageAddress, trapLines, trapName } from "../stubs/trap.ts";
import { x86Descriptor } from "../stubs/x86_descriptor.ts";
import { callByDescriptor } from "./descriptor.ts";
import {
  abiRegisters,
  fastControl,
  type HypercallCalls,
  hypercallCalls,
  type Outcome,
  type Request,
} from "./hypercall_calls.ts";
import {
  type AccessRequest,
  type CallRequest,
  type NotifyRequest,
  refused,
  type Vehicle,
  type Wiring,
} from "./vehicle.ts";

export class HypercallVehicle implements Vehicle {
  readonly widest: 4 | 8;
  readonly #wiring: Wiring;
  readonly #abi: HypercallAbi;
  readonly #handle: number;
  readonly #calls: HypercallCalls;

  /** `fixed` is what else its registers hold: a port. */
  constructor(
    wiring: Wiring,
    abi: HypercallAbi,
    handle: number,
    fixed: Readonly<Record<string, bigint>> = {},
  ) {
    this.#wiring = wiring;
    this.#abi = abi;
    this.widest = widestAccess(abi);
    this.#calls = hypercallCalls(wiring.runner, abi, fixed);
    this.#handle = handle;
  }

  async call(request: CallRequest): Promise<Uint8Array> {
    const packed = request.data === "words" || request.data === "registers" ||
      (request.data === "auto" && request.bytes.length <= callCapacity(this.#abi));
    if (packed) return await this.#callPacked(request);
    const page = await hypercallPage(this.#wiring.runner, request.what);
    const registers = abiRegisters(this.#wiring.runner, this.#abi, {});
    const place = { stub: this.#descriptorStub(page), target: this.#handle, registers };
    return await callByDescriptor(this.#wiring, place, request);
  }

  async read(request: AccessRequest): Promise<bigint> {
    const { size, offset } = request;
    const outcome = await this.#bare("READ", request, [this.#first(size), BigInt(offset)]);
    const bits = 8 * this.#abi.width;
    const high = bits < 8 * size ? outcome.word(1) << BigInt(bits) : 0n;
    return BigInt.asUintN(8 * size, outcome.word(0) | high);
  }

  async write(request: AccessRequest, value: bigint): Promise<void> {
    const { size, offset } = request;
    const words = size <= this.#abi.width ? [value] : [value & 0xffff_ffffn, value >> 32n];
    await this.#bare("WRITE", request, [this.#first(size), BigInt(offset), ...words]);
  }

  async notify(request: NotifyRequest): Promise<void> {
    await this.#bare("NOTIFY", request, [BigInt(this.#handle), BigInt(request.queue)]);
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
    let outcome = await this.#calls.call("CALL", request, [this.#first(bytes.length), BigInt(fn)], head);
    const step = capacity + abi.width;
    for (let at = head.length; at < bytes.length; at += step) {
      this.#expect(outcome, request.what, abi.errors.EAGAIN);
      const part = bytes.subarray(at, at + step);
      outcome = await this.#calls.call("SEND", request, [this.#first(part.length)], part);
    }
    const length = this.#expect(outcome, what);
    const reply = new Uint8Array(length);
    let filled = Math.min(length, replyCapacity(abi));
    reply.set(outcome.bytes(filled));
    if (filled < length && (request.data === "words" || request.data === "registers")) {
      while (filled < length) {
        const next = await this.#calls.call("RECEIVE", request, [BigInt(this.#handle)], NOTHING);
        const more = this.#expect(next, what);
        if (more === 0) throw new Error(`${what}: the reply ended after ${filled} of ${length} bytes`);
        reply.set(next.bytes(more), filled);
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
    const given = this.#expect(await this.#bare("FETCH", request, args), request.what);
    if (given !== length) throw new Error(`${request.what}: FETCH gave ${given} bytes of ${length}`);
    return runner.vm.memory.read(gpa, length);
  }

  /** A call without a payload, which has to succeed. */
  async #bare(name: HypercallName, request: Request, args: readonly bigint[]): Promise<Outcome> {
    const outcome = await this.#calls.call(name, request, args);
    this.#expect(outcome, request.what);
    return outcome;
  }

  /** The length of a success; with `code`, instead that failure. Throws on anything else. */
  #expect({ decoded }: Outcome, what: string, code?: number): number {
    if (code !== undefined && !decoded.ok && decoded.code === code) return 0;
    if (code === undefined && decoded.ok) return decoded.length;
    const { trap, status } = this.#abi;
    const got = decoded.ok ? `${status} tells success too early` : `${trap} gave ${this.#name(decoded.code)}`;
    throw refused(this.#wiring, what, got);
  }

  /** A failure's code with the names that it stands for. */
  #name(code: number): string {
    const names = (Object.keys(ERRNO) as (keyof typeof ERRNO)[]).filter((name) =>
      this.#abi.errors[name] === code
    );
    return `${this.#abi.status} = ${code}${names.length === 0 ? "" : ` (${names.join(" or ")})`}`;
  }

  #descriptorStub(page: PageAddress): StubText<DescriptorRole> {
    const { vm } = this.#wiring.runner, { mode, hypervisor: { name } } = vm, abi = this.#abi;
    if (name === "papr" || name === "epapr" || name === "osi") return ppcDescriptor(name);
    const number = hypercallNumber(abi, "CALL_DESCRIPTOR");
    const trap = trapLines(abi, number, mode, page);
    return x86Descriptor({
      name: `${name === "kvm" ? abi.trap : name}${trapName(abi, number, page)}`,
      ring: (target, self) => [
        ...loadNarrow(abi.args[0], target),
        ...loadNarrow(abi.args[1], self),
        ...loadNarrow(abi.number, String(fastControl(abi, number))),
        ...trap,
      ],
    }, mode);
  }
}

const NOTHING = new Uint8Array(0);

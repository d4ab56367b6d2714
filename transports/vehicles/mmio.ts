/** Calls and register accesses by loads and stores, on both architectures. */
import { segmentRegisters } from "../places.ts";
import { ppcAccess } from "../stubs/ppc_access.ts";
import { ppcDescriptor } from "../stubs/ppc_descriptor.ts";
import { ppcWords } from "../stubs/ppc_words.ts";
import type { StubText, WordStub } from "../stubs/stub_text.ts";
import { x86MmioAccess } from "../stubs/x86_access.ts";
import { x86Descriptor } from "../stubs/x86_descriptor.ts";
import { x86MmioWords } from "../stubs/x86_words.ts";
import { WINDOW } from "../window.ts";
import { callByDescriptor } from "./descriptor.ts";
import { AUTO_WORDS } from "./pio.ts";
import type { AccessRequest, CallRequest, NotifyRequest, Vehicle, Wiring } from "./vehicle.ts";
import { callByWords } from "./words.ts";

/** Where a device's MMIO is, guest-physical. */
export interface MmioPlace {
  readonly registers: number;
  readonly call: number;
  /** Bytes of the widest access. */
  readonly widest: 4 | 8;
}

export class MmioVehicle implements Vehicle {
  readonly widest: 4 | 8;
  readonly #wiring: Wiring;
  readonly #place: MmioPlace;

  constructor(wiring: Wiring, place: MmioPlace) {
    this.#wiring = wiring;
    this.#place = place;
    this.widest = place.widest;
  }

  call(request: CallRequest): Promise<Uint8Array> {
    const { arch, mode } = this.#wiring.runner.vm;
    const { call, widest } = this.#place;
    if (request.data === "words" || (request.data === "auto" && request.bytes.length <= AUTO_WORDS)) {
      const stub: WordStub = arch === "ppc" ? ppcWords(widest) : x86MmioWords(mode);
      const at = this.#address(call);
      return callByWords(
        this.#wiring,
        { stub, begin: at.address, data: at.address, registers: at.registers },
        request,
      );
    }
    const stub = arch === "ppc" ? ppcDescriptor("mmio") : x86Descriptor("mmio", mode);
    const at = this.#address(call + WINDOW.doorbell);
    const place = { stub, target: Number(at.address), registers: at.registers };
    return callByDescriptor(this.#wiring, place, request);
  }

  async read(request: AccessRequest): Promise<bigint> {
    const value = await this.#access("read", request, this.#place.registers + request.offset, 0n);
    return BigInt.asUintN(8 * request.size, value);
  }

  async write(request: AccessRequest, value: bigint): Promise<void> {
    await this.#access("write", request, this.#place.registers + request.offset, value);
  }

  async notify({ what, queue, signal }: NotifyRequest): Promise<void> {
    const request = { what, offset: WINDOW.notify, size: 4, signal } as const;
    await this.#access("write", request, this.#place.call + WINDOW.notify, BigInt(queue));
  }

  async #access(
    verb: "read" | "write",
    { what, size, signal }: AccessRequest,
    gpa: number,
    value: bigint,
  ): Promise<bigint> {
    const { runner } = this.#wiring;
    const { arch, mode } = runner.vm;
    const stub: StubText<"address" | "value"> = arch === "ppc"
      ? ppcAccess(verb, size)
      : x86MmioAccess(verb, size, mode);
    const at = this.#address(gpa);
    const outputs = await runner.run({
      what,
      stub,
      inputs: { address: at.address, value },
      registers: at.registers,
      exits: () => 1,
      signal,
    });
    return outputs.role("value");
  }

  #address(gpa: number): MmioAddress {
    return mmioAddress(this.#wiring.runner.vm.mode, gpa);
  }
}

/** An MMIO address as the stubs take it: in real mode an offset and its segment in DS. */
export interface MmioAddress {
  readonly address: bigint;
  readonly registers?: Readonly<Record<string, bigint>>;
}

/** Throws `RangeError` for an address that real mode does not reach. */
export function mmioAddress(mode: 16 | 32 | 64, gpa: number): MmioAddress {
  if (mode !== 16) return { address: BigInt(gpa) };
  if (gpa >= 0x10_0000) {
    throw new RangeError(`0x${gpa.toString(16)} is out of reach in real mode, which ends at 0xfffff`);
  }
  return { address: BigInt(gpa & 15), registers: segmentRegisters("ds", gpa >> 4) };
}

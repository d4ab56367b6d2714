/** Calls and register accesses by MMIO as a hypercall: every access to the call window is one, with its address in a register. */
import { readRegister } from "../../emulator/machine/hypervisors/abi.ts";
import type { HypercallAbi } from "../abi.ts";
import { hypercallPage } from "../hypercall_page.ts";
import { abiRegisters, statusOf } from "./hypercall_calls.ts";
import { busOrder, type MmioHypercalls } from "../mmio_hypercall.ts";
import { statusName } from "../status.ts";
import { bareHypercall } from "../stubs/hypercall.ts";
import { WINDOW } from "../window.ts";
import {
  type AccessRequest,
  type CallRequest,
  type NotifyRequest,
  refused,
  type Vehicle,
  type Wiring,
} from "./vehicle.ts";

type What = Pick<CallRequest, "what" | "signal">;

export class LogicalVehicle implements Vehicle {
  readonly widest: 4 | 8;
  readonly #wiring: Wiring;
  readonly #abi: HypercallAbi;
  readonly #calls: MmioHypercalls;
  readonly #place: { readonly registers: number; readonly call: number };

  constructor(
    wiring: Wiring,
    abi: HypercallAbi,
    calls: MmioHypercalls,
    place: { readonly registers: number; readonly call: number },
  ) {
    this.#wiring = wiring;
    this.#abi = abi;
    this.#calls = calls;
    this.#place = place;
    this.widest = abi.width;
  }

  async call(request: CallRequest): Promise<Uint8Array> {
    const { bytes, fn, what } = request;
    const at = (register: keyof typeof WINDOW) => this.#place.call + WINDOW[register];
    const step = this.widest;
    if (step === 8) {
      await this.#store(request, at("fn"), 8, BigInt(fn) | (BigInt(bytes.length) << 32n));
    } else {
      await this.#store(request, at("fn"), 4, BigInt(fn));
      await this.#store(request, at("length"), 4, BigInt(bytes.length));
    }
    for (let from = 0; from < bytes.length; from += step) {
      await this.#store(request, at("data"), step, littleEndian(bytes.subarray(from, from + step)));
    }
    const result = Number(BigInt.asIntN(32, await this.#load(request, at("result"), 4)));
    if (result < 0) throw refused(this.#wiring, what, statusName(result));
    const reply = new Uint8Array(result);
    for (let from = 0; from < result; from += step) {
      const word = await this.#load(request, at("data"), step);
      for (let i = 0; i < step && from + i < result; i++) {
        reply[from + i] = Number((word >> BigInt(8 * i)) & 0xffn);
      }
    }
    return reply;
  }

  read(request: AccessRequest): Promise<bigint> {
    return this.#load(request, this.#place.registers + request.offset, request.size);
  }

  async write(request: AccessRequest, value: bigint): Promise<void> {
    await this.#store(request, this.#place.registers + request.offset, request.size, value);
  }

  async notify(request: NotifyRequest): Promise<void> {
    await this.#store(request, this.#place.call + WINDOW.notify, 4, BigInt(request.queue));
  }

  /** `value` as a bus has it. */
  async #store(request: What, address: number, size: number, value: bigint): Promise<void> {
    const { vm } = this.#wiring.runner;
    await this.#run(request, this.#calls.store, [BigInt(size), BigInt(address), busOrder(vm, value, size)]);
  }

  async #load(request: What, address: number, size: number): Promise<bigint> {
    const { vm } = this.#wiring.runner;
    const value = await this.#run(request, this.#calls.load, [BigInt(size), BigInt(address)]);
    return busOrder(vm, BigInt.asUintN(8 * size, value), size);
  }

  async #run({ what, signal }: What, number: number, args: readonly bigint[]): Promise<bigint> {
    const abi = this.#abi, { runner } = this.#wiring;
    const page = await hypercallPage(runner, what);
    const outputs = await runner.run({
      what,
      stub: bareHypercall(abi, runner.vm.arch, runner.vm.mode, number, page),
      inputs: {},
      registers: abiRegisters(runner, abi, {
        [abi.number]: BigInt(number),
        ...Object.fromEntries(args.map((arg, i) => [abi.args[i], arg])),
      }),
      exits: () => 1,
      signal,
    });
    const status = statusOf(abi, outputs);
    if (status !== 0) throw refused(this.#wiring, what, `${abi.trap} gave ${abi.status} = ${status}`);
    return readRegister({ get: (name) => outputs.register(name) }, this.#calls.value);
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

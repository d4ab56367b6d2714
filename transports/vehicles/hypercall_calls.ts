/** One hypercall by a stub, under an ABI that passes registers, or one that passes memory. */
import { HV_FAST } from "../../emulator/machine/hypervisors/hyperv.ts";
import { readRegister, registerValues } from "../../emulator/machine/hypervisors/abi.ts";
import type { HypercallAbi } from "../abi.ts";
import { hypercallPage } from "../hypercall_page.ts";
import { type HypercallName, hypercallNumber } from "../numbers.ts";
import { pointer, STUB_SLOT } from "../places.ts";
import type { StubOutputs, StubRunner } from "../stub_runner.ts";
import { bareHypercall, packedHypercall } from "../stubs/hypercall.ts";

/** A status as the ABI tells it: a length, or that it failed with a code. */
export type Decoded =
  | { readonly ok: true; readonly length: number }
  | { readonly ok: false; readonly code: number };

/** What a call left. */
export interface Outcome {
  readonly decoded: Decoded;
  /** A word of the reply. */
  word(index: number): bigint;
  /** The reply's first bytes. */
  bytes(length: number): Uint8Array;
}

/** One call: what it is for, and who may give it up. */
export interface Request {
  readonly what: string;
  readonly signal?: AbortSignal;
}

/** Makes calls with arguments, and a payload behind them. */
export interface HypercallCalls {
  call(
    name: HypercallName,
    request: Request,
    args: readonly bigint[],
    payload?: Uint8Array,
  ): Promise<Outcome>;
}

/** The calls that an ABI makes; `fixed` is what else their registers hold. */
export function hypercallCalls(
  runner: StubRunner,
  abi: HypercallAbi,
  fixed: Readonly<Record<string, bigint>> = {},
): HypercallCalls {
  return abi.memoryWords === undefined ? new RegisterCalls(runner, abi, fixed) : new MemoryCalls(runner, abi);
}

/** Registers of an ABI with values, pairs taken apart; a stack for stubs that call a page. */
export function abiRegisters(
  runner: StubRunner,
  abi: HypercallAbi,
  values: Readonly<Record<string, bigint>>,
): Record<string, bigint> {
  const { vm: { mode }, places } = runner;
  const stack: [string, bigint][] = abi.entry.by === "page"
    ? [[mode === 64 ? "rsp" : "esp", pointer(places, STUB_SLOT.stack)]]
    : [];
  return Object.fromEntries([
    ...Object.entries(values).flatMap(([name, value]) => registerValues(name, value)),
    ...stack,
  ]);
}

/** The status register, signed. */
export function statusOf(abi: HypercallAbi, outputs: StubOutputs<string>): number {
  const value = readRegister({ get: (name) => outputs.register(name) }, abi.status);
  return Number(BigInt.asIntN(8 * abi.width, value));
}

class RegisterCalls implements HypercallCalls {
  readonly #runner: StubRunner;
  readonly #abi: HypercallAbi;
  readonly #fixed: Readonly<Record<string, bigint>>;

  constructor(runner: StubRunner, abi: HypercallAbi, fixed: Readonly<Record<string, bigint>>) {
    this.#runner = runner;
    this.#abi = abi;
    this.#fixed = fixed;
  }

  async call(
    name: HypercallName,
    { what, signal }: Request,
    args: readonly bigint[],
    payload?: Uint8Array,
  ): Promise<Outcome> {
    const abi = this.#abi, runner = this.#runner, { arch, mode } = runner.vm;
    const number = hypercallNumber(abi, name);
    const page = await hypercallPage(runner, what);
    const registers = abiRegisters(runner, abi, {
      ...this.#fixed,
      [abi.number]: BigInt(number),
      ...Object.fromEntries(args.map((arg, i) => [abi.args[i], arg])),
    });
    let outputs: StubOutputs<string>;
    if (payload === undefined) {
      const stub = bareHypercall(abi, arch, mode, number, page);
      outputs = await runner.run({ what, stub, inputs: {}, registers, exits: () => 1, signal });
    } else {
      // From memory into the registers behind the first ones, by the stub; its outputs go back to memory.
      const words = Math.ceil(payload.length / abi.width);
      const padded = new Uint8Array(words * abi.width);
      padded.set(payload);
      runner.writeOut(padded);
      const stub = packedHypercall(abi, arch, mode, args.length, words, number, page);
      const inputs = { buffer: pointer(runner.places, STUB_SLOT.out) };
      outputs = await runner.run({ what, stub, inputs, registers, exits: () => 1, signal });
    }
    return {
      decoded: this.#decode(outputs),
      word: (index) => BigInt.asUintN(8 * abi.width, outputs.register(abi.outputs[index])),
      bytes: (length) => runner.readIn(length),
    };
  }

  #decode(outputs: StubOutputs<string>): Decoded {
    const abi = this.#abi, status = statusOf(abi, outputs);
    if (abi.length === "status") {
      return status < 0 ? { ok: false, code: status } : { ok: true, length: status };
    }
    if (status !== 0) return { ok: false, code: status };
    return { ok: true, length: Number(BigInt.asUintN(8 * abi.width, outputs.register(abi.length))) };
  }
}

/** Hyper-V's: arguments and reply in a page each. */
class MemoryCalls implements HypercallCalls {
  readonly #runner: StubRunner;
  readonly #abi: HypercallAbi;

  constructor(runner: StubRunner, abi: HypercallAbi) {
    this.#runner = runner;
    this.#abi = abi;
  }

  async call(
    name: HypercallName,
    { what, signal }: Request,
    args: readonly bigint[],
    payload: Uint8Array = new Uint8Array(0),
  ): Promise<Outcome> {
    const abi = this.#abi, runner = this.#runner, { arch, mode } = runner.vm;
    const number = hypercallNumber(abi, name);
    const page = await hypercallPage(runner, what);
    const block = new Uint8Array(8 * args.length + payload.length), view = new DataView(block.buffer);
    args.forEach((arg, i) => view.setBigUint64(8 * i, arg, true));
    block.set(payload, 8 * args.length);
    runner.writeOut(block);
    const gpa = (offset: number) => BigInt(runner.places.stubs + offset);
    const registers = abiRegisters(runner, abi, {
      [abi.number]: BigInt(number),
      [abi.args[0]]: gpa(STUB_SLOT.out),
      [abi.args[1]]: gpa(STUB_SLOT.in),
    });
    const stub = bareHypercall(abi, arch, mode, number, page);
    const outputs = await runner.run({ what, stub, inputs: {}, registers, exits: () => 1, signal });
    const code = statusOf(abi, outputs);
    const reply = (offset: number, length: number) => runner.readIn(8 + offset + length).slice(8 + offset);
    const word = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    return {
      decoded: code !== 0 ? { ok: false, code } : { ok: true, length: Number(word(runner.readIn(8))) },
      word: (index) => word(reply(8 * index, 8)),
      bytes: (length) => reply(0, length),
    };
  }
}

/** The control word of a call whose two arguments are in registers. */
export function fastControl(abi: HypercallAbi, number: number): number {
  return abi.memoryWords === undefined ? number : number | Number(HV_FAST);
}

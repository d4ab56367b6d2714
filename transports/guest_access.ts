/** Single accesses by real guest code, at whatever port, address or hypercall number: what a prompt's `out` needs. */
import { readRegister } from "../emulator/machine/hypervisors/abi.ts";
import type { HypercallAbi } from "./abi.ts";
import { hypercallPage } from "./hypercall_page.ts";
import { PCI_IO_BASE, PCI_IO_SIZE } from "./pci_io_window.ts";
import type { StubRunner } from "./stub_runner.ts";
import { bareHypercall } from "./stubs/hypercall.ts";
import { ppcAccess } from "./stubs/ppc_access.ts";
import type { AccessRole, StubText } from "./stubs/stub_text.ts";
import { x86MmioAccess, x86PioAccess } from "./stubs/x86_access.ts";
import { abiRegisters, fastControl } from "./vehicles/hypercall_calls.ts";
import { mmioAddress } from "./vehicles/mmio.ts";

const PAGE = 4096;

/** A hypercall's outcome, raw. */
export interface HypercallResult {
  /** The status register, unsigned. */
  readonly status: bigint;
  /** The ABI's output registers, by name. */
  readonly outputs: Readonly<Record<string, bigint>>;
}

/** Accesses by stubs of guest code, from the prompt's point of view. */
export interface GuestAccess {
  /** `in`; on PowerPC a load from the PCI I/O window, little-endian. `size` is 1, 2 or 4 bytes. */
  portIn(port: number, size: number): Promise<bigint>;
  /** `out`; on PowerPC a store to the PCI I/O window, little-endian. */
  portOut(port: number, size: number, value: number | bigint): Promise<void>;
  /** A load at a guest-physical address, in the guest's own byte order. RAM makes no exit. */
  load(gpa: number, size: number): Promise<bigint>;
  /** A store at a guest-physical address, in the guest's own byte order. */
  store(gpa: number, size: number, value: number | bigint): Promise<void>;
  /** The backend's hypercall with arguments in the ABI's registers; missing ones are 0. */
  hypercall(number: number | bigint, args?: readonly (number | bigint)[]): Promise<HypercallResult>;
}

/** `GuestAccess` by stubs. */
export class StubGuestAccess implements GuestAccess {
  readonly #runner: StubRunner;
  readonly #abi: HypercallAbi | string;

  constructor(runner: StubRunner, abi: HypercallAbi | string) {
    this.#runner = runner;
    this.#abi = abi;
  }

  async portIn(port: number, size: number): Promise<bigint> {
    return await this.#port("read", port, size, 0n);
  }

  async portOut(port: number, size: number, value: number | bigint): Promise<void> {
    await this.#port("write", port, size, BigInt(value));
  }

  async load(gpa: number, size: number): Promise<bigint> {
    return await this.#memory("read", gpa, size, 0n);
  }

  async store(gpa: number, size: number, value: number | bigint): Promise<void> {
    await this.#memory("write", gpa, size, BigInt(value));
  }

  async hypercall(
    number: number | bigint,
    args: readonly (number | bigint)[] = [],
  ): Promise<HypercallResult> {
    const abi = this.#abi;
    const what = `hypercall 0x${BigInt(number).toString(16)}`;
    if (typeof abi === "string") throw new Error(`${what}: ${abi}`);
    if (args.length > abi.args.length) {
      throw new RangeError(`${what}: ${args.length} arguments; ${abi.name} takes ${abi.args.length}`);
    }
    const { entry } = abi;
    if (entry.by === "page" && entry.stride > 0 && Number(number) * entry.stride >= PAGE) {
      throw new RangeError(`${what}: ${abi.name}'s page has ${PAGE / entry.stride} slots`);
    }
    const cut = (value: number | bigint) => BigInt.asUintN(8 * abi.width, BigInt(value));
    const runner = this.#runner, { arch, mode } = runner.vm;
    // Arguments are in registers: where they could be in memory, the control word says so.
    const control = fastControl(abi, Number(cut(number)));
    const registers = abiRegisters(runner, abi, {
      [abi.number]: abi.memoryWords === undefined ? cut(number) : BigInt(control),
      ...Object.fromEntries(args.map((value, index) => [abi.args[index], cut(value)])),
    });
    const run = await runner.exclusive(what, async () => {
      const page = await hypercallPage(runner, what);
      const stub = bareHypercall(abi, arch, mode, Number(cut(number)), page);
      return await runner.run({ what, stub, inputs: {}, registers, exits: () => 1 });
    });
    return {
      status: readRegister({ get: (name) => run.register(name) }, abi.status),
      outputs: Object.fromEntries(
        abi.outputs.concat(abi.length === "status" ? [] : [abi.length]).map((
          name,
        ) => [name, run.register(name)]),
      ),
    };
  }

  #port(verb: "read" | "write", port: number, size: number, value: bigint): Promise<bigint> {
    const { arch, mode } = this.#runner.vm;
    const what = `${verb === "read" ? "in" : "out"} at port 0x${port.toString(16)}`;
    if (!Number.isInteger(port) || port < 0 || port >= PCI_IO_SIZE) {
      throw new RangeError(`${what}: there are 2^16 ports, 0 to 0xffff (claim 2)`);
    }
    if (size !== 1 && size !== 2 && size !== 4) {
      throw new RangeError(`${what}: ${size} bytes; a port access is 1, 2 or 4, there is none of 8`);
    }
    if (arch === "ppc") {
      const stub = ppcAccess(verb, size);
      return this.#access(what, stub, { address: BigInt(PCI_IO_BASE + port), value }, size, 1);
    }
    return this.#access(what, x86PioAccess(verb, size, mode), { address: BigInt(port), value }, size, 1);
  }

  #memory(verb: "read" | "write", gpa: number, size: number, value: bigint): Promise<bigint> {
    const { arch, mode } = this.#runner.vm;
    const what = `${verb === "read" ? "load" : "store"} at 0x${gpa.toString(16)}`;
    const widest = mode === 64 ? 8 : 4;
    if ((size !== 1 && size !== 2 && size !== 4 && size !== 8) || size > widest) {
      throw new RangeError(
        `${what}: ${size} bytes; a ${mode}-bit guest's access is 1, 2, 4${widest === 8 ? " or 8" : ""}`,
      );
    }
    const stub = arch === "ppc" ? ppcAccess(verb, size, true) : x86MmioAccess(verb, size, mode);
    const at = mmioAddress(mode, gpa);
    return this.#access(what, stub, { address: at.address, value }, size, undefined, at.registers);
  }

  async #access(
    what: string,
    stub: StubText<AccessRole>,
    inputs: Record<AccessRole, bigint>,
    size: number,
    exits: number | undefined,
    registers?: Readonly<Record<string, bigint>>,
  ): Promise<bigint> {
    const value = BigInt.asUintN(8 * size, inputs.value);
    const run = await this.#runner.exclusive(what, () =>
      this.#runner.run({
        what,
        stub,
        inputs: { ...inputs, value },
        registers,
        exits: exits === undefined ? undefined : () => exits,
      }));
    return BigInt.asUintN(8 * size, run.role("value"));
  }
}

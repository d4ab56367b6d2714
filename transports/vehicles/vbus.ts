/** Calls by vbus's bridge: set up once by bridge calls, then by fast call or, slowly, by the bridge itself. */
import { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { HypercallAbi } from "../abi.ts";
import type { Bridge } from "../bridge.ts";
import { hypercallPage } from "../hypercall_page.ts";
import { otherNumber } from "../numbers.ts";
import { pointer, STUB_SLOT, VBUS_BLOCK } from "../places.ts";
import { statusName } from "../status.ts";
import type { StubRunner } from "../stub_runner.ts";
import { ppcBridgeCall, type PpcBridgeDoorbell, ppcDeviceCall } from "../stubs/ppc_bridge.ts";
import { x86BridgeCall, type X86BridgeDoorbell, x86DeviceCall } from "../stubs/x86_bridge.ts";
import { loadNarrow, type PageAddress, trapLines, trapName } from "../stubs/trap.ts";
import {
  BRIDGE,
  BUSCALL,
  CALL_DESC,
  DEVICE_ABI,
  DEVICE_CALL,
  DEVICE_CALL_FETCH,
  DEVICE_OPEN,
  FASTCALL_DESC,
  NEGOTIATE,
  VBUS_MAGIC,
  VBUS_VERSION,
} from "../vbus.ts";
import { abiRegisters, fastControl } from "./hypercall_calls.ts";
import { mmioAddress } from "./mmio.ts";
import { type CallRequest, refused, type Wiring } from "./vehicle.ts";
import { type ReplyPart, wholeReply } from "./whole_reply.ts";

/** Where a device call's doorbell is. */
export interface VbusDoorbell {
  readonly kind: "pio" | "mmio" | "hypercall" | "bridge";
  /** Port, or guest-physical address; 0 for the hypercall. */
  readonly target: number;
}

/** Exits of a device call: four stores and a load by the bridge's registers, else the doorbell. */
const BRIDGE_EXITS = 5;

/** The driver's name among the parts of a VM. */
export const VBUS_DRIVER_PART = "vbus driver";

/** The guest's driver of the bridge: one per machine's transports. */
export class VbusDriver {
  readonly bridge: Bridge;
  readonly #runner: StubRunner;
  /** By the device's handle, vbus's. */
  readonly #open = new Map<number, bigint>();
  #ready = false;

  constructor(runner: StubRunner, bridge: Bridge) {
    this.#runner = runner;
    this.bridge = bridge;
    runner.vm.parts.add(VBUS_DRIVER_PART, {
      save: () => ({
        ready: this.#ready,
        open: [...this.#open].map(([handle, devh]) => ({ handle, devh })),
      }),
      load: (state) => {
        const saved = new SavedFields(state, VBUS_DRIVER_PART);
        this.#ready = saved.flag("ready");
        for (const one of saved.records("open", 0xffff)) {
          this.#open.set(one.whole("handle", 0xffff, 1), one.unsigned("devh"));
        }
      },
    });
  }

  /** Its state is no part of the VM any more. */
  close(): void {
    this.#runner.vm.parts.remove(VBUS_DRIVER_PART);
  }

  /** One call; within `runner.exclusive`. */
  async call(
    wiring: Wiring,
    handle: number,
    doorbell: VbusDoorbell,
    request: CallRequest,
  ): Promise<Uint8Array> {
    await this.#prepare(wiring, request);
    const devh = this.#open.get(handle) ?? await this.#openDevice(wiring, handle, request);
    const { bytes, fn } = request;
    // The buffer is for both ways.
    const room = Math.max(request.capacity, bytes.length);
    const first = await this.#exchange(wiring, devh, doorbell, request, {
      fn,
      flags: bytes.length,
      bytes,
      room,
    });
    return await wholeReply(first, (room) =>
      this.#exchange(wiring, devh, doorbell, request, {
        fn,
        flags: DEVICE_CALL_FETCH,
        bytes: new Uint8Array(0),
        room,
      }));
  }

  async #prepare(wiring: Wiring, request: CallRequest): Promise<void> {
    if (this.#ready) return;
    const negotiate = new DataView(new ArrayBuffer(NEGOTIATE.size));
    negotiate.setUint32(NEGOTIATE.magic, VBUS_MAGIC, true);
    negotiate.setUint32(NEGOTIATE.version, VBUS_VERSION, true);
    await this.#bridgeCall(wiring, request, BRIDGE.NEGOTIATE, negotiate);
    const add = callDesc(0, FASTCALL_DESC.size, this.#gpa(VBUS_BLOCK.call));
    await this.#bridgeCall(wiring, request, BRIDGE.FASTCALL_ADD, add);
    this.#ready = true;
  }

  async #openDevice(wiring: Wiring, handle: number, request: CallRequest): Promise<bigint> {
    const { memory } = this.#runner.vm;
    const open = new DataView(new ArrayBuffer(DEVICE_OPEN.size));
    open.setUint32(DEVICE_OPEN.devid, handle, true);
    open.setUint32(DEVICE_OPEN.version, DEVICE_ABI, true);
    const at = this.#gpa(VBUS_BLOCK.open);
    this.#runner.writeBlock(0);
    memory.write(at, new Uint8Array(open.buffer));
    await this.#bridgeCall(wiring, request, BRIDGE.SLOWCALL, callDesc(BUSCALL.DEVOPEN, DEVICE_OPEN.size, at));
    const devh = new DataView(memory.read(at + DEVICE_OPEN.handle, 8).buffer).getBigUint64(0, true);
    this.#open.set(handle, devh);
    return devh;
  }

  /** Forgets a handle that may be another device's by now. */
  forget(handle: number): void {
    this.#open.delete(handle);
  }

  async #bridgeCall(wiring: Wiring, request: CallRequest, vector: number, params: DataView): Promise<void> {
    const { vm } = this.#runner;
    const at = this.#gpa(VBUS_BLOCK.params);
    this.#runner.writeBlock(0);
    vm.memory.write(at, new Uint8Array(params.buffer));
    const bar = mmioAddress(vm.mode, this.bridge.place.bar0);
    const outputs = await this.#runner.run({
      what: request.what,
      stub: vm.arch === "x86" ? x86BridgeCall(vm.mode) : ppcBridgeCall(),
      inputs: { bar: bar.address, vector: BigInt(vector), len: BigInt(params.byteLength), datap: BigInt(at) },
      registers: bar.registers,
      exits: () => BRIDGE_EXITS,
      signal: request.signal,
    });
    const status = Number(BigInt.asIntN(32, outputs.role("result")));
    if (status < 0) throw this.#refused(wiring, request.what, status);
  }

  async #exchange(
    wiring: Wiring,
    devh: bigint,
    doorbell: VbusDoorbell,
    { what, signal }: CallRequest,
    { fn, flags, bytes, room }: { fn: number; flags: number; bytes: Uint8Array; room: number },
  ): Promise<ReplyPart> {
    const runner = this.#runner, { vm, places } = runner;
    const buffer = room > STUB_SLOT.chunk ? runner.bulk(room) : places.stubs + STUB_SLOT.in;
    const target = doorbell.kind === "pio" || doorbell.kind === "hypercall"
      ? { address: BigInt(doorbell.target), registers: undefined }
      : mmioAddress(vm.mode, doorbell.target);
    const page = doorbell.kind === "hypercall" ? await hypercallPage(runner, what) : undefined;
    const stack = doorbell.kind === "hypercall" && vm.arch === "x86"
      ? abiRegisters(runner, this.#abi(), {})
      : {};
    this.#writeBlock(devh, Number(target.address));
    if (bytes.length > 0) vm.memory.write(buffer, bytes);
    const outputs = await runner.run({
      what,
      stub: vm.arch === "x86"
        ? x86DeviceCall(this.#x86Doorbell(doorbell, page), vm.mode)
        : ppcDeviceCall(this.#ppcDoorbell(doorbell)),
      inputs: {
        fn: BigInt(fn),
        flags: BigInt(flags),
        data: BigInt(buffer),
        size: BigInt(room),
        block: pointer(places, STUB_SLOT.block),
      },
      registers: { ...stack, ...target.registers },
      exits: () => doorbell.kind === "bridge" ? BRIDGE_EXITS : 1,
      signal,
    });
    const length = Number(BigInt.asIntN(32, outputs.role("result")));
    if (length < 0) throw this.#refused(wiring, what, length);
    return { part: vm.memory.read(buffer, Math.min(length, room)), length };
  }

  /** What the guest's driver knows since it was set up. */
  #writeBlock(devh: bigint, target: number): void {
    const { vm } = this.#runner, little = vm.isa.order === "le";
    this.#runner.writeBlock(0);
    const own = new DataView(new ArrayBuffer(16));
    [target, 0, this.#gpa(VBUS_BLOCK.call), this.#gpa(VBUS_BLOCK.device)].forEach((word, i) =>
      own.setUint32(4 * i, word, little)
    );
    vm.memory.write(this.#gpa(VBUS_BLOCK.target), new Uint8Array(own.buffer));
    const handle = new DataView(new ArrayBuffer(8));
    handle.setBigUint64(0, devh, true);
    vm.memory.write(this.#gpa(VBUS_BLOCK.device + DEVICE_CALL.devh), new Uint8Array(handle.buffer));
  }

  #x86Doorbell({ kind }: VbusDoorbell, page: PageAddress): X86BridgeDoorbell {
    if (kind !== "hypercall") return kind;
    const abi = this.#abi(), { mode, hypervisor } = this.#runner.vm, number = otherNumber(abi, "FASTCALL");
    return {
      name: `${hypervisor.name === "kvm" ? abi.trap : hypervisor.name}${trapName(abi, number, page)}`,
      ring: (cpu) => [
        ...loadNarrow(abi.args[0], cpu),
        ...loadNarrow(abi.number, String(fastControl(abi, number))),
        ...trapLines(abi, number, mode, page),
      ],
    };
  }
  #abi(): HypercallAbi {
    const { hypervisor, backend, mode } = this.#runner.vm, abi = hypervisor.abi(backend.name, mode);
    if (typeof abi === "string") throw new Error(`no hypercalls: ${abi}`);
    return abi;
  }
  #ppcDoorbell({ kind }: VbusDoorbell): PpcBridgeDoorbell {
    if (kind === "pio") throw new TypeError("PowerPC has no OUT: its doorbell is a store");
    if (kind !== "hypercall") return kind;
    const { name } = this.#runner.vm.hypervisor;
    if (name === "papr" || name === "epapr" || name === "osi") return name;
    throw new TypeError(`no doorbell by hypercall under ${name}`);
  }

  #gpa(offset: number): number {
    return this.#runner.places.stubs + STUB_SLOT.block + offset;
  }

  #refused(wiring: Wiring, what: string, status: number): Error {
    const own = this.bridge.refusal;
    if (own === undefined) return refused(wiring, what, statusName(status));
    return new Error(`${what}: ${statusName(status)}: ${own.message}`, { cause: own });
  }
}

function callDesc(vector: number, len: number, datap: number): DataView {
  const view = new DataView(new ArrayBuffer(CALL_DESC.size));
  view.setUint32(CALL_DESC.vector, vector, true);
  view.setUint32(CALL_DESC.len, len, true);
  view.setBigUint64(CALL_DESC.datap, BigInt(datap), true);
  return view;
}

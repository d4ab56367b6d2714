/**
 * The host's end of vbus's bridge (`vbus.ts`): bridge calls, the table of the CPUs' fast-call descriptors, and the calls
 * of devices that come by either. Whatever a guest puts in a descriptor is copied once and checked then.
 */
import { SavedFields } from "../emulator/engine/saved_fields.ts";
import type { SavedState } from "../emulator/engine/saved_state.ts";
import type { BusHandler } from "../emulator/machine/bus.ts";
import { readRegister, registerValues } from "../emulator/machine/hypervisors/abi.ts";
import type { VirtualCpu } from "../emulator/machine/virtual_cpu.ts";
import type { Vm } from "../emulator/machine/vm.ts";
import type { HypercallAbi } from "./abi.ts";
import { callXHandler } from "./call_x.ts";
import { checkRam, type GuestRam, MAX_TRANSFER } from "./descriptor.ts";
import type { Target } from "./hypercalls.ts";
import { after, isPromise, type MaybePromise } from "./maybe_promise.ts";
import { otherNumber } from "./numbers.ts";
import { PCI_IO_BASE } from "./pci_io_window.ts";
import { ERRNO, Refusal } from "./status.ts";
import {
  BAR0_SIZE,
  BAR1,
  BRIDGE,
  type BridgePlace,
  bridgePlace,
  BUSCALL,
  CALL_DESC,
  DEVICE_ABI,
  DEVICE_CALL,
  DEVICE_CALL_FETCH,
  DEVICE_CALL_PAYLOAD,
  DEVICE_OPEN,
  FASTCALL_DESC,
  NEGOTIATE,
  VBUS_MAGIC,
  VBUS_VERSION,
} from "./vbus.ts";

interface CallDesc {
  readonly vector: number;
  readonly len: number;
  readonly datap: bigint;
}

type Serve = (call: CallDesc) => MaybePromise<number>;

/** The bridge's name among the parts of a VM: a snapshot that has it needs it on the buses. */
export const BRIDGE_PART = "vbus bridge";
/** Devices that can be open at once: handles of devices have 16 bits. */
const MOST_OPEN = 0x1_0000;

export class Bridge {
  readonly place: BridgePlace;
  /** Why the last call got an errno; undefined if it did not. */
  refusal: Refusal | undefined;
  readonly #vm: Vm;
  readonly #abi: HypercallAbi | string;
  readonly #find: (handle: number) => Target | undefined;
  readonly #registers = new DataView(new ArrayBuffer(CALL_DESC.size));
  /** By CPU, where its descriptor is. */
  readonly #fast = new Map<number, bigint>();
  /** By vbus's device handle, the device's own. */
  readonly #open = new Map<bigint, number>();
  #lastOpen = 0n;
  #unregister = () => {};

  /** Claims its BARs. Throws `RangeError` if they are taken. */
  constructor(vm: Vm, abi: HypercallAbi | string, find: (handle: number) => Target | undefined) {
    this.#vm = vm;
    this.#abi = abi;
    this.#find = find;
    this.place = bridgePlace(vm.mode);
    const { bar0, bar1 } = this.place;
    const one = this.#bar1();
    const claims = [
      () => vm.mmio.add({ base: bar0, size: BAR0_SIZE, name: "vbus.bar0" }, this.#bar0()),
      () => vm.mmio.add({ base: bar1.memory, size: BAR1.callX, name: "vbus.bar1" }, one),
      () =>
        vm.arch === "x86"
          ? vm.ports.add({ base: bar1.ports, size: BAR1.callX, name: "vbus.bar1" }, one)
          : vm.mmio.add({ base: PCI_IO_BASE + bar1.ports, size: BAR1.callX, name: "vbus.bar1.pci" }, one),
      () => {
        const base = bar1.ports + BAR1.callX;
        if (vm.arch === "x86") vm.ports.add({ base, size: 4, name: "vbus.callx" }, this.#callX());
      },
      () => this.#registerHypercall(),
      () =>
        vm.parts.add(BRIDGE_PART, {
          save: () => this.#save(),
          load: (state) => this.#load(new SavedFields(state, BRIDGE_PART)),
        }),
    ];
    try {
      for (const claim of claims) claim();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    const { vm, place: { bar0, bar1 } } = { vm: this.#vm, place: this.place };
    const own = (bus: typeof vm.mmio, base: number) => {
      if (bus.list.some((range) => range.base === base && range.name.startsWith("vbus."))) bus.remove(base);
    };
    own(vm.mmio, bar0);
    own(vm.mmio, bar1.memory);
    own(vm.mmio, PCI_IO_BASE + bar1.ports);
    own(vm.ports, bar1.ports);
    own(vm.ports, bar1.ports + BAR1.callX);
    this.#unregister();
    vm.parts.remove(BRIDGE_PART);
  }

  #save(): SavedState {
    return {
      registers: new Uint8Array(this.#registers.buffer.slice(0)),
      fast: [...this.#fast].map(([cpu, at]) => ({ cpu, at })),
      open: [...this.#open].map(([handle, device]) => ({ handle, device })),
      lastOpen: this.#lastOpen,
    };
  }
  /** Throws `SyntaxError` for what is none. */
  #load(saved: SavedFields): void {
    const registers = saved.bytes("registers", CALL_DESC.size);
    const fast = saved.records("fast", this.#vm.vcpus.length).map((one) =>
      [one.whole("cpu", this.#vm.vcpus.length - 1), one.unsigned("at")] as const
    );
    const open = saved.records("open", MOST_OPEN).map((one) =>
      [one.unsigned("handle"), one.whole("device", 2 ** 32 - 1)] as const
    );
    this.#lastOpen = saved.unsigned("lastOpen");
    new Uint8Array(this.#registers.buffer).set(registers);
    for (const [cpu, at] of fast) this.#fast.set(cpu, at);
    for (const [handle, device] of open) this.#open.set(handle, device);
  }

  /** Rings for a fast call: the argument is the CPU's number. */
  #registerHypercall(): void {
    const abi = this.#abi, vm = this.#vm;
    if (typeof abi === "string") return;
    const number = otherNumber(abi, "FASTCALL");
    const cpuOf = (vcpu: VirtualCpu) => Number(BigInt.asUintN(32, readRegister(vcpu.registers, abi.args[0])));
    vm.hypercalls.register(number, {
      name: "trapsh FASTCALL",
      handledIn: (vcpu) => this.#handledIn(this.#fast.get(cpuOf(vcpu))),
      call: (vcpu) => {
        const done = after(this.#fastcall(cpuOf(vcpu)), () => {
          for (const [name, value] of registerValues(abi.status, 0n)) vcpu.registers.set(name, value);
        });
        if (isPromise(done)) return done;
      },
    });
    this.#unregister = () => void vm.hypercalls.unregister(number);
  }

  // --- BARs.

  #bar0(): BusHandler {
    const registers = this.#registers;
    const handledIn = () => this.#handledIn(this.#slowCall());
    return {
      read: (_offset, size) => size === 4 ? after(this.#bridgeCall(), (status) => status >>> 0) : 0,
      write(offset, size, value) {
        // Only words, and only inside: as the QEMU of vbus has it.
        if (size === 4 && offset <= registers.byteLength - 4 && offset % 4 === 0) {
          registers.setUint32(offset, Number(value), true);
        }
      },
      get handledIn() {
        return handledIn();
      },
    };
  }

  #bar1(): BusHandler {
    const vm = this.#vm;
    const handledIn = () => this.#handledIn(this.#fast.get(vm.acting.index));
    return {
      read: () => 0,
      write: (offset, size, value): void | Promise<void> => {
        if (offset !== BAR1.fastcall || size !== 4) return;
        const done = this.#fastcall(Number(value));
        if (isPromise(done)) return done.then(() => undefined);
      },
      get handledIn() {
        return handledIn();
      },
    };
  }

  /** Its own range: who completes a call is asked before it is read. */
  #callX(): BusHandler {
    const callX = callXHandler(this.#vm, (handle) => this.#find(handle));
    return {
      read: (_offset, size) => size === 4 ? callX.read() : 0,
      write() {},
      get handledIn() {
        return callX.handledIn;
      },
    };
  }

  // --- Calls.

  /** What the bridge's registers say. */
  #bridgeCall(): MaybePromise<number> {
    return this.#serve(readCall(this.#registers), {
      [BRIDGE.NEGOTIATE]: ({ len, datap }) => this.#negotiate(len, datap),
      // Capabilities are 0: there is no event queue to register.
      [BRIDGE.QREG]: () => -ERRNO.ENOSYS,
      [BRIDGE.SLOWCALL]: ({ len, datap }) => this.#busCall(this.#params(len, datap)),
      [BRIDGE.FASTCALL_ADD]: ({ len, datap }) => this.#add(this.#params(len, datap)),
      [BRIDGE.FASTCALL_DROP]: ({ len, datap }) => this.#drop(this.#params(len, datap)),
    });
  }

  #busCall(call: CallDesc): MaybePromise<number> {
    return this.#serve(call, {
      [BUSCALL.DEVOPEN]: ({ len, datap }) => this.#deviceOpen(len, datap),
      [BUSCALL.DEVCLOSE]: ({ len, datap }) => {
        const view = this.#struct(datap, len, 8, "device handle");
        return this.#open.delete(view.getBigUint64(0, true)) ? 0 : -ERRNO.EINVAL;
      },
      [BUSCALL.DEVCALL]: ({ len, datap }) => this.#deviceCall(len, datap),
      // Shared memory is the rings' business.
      [BUSCALL.DEVSHM]: () => -ERRNO.ENOSYS,
    });
  }

  #serve(call: CallDesc, vectors: Readonly<Record<number, Serve>>): MaybePromise<number> {
    const refused = (error: unknown): number => {
      if (!(error instanceof Refusal)) throw error;
      this.refusal = error;
      return -ERRNO[error.errno];
    };
    this.refusal = undefined;
    try {
      const serve = vectors[call.vector];
      if (serve === undefined) throw new Refusal("EINVAL", `there is no vector ${call.vector}`);
      const status = serve(call);
      return isPromise(status) ? status.catch(refused) : status;
    } catch (error) {
      return refused(error);
    }
  }

  #negotiate(len: number, datap: bigint): number {
    const view = this.#struct(datap, len, NEGOTIATE.size, "NEGOTIATE");
    const magic = view.getUint32(NEGOTIATE.magic, true), version = view.getUint32(NEGOTIATE.version, true);
    if (magic !== VBUS_MAGIC || version !== VBUS_VERSION) {
      throw new Refusal(
        "EINVAL",
        `magic 0x${magic.toString(16)}, version ${version}: this is version ${VBUS_VERSION}`,
      );
    }
    this.#ram.write(datap + BigInt(NEGOTIATE.capabilities), new Uint8Array(8));
    return 0;
  }

  #add({ vector: cpu, len, datap }: CallDesc): number {
    if (cpu >= this.#vm.vcpus.length) throw new Refusal("EINVAL", `there is no CPU ${cpu}`);
    if (len !== FASTCALL_DESC.size) {
      throw new Refusal("EINVAL", `a fast-call descriptor has ${FASTCALL_DESC.size} bytes, not ${len}`);
    }
    if (this.#fast.has(cpu)) {
      throw new Refusal("EINVAL", `CPU ${cpu} has a descriptor already: drop it first`);
    }
    checkRam(this.#ram, datap, len, "fast-call descriptor");
    this.#fast.set(cpu, datap);
    return 0;
  }

  #drop({ vector: cpu }: CallDesc): number {
    if (!this.#fast.delete(cpu)) throw new Refusal("EINVAL", `CPU ${cpu} has no descriptor`);
    return 0;
  }

  /** Rings for a CPU: what its descriptor says is done, and the result written into it. */
  #fastcall(cpu: number): MaybePromise<void> {
    const at = this.#fast.get(cpu);
    if (at === undefined) {
      this.refusal = new Refusal("EINVAL", `CPU ${cpu} has no fast-call descriptor`);
      return;
    }
    const ram = this.#ram;
    // Memory may have gone since it was registered.
    if (!ram.holds(at, FASTCALL_DESC.size)) return;
    const call = readCall(viewOf(ram.read(at, CALL_DESC.size)));
    return after(this.#busCall(call), (result) => {
      const where = at + BigInt(FASTCALL_DESC.result);
      if (!ram.holds(where, 4)) return;
      const bytes = new Uint8Array(4);
      viewOf(bytes).setInt32(0, result, true);
      ram.write(where, bytes);
    });
  }

  #deviceOpen(len: number, datap: bigint): number {
    const view = this.#struct(datap, len, DEVICE_OPEN.size, "DEVOPEN");
    const devid = view.getUint32(DEVICE_OPEN.devid, true),
      version = view.getUint32(DEVICE_OPEN.version, true);
    if (this.#find(devid) === undefined) throw new Refusal("ENODEV", `there is no device ${devid}`);
    if (version !== DEVICE_ABI) {
      throw new Refusal("EINVAL", `version ${version}: this is version ${DEVICE_ABI}`);
    }
    // Opened once each: a guest cannot make the table grow.
    let handle = [...this.#open].find(([, device]) => device === devid)?.[0];
    if (handle === undefined) this.#open.set(handle = ++this.#lastOpen, devid);
    const bytes = new Uint8Array(8);
    viewOf(bytes).setBigUint64(0, handle, true);
    this.#ram.write(datap + BigInt(DEVICE_OPEN.handle), bytes);
    return 0;
  }

  #deviceCall(len: number, datap: bigint): MaybePromise<number> {
    const ram = this.#ram;
    const view = this.#struct(datap, len, DEVICE_CALL.size, "DEVCALL");
    const devh = view.getBigUint64(DEVICE_CALL.devh, true), device = this.#open.get(devh);
    const target = device === undefined ? undefined : this.#find(device);
    if (target === undefined) throw new Refusal("ENODEV", `no device is open as ${devh}`);
    const size = view.getUint32(DEVICE_CALL.len, true), flags = view.getUint32(DEVICE_CALL.flags, true);
    const buffer = view.getBigUint64(DEVICE_CALL.datap, true), payload = flags & DEVICE_CALL_PAYLOAD;
    if ((flags & ~(DEVICE_CALL_PAYLOAD | DEVICE_CALL_FETCH)) !== 0) {
      throw new Refusal("EINVAL", `flags are 0x${flags.toString(16)}`);
    }
    if (size > MAX_TRANSFER) {
      throw new Refusal("E2BIG", `a buffer of ${size} bytes; at most ${MAX_TRANSFER} are allowed`);
    }
    if (payload > size) throw new Refusal("EINVAL", `${payload} bytes of payload in a buffer of ${size}`);
    checkRam(ram, buffer, size, "buffer");
    const { port } = target;
    const reply = (status: number): number => {
      const part = status > 0 ? port.take(size) : NOTHING;
      if (part.length > 0) ram.write(buffer, part);
      return status;
    };
    if ((flags & DEVICE_CALL_FETCH) !== 0) return reply(port.result);
    const bytes = payload === 0 ? NOTHING : ram.read(buffer, payload);
    port.select(view.getUint32(DEVICE_CALL.func, true));
    const begun = port.begin(payload);
    return after(payload === 0 ? begun : port.push(bytes), reply);
  }

  // --- Guest memory.

  get #ram(): GuestRam {
    return this.#vm.memory;
  }

  /** A call descriptor in RAM that a bridge call has as its parameter. */
  #params(len: number, datap: bigint): CallDesc {
    return readCall(this.#struct(datap, len, CALL_DESC.size, "call descriptor"));
  }

  #struct(gpa: bigint, len: number, size: number, what: string): DataView {
    if (len !== size) throw new Refusal("EINVAL", `${what} has ${size} bytes, not ${len}`);
    checkRam(this.#ram, gpa, size, what);
    return viewOf(this.#ram.read(gpa, size));
  }

  /** Where the inner descriptor of the SLOWCALL in the registers is, if they hold one. */
  #slowCall(): bigint | undefined {
    const { vector, datap } = readCall(this.#registers);
    return vector === BRIDGE.SLOWCALL ? datap : undefined;
  }

  /** Who completes the call whose descriptor is there: the device that it is for, as far as that can be told. */
  #handledIn(at: bigint | undefined): "kernel" | "userspace" {
    const ram = this.#ram;
    if (at === undefined || !ram.holds(at, CALL_DESC.size)) return "userspace";
    const { vector, datap } = readCall(viewOf(ram.read(at, CALL_DESC.size)));
    if (vector !== BUSCALL.DEVCALL || !ram.holds(datap, DEVICE_CALL.size)) return "userspace";
    const device = this.#open.get(viewOf(ram.read(datap, 8)).getBigUint64(0, true));
    return (device === undefined ? undefined : this.#find(device))?.attachment.device.handledIn ??
      "userspace";
  }
}

const NOTHING = new Uint8Array(0);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readCall(view: DataView): CallDesc {
  return {
    vector: view.getUint32(CALL_DESC.vector, true),
    len: view.getUint32(CALL_DESC.len, true),
    datap: view.getBigUint64(CALL_DESC.datap, true),
  };
}

/** Makes rings: their memory in the guest, their doorbells, and the device's end. One per machine. */
import type { Attachment } from "../../emulator/machine/devices.ts";
import type { HypercallAbi } from "../abi.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { Choice } from "../negotiate.ts";
import { otherNumber } from "../numbers.ts";
import type { StubRun, StubRunner } from "../stub_runner.ts";
import { closed, type StubText } from "../stubs/stub_text.ts";
import { wide } from "../stubs/x86_words.ts";
import { type Bell, type Doorbell, type DoorbellStub, hypercallStub, placeDoorbell } from "./doorbell.ts";
import { type InterruptStubs, interruptStubs } from "./interrupt_stubs.ts";
import { IoqDevice } from "./ioq_device.ts";
import { IoqDriver } from "./ioq_driver.ts";
import { initialIoq } from "./ioq_layout.ts";
import { REPLY_HEAD, REQUEST_HEAD, serveRequest } from "./request.ts";
import {
  type FullRingOptions,
  MAX_BUFFERS,
  OpenRing,
  type Ring,
  type RingGuest,
  type RingOptions,
} from "./ring.ts";
import { RingService } from "./ring_service.ts";
import type { DeviceRing, DriverRing } from "./ring_sides.ts";
import { VirtqueueDevice } from "./virtqueue_device.ts";
import { VirtqueueDriver } from "./virtqueue_driver.ts";
import { DESC, partSizes, type VirtqueuePlace } from "./virtqueue_layout.ts";

/** Guest-physical addresses of rings: behind the transports' large buffers. */
const RINGS = { base: 0xf200_0000, end: 0xfa00_0000 } as const;
const PAGE = 4096;
const DEFAULTS: FullRingOptions = {
  entries: 256,
  kind: "virtqueue",
  bytes: 1024,
  batch: 1,
  eventIdx: true,
  indirect: false,
  poll: true,
  coalesce: 1,
  doorbell: "userspace",
  busy: false,
  line: 5,
};
const DOORBELLS: readonly FullRingOptions["doorbell"][] = ["userspace", "kernel", "fast"];
/** The largest that each number may be. */
const LIMITS = { entries: 4096, bytes: 65_536, batch: 4096, coalesce: 4096 } as const;

/** A device as a ring reaches it. */
export interface RingTarget {
  /** As it is now; throws `Error` if it is gone. */
  attachment(what: string): Attachment;
  readonly name: string;
  readonly choice: Choice;
}

/** Both sides of a ring on one memory. */
interface Sides {
  readonly driver: DriverRing;
  readonly device: DeviceRing;
}

interface Open {
  readonly line: number | undefined;
  rung(): MaybePromise<void>;
  close(): void;
}

export class RingHost {
  readonly #runner: StubRunner;
  /** Or why there is none. */
  readonly #abi: HypercallAbi | string;
  readonly #rings = new Map<number, Open>();
  /** Rings whose doorbell is the hypercall. */
  readonly #handledIn = new Map<number, "kernel" | "userspace">();
  #next = 1;
  #interrupts: InterruptStubs | undefined;

  constructor(runner: StubRunner, abi: HypercallAbi | string) {
    this.#runner = runner;
    this.#abi = abi;
  }

  /** Throws `RangeError` for options that cannot be, `Error` for interrupts without a controller. */
  async open(target: RingTarget, given: RingOptions): Promise<Ring> {
    const options = checked(given), { vm } = this.#runner;
    const what = `a ring of device "${target.name}"`;
    const attachment = () => target.attachment(what);
    const { device } = attachment();
    if (!device.queue && !device.call) throw new Error(`${what}: the device has no queue() and no call()`);
    const { line } = options;
    if (!options.poll) vm.irq(line, false);
    const number = this.#next++, name = `ring ${number} of ${target.name}`;
    const { gpa, driver, device: south } = this.#make(name, options);
    let service: RingService | undefined, rings = 0;
    const rung = () => {
      rings++;
      // Behind an ioeventfd the device's own thread serves the ring, not the exit.
      if (options.doorbell === "userspace") return service?.kick();
    };
    const bell: Bell = { kind: options.doorbell, rung };
    let doorbell: Doorbell;
    try {
      service = new RingService(south, {
        serve: (request) => serveRequest(attachment().device, vm.devices.context(attachment()), request),
        interrupt: options.poll ? undefined : () => {
          // An edge: low first, then high until the next one.
          vm.irq(line, false);
          vm.irq(line, true);
        },
        coalesce: options.coalesce,
      });
      doorbell = this.#doorbell(target.choice, number, name, bell);
    } catch (error) {
      vm.memory.removeSlot(name);
      throw error;
    }
    const close = () => {
      if (!this.#rings.delete(number)) return;
      doorbell.remove();
      vm.memory.removeSlot(name);
      if (this.#rings.size === 0 && typeof this.#abi !== "string") {
        vm.hypercalls.unregister(otherNumber(this.#abi, "KICK"));
      }
    };
    this.#rings.set(number, { line: options.poll ? undefined : line, rung, close });
    const guest = this.#guest(target, gpa, doorbell.stub, options, () => rings, close);
    const ring = new OpenRing(target.name, driver, service, guest, options);
    try {
      if (!options.poll) await this.#setUp(what);
    } catch (error) {
      close();
      throw error;
    }
    return ring;
  }

  /** Throws `Error` while rings are open: their drivers are scripts, which no snapshot has. */
  checkSaving(): void {
    if (this.#rings.size === 0) return;
    throw new Error(
      `rings are open (${this.#rings.size}), whose drivers a snapshot does not have: close them first`,
    );
  }

  /** Closes every ring. */
  close(): void {
    for (const ring of [...this.#rings.values()]) ring.close();
  }

  /** A memory slot with the ring, and room for its requests behind. */
  #make(name: string, options: FullRingOptions): Sides & { readonly gpa: number } {
    const { memory } = this.#runner.vm;
    const { kind, entries, bytes, eventIdx, indirect } = options;
    const table = indirect ? DESC.size * (MAX_BUFFERS + 1) : 0;
    const each = (8 + REQUEST_HEAD + REPLY_HEAD + bytes + table + 15) & ~15;
    // Without tables a request of one buffer and its reply are two descriptors.
    const size = kind === "ioq" ? entries : Math.max(powerOfTwo(indirect ? entries : 2 * entries), 16);
    const ioq = kind === "ioq" ? initialIoq(entries) : undefined;
    const parts = partSizes(size);
    const available = parts.descriptors, used = (available + parts.available + 3) & ~3;
    const head = ((ioq ? ioq.length : used + parts.used) + PAGE - 1) & -PAGE;
    const slot = (head + each * size + PAGE - 1) & -PAGE;
    const gpa = this.#room(slot);
    memory.addSlot({ name, gpa, size: slot });
    const buffers = { gpa: gpa + head, each };
    if (ioq) {
      memory.write(gpa, ioq);
      return { gpa, driver: new IoqDriver(memory, gpa, buffers), device: new IoqDevice(memory, gpa) };
    }
    const place: VirtqueuePlace = {
      size,
      descriptors: gpa,
      available: gpa + available,
      used: gpa + used,
      eventIdx,
      indirect,
    };
    return {
      gpa,
      driver: new VirtqueueDriver(memory, place, buffers),
      device: new VirtqueueDevice(memory, place),
    };
  }

  #room(size: number): number {
    const { slots } = this.#runner.vm.memory;
    for (let gpa: number = RINGS.base; gpa + size <= RINGS.end;) {
      const other = slots.find((slot) => gpa < slot.gpa + slot.size && slot.gpa < gpa + size);
      if (!other) return gpa;
      gpa = other.gpa + other.size;
    }
    throw new RangeError(`no guest-physical addresses left for a ring of ${size} bytes: close others first`);
  }

  #doorbell(
    choice: Choice,
    number: number,
    name: string,
    bell: Bell,
  ): Doorbell {
    const { vm } = this.#runner;
    if (choice.via !== "hypercall") {
      return placeDoorbell(vm, choice.via, choice.pciIo === true, name, bell);
    }
    const abi = this.#abi;
    if (typeof abi === "string") throw new Error(`${name} has no doorbell by hypercall: ${abi}`);
    const stub = hypercallStub(vm, abi, number);
    if (vm.hypercalls.find(otherNumber(abi, "KICK")) === undefined) this.#registerKick(abi);
    this.#handledIn.set(number, bell.kind === "userspace" ? "userspace" : "kernel");
    return { stub, remove: () => void this.#handledIn.delete(number) };
  }

  #registerKick(abi: HypercallAbi): void {
    const { vm } = this.#runner;
    vm.hypercalls.register(otherNumber(abi, "KICK"), {
      name: "trapsh KICK",
      handledIn: ({ registers }) =>
        this.#handledIn.get(Number(registers.get(abi.args[0]) & 0xffff_ffffn)) ?? "userspace",
      call: ({ registers }) => {
        const number = Number(registers.get(abi.args[0]) & 0xffff_ffffn);
        const known = this.#handledIn.has(number);
        const status = BigInt.asUintN(8 * abi.width, BigInt(known ? 0 : abi.errors.EINVAL));
        registers.set(abi.status, status);
        if (known) return this.#rings.get(number)?.rung() as void | Promise<void>;
      },
    });
  }

  #guest(
    target: RingTarget,
    gpa: number,
    doorbell: DoorbellStub,
    options: FullRingOptions,
    rings: () => number,
    close: () => void,
  ): RingGuest {
    const { vm } = this.#runner;
    const bare: StubText<never> = {
      name: doorbell.name,
      text: closed(vm.arch, `call:\n${doorbell.text}`),
      registers: {},
    };
    const registers = normalized(doorbell.registers, vm.arch, vm.mode);
    const runs = (what: string, entry: string, meanwhile: () => MaybePromise<void>): Promise<unknown> =>
      this.#runner.exclusive(what, () =>
        this.#runner.run(
          options.poll
            ? { what, stub: bare, inputs: {}, registers, exits: () => 1 }
            : this.#interruptible(what, entry, doorbell, registers, meanwhile),
        ));
    return {
      label: target.choice.label,
      gpa,
      close,
      check: (what) => void target.attachment(what),
      async ring(what) {
        const before = rings();
        await runs(what, "call", () => {});
        if (rings() === before) {
          throw new Error(`${what}: the doorbell's stub ran to its end and nothing rang`);
        }
      },
      wait: async (what, meanwhile) => {
        // A PowerPC is woken by its decrementer too, or spins: the device is quicker than that.
        if (vm.arch === "ppc") await meanwhile();
        await runs(what, "wait", meanwhile);
      },
    };
  }

  #interruptible(
    what: string,
    entry: string,
    doorbell: DoorbellStub,
    registers: Readonly<Record<string, bigint>>,
    meanwhile: () => MaybePromise<void>,
  ): StubRun<never> {
    const stubs = this.#stubs();
    let asked = false;
    return {
      what,
      stub: stubs.around(doorbell),
      entry,
      inputs: {},
      registers: { ...registers, ...stubs.registers },
      exits: undefined,
      interrupts: {
        patches: stubs.patches((label) => this.#runner.place(stubs.handler!, label)),
        async whenHalted() {
          if (asked) return false;
          asked = true;
          await meanwhile();
          return true;
        },
      },
    };
  }

  /** Opens the lines of all rings at the controller. */
  async #setUp(what: string): Promise<void> {
    const lines = new Set([...this.#rings.values()].flatMap(({ line }) => line === undefined ? [] : [line]));
    const stub = this.#stubs().setup([...lines].sort((a, b) => a - b));
    await this.#runner.exclusive(what, () => this.#runner.run({ what, stub, inputs: {}, exits: undefined }));
  }

  #stubs(): InterruptStubs {
    return this.#interrupts ??= interruptStubs(this.#runner.vm, this.#runner.places);
  }
}

/** Registers by the names that the mode has: on x86 `edx` is `rdx` in 64-bit mode. */
function normalized(
  registers: Readonly<Record<string, bigint>>,
  arch: "x86" | "ppc",
  mode: 16 | 32 | 64,
): Record<string, bigint> {
  if (arch === "ppc" || mode !== 64) return { ...registers };
  return Object.fromEntries(
    Object.entries(registers).map((
      [name, value],
    ) => [/^e[a-z]{2}$/.test(name) ? wide(name.slice(1), mode) : name, value]),
  );
}

function checked(given: RingOptions): FullRingOptions {
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options: FullRingOptions = { ...DEFAULTS, ...defined };
  if (options.kind !== "ioq" && options.kind !== "virtqueue") {
    throw new RangeError(`there is no ring "${options.kind}": there are ioq and virtqueue`);
  }
  if (!DOORBELLS.includes(options.doorbell)) {
    throw new RangeError(`there is no doorbell "${options.doorbell}": there are ${DOORBELLS.join(", ")}`);
  }
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    if (!Number.isInteger(options[name]) || options[name] < 1 || options[name] > LIMITS[name]) {
      throw new RangeError(
        `a ring's ${name} is ${options[name]}: give a whole number from 1 to ${LIMITS[name]}`,
      );
    }
  }
  return options;
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}

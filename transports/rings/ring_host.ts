/** Makes rings: their memory in the guest, their doorbells, and the device's end. One per machine. */
import type { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { Attachment } from "../../emulator/machine/devices.ts";
import type { HypercallAbi } from "../abi.ts";
import { hypercallPage } from "../hypercall_page.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import { type Choice, VEHICLES } from "../negotiate.ts";
import type { StubRunner } from "../stub_runner.ts";
import { abiRegisters } from "../vehicles/hypercall_calls.ts";
import { type Bell, type DoorbellBus, type DoorbellStub, hypercallStub, placeDoorbell } from "./doorbell.ts";
import { DoorbellSwitch } from "./doorbell_switch.ts";
import { GuestDriver, writeWords } from "./guest_driver.ts";
import { type InterruptStubs, interruptStubs } from "./interrupt_stubs.ts";
import { IoqDevice, type IoqProgress } from "./ioq_device.ts";
import { serveRequest } from "./request.ts";
import { OpenRing, type RingGuest } from "./open_ring.ts";
import type { FullRingOptions, Ring, RingOptions } from "./ring.ts";
import { checkedOptions, loadOptions } from "./ring_options.ts";
import { makeRing, type RingPlace, ringPlace } from "./ring_place.ts";
import { RingService } from "./ring_service.ts";
import type { DeviceRing } from "./ring_sides.ts";
import { VirtqueueDevice, type VirtqueueProgress } from "./virtqueue_device.ts";

/** Guest-physical addresses of rings: behind the transports' large buffers. */
const RINGS = { base: 0xf200_0000, end: 0xfa00_0000 } as const;
/** Rings of a machine at most, and the numbers that they ever had. */
const MOST_RINGS = 4096, MOST_NUMBERS = 0xff_ffff;

/** A device as a ring reaches it. */
export interface RingTarget {
  readonly name: string;
  readonly choice: Pick<Choice, "via" | "label" | "pciIo">;
}

interface Open {
  readonly ring: OpenRing;
  readonly line: number | undefined;
  save(): SavedState;
  close(): void;
}

/** What a ring is made of, or made of again. */
interface Making {
  readonly number: number;
  readonly target: RingTarget;
  readonly options: FullRingOptions;
  readonly place: RingPlace;
  /** From a snapshot. */
  readonly saved?: SavedFields;
}

export class RingHost {
  readonly #runner: StubRunner;
  /** Or why there is none. */
  readonly #abi: HypercallAbi | string;
  /** The device of that name as it is now. */
  readonly #find: (name: string) => Attachment | undefined;
  readonly #open = new Map<number, Open>();
  readonly #switch: DoorbellSwitch | undefined;
  #next = 1;
  #interrupts: InterruptStubs | undefined;

  constructor(
    runner: StubRunner,
    abi: HypercallAbi | string,
    find: (name: string) => Attachment | undefined,
  ) {
    this.#runner = runner;
    this.#abi = abi;
    this.#find = find;
    this.#switch = typeof abi === "string" ? undefined : new DoorbellSwitch(runner.vm, abi);
  }

  /** By number. */
  get rings(): readonly Ring[] {
    return [...this.#open.values()].map(({ ring }) => ring);
  }

  /** Throws `RangeError` for options that cannot be, `Error` for interrupts without a controller. */
  async open(target: RingTarget, given: RingOptions): Promise<Ring> {
    const options = checkedOptions(given), { vm } = this.#runner;
    const what = `a ring of device "${target.name}"`;
    const { device } = this.#attachment(what, target.name);
    if (!device.queue && !device.call) throw new Error(`${what}: the device has no queue() and no call()`);
    if (!options.poll) vm.irq(options.line, false);
    const number = this.#next++, { size } = ringPlace(0, vm.mode, options);
    const place = ringPlace(this.#room(size), vm.mode, options), name = nameOf(number, target);
    vm.memory.addSlot({ name, gpa: place.gpa, size });
    let ring: OpenRing;
    try {
      makeRing(vm, place, options);
      ring = this.#make({ number, target, options, place });
    } catch (error) {
      vm.memory.removeSlot(name);
      throw error;
    }
    try {
      if (!options.poll) await this.#setUp(what);
    } catch (error) {
      ring.close();
      throw error;
    }
    return ring;
  }

  /** All rings, for a snapshot, which has their memory. Throws `Error` in the middle of an operation. */
  save(): SavedState {
    return { next: this.#next, open: [...this.#open.values()].map((one) => one.save()) };
  }
  /**
   * Makes the rings again on a machine that has their memory: doorbells stand where they stood, and go by what hypercalls
   * the machine has now. Throws `SyntaxError` for what is none, `RangeError` where a doorbell's place is taken.
   */
  load(saved: SavedFields): void {
    const { vm } = this.#runner;
    this.#next = saved.whole("next", MOST_NUMBERS, 1);
    for (const one of saved.records("open", MOST_RINGS)) {
      const number = one.whole("number", this.#next - 1, 1);
      const target = {
        name: one.text("device"),
        choice: { via: one.oneOf("via", VEHICLES), label: one.text("label"), pciIo: one.flag("pciIo") },
      };
      if (this.#open.has(number)) throw new SyntaxError(`the snapshot has ring ${number} twice`);
      const options = loadOptions(one.fields("options"));
      const place = ringPlace(one.whole("gpa", RINGS.end), vm.mode, options);
      const slot = vm.memory.slots.find(({ gpa }) => gpa === place.gpa);
      if (slot?.size !== place.size || slot.name !== nameOf(number, target) || slot.readOnly) {
        throw new SyntaxError(`the snapshot has no memory of ring ${number}`);
      }
      this.#make({ number, target, options, place, saved: one });
    }
  }

  /** Closes every ring. */
  close(): void {
    for (const { ring } of [...this.#open.values()]) ring.close();
  }
  /** Takes doorbells away, and leaves guest memory as it is. */
  abandon(): void {
    for (const { close } of this.#open.values()) close();
  }

  #attachment(what: string, name: string): Attachment {
    const found = this.#find(name);
    if (found === undefined) throw new Error(`${what}: the device is no longer attached`);
    return found;
  }

  #make({ number, target, options, place, saved }: Making): OpenRing {
    const { vm } = this.#runner, { via, label, pciIo = false } = target.choice;
    const name = nameOf(number, target), device = deviceRing(this.#runner, place, saved?.fields("progress"));
    const attachment = (what = name) => this.#attachment(what, target.name);
    const service = new RingService(device, {
      serve: (request) => serveRequest(attachment().device, vm.devices.context(attachment()), request),
      interrupt: options.poll ? undefined : () => {
        // An edge: low first, then high until the next one.
        vm.irq(options.line, false);
        vm.irq(options.line, true);
      },
      coalesce: options.coalesce,
    }, saved?.fields("service"));
    let rings = 0;
    const bell: Bell = {
      kind: options.doorbell,
      rung: () => {
        rings++;
        // Behind an ioeventfd the device's own thread serves the ring, not the exit.
        if (options.doorbell === "userspace") return service.kick() as void | Promise<void>;
        guest.kicked = true;
      },
    };
    const at = saved?.has("address") ? saved.whole("address", 2 ** 52) : undefined;
    const doorbell = this.#doorbell(target, number, bell, at);
    writeWords(vm, place.driver.block, { target: doorbell.target });
    const remove = () => {
      if (!this.#open.delete(number)) return;
      doorbell.remove();
    };
    const driver = new GuestDriver(this.#runner, place, options, doorbell.stub);
    const interruptible = (meanwhile: () => MaybePromise<void>) =>
      options.poll ? undefined : { stubs: this.#stubs(), meanwhile };
    const guest: RingGuest = {
      number,
      device: target.name,
      via,
      label,
      gpa: place.gpa,
      kicked: false,
      check: (what) => void attachment(what),
      code: (what) => driver.source(what, !options.poll),
      push: (what, id, buffers, capacity) => driver.push(what, id, buffers, capacity),
      async kick(what) {
        const before = rings, rang = await driver.kick(what, interruptible(() => {}));
        if (rang && rings === before) {
          throw new Error(`${what}: the doorbell's stub ran to its end and nothing rang`);
        }
        return rang;
      },
      take: (what) => driver.take(what, !options.poll),
      wait: async (what, meanwhile) => {
        // A PowerPC is woken by its decrementer too, or spins: the device is quicker than that.
        if (vm.arch === "ppc") await meanwhile();
        await driver.wait(what, interruptible(meanwhile)!);
      },
      close: () => {
        remove();
        vm.memory.removeSlot(name);
      },
    };
    const ring = new OpenRing(service, guest, options);
    if (saved) ring.load(saved.fields("ring"));
    this.#open.set(number, {
      ring,
      line: options.poll ? undefined : options.line,
      close: remove,
      save: () => ({
        number,
        device: target.name,
        via,
        label,
        pciIo,
        options: { ...options },
        gpa: place.gpa,
        address: doorbell.address ?? null,
        progress: { ...device.progress },
        service: service.save(),
        ring: ring.save(),
      }),
    });
    return ring;
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

  #doorbell({ choice, name }: RingTarget, number: number, bell: Bell, at: number | undefined): {
    readonly address?: number;
    readonly target: number;
    stub(): MaybePromise<DoorbellStub>;
    remove(): void;
  } {
    const runner = this.#runner, { vm } = runner, what = nameOf(number, { name });
    if (choice.via !== "hypercall") {
      const on: DoorbellBus = choice.pciIo === true ? "pci" : choice.via;
      const { stub, ...rest } = placeDoorbell(vm, on, what, bell, at);
      return { ...rest, stub: () => stub };
    }
    const abi = this.#abi, calls = this.#switch;
    if (typeof abi === "string" || calls === undefined) {
      // After a migration: the ring is there, and how to ring is what the driver does not find.
      const stub = () => {
        throw new Error(`${what} has no doorbell by hypercall: ${String(abi)}`);
      };
      return { target: number, stub, remove: () => {} };
    }
    const { target, remove } = calls.add(number, bell);
    return {
      target,
      remove,
      async stub() {
        const page = await hypercallPage(runner, what);
        return hypercallStub(vm, abi, calls.call, page, abiRegisters(runner, abi, {}));
      },
    };
  }

  /** Opens the lines of all rings at the controller. */
  async #setUp(what: string): Promise<void> {
    const lines = new Set([...this.#open.values()].flatMap(({ line }) => line === undefined ? [] : [line]));
    const stub = this.#stubs().setup([...lines].sort((a, b) => a - b));
    await this.#runner.exclusive(what, () => this.#runner.run({ what, stub, inputs: {}, exits: undefined }));
  }

  #stubs(): InterruptStubs {
    return this.#interrupts ??= interruptStubs(this.#runner.vm, this.#runner.places);
  }
}

function nameOf(number: number, { name }: Pick<RingTarget, "name">): string {
  return `ring ${number} of ${name}`;
}

/** The device's side, which a snapshot knows where to go on. */
function deviceRing(
  { vm: { memory } }: StubRunner,
  { gpa, virtqueue }: RingPlace,
  saved: SavedFields | undefined,
): DeviceRing & { readonly progress: IoqProgress | VirtqueueProgress } {
  if (!virtqueue) {
    const most = 0xffff;
    return new IoqDevice(
      memory,
      gpa,
      saved && {
        entries: saved.whole("entries", most, 1),
        head: saved.whole("head", saved.whole("entries", most, 1) - 1),
        answered: saved.flag("answered"),
      },
    );
  }
  const device = new VirtqueueDevice(memory, virtqueue);
  if (saved) {
    const index = (name: string) => saved.whole(name, 0xffff);
    device.progress = { taken: index("taken"), used: index("used"), told: index("told") };
  }
  return device;
}

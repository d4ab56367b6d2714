/**
 * A ring's driver in the guest: its routines run there as stubs, and what they know is in guest memory, so that a snapshot
 * has it. What a request says (its bytes, as a call's payload) is put into its buffer by the host.
 */
import type { Vm } from "../../emulator/machine/vm.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { StubRun, StubRunner } from "../stub_runner.ts";
import { closed, inByteOrder, type StubText } from "../stubs/stub_text.ts";
import { ANSWER, DRIVER, PART, RESULT } from "./driver_block.ts";
import { type DriverCode, driverCode, layoutName } from "./driver_code.ts";
import { type GuestCode, guestCode } from "./guest_code.ts";
import type { DoorbellStub } from "./doorbell.ts";
import type { InterruptStubs } from "./interrupt_stubs.ts";
import { IOQ, REQUEST_HEAD } from "./ioq_layout.ts";
import type { FullRingOptions, RingCode } from "./ring.ts";
import type { RingPlace } from "./ring_place.ts";
import { DESC } from "./virtqueue_layout.ts";

/** An answer as the driver finds it. */
export interface TakenAnswer {
  /** The request's number, its low 32 bits. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** How the guest waits, and what others do meanwhile. */
export interface Interruptible {
  readonly stubs: InterruptStubs;
  meanwhile(): MaybePromise<void>;
}

export class GuestDriver {
  readonly #runner: StubRunner;
  readonly #place: RingPlace;
  readonly #options: FullRingOptions;
  /** As the hypervisor of the moment wants it. */
  readonly #doorbell: () => MaybePromise<DoorbellStub>;
  readonly #code: GuestCode;
  readonly #driver: DriverCode;
  readonly #stubs = new Map<string, StubText<never>>();

  constructor(
    runner: StubRunner,
    place: RingPlace,
    options: FullRingOptions,
    doorbell: () => MaybePromise<DoorbellStub>,
  ) {
    this.#runner = runner;
    this.#place = place;
    this.#options = options;
    this.#doorbell = doorbell;
    const { arch, mode } = runner.vm;
    this.#code = guestCode(arch, mode);
    this.#driver = driverCode(this.#code, options);
  }

  /** Puts a request into the ring, for a reply of `capacity` bytes; false if it is full. Throws `RangeError` if it cannot fit. */
  async push(
    what: string,
    number: number,
    buffers: readonly Uint8Array[],
    capacity: number,
  ): Promise<boolean> {
    const message = this.#options.kind === "ioq"
      ? this.#ioqMessage(buffers, capacity)
      : this.#virtqueueMessage(what, buffers, capacity);
    if (message) this.#write({ ...message, number: number >>> 0, capacity });
    else this.#write({ number: number >>> 0 });
    await this.#run(what, "push", () => this.#driver.push);
    return this.#word("answer") === ANSWER.pushed;
  }

  /** Rings the doorbell if the device wants to be told of what was pushed; answers whether it did. */
  async kick(what: string, interruptible?: Interruptible): Promise<boolean> {
    const made = await this.#runDoorbell(what, "call", interruptible);
    const rang = this.#word("answer") === ANSWER.rang;
    if (rang && made === 0) {
      throw new Error(`${what}: the doorbell's stub ran to its end without a VM exit`);
    }
    if (!interruptible && made !== Number(rang)) {
      throw new Error(`${what}: the doorbell's stub ran to its end with ${made} VM exits`);
    }
    return rang;
  }

  /** Waits for an interrupt, halted where the guest can. */
  async wait(what: string, interruptible: Interruptible): Promise<void> {
    await this.#runDoorbell(what, "wait", interruptible);
  }

  /** Takes what was answered; with `arm` the next answer is to bring an interrupt. Throws `Error` for what no sane device does. */
  async take(what: string, arm: boolean): Promise<TakenAnswer[]> {
    await this.#run(what, `take${arm ? "_arm" : ""}`, () => this.#driver.take(arm));
    const { memory } = this.#runner.vm, count = this.#word("taken");
    if (this.#word("answer") !== ANSWER.taken || count > this.#options.entries) {
      throw new Error(
        `${what}: the device answered what the driver did not ask, or with more than there is room for`,
      );
    }
    const { results } = this.#place.driver, words = this.#view(results, RESULT.size * count);
    return Array.from({ length: count }, (_, i) => {
      const at = RESULT.size * i, word = (offset: number) => words.getUint32(at + offset, this.#little);
      return {
        number: word(RESULT.number),
        bytes: memory.read(word(RESULT.reply), word(RESULT.length)),
      };
    });
  }

  /** The driver as source for a guest's own code; see `RingCode`. */
  async source(what: string, arm: boolean): Promise<RingCode> {
    const { vm } = this.#runner;
    if (vm.mode === 16) throw new Error(`${what}: a real-mode guest's own driver has segments of its own`);
    const doorbell = await this.#runner.exclusive(what, async () => await this.#doorbell());
    const options = this.#options, back = vm.arch === "x86" ? "  ret\n" : "  blr\n";
    const routine = (name: string, text: (code: DriverCode) => string) => {
      const prefix = `ring_${name}_`, code = driverCode(this.#code, options, prefix);
      return `ring_${name}:\n${text(code)}${prefix}end:\n${back}`;
    };
    const kick = (code: DriverCode) => code.decide + doorbell.load(this.#code) + doorbell.trap;
    const source = routine("push", ({ push }) => push) + routine("kick", kick) +
      routine("take", ({ take }) => take(arm));
    return { source: inByteOrder(vm.isa.order, source), block: this.#place.driver.block };
  }

  get #little(): boolean {
    return this.#runner.vm.isa.order === "le";
  }

  /** Bytes, and where they go; undefined if the ring is full, which the guest finds out by itself. */
  #ioqMessage(buffers: readonly Uint8Array[], capacity: number) {
    const { gpa, buffers: { gpa: base, each } } = this.#place;
    const index = new DataView(this.#runner.vm.memory.read(gpa + IOQ.inUse, 12).buffer);
    const tail = index.getUint32(4, true), { entries } = this.#options;
    if (tail >= entries || index.getUint8(8) !== 0) return undefined;
    const sent = joined(buffers), head = new Uint8Array(REQUEST_HEAD), view = new DataView(head.buffer);
    view.setUint32(0, sent.length, true);
    view.setUint32(4, capacity, true);
    const request = base + each * tail, reply = request + REQUEST_HEAD + sent.length;
    this.#runner.vm.memory.write(request, joined([head, sent]));
    return { request, reply, length: REQUEST_HEAD + sent.length + capacity };
  }

  #virtqueueMessage(what: string, buffers: readonly Uint8Array[], capacity: number) {
    const { memory } = this.#runner.vm, { indirect } = this.#options, { virtqueue, driver } = this.#place;
    const lengths = [...buffers.map(({ length }) => length), ...capacity > 0 ? [capacity] : []];
    if (lengths.length === 0 || lengths.length > virtqueue!.size) {
      throw new RangeError(`${what}: ${lengths.length} buffers: a queue of ${virtqueue!.size} descriptors`);
    }
    const free = this.#word("free"), { gpa, each } = this.#place.buffers;
    const fits = this.#word("freeCount") >= (indirect ? 1 : lengths.length) && free < virtqueue!.size;
    let at = gpa + each * free;
    const list = new DataView(new ArrayBuffer(PART.size * lengths.length));
    lengths.forEach((length, i) => {
      if (fits && i < buffers.length) memory.write(at, buffers[i]);
      const flags = (i === lengths.length - 1 ? 0 : DESC.next) | (i < buffers.length ? 0 : DESC.write);
      [at, length, flags].forEach((word, j) => list.setUint32(PART.size * i + 4 * j, word, this.#little));
      at += length;
    });
    memory.write(driver.block + DRIVER.list, new Uint8Array(list.buffer));
    if (!fits) return { parts: lengths.length };
    const table = driver.tables + driver.table * free;
    return { parts: lengths.length, reply: at - capacity, table: table - driver.origin, request: table };
  }

  #write(words: Partial<Record<keyof typeof DRIVER, number>>): void {
    writeWords(this.#runner.vm, this.#place.driver.block, words);
  }
  #word(name: keyof typeof DRIVER): number {
    return this.#view(this.#place.driver.block + DRIVER[name], 4).getUint32(0, this.#little);
  }
  #view(gpa: number, length: number): DataView {
    const bytes = this.#runner.vm.memory.read(gpa, length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  /** The block's pointer, and in real mode the ring's segment. */
  get #registers(): Record<string, bigint> {
    const { driver } = this.#place;
    return {
      [this.#code.address("block")]: BigInt(driver.block - driver.origin),
      // A base that no selector gives, as a BIOS's own code has from a moment in protected mode.
      ...driver.origin > 0 && { es_base: BigInt(driver.origin) },
    };
  }

  #stub(part: string, text: () => string): StubText<never> {
    const name = `ring_${layoutName(this.#options)}_${part}`, known = this.#stubs.get(name);
    if (known) return known;
    const stub = { name, text: text(), registers: {} };
    this.#stubs.set(name, stub);
    return stub;
  }

  async #run(what: string, part: string, text: () => string): Promise<void> {
    const stub = this.#stub(part, () => closed(this.#runner.vm.arch, `call:\n${text()}`));
    const run = { what, stub, inputs: {}, registers: this.#registers, exits: undefined, blind: true };
    await this.#runner.exclusive(what, () => this.#runner.run(run));
  }

  /** Answers how many exits that made, beside those of a hypercall page that is asked for first. */
  async #runDoorbell(what: string, entry: "call" | "wait", interruptible?: Interruptible): Promise<number> {
    const { vm } = this.#runner;
    return await this.#runner.exclusive(what, async () => {
      const doorbell = await this.#doorbell(), part = `kick_${doorbell.name}`, before = vm.exits.count;
      const load = () => this.#driver.decide + doorbell.load(this.#code);
      const run = {
        what,
        inputs: {},
        exits: undefined,
        registers: { ...this.#registers, ...doorbell.registers },
      };
      if (interruptible) {
        const { stubs } = interruptible;
        await this.#runner.run({
          ...run,
          stub: this.#stub(`${part}_interrupts`, () => stubs.around(load(), doorbell.trap)),
          entry,
          registers: { ...run.registers, ...stubs.registers },
          interrupts: this.#letIn(interruptible),
        });
      } else {
        const text = () => closed(vm.arch, `call:\n${load()}${doorbell.trap}`);
        await this.#runner.run({ ...run, stub: this.#stub(part, text) });
      }
      return vm.exits.count - before;
    });
  }

  #letIn({ stubs, meanwhile }: Interruptible): NonNullable<StubRun<never>["interrupts"]> {
    let asked = false;
    return {
      patches: stubs.patches((label) => this.#runner.place(stubs.handler!, label)),
      async whenHalted() {
        if (asked) return false;
        asked = true;
        await meanwhile();
        return true;
      },
    };
  }
}

/** Writes words of a driver's block in the guest's order; between the first and the last of them the others stay. */
export function writeWords(
  vm: Vm,
  block: number,
  words: Partial<Record<keyof typeof DRIVER, number>>,
): void {
  const offsets = Object.keys(words).map((name) => DRIVER[name as keyof typeof DRIVER]);
  const first = Math.min(...offsets), bytes = vm.memory.read(block + first, Math.max(...offsets) + 4 - first);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), little = vm.isa.order === "le";
  Object.values(words).forEach((value, i) => view.setUint32(offsets[i] - first, value, little));
  vm.memory.write(block + first, bytes);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

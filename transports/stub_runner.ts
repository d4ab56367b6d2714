/**
 * Runs stubs on the first vCPU, while any others stand still: real guest code in a slot of its own, from the ISA's reset state (flat addresses,
 * full privilege, interrupts masked, no paging). Whatever the guest had in its registers is put back.
 */
import type { SavedFields } from "../emulator/engine/saved_fields.ts";
import type { SavedState } from "../emulator/engine/saved_state.ts";
import type { RunOptions } from "../emulator/machine/run.ts";
import type { Vm } from "../emulator/machine/vm.ts";
import { DeviceFailure, messageOf } from "./device_failure.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import { BLOCK, type Places, placesOf, pointer, segmentRegisters, STUB_SLOT } from "./places.ts";
import { inByteOrder, type StubText } from "./stubs/stub_text.ts";

/** Far more than any stub takes: a loop moves one chunk. */
const MAX_INSTRUCTIONS = 1_000_000;

/** A stub in guest memory. Addresses are as in `pc`: in real mode offsets in the slot's segment. */
interface Placed {
  readonly origin: bigint;
  readonly end: bigint;
  entry(label: string): bigint;
}

/** One run of a stub. */
export interface StubRun<R extends string> {
  /** What it is done for, to begin messages with. */
  readonly what: string;
  readonly stub: StubText<R>;
  /** Label to begin at, `"call"` if not given. */
  readonly entry?: string;
  readonly inputs: Partial<Record<R, bigint>>;
  /** Registers by name, beside the roles. */
  readonly registers?: Readonly<Record<string, bigint>>;
  /** How many exits it has to make, told from what it leaves in its registers; undefined: any number, or none. */
  readonly exits: ((outputs: StubOutputs<R>) => number) | undefined;
  /** Nobody asks for its registers: they take longer to read than a short stub to run. */
  readonly blind?: boolean;
  readonly signal?: AbortSignal;
  /** Let interrupts in; without it they wait for the guest's own code. */
  readonly interrupts?: {
    /** Bytes that are in guest memory during the run only. */
    readonly patches: readonly { readonly gpa: number; readonly bytes: Uint8Array }[];
    /** What others do while the stub is halted: whether it may wake now. If not, the run ends there. */
    whenHalted(): MaybePromise<boolean>;
  };
}

/** Registers at the end of a run. */
export interface StubOutputs<R extends string> {
  /** By role. Throws `TypeError` if the stub has no such role. */
  role(role: R): bigint;
  /** By name. */
  register(name: string): bigint;
}

export class StubRunner {
  readonly vm: Vm;
  readonly places: Places;
  readonly #placed = new Map<string, Placed>();
  /** Offsets in the slot, of stubs that an earlier machine placed too. */
  readonly #offsets = new Map<string, number>();
  #next: number = STUB_SLOT.text;
  #mapped = false;
  #bulk = 0;
  #operating = false;

  constructor(vm: Vm) {
    this.vm = vm;
    this.places = placesOf(vm.mode);
  }

  /**
   * Does an operation of one or more runs, with no other one in between. Rejects with `Error`, before anything is
   * changed, if one is under way or the vCPU is in the middle of a run or an exit.
   */
  async exclusive<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#operating || this.vm.busy) {
      throw new Error(
        `${what}: refused, the vCPU is in the middle of a run or an exit; await what is under way, and call from ` +
          `outside of devices' handlers`,
      );
    }
    this.#operating = true;
    try {
      return await work();
    } finally {
      this.#operating = false;
    }
  }

  /** Does one run of an `exclusive` operation and returns registers. Throws `Error` if it does not reach its end as it should. */
  async run<R extends string>(run: StubRun<R>): Promise<StubOutputs<R>> {
    const { vm } = this;
    const { vcpu } = vm;
    const placed = this.#place(run.stub);
    const saved = vcpu.saveState();
    const { interrupts } = run;
    const patched = interrupts?.patches.map(({ gpa, bytes }) => ({
      gpa,
      bytes: vm.memory.read(gpa, bytes.length),
    }));
    try {
      for (const { gpa, bytes } of interrupts?.patches ?? []) vm.memory.write(gpa, bytes);
      vcpu.restoreState(vcpu.resetState());
      this.#setSegments();
      for (const [role, value] of Object.entries(run.inputs) as [R, bigint][]) {
        vcpu.registers.set(this.#register(run.stub, role), value);
      }
      this.#setRegisters(run.registers ?? {});
      vcpu.pc = placed.entry(run.entry ?? "call");
      const before = vm.exits.count;
      const options: RunOptions = {
        until: placed.end,
        instructions: MAX_INSTRUCTIONS,
        signal: run.signal,
        vcpu: vcpu.index,
        holdInterrupts: interrupts === undefined,
      };
      let stop = await vm.run(options);
      while (interrupts && stop.reason === "HLT") {
        if (!await interrupts.whenHalted()) return this.#outputs(run);
        stop = await vm.run(options);
      }
      const where = `the stub "${run.stub.name}" at 0x${placed.origin.toString(16)}`;
      if (stop.reason === "DEVICE_ERROR") {
        const cause = stop.error instanceof DeviceFailure ? stop.error.cause : stop.error;
        throw new Error(`${run.what}: the device's handler failed: ${messageOf(cause)}`, { cause });
      }
      if (stop.reason !== "UNTIL") {
        throw new Error(
          `${run.what}: ${where} stopped with ${stop.reason} at 0x${stop.pc.toString(16)}: ${stop.message}`,
        );
      }
      const outputs = this.#outputs(run);
      if (run.exits === undefined) return outputs;
      const made = vm.exits.count - before;
      if (made === 0) throw new Error(`${run.what}: ${where} ran to its end without a VM exit`);
      const expected = run.exits(outputs);
      if (made !== expected) {
        throw new Error(`${run.what}: ${where} ran to its end with ${made} VM exits instead of ${expected}`);
      }
      return outputs;
    } finally {
      for (const { gpa, bytes } of patched ?? []) vm.memory.write(gpa, bytes);
      vcpu.restoreState(saved);
    }
  }

  /** Puts a stub's text into guest memory, and answers where a label of it is. */
  place(stub: StubText<string>, label: string): bigint {
    return this.#place(stub).entry(label);
  }

  /** Writes payload bytes where stubs take them from: at most one chunk. */
  writeOut(bytes: Uint8Array): void {
    this.map();
    this.vm.memory.write(this.places.stubs + STUB_SLOT.out, bytes);
  }

  /** Reads what a stub left of the reply: at most one chunk. */
  readIn(length: number): Uint8Array {
    return this.vm.memory.read(this.places.stubs + STUB_SLOT.in, length);
  }

  /** Fills in what a descriptor's stub needs beside the descriptor, and returns the pointer to the block. */
  writeBlock(target: number): bigint {
    this.map();
    const gpa = this.places.stubs + STUB_SLOT.block;
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    const little = this.vm.isa.order === "le";
    view.setUint32(0, target, little);
    view.setUint32(BLOCK.self - BLOCK.target, gpa, little);
    this.vm.memory.write(gpa + BLOCK.target, bytes);
    return pointer(this.places, STUB_SLOT.block);
  }

  /** Guest-physical address of room for `size` bytes outside the stub slot; what was there is lost. */
  bulk(size: number): number {
    if (size > this.#bulk) {
      const grown = Math.max(0x1_0000, 2 ** Math.ceil(Math.log2(size)));
      if (this.#bulk > 0) this.vm.memory.removeSlot("transport buffers");
      this.#bulk = 0;
      this.vm.memory.addSlot({ gpa: this.places.buffers, size: grown, name: "transport buffers" });
      this.#bulk = grown;
    }
    return this.places.buffers;
  }

  /** What stands where in the slots, for a snapshot, which has the slots themselves. */
  save(): SavedState {
    const offsets = Object.fromEntries(this.#offsets);
    return {
      backend: this.vm.backend.name,
      hypervisor: this.vm.hypervisor.name,
      next: this.#next,
      mapped: this.#mapped,
      bulk: this.#bulk,
      offsets,
    };
  }
  /**
   * Puts back what `save` gave, into a machine that has the slots. On another hypervisor or another vendor's processor
   * stubs are placed anew, beside the old ones, and a new hypercall page is asked for, as by a driver that looks anew what it
   * runs on. Throws `SyntaxError` for what is none.
   */
  load(saved: SavedFields): void {
    const has = (name: string) => this.vm.memory.slots.some((slot) => slot.name === name);
    this.#next = saved.whole("next", STUB_SLOT.textEnd + 15);
    this.#mapped = saved.flag("mapped") && has("transport stubs");
    this.#bulk = has("transport buffers") ? saved.whole("bulk", this.places.buffersSize) : 0;
    const { backend, hypervisor, memory } = this.vm;
    const isSame = saved.text("backend") === backend.name && saved.text("hypervisor") === hypervisor.name;
    if (!isSame) {
      // Hyper-V's own is a matter of its registers.
      const asksAnew = this.#mapped && hypervisor.name !== "hyperv";
      if (asksAnew) memory.write(this.places.stubs + STUB_SLOT.page, Uint8Array.of(0));
      return;
    }
    const offsets = saved.fields("offsets");
    for (const name of offsets.names) this.#offsets.set(name, offsets.whole(name, STUB_SLOT.textEnd));
  }

  /** Takes the slots out of guest memory. */
  close(): void {
    if (this.places.segment === undefined) {
      this.vm.symbols.removeRange(BigInt(this.places.stubs), STUB_SLOT.textEnd);
    }
    if (this.#mapped) this.vm.memory.removeSlot("transport stubs");
    if (this.#bulk > 0) this.vm.memory.removeSlot("transport buffers");
    this.#mapped = false;
    this.#bulk = 0;
    this.#placed.clear();
    this.#offsets.clear();
    this.#next = STUB_SLOT.text;
  }

  /** Makes the stub slot, if it is not there. */
  map(): void {
    if (this.#mapped) return;
    this.vm.memory.addSlot({ gpa: this.places.stubs, size: STUB_SLOT.size, name: "transport stubs" });
    this.#mapped = true;
  }

  #place(stub: StubText<string>): Placed {
    const known = this.#placed.get(stub.name);
    if (known !== undefined) return known;
    this.map();
    const offset = this.#offsets.get(stub.name) ?? this.#next;
    const origin = pointer(this.places, offset);
    const program = this.vm.assemble(inByteOrder(this.vm.isa.order, stub.text), origin);
    // A stub that came with a snapshot stays as the guest has it, patched or not.
    if (!this.#offsets.has(stub.name)) this.#write(stub.name, program.bytes);
    // In real mode the addresses are offsets that the guest's own segments share.
    // One that came with the snapshot keeps its turn: of several names at one address the oldest counts.
    const { symbols } = this.vm, name = `io.${stub.name}`;
    if (this.places.segment === undefined && symbols.lookup(name) !== origin) {
      symbols.add(name, origin, program.bytes.length);
    }
    const entry = (label: string): bigint => {
      const address = program.symbols.get(label);
      if (address === undefined) throw new TypeError(`the stub "${stub.name}" has no label ${label}`);
      return address;
    };
    const placed = { origin, end: entry("end"), entry };
    this.#placed.set(stub.name, placed);
    return placed;
  }

  #write(name: string, bytes: Uint8Array): void {
    if (this.#next + bytes.length > STUB_SLOT.textEnd) {
      throw new RangeError(
        `the stub "${name}" does not fit: ${STUB_SLOT.textEnd} bytes of text are all there is`,
      );
    }
    this.vm.memory.write(this.places.stubs + this.#next, bytes);
    this.#offsets.set(name, this.#next);
    this.#next += (bytes.length + 15) & ~15;
  }

  #setSegments(): void {
    const { segment } = this.places;
    if (segment === undefined) return;
    for (const name of ["cs", "ss", "ds", "es"]) this.#setRegisters(segmentRegisters(name, segment));
  }

  #setRegisters(registers: Readonly<Record<string, bigint>>): void {
    for (const [name, value] of Object.entries(registers)) this.vm.vcpu.registers.set(name, value);
  }

  #register(stub: StubText<string>, role: string): string {
    const name = stub.registers[role];
    if (name === undefined) throw new TypeError(`the stub "${stub.name}" has no register for ${role}`);
    return name;
  }

  #outputs<R extends string>({ stub, blind }: StubRun<R>): StubOutputs<R> {
    // Read now: the guest's own values come back before anyone asks.
    const { registers } = this.vm.vcpu, names = blind ? [] : this.vm.isa.registers;
    const values = new Map(names.map(({ name }) => [name, registers.get(name)]));
    const register = (name: string): bigint => {
      const value = values.get(name);
      if (value === undefined) throw new TypeError(`there is no register ${name}`);
      return value;
    };
    return { register, role: (role) => register(this.#register(stub, role)) };
  }
}

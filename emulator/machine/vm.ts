/** A virtual machine: memory, buses, devices, vCPUs, and the loop that runs them. */
import { Arena } from "../engine/arena.ts";
import type { Backend } from "../engine/backend.ts";
import type { RegionPolicy } from "../engine/hot_code.ts";
import { type Engine, InterpreterEngine } from "../engine/engine.ts";
import { OracleEngine } from "../engine/oracle_engine.ts";
import { clearTlb, protectFromWrites } from "../engine/tlb.ts";
import { Ledger } from "../exits/ledger.ts";
import type { CostProfile } from "../exits/profile.ts";
import { defaultProfileName, loadProfile } from "../exits/profiles/profiles.ts";
import { assemble, type Program } from "../isa/assembler.ts";
import type { InstructionEncoder } from "../isa/assembly.ts";
import type { InstructionSet, Isa } from "../isa/isa.ts";
import { SourceLines } from "../isa/source_lines.ts";
import { SymbolTable } from "../isa/symbols.ts";
import { type Arch, type ArchName, archOf, backendOf, type ModeWidth } from "./arch.ts";
import type { Board } from "./board.ts";
import { Bus } from "./bus.ts";
import { CoalescedZones } from "./coalesced.ts";
import { Breakpoints } from "./debug/breakpoints.ts";
import { Catchpoints } from "./debug/catchpoints.ts";
import { PointNumbers } from "./debug/points.ts";
import { readVirtual } from "./debug/virtual_memory.ts";
import { Watchpoints } from "./debug/watchpoints.ts";
import type { Device, DeviceContext } from "./device.ts";
import { Devices } from "./devices.ts";
import { HypercallTable } from "./hypercalls.ts";
import { IoEvents } from "./io_events.ts";
import { bootTree, TREE_SLOT } from "./hypervisors/boot_tree.ts";
import { uncover } from "./hypervisors/hyperv.ts";
import {
  freshState,
  type Hypervisor,
  type HypervisorName,
  type HypervisorState,
  type Personality,
  type WrongHypercall,
} from "./hypervisors/hypervisor.ts";
import { hypervisorOf } from "./hypervisors/hypervisors.ts";
import { type HostTick, Interrupts } from "./interrupts/interrupts.ts";
import { parseImage } from "./loaders/detect.ts";
import { GuestMemory, type SlotOptions } from "./memory.ts";
import { PortVectors } from "./port_vectors.ts";
import { REACH } from "./processor.ts";
import { StateParts } from "./state_parts.ts";
import { type RunOptions, runVcpus } from "./run.ts";
import type { Stop } from "./stop.ts";
import { bindTraps } from "./traps.ts";
import { DEFAULT_TURN, Turns } from "./turns.ts";
import { Vcpu } from "./vcpu.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** What a VM is made of. */
export interface VmOptions {
  /** The guest's architecture. */
  readonly arch: ArchName;
  /** Width of the guest's mode: x86 16, 32 or 64, ppc 32 or 64; 64 if not given. */
  readonly mode?: ModeWidth;
  /** Byte order of the guest's code and data: big-endian on ppc if not given; x86 is little-endian. */
  readonly order?: "le" | "be";
  /** Hypervisor whose exits are counted; the architecture's first one that runs the mode if not given. */
  readonly backend?: string;
  /**
   * What the guest takes the hypervisor for: on vmx and svm `kvm` (if not given), `xen`, `hyperv` or `vmware`; on kvm-hv
   * `papr`; on kvm-pr `epapr` (if not given), `papr` (64-bit) or `osi` (32-bit); everywhere `none`. A PowerPC VM for which
   * one is named is started as that one does: with a device tree, whose address is in r3.
   */
  readonly hypervisor?: HypervisorName;
  /**
   * What becomes of the other vendor's hypercall instruction on x86, if not given what the hypervisor does: KVM patches the
   * guest's text, the others let the guest have its #UD.
   */
  readonly wrongHypercall?: WrongHypercall;
  /** Guest RAM in bytes, a multiple of 4,096; 16 MiB if not given. */
  readonly memory?: number;
  /** Cost profile, by name or itself; the architecture's default if not given. */
  readonly profile?: string | CostProfile;
  /** `interpreter` if not given; `oracle` executes definitions one by one, slowly. */
  readonly engine?: "interpreter" | "oracle";
  /**
   * When the interpreter compiles regions of guest code: `hot` (if not given) where the guest spends its time, `off` only
   * where `compileRegion` is told to, `first` whatever is entered, or by thresholds of your own. Results, exits and cycles
   * are the same.
   */
  readonly regions?: RegionPolicy;
  /**
   * vCPUs, 1 to 64; one if not given. They execute in deterministic turns. The first one runs from the start, the others
   * are parked until `VirtualCpu.start`, or on PowerPC until a guest lets them out of reset by the OpenPIC.
   */
  readonly vcpus?: number;
  /** Instructions in a turn of a vCPU, 100 to 1,000,000; 1,000 if not given. Without a meaning for one vCPU. */
  readonly turn?: number;
  /** What a guest's access gets that no device claims: all ones (the default), or the end of the run. */
  readonly unclaimed?: "ones" | "stop";
  /**
   * Attach an interrupt controller with its timer: on x86 a pair of 8259A and an 8254 at their PC ports, on PowerPC an
   * OpenPIC at 0xfec00000 and the decrementer's interrupt. None if not given: the guest then has to poll.
   */
  readonly interrupts?: boolean;
  /**
   * Let the host's own timer take the vCPU out of the guest every so many cycles of virtual time: an exit that the guest
   * does not see (under kvm-hv HV_DECREMENTER). None if not given; wants `interrupts`.
   */
  readonly hostTick?: number;
  /** Record a ledger row for each exit from the start. */
  readonly recordRows?: boolean;
}

/** Where an image goes. */
export interface LoadOptions {
  /** Guest-physical address for an image that names none; 0x1000 if not given (0x7c00 in x86 real mode). */
  readonly at?: bigint;
}

/** What `load` did. */
export interface LoadedImage {
  /** Where pc stands now: the address of the first instruction. */
  readonly entry: bigint;
  /** Guest-physical ranges that were written. */
  readonly ranges: readonly { readonly gpa: number; readonly size: number }[];
  /** How many symbols it brought. */
  readonly symbols: number;
}

/** One instruction, or bytes that are none. */
export interface DisassembledLine {
  /** Guest-physical. */
  readonly address: bigint;
  /** Its bytes in memory order. */
  readonly bytes: Uint8Array;
  /** `(bad)` where no instruction could be decoded. */
  readonly text: string;
  /** The name of exactly this address, if it has one. */
  readonly symbol?: string;
}

/** Exits that were counted before the VM went on under another backend, hypervisor or profile. */
export interface LedgerSegment {
  /** The hypervisor whose exits they are. */
  readonly backend: Backend;
  /** What the guest took it for. */
  readonly hypervisor: HypervisorName;
  /** The exits. */
  readonly exits: Ledger;
}

/**
 * What a snapshot sees of a VM.
 *
 * @internal
 */
export interface VmInside {
  readonly options: VmOptions;
  readonly order: "le" | "be";
  readonly arena: Arena;
  readonly vcpus: readonly Vcpu[];
  readonly turns: Turns;
  readonly mmioPages: Set<number>;
  readonly earlier: LedgerSegment[];
}

/** More guest RAM than this does not fit below the device windows. */
const RAM_LIMIT = 0xe000_0000;
const PAGE = 4096;
/** As many as fit into a 64-bit mask, and more than any guest here needs. */
const MOST_VCPUS = 64;
/** MMIO pages whose first touch is remembered; with more, all are forgotten. */
const MMIO_PAGE_LIMIT = 65_536;

/** Makes a VM. Throws `RangeError` that names the option that is wrong and what would be right. */
export function createVm(options: VmOptions): Vm {
  return new Vm(options);
}

/** A virtual machine. Build one with `createVm`. Nothing that it does depends on the host's clock or on chance. */
export class Vm {
  /** The guest's architecture. */
  readonly arch: ArchName;
  /** Bits of the mode that it was made in; 16 is x86 real mode. `isa` is what the guest is in now. */
  readonly mode: ModeWidth;
  /** The hypervisor whose exits are counted. */
  readonly backend: Backend;
  /** Guest-physical memory. */
  readonly memory: GuestMemory;
  /** I/O ports, 0 to 0xffff; none on PowerPC. */
  readonly ports: Bus;
  /** Guest-physical addresses that trap because no memory is there. */
  readonly mmio: Bus;
  /** The port space as 8,192 vectors of 8 bytes. */
  readonly vectors: PortVectors;
  /** Writes that the kernel half matches and signals by itself, as KVM_IOEVENTFD does. */
  readonly ioevents: IoEvents;
  /** Writes that the kernel half gathers for userspace, as KVM_REGISTER_COALESCED_MMIO does. */
  readonly coalesced: CoalescedZones;
  /** What answers which hypercall number. */
  readonly hypercalls: HypercallTable = new HypercallTable();
  /** What the guest takes the hypervisor for. */
  readonly hypervisor: Hypervisor;
  /** What that remembers of its guest: plain data. */
  readonly hypervisorState: HypervisorState = freshState();
  /** What becomes of the other vendor's hypercall instruction on x86. */
  readonly wrongHypercall: WrongHypercall;
  /** The devices on the buses. */
  readonly devices: Devices;
  /** All vCPUs. */
  readonly vcpus: readonly VirtualCpu[];
  /** The ledger: every exit, counted and charged. */
  readonly exits: Ledger;
  /** Names of guest addresses. */
  readonly symbols: SymbolTable = new SymbolTable();
  /** Source lines of guest addresses, where what was loaded says them (ELF files with DWARF line tables). */
  readonly lines: SourceLines = new SourceLines();
  /** Where runs stop. */
  readonly breakpoints: Breakpoints;
  /** Memory whose accesses by the guest stop runs. */
  readonly watchpoints: Watchpoints;
  /** Exits that stop runs. */
  readonly catchpoints: Catchpoints;
  /** What layers above add to the VM and a snapshot has to hold. */
  readonly parts: StateParts = new StateParts();
  readonly #options: VmOptions;
  readonly #isa: Isa;
  readonly #vcpus: readonly Vcpu[];
  readonly #arch: Arch;
  readonly #arena: Arena;
  readonly #mmioPages = new Set<number>();
  readonly #turns: Turns;
  readonly #earlier: LedgerSegment[] = [];
  /** Who runs it, if anybody does. */
  #runner: string | undefined;
  readonly #observers = new Set<(vcpu: VirtualCpu) => void>();
  /** Registers beside r3 and r7 that a guest is started with, if a device tree is handed over to it. */
  #handsOver: Readonly<Record<string, bigint>> | undefined;

  /** As `createVm`, which is the way to make one; `slots` take the place of the RAM that it would have. */
  constructor(options: VmOptions, slots?: readonly SlotOptions[]) {
    this.#options = options;
    const arch = archOf(options.arch);
    const mode = options.mode ?? arch.defaultMode;
    if (!arch.modes.includes(mode)) {
      throw new RangeError(`${arch.name} has no ${mode}-bit mode: it has ${arch.modes.join(", ")}`);
    }
    const order = options.order ?? arch.orders[0];
    if (!arch.orders.includes(order)) {
      throw new RangeError(`${arch.name} has no ${order} byte order: it has ${arch.orders.join(" and ")}`);
    }
    const size = options.memory ?? 16 * 2 ** 20;
    if (!Number.isInteger(size) || size < 4096 || size > RAM_LIMIT || size % 4096 !== 0) {
      throw new RangeError(`guest memory of ${size} bytes: give a multiple of 4096 up to ${RAM_LIMIT}`);
    }
    const count = options.vcpus ?? 1;
    if (!Number.isInteger(count) || count < 1 || count > MOST_VCPUS) {
      throw new RangeError(`${count} vCPUs: give a whole number from 1 to ${MOST_VCPUS}`);
    }
    const backend = backendOf(arch, mode, options.backend);
    const hypervisor = hypervisorOf(backend.name, mode, options.hypervisor);
    const profile = profileFor(arch, backend, options.profile);
    this.#arch = arch;
    this.arch = arch.name;
    this.mode = mode;
    this.#isa = arch.isa(mode, order);
    this.backend = backend;
    this.hypervisor = hypervisor;
    this.wrongHypercall = wrongHypercallOf(arch, hypervisor, options.wrongHypercall);
    this.#arena = new Arena(2 ** 20 * 2 + size);
    this.memory = new GuestMemory(this.#arena, {
      written: (place, length) => void this.#written(place, length),
      layoutChanged: () => this.#eachEngine((engine) => engine.flush()),
    });
    this.ports = new Bus("port", Math.max(arch.portLimit, 1));
    this.mmio = new Bus("guest-physical", 2 ** 52);
    this.vectors = new PortVectors(this.ports, arch.portLimit);
    const limits = { pio: arch.portLimit, mmio: this.mmio.limit };
    this.coalesced = new CoalescedZones(limits);
    this.ioevents = new IoEvents(
      limits,
      (bus) => this.coalesced.list.filter((zone) => zone.bus === bus).length,
    );
    this.exits = new Ledger(profile, { record: options.recordRows });
    this.devices = new Devices(
      this.ports,
      this.mmio,
      arch.deviceSpace(mode),
      this.memory,
      (device) => this.#contextFor(device),
    );
    const numbers = new PointNumbers();
    this.breakpoints = new Breakpoints(numbers, () => this.#breakpointsChanged());
    // Whether an access is looked at is decided when compiled code first makes one to its page.
    this.watchpoints = new Watchpoints(numbers, arch.name === "x86" ? 64 : this.#isa.addressWidth, () => {
      for (const { state } of this.#vcpus) clearTlb(state);
    });
    this.catchpoints = new Catchpoints(numbers, backend, () => {});
    const board: Board = {
      arena: this.#arena,
      backend: this.backend,
      memory: this.memory,
      ports: this.ports,
      mmio: this.mmio,
      ioevents: this.ioevents,
      coalesced: this.coalesced,
      hypercalls: this.hypercalls,
      devices: this.devices,
      hypervisor,
      hypervisorState: this.hypervisorState,
      wrongHypercall: this.wrongHypercall,
      exits: this.exits,
      symbols: this.symbols,
      unclaimed: options.unclaimed ?? "ones",
      touchMmioPage: (page) => this.#touchMmioPage(page),
      watch: {
        isWatched: (place) => this.#vcpus.some((one) => one.engineSoFar?.isCode(place) || one.isTable(place)),
        written: (place, length) => this.#written(place, length),
        marked: (place) => this.#eachEngine((engine) => engine.invalidate(place, 1)),
        watch: (place) => this.#vcpus.forEach((one) => protectFromWrites(one.state, place)),
      },
      debug: { watchpoints: this.watchpoints, catchpoints: this.catchpoints },
      vcpus: count,
      now: () => this.#turns.acting.cycles,
      acting: () => this.#turns.acting.index,
      signal: (act) => count > 1 ? this.#signal(act) : act(),
      traps: bindTraps(this.#isa, this.backend, arch.traps),
    };
    this.#vcpus = Array.from({ length: count }, (_, i) => new Vcpu(i, board, this.#isa, arch.processor));
    this.vcpus = this.#vcpus;
    this.#turns = new Turns(this.#vcpus, options.turn ?? DEFAULT_TURN, {
      left: (vcpu) => arch.leave?.(vcpu),
      clocksCompared: () => this.exits.markClockRead(),
    });
    for (const vcpu of this.#vcpus) {
      vcpu.makeEngine = () => this.#makeEngine(vcpu, options.engine ?? "interpreter");
      clearTlb(vcpu.state);
    }
    for (const slot of slots ?? arch.ram(mode, size)) this.memory.addSlot(slot);
    const startsWithTree = !slots || slots.some(({ name }) => name === TREE_SLOT.name);
    if (options.hypervisor && arch.name === "ppc" && startsWithTree) {
      if (!slots) {
        const facts = { mode: mode === 64 ? 64 : 32, ram: arch.ram(mode, size), vcpus: count } as const;
        this.memory.addSlot(TREE_SLOT);
        this.memory.write(TREE_SLOT.gpa, bootTree(hypervisor, facts));
      }
      this.#handsOver = hypervisor.handOver ?? {};
      this.#handOver();
    }
    const units = options.interrupts ? arch.interrupts(this.#vcpus) : [];
    const tick = hostTick(options, backend);
    units.forEach((unit, i) => this.#vcpus[i].controller = new Interrupts(this.#vcpus[i], unit, tick));
  }

  /** The instruction set of the first vCPU's mode; a guest may change it. */
  get isa(): InstructionSet {
    return this.#vcpus[0].isa;
  }
  /** The first vCPU. */
  get vcpu(): VirtualCpu {
    return this.vcpus[0];
  }
  /**
   * The encoder behind `assemble`.
   *
   * @internal
   */
  get encoder(): InstructionEncoder {
    return this.#arch.encoder(this.mode, this.isa.order);
  }
  /** The vCPU that executed last: during an exit, the one whose exit it is. */
  get acting(): VirtualCpu {
    return this.#turns.acting;
  }
  /** True while a run is under way or an exit waits for its device. */
  get busy(): boolean {
    return this.#runner !== undefined || this.vcpus.some((vcpu) => vcpu.inExit);
  }

  /** Whoever lets it run now, if the run said so (`RunOptions.by`). */
  get runsFor(): string | undefined {
    return this.#runner || undefined;
  }

  /**
   * What was counted before this VM was restored under another backend, hypervisor or profile, oldest first: `exits` has what came
   * since. Virtual time goes on.
   */
  get earlier(): readonly LedgerSegment[] {
    return this.#earlier;
  }
  /**
   * For snapshots.
   *
   * @internal
   */
  get inside(): VmInside {
    const { order } = this.#isa;
    return {
      options: this.#options,
      order,
      arena: this.#arena,
      vcpus: this.#vcpus,
      turns: this.#turns,
      mmioPages: this.#mmioPages,
      earlier: this.#earlier,
    };
  }

  /** The cost profile that exits are charged under. */
  get profile(): CostProfile {
    return this.exits.profile;
  }
  /** Another profile from now on. Throws `Error` if the ledger holds exits (reset it first), `RangeError` for another architecture's. */
  set profile(profile: CostProfile) {
    if (profile.arch !== this.arch) {
      throw new RangeError(`profile ${profile.name} is for ${profile.arch}, this VM is ${this.arch}`);
    }
    this.exits.profile = profile;
    this.#eachEngine((engine) => engine.flush());
  }

  /**
   * Runs until something stops a vCPU, and with it all. Without `instructions` there is no limit: give a `signal` to be
   * able to end it. Throws `Error` if a run is under way already, or for a parked `vcpu`, `RangeError` if there is none.
   */
  async run(options: RunOptions = {}): Promise<Stop> {
    if (this.#runner !== undefined) {
      throw new Error(
        this.#runner === ""
          ? "the VM is running: a run, step or call cannot start inside another one"
          : `the VM is running for ${this.#runner}: it has to be stopped there before a run, step or call here`,
      );
    }
    this.#runner = options.by ?? "";
    const hold = (on: boolean) => this.#vcpus.forEach((vcpu) => vcpu.holdsInterrupts = on);
    hold(options.holdInterrupts ?? false);
    try {
      const running = {
        vcpus: this.#vcpus,
        turns: this.#turns,
        breakpoints: this.breakpoints,
        observers: this.#observers,
      };
      return await this.#deliver(await runVcpus(running, options));
    } finally {
      // What another stop came before counts as met all the same.
      for (const { debug, halfway } of this.#vcpus) if (!halfway) debug.stop();
      hold(false);
      this.#runner = undefined;
    }
  }

  /** A run that ends is a return to userspace, which takes what was gathered, unless it may not wait or a device has failed. */
  async #deliver(stop: Stop): Promise<Stop> {
    const { reason } = stop;
    if (this.coalesced.waiting === 0 || reason === "INTERRUPTED" || reason === "DEVICE_ERROR") return stop;
    try {
      await this.coalesced.drain();
      return stop;
    } catch (error) {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      const message = `a device failed on a write that was gathered: ${text}`;
      return { reason: "DEVICE_ERROR", device: "coalesced", error, message, pc: stop.pc, vcpu: stop.vcpu };
    }
  }

  /**
   * Drives an interrupt line: true raises it, and the vCPU that the controller sends it to (on x86 the first) takes the
   * interrupt before its next instruction if the guest has it enabled. Between two runs this is as repeatable as the runs are; while one is under way use a
   * device's context. Throws `Error` in a VM without `interrupts`, `RangeError` for a line that there is not.
   */
  irq(line: number, level = true): void {
    const { controller } = this.#vcpus[0];
    if (!controller) throw new Error("this VM has no interrupt controller: make it with interrupts: true");
    this.#signal(() => controller.setLine(line, level));
  }

  /**
   * An interrupt that the guest cannot disable, before the vCPU's next instruction: on x86 vector 2 of the first vCPU, held off
   * until the handler of the last one has executed IRET, on PowerPC the system reset interrupt (0x100). Throws `Error` in a VM without
   * `interrupts`, `RangeError` for a vCPU that takes none.
   */
  nmi(vcpu = 0): void {
    if (!this.#vcpus[0].controller) {
      throw new Error("this VM has no interrupt controller: make it with interrupts: true");
    }
    const controller = this.#vcpus[vcpu]?.controller;
    if (!controller) throw new RangeError(`vCPU ${vcpu} takes no non-maskable interrupts`);
    controller.raiseNmi();
  }

  /**
   * Executes `count` instructions of one vCPU, by default the one that executed last; the others stand still. Fewer if a
   * breakpoint comes up after the first, or if one meets a watchpoint or a catchpoint: stop reason DEBUG.
   */
  async step(count = 1, { vcpu = this.acting.index }: { readonly vcpu?: number } = {}): Promise<Stop> {
    const stop = await this.run({ instructions: count, vcpu });
    if (stop.reason !== "BUDGET") return stop;
    const message = `stepped ${count} instruction${count === 1 ? "" : "s"}`;
    return { reason: "DEBUG", pc: stop.pc, vcpu: stop.vcpu, message };
  }

  /**
   * Tells `observer` of each instruction that a vCPU is about to execute, `pc` at it, until the function that is answered is
   * called. Runs become slow and stay the same: one repetition of a repeated string instruction counts as one.
   */
  observe(observer: (vcpu: VirtualCpu) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Assembles text for this VM's mode, as if at `at`. Throws `AssemblyError`. Nothing is written. */
  assemble(source: string, at: bigint = this.#defaultAddress(), name?: string): Program {
    return assemble(source, { encoder: this.encoder, origin: at, order: this.isa.order, name });
  }

  /**
   * Loads a program or an image (ELF, or flat bytes) into memory, adds its symbols and sets pc to its entry.
   * Throws `RangeError` or `SyntaxError` for what does not fit or is malformed, having written nothing.
   */
  load(image: Uint8Array | Program, options: LoadOptions = {}): LoadedImage {
    if (!(image instanceof Uint8Array)) {
      if (image.bytes.length > 0) this.memory.write(image.origin, image.bytes);
      for (const [name, address] of image.symbols) this.symbols.add(name, address);
      const entry = image.entry ?? image.origin;
      this.vcpu.pc = entry;
      return {
        entry,
        ranges: [{ gpa: Number(image.origin), size: image.bytes.length }],
        symbols: image.symbols.size,
      };
    }
    const parsed = parseImage(image, { at: options.at ?? this.#defaultAddress(), limit: this.#ramBytes() });
    if (
      parsed.arch &&
      (parsed.arch !== this.arch || (parsed.mode && parsed.mode !== this.mode) ||
        (parsed.order && parsed.order !== this.#isa.order))
    ) {
      throw new RangeError(
        `the image is for ${parsed.arch} ${parsed.mode}-bit ${parsed.order}, this VM is ${this.arch} ${this.mode}-bit ${this.isa.order}`,
      );
    }
    for (const { paddr, memsize } of parsed.segments) {
      if (!this.memory.holds(paddr, memsize)) this.memory.read(paddr, memsize); // throws, naming what is there
    }
    for (const { paddr, bytes, memsize } of parsed.segments) {
      this.memory.write(paddr, bytes);
      if (memsize > bytes.length) {
        this.memory.write(paddr + BigInt(bytes.length), new Uint8Array(memsize - bytes.length));
      }
    }
    for (const { name, address, size } of parsed.symbols) this.symbols.add(name, address, size);
    this.lines.add(parsed.lines ?? []);
    this.vcpu.pc = parsed.physicalEntry;
    const ranges = parsed.segments.map(({ paddr, memsize }) => ({ gpa: Number(paddr), size: memsize }));
    return { entry: parsed.physicalEntry, ranges, symbols: parsed.symbols.length };
  }

  /**
   * `count` instructions from a guest-physical address on, or with `vcpu` from an address that its code has (before
   * translation, see `VirtualCpu.fetchAddress`); undecodable bytes are stepped over one by one.
   */
  disassemble(
    address: bigint,
    count: number,
    { vcpu }: { readonly vcpu?: VirtualCpu } = {},
  ): DisassembledLine[] {
    const lines: DisassembledLine[] = [], isa = vcpu ? this.#vcpus[vcpu.index].isa : this.isa;
    for (let at = address; lines.length < count;) {
      const bytes = this.#codeBytes(at, isa.maxLength, vcpu);
      if (bytes.length === 0) break;
      const decoded = isa.disassemble(bytes, at);
      const length = decoded?.length ?? (this.arch === "ppc" ? 4 : 1);
      const near = this.symbols.nearest(at);
      lines.push({
        address: at,
        bytes: bytes.slice(0, length),
        text: decoded?.text ?? "(bad)",
        symbol: near && near.offset === 0n ? near.name : undefined,
      });
      at += BigInt(length);
    }
    return lines;
  }

  /** vCPUs back to reset values and devices reset; memory, ledger and time stay. */
  reset(): void {
    for (const vcpu of this.vcpus) vcpu.reset();
    this.devices.reset();
    if (this.hypervisorState.covered) uncover({ state: this.hypervisorState, memory: this.memory });
    Object.assign(this.hypervisorState, freshState());
    this.#handOver();
    for (const { controller } of this.#vcpus) controller?.reset();
    this.#turns.reset();
    this.#mmioPages.clear();
    this.#eachEngine((engine) => engine.flush());
  }

  /**
   * Compiles `length` bytes of guest code at `pc` into one WebAssembly function, used from then on when
   * execution arrives at `pc`; counts, cycles and exits stay the same. Answers the instructions compiled.
   */
  compileRegion(pc: bigint, length: number): number {
    const { engine } = this.#vcpus[0];
    if (!(engine instanceof InterpreterEngine)) throw new TypeError("regions need the interpreter engine");
    return engine.compile(pc, length);
  }

  /** As many bytes as are there, up to the longest instruction's. */
  #codeBytes(address: bigint, longest: number, vcpu: VirtualCpu | undefined): Uint8Array {
    const map = (at: bigint) =>
      vcpu ? vcpu.physicalAddress(at, "code") : at >= 0n && at < 2n ** 52n ? at : undefined;
    for (let length = longest; length > 0; length--) {
      const last = map(address + BigInt(length - 1));
      if (last === undefined || !this.memory.holds(last, 1)) continue;
      try {
        return readVirtual(this.memory, map, address, length);
      } catch {
        // A hole before the last byte.
      }
    }
    return new Uint8Array();
  }

  /** Registers that a PowerPC guest is started with. ePAPR 1.1, 5.4.1. */
  #handOver(): void {
    if (!this.#handsOver) return;
    const { registers } = this.vcpu;
    registers.set("r3", TREE_SLOT.gpa);
    for (const [name, value] of Object.entries(this.#handsOver)) registers.set(name, value);
    registers.set("r7", this.memory.slots[0].size);
  }

  #makeEngine(vcpu: Vcpu, kind: "interpreter" | "oracle"): Engine {
    const setup = {
      isa: vcpu.isa,
      executed: vcpu.instructions,
      arena: this.#arena,
      state: vcpu.state,
      host: vcpu,
      regions: this.#options.regions ?? "hot",
      codeAt: (address: bigint) => vcpu.codeAt(address),
      codePage: (place: number) => this.#vcpus.forEach(({ state }) => protectFromWrites(state, place)),
      translated: () => vcpu.translation?.active(REACH.fetch) === true,
      costOf: (cycleClass: string) => this.exits.profile.costOf(cycleClass),
    };
    const engine = kind === "oracle" ? new OracleEngine(setup) : new InterpreterEngine(setup);
    this.#addStops(engine);
    return engine;
  }

  /** Linear memory was changed: whether that changed translations. */
  #written(place: number, length: number): boolean {
    let changed = false;
    for (const vcpu of this.#vcpus ?? []) {
      vcpu.engineSoFar?.invalidate(place, length);
      for (let at = place - place % PAGE; at < place + length; at += PAGE) {
        if (!vcpu.isTable(at)) continue;
        vcpu.translationChanged();
        changed = true;
      }
    }
    return changed;
  }

  #eachEngine(f: (engine: Engine) => void): void {
    // Not there yet while the VM is being built.
    for (const { engineSoFar } of this.#vcpus ?? []) if (engineSoFar) f(engineSoFar);
  }

  #breakpointsChanged(): void {
    this.#eachEngine((engine) => {
      if (this.#addStops(engine)) engine.stopsChanged();
    });
  }
  /** Whether there was one that the engine had not. Those that it has on top it finds out by itself. */
  #addStops({ stops }: Engine): boolean {
    const before = stops.pcs.size + stops.linear.size;
    for (const { address, linear } of this.breakpoints.active) {
      (linear ? stops.linear : stops.pcs).add(address);
    }
    return stops.pcs.size + stops.linear.size > before;
  }

  /** Does what may make the interrupt controller ask any vCPU. */
  #signal<T>(act: () => T): T {
    const before = this.#vcpus.map(({ controller }) => controller?.asserted === true);
    const result = act();
    this.#vcpus.forEach(({ controller }, i) => controller?.look(before[i]));
    return result;
  }

  #touchMmioPage(page: number): boolean {
    if (this.#mmioPages.has(page)) return true;
    if (this.#mmioPages.size >= MMIO_PAGE_LIMIT) this.#mmioPages.clear();
    this.#mmioPages.add(page);
    return false;
  }

  #contextFor(_device: Device): DeviceContext {
    const vcpu = () => this.#turns.acting;
    return {
      charge: (cycles) => vcpu().chargeDevice(cycles),
      memory: this.memory,
      get cycles() {
        return vcpu().cycles;
      },
      irq: (line, level) => this.irq(line, level),
      stop: (code) =>
        vcpu().requestStop({
          reason: "SYSTEM_EVENT",
          code,
          message: `device ${_device.name} ended the run with code ${code}`,
        }),
    };
  }

  #defaultAddress(): bigint {
    return this.arch === "x86" && this.mode === 16 ? 0x7c00n : 0x1000n;
  }

  #ramBytes(): number {
    return this.memory.slots.reduce((sum, slot) => sum + slot.size, 0);
  }
}

/** Throws `RangeError` for a policy that there is not, or on an architecture that has one instruction only. */
function wrongHypercallOf(arch: Arch, hypervisor: Personality, wanted?: WrongHypercall): WrongHypercall {
  if (wanted === undefined) return hypervisor.wrongHypercall ?? "reject";
  if (!["patch", "emulate", "reject"].includes(wanted)) {
    throw new RangeError(`wrongHypercall is ${wanted}: give patch, emulate or reject`);
  }
  if (arch.name === "x86") return wanted;
  throw new RangeError(`wrongHypercall is x86's: ${arch.name} guests are told which instruction to execute`);
}

function profileFor(
  arch: Arch,
  backend: Backend,
  wanted: string | CostProfile = defaultProfileName(backend.name),
): CostProfile {
  const profile = typeof wanted === "string" ? loadProfile(wanted) : wanted;
  if (profile.arch === arch.name) return profile;
  throw new RangeError(`profile ${profile.name} is for ${profile.arch}, this VM is ${arch.name}`);
}

/** Throws `RangeError` for a host's timer that cannot be. */
function hostTick({ hostTick: every, interrupts }: VmOptions, backend: Backend): HostTick | undefined {
  if (every === undefined) return undefined;
  if (!interrupts) throw new RangeError("hostTick wants interrupts: true");
  if (!Number.isSafeInteger(every) || every < 1) {
    throw new RangeError(`a host's timer every ${every} cycles: give a whole number of at least 1`);
  }
  const { host, timer, line } = backend.interrupts;
  return { every, native: host ?? timer ?? line };
}

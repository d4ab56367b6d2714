/** A virtual machine: memory, buses, devices, vCPUs, and the loop that runs them. */
import { Arena } from "../engine/arena.ts";
import { FlatMemory } from "../engine/flat_memory.ts";
import type { Backend } from "../engine/backend.ts";
import { InterpreterEngine } from "../engine/engine.ts";
import { Ledger } from "../exits/ledger.ts";
import type { CostProfile } from "../exits/profile.ts";
import { assemble, type Program } from "../isa/assembler.ts";
import type { InstructionEncoder } from "../isa/assembly.ts";
import type { InstructionSet, Isa } from "../isa/isa.ts";
import { SourceLines } from "../isa/source_lines.ts";
import { SymbolTable } from "../isa/symbols.ts";
import type { Arch, ArchName, ModeWidth } from "./arch.ts";
import type { Board } from "./board.ts";
import { Bus } from "./bus.ts";
import { Changes } from "./changes.ts";
import { CoalescedZones } from "./coalesced.ts";
import { Breakpoints } from "./debug/breakpoints.ts";
import { Catchpoints } from "./debug/catchpoints.ts";
import { disassemble, type DisassembledLine } from "./debug/disassembly.ts";
import { PointNumbers } from "./debug/points.ts";
import { Watchpoints } from "./debug/watchpoints.ts";
import { deviceContext } from "./device_context.ts";
import { Devices } from "./devices.ts";
import { Engines } from "./engines.ts";
import { HypercallTable } from "./hypercalls.ts";
import { bootTree, handOver, TREE_SLOT } from "./hypervisors/boot_tree.ts";
import { uncover } from "./hypervisors/hyperv.ts";
import {
  freshState,
  type Hypervisor,
  type HypervisorName,
  type HypervisorState,
  type Personality,
  type WrongHypercall,
} from "./hypervisors/hypervisor.ts";
import { Interrupts } from "./interrupts/interrupts.ts";
import { InterruptLines } from "./interrupts/lines.ts";
import { IoEvents } from "./io_events.ts";
import { type LoadedImage, loadImage, type LoadOptions, loadProgram } from "./loaders/load.ts";
import { GuestMemory, type SlotOptions } from "./memory.ts";
import { PortVectors } from "./port_vectors.ts";
import type { RunOptions } from "./run.ts";
import { Runner } from "./runner.ts";
import { StateParts } from "./state_parts.ts";
import type { Stop } from "./stop.ts";
import { TouchedPages } from "./touched_pages.ts";
import { bindTraps } from "./traps.ts";
import { DEFAULT_TURN, Turns } from "./turns.ts";
import { Vcpu } from "./vcpu.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";
import { planVm, type VmOptions } from "./vm_options.ts";

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
  readonly mmioPages: TouchedPages;
  readonly earlier: LedgerSegment[];
}

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
  readonly #changes = new Changes();
  /** What answers which hypercall number. */
  readonly hypercalls: HypercallTable = new HypercallTable(this.#changes);
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
  readonly #flat: FlatMemory;
  readonly #arena: Arena;
  readonly #engines: Engines;
  readonly #lines: InterruptLines;
  readonly #mmioPages = new TouchedPages(this.#changes);
  readonly #turns: Turns;
  readonly #earlier: LedgerSegment[] = [];
  readonly #runner: Runner;
  /** Who hands a device tree over to the guest, if anybody does. */
  readonly #bootedBy: Personality | undefined;

  /** As `createVm`, which is the way to make one; `slots` take the place of the RAM that it would have. */
  constructor(options: VmOptions, slots?: readonly SlotOptions[]) {
    this.#options = options;
    const plan = planVm(options), { arch, mode, backend, hypervisor } = plan;
    this.#arch = arch;
    this.arch = arch.name;
    this.mode = mode;
    this.#isa = arch.isa(mode, plan.order);
    this.backend = backend;
    this.hypervisor = hypervisor;
    this.wrongHypercall = plan.wrongHypercall;
    this.#arena = new Arena(2 ** 20 * 2 + plan.memory);
    this.#flat = new FlatMemory(this.#arena);
    this.#engines = new Engines({
      kind: options.engine ?? "interpreter",
      regions: options.regions ?? "hot",
      decodedBytes: options.decodedBytes,
      arena: this.#arena,
      flat: this.#flat,
      isUnwatched: () => this.watchpoints.active.length === 0,
      costOf: (cycleClass) => this.exits.profile.costOf(cycleClass),
      breakpoints: () => this.breakpoints.active,
    });
    this.memory = new GuestMemory(this.#arena, {
      written: (place, length) => void this.#engines.written(place, length),
      layoutChanged: () => {
        this.#changes.note();
        const slot = this.memory.find(0);
        this.#flat.set(slot?.place ?? 0, slot && !slot.readOnly ? slot.size : 0);
        this.#engines.flush();
      },
    });
    this.ports = new Bus("port", Math.max(arch.portLimit, 1), this.#changes);
    this.mmio = new Bus("guest-physical", 2 ** 52, this.#changes);
    this.vectors = new PortVectors(this.ports, arch.portLimit);
    const limits = { pio: arch.portLimit, mmio: this.mmio.limit };
    this.coalesced = new CoalescedZones(limits, this.#changes);
    this.ioevents = new IoEvents(
      limits,
      (bus) => this.coalesced.list.filter((zone) => zone.bus === bus).length,
      this.#changes,
    );
    this.exits = new Ledger(plan.profile, { record: options.recordRows });
    this.devices = new Devices(
      this.ports,
      this.mmio,
      arch.deviceSpace(mode),
      this.memory,
      (device) => deviceContext(device, this),
    );
    const numbers = new PointNumbers();
    this.breakpoints = new Breakpoints(numbers, () => this.#engines.breakpointsChanged());
    // Whether an access is looked at is decided when compiled code first makes one to its page.
    const reach = arch.name === "x86" ? 64 : this.#isa.addressWidth;
    this.watchpoints = new Watchpoints(numbers, reach, () => {
      this.#engines.clearTlbs();
      this.#changes.note();
    });
    this.catchpoints = new Catchpoints(numbers, backend, () => this.#changes.note());
    const board: Board = {
      arena: this.#arena,
      flat: this.#flat,
      backend: this.backend,
      memory: this.memory,
      ports: this.ports,
      mmio: this.mmio,
      ioevents: this.ioevents,
      coalesced: this.coalesced,
      hypercalls: this.hypercalls,
      changes: this.#changes,
      devices: this.devices,
      hypervisor,
      hypervisorState: this.hypervisorState,
      callReason: backend.reasons.find(({ reason, keySpace }) =>
        reason === hypervisor.systemCalls?.reason && keySpace === "hypercall"
      ),
      wrongHypercall: this.wrongHypercall,
      exits: this.exits,
      symbols: this.symbols,
      unclaimed: options.unclaimed ?? "ones",
      touchMmioPage: (page) => this.#mmioPages.touch(page),
      watch: this.#engines,
      debug: { watchpoints: this.watchpoints, catchpoints: this.catchpoints },
      vcpus: plan.vcpus,
      now: () => this.#turns.acting.cycles,
      acting: () => this.#turns.acting.index,
      signal: (act) => plan.vcpus > 1 ? this.#lines.signal(act) : act(),
      traps: bindTraps(this.#isa, this.backend, arch, hypervisor),
    };
    this.#vcpus = Array.from({ length: plan.vcpus }, (_, i) => new Vcpu(i, board, this.#isa, arch.processor));
    this.vcpus = this.#vcpus;
    this.#lines = new InterruptLines(this.#vcpus);
    this.#turns = new Turns(this.#vcpus, options.turn ?? DEFAULT_TURN, {
      left: (vcpu) => arch.leave?.(vcpu),
      clocksCompared: () => this.exits.markClockRead(),
    });
    this.#runner = new Runner(this.#vcpus, this.#turns, this.breakpoints, this.coalesced);
    this.#engines.serve(this.#vcpus);
    const ram = arch.ram(mode, plan.memory);
    for (const slot of slots ?? ram) this.memory.addSlot(slot);
    const hasTree = !slots || slots.some(({ name }) => name === TREE_SLOT.name);
    if (options.hypervisor && arch.name === "ppc" && hasTree) this.#bootedBy = hypervisor;
    if (this.#bootedBy && !slots) {
      this.memory.addSlot(TREE_SLOT);
      const facts = { mode: mode === 64 ? 64 : 32, ram, vcpus: plan.vcpus } as const;
      this.memory.write(TREE_SLOT.gpa, bootTree(hypervisor, facts));
    }
    this.#handOver();
    const units = options.interrupts ? arch.interrupts(this.#vcpus) : [];
    units.forEach((unit, i) => {
      this.#vcpus[i].controller = new Interrupts(this.#vcpus[i], unit, plan.hostTick);
    });
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
    return this.#runner.by !== undefined || this.vcpus.some((vcpu) => vcpu.inExit);
  }

  /** Whoever lets it run now, if the run said so (`RunOptions.by`). */
  get runsFor(): string | undefined {
    return this.#runner.by || undefined;
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
    this.#engines.flush();
  }

  /**
   * Runs until something stops a vCPU, and with it all. Without `instructions` there is no limit: give a `signal` to be
   * able to end it. Throws `Error` if a run is under way already, or for a parked `vcpu`, `RangeError` if there is none.
   */
  run(options: RunOptions = {}): Promise<Stop> {
    return this.#runner.run(options);
  }

  /**
   * Drives an interrupt line: true raises it, and the vCPU that the controller sends it to (on x86 the first) takes the
   * interrupt before its next instruction if the guest has it enabled. Between two runs this is as repeatable as the runs are; while one is under way use a
   * device's context. Throws `Error` in a VM without `interrupts`, `RangeError` for a line that there is not.
   */
  irq(line: number, level = true): void {
    this.#lines.set(line, level);
  }

  /**
   * An interrupt that the guest cannot disable, before the vCPU's next instruction: on x86 vector 2 of the first vCPU, held off
   * until the handler of the last one has executed IRET, on PowerPC the system reset interrupt (0x100). Throws `Error` in a VM without
   * `interrupts`, `RangeError` for a vCPU that takes none.
   */
  nmi(vcpu = 0): void {
    this.#lines.raiseNmi(vcpu);
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
    return this.#runner.observe(observer);
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
    const { arch, mode, memory, symbols, lines, vcpu } = this, { order } = this.#isa;
    const target = { arch, mode, order, memory, symbols, lines, vcpu };
    return image instanceof Uint8Array
      ? loadImage(target, image, options.at ?? this.#defaultAddress())
      : loadProgram(target, image);
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
    const { memory, symbols } = this, isa = vcpu ? this.#vcpus[vcpu.index].isa : this.isa;
    const map = (at: bigint) =>
      vcpu ? vcpu.physicalAddress(at, "code") : at >= 0n && at < 2n ** 52n ? at : undefined;
    return disassemble({ isa, memory, symbols, map, step: this.arch === "ppc" ? 4 : 1 }, address, count);
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
    this.#engines.flush();
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

  #handOver(): void {
    if (this.#bootedBy) handOver(this.vcpu.registers, this.#bootedBy, this.memory.slots[0].size);
  }

  #defaultAddress(): bigint {
    return this.arch === "x86" && this.mode === 16 ? 0x7c00n : 0x1000n;
  }
}

/** One session: what the prompt, scripts of commands and TypeScript lines all work on. */
import type { CommandTable } from "./command.ts";
import type { AttachOptions, CostProfile, Device, Handle, Io, VirtualCpu, Vm } from "./machine_types.ts";
import type { Journal } from "./journal.ts";
import type { StartProgress } from "./progress_display.ts";
import type { Style } from "./style.ts";

/** What the next virtual machine is made with. A change drops the present one. */
export interface Settings {
  /** The guest's architecture. */
  readonly arch: "x86" | "ppc";
  /** Width of the guest's mode; by default 64. */
  readonly mode?: 16 | 32 | 64;
  /** Byte order of the guest: ppc has both, and is big-endian by default. */
  readonly order?: "le" | "be";
  /** By default what `createVm` picks for arch and mode. */
  readonly backend?: "vmx" | "svm" | "kvm-hv" | "kvm-pr";
  /** What the guest takes the hypervisor for; by default what the backend shows. */
  readonly hypervisor?: "kvm" | "xen" | "hyperv" | "vmware" | "epapr" | "papr" | "osi" | "none";
  /** What becomes of the other vendor's hypercall instruction on x86; by default what the hypervisor does. */
  readonly wrongHypercall?: "patch" | "emulate" | "reject";
  /** A cost profile, or the name of one. */
  readonly profile?: string | CostProfile;
  /** Bytes of guest RAM. */
  readonly memory?: number;
  /** vCPUs, 1 to 64; by default one. */
  readonly vcpus?: number;
  /** Whether the machine has an interrupt controller and timer. */
  readonly interrupts?: boolean;
  /** Whether the ledger keeps a row for each exit. */
  readonly recordRows: boolean;
  /** The oracle is slow, and obvious. */
  readonly engine?: "interpreter" | "oracle";
}

/** A device of the session: attached to each machine that the session makes. */
export interface SessionDevice {
  /** What answers. */
  readonly device: Device;
  /** The file it came from, absolute; undefined for built-in ones and those made at the prompt. */
  readonly file?: string;
  /** Where it was asked to stand, as `Devices.add` takes it. */
  readonly at?: AttachOptions;
}

/** Where a session's text goes. */
export interface Sink {
  /** Whole lines, with their line breaks; what a guest prints comes byte by byte. */
  write(text: string): void;
}

/** What became of a line. */
export type Outcome =
  | { readonly ok: true; readonly kind: "empty" }
  | { readonly ok: true; readonly kind: "command"; readonly name: string; readonly data: unknown }
  | { readonly ok: true; readonly kind: "typescript"; readonly value: unknown }
  /** TypeScript that goes on in a further line. */
  | { readonly ok: true; readonly kind: "incomplete" }
  | { readonly ok: false; readonly error: Error };

/** A session: settings, the machine that they make, devices, handles, and lines to execute. */
export interface Session {
  /**
   * The commands, as help and Tab completion need them; scripts say `execute` or `invoke`.
   *
   * @internal
   */
  readonly table: CommandTable;
  /** What the next machine is made with. */
  readonly settings: Settings;
  /** Merges `change` in; if it changes what a machine is, the next use of `vm` makes a new one. */
  configure(change: Partial<Settings>): void;
  /** True once the machine exists: ask before making one only to look at it. */
  readonly hasVm: boolean;
  /** Loads the emulator: needed before the first `vm` by whoever is not a command or a TypeScript line. */
  ready(): Promise<void>;
  /** The machine, made on first use, with the session's devices attached. */
  readonly vm: Vm;
  /**
   * Puts another machine in the place of `vm`, and what it is into the settings. The session's devices that are not on
   * it are attached to it, breakpoints are set again, and where it has transports the open handles are opened again.
   */
  adopt(vm: Vm): Promise<void>;
  /** The vCPU of `vm` that commands and `$` are about: the first, until another one is selected or stops. */
  readonly vcpu: VirtualCpu;
  /** Selects a vCPU. Throws `RangeError` if there is none of that index. */
  selectVcpu(index: number): void;
  /** Transports to the devices of `vm`. */
  readonly io: Io;
  /** The ledger of `vm`. */
  readonly exits: Vm["exits"];

  /** Devices by name, whatever the machine. */
  readonly devices: ReadonlyMap<string, SessionDevice>;
  /** Adds one to the session, and to the machine; one of the same name is reloaded in its place. */
  addDevice(entry: SessionDevice): void;
  /** Takes one off the session and the machine. */
  removeDevice(name: string): void;
  /** Imports a module afresh, so that an edited file answers anew (modules that it imports do not). */
  importFresh(file: string): Promise<Record<string, unknown>>;

  /** Open handles by device name. */
  readonly handles: ReadonlyMap<string, Handle>;
  /** The handle that the commands `call`, `read` and `write` use. */
  readonly current: Handle | undefined;
  /** Keeps a handle under its device's name and makes it current. */
  keep(name: string, handle: Handle): void;

  /**
   * Lines that were done, for `session save`.
   *
   * @internal
   */
  readonly journal: Journal;
  /**
   * What the first machine was made with, as far as it was asked for.
   *
   * @internal
   */
  readonly initialSettings: Partial<Settings>;

  /** Convenience variables: `set $n = 5` and `$.n`, beside the registers. */
  readonly variables: Map<string, bigint>;
  /**
   * Value of an expression over numbers, registers and variables (`$rax`), symbols, memory (`*ADDR`, `w[ADDR]`), and C's
   * operators. Registers and memory are those of `vcpu`, the selected one if not given. Throws `SyntaxError`,
   * `ReferenceError` for a name that means nothing, `RangeError` for memory that is not there.
   */
  evaluateNumber(expression: string, vcpu?: VirtualCpu): bigint;

  /** Fires when the user asks to stop what runs now (Ctrl-C). Give it to `vm.run` and to what waits long. */
  readonly signal: AbortSignal;
  /**
   * Begins to show the progress of long work on a terminal, with the time left. Where no prompt reads Ctrl-C, it fires
   * `signal` as long as that goes on, and otherwise ends the program.
   */
  readonly progress: StartProgress;
  /** Fires `signal`; a second time, gives up waiting for what did not heed it. */
  interrupt(): void;

  /** How text looks. */
  readonly style: Style;
  /** Where text goes. */
  readonly out: Sink;
  /** True at a prompt on a terminal, where Ctrl-C can stop what runs without end. */
  readonly interactive: boolean;
  /** Prints data as JSON by default, as with `--json` on each line. */
  readonly json: boolean;
  /** Does a line, prints its outcome to `out`, and never throws. */
  execute(line: string): Promise<Outcome>;
  /**
   * Does a line, and answers what it would have printed, without colours; an error is in the outcome only. Never throws.
   * `signal` stops it, and nothing but it.
   */
  capture(
    line: string,
    signal?: AbortSignal,
  ): Promise<{ readonly outcome: Outcome; readonly text: string }>;
  /** Does a command and returns its data unprinted. Throws what the command throws. */
  invoke(line: string): Promise<unknown>;
  /** Evaluates TypeScript with `vm`, `io`, `exits`, `vcpu` and `$` in scope. Throws what it throws. */
  evaluate(source: string): Promise<unknown>;

  /** Has something done when the session is closed, such as giving back what it holds open. */
  onClose(done: () => void): void;
  /** The exit status asked for by `quit`; undefined while the session goes on. */
  readonly quitStatus: number | undefined;
  /** Ends the session after the line at hand; exit status 0 if none is given. */
  quit(status?: number): void;
}

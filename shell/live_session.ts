/** The session behind the prompt, `-e`, scripts of commands and TypeScript files. */
import { pathToFileURL } from "node:url";
import { abortable } from "./abortable.ts";
import { classify } from "./classify.ts";
import type { Command, CommandTable } from "./command.ts";
import { UserError } from "./errors.ts";
import type { Evaluator } from "./evaluate.ts";
import { evaluateExpression } from "./expression.ts";
import { type Invocation, parseCommand, render } from "./invoke.ts";
import { loadMachine, type MachineLayer } from "./machine_loader.ts";
import type { Handle, Io, VirtualCpu, Vm } from "./machine_types.ts";
import { placeOn } from "./place_on.ts";
import { preview } from "./preview.ts";
import { silentProgress, type StartProgress } from "./progress_display.ts";
import { Journal } from "./journal.ts";
import { ChangedFiles } from "./changed_files.ts";
import { namesOf } from "./names.ts";
import { createDollar } from "./registers_proxy.ts";
import type { Outcome, Session, SessionDevice, Settings, Sink } from "./session.ts";
import { LineWork } from "./line_work.ts";
import { endLine, stringSink } from "./sinks.ts";
import { plain, type Style } from "./style.ts";
import { similarNames, unknownCommand } from "./table.ts";
import { takePoints } from "./take_points.ts";

export interface SessionOptions {
  readonly table: CommandTable;
  readonly out: Sink;
  readonly style: Style;
  readonly json?: boolean;
  /** See `Session.interactive`. */
  readonly interactive?: boolean;
  readonly settings?: Partial<Settings>;
  /** Devices that each machine begins with. */
  readonly devices?: readonly SessionDevice[];
  /** How the session shows progress; not at all if not given. */
  readonly progress?: (session: Session) => StartProgress;
  /** How the emulator is loaded; tests give a small one. */
  readonly load?: () => Promise<MachineLayer>;
}

const DEFAULTS: Settings = { arch: "x86", recordRows: true };

export class LiveSession implements Session {
  readonly table: CommandTable;
  readonly json: boolean;
  readonly interactive: boolean;
  readonly variables = new Map<string, bigint>();
  readonly journal = new Journal();
  readonly initialSettings: Partial<Settings>;
  readonly progress: StartProgress;
  readonly #load: () => Promise<MachineLayer>;
  readonly #closing: (() => void)[] = [];
  #text: { readonly out: Sink; readonly style: Style };
  readonly #devices = new Map<string, SessionDevice>();
  readonly #files = new ChangedFiles();
  readonly #handles = new Map<string, Handle>();
  #settings: Settings;
  #layer: MachineLayer | undefined;
  #vm: Vm | undefined;
  #io: Io | undefined;
  #selected = 0;
  #current: Handle | undefined;
  #evaluator: Evaluator | undefined;
  /** What is at work, the innermost last: a line, and what was captured meanwhile. */
  readonly #works: LineWork[] = [];
  #lastWork = new LineWork();
  #imports = 0;
  #depth = 0;
  #quitStatus: number | undefined;

  constructor(options: SessionOptions) {
    this.table = options.table;
    this.#text = { out: options.out, style: options.style };
    this.json = options.json ?? false;
    this.interactive = options.interactive ?? false;
    this.initialSettings = options.settings ?? {};
    this.#settings = { ...DEFAULTS, ...options.settings };
    this.progress = options.progress?.(this) ?? silentProgress;
    this.#load = options.load ?? loadMachine;
    for (const entry of options.devices ?? []) this.#devices.set(entry.device.name, entry);
  }

  get out(): Sink {
    return this.#text.out;
  }
  get style(): Style {
    return this.#text.style;
  }

  get settings(): Settings {
    return this.#settings;
  }

  configure(change: Partial<Settings>): void {
    const next = { ...this.#settings, ...change };
    const keys = [
      "arch",
      "mode",
      "order",
      "backend",
      "hypervisor",
      "wrongHypercall",
      "profile",
      "memory",
      "vcpus",
      "recordRows",
      "engine",
      "interrupts",
    ] as const;
    const changed = keys.filter((key) => next[key] !== this.#settings[key]);
    if (changed.length === 0) return;
    // A machine that was given the profile already stays in use.
    const only = changed.length === 1 ? changed[0] : undefined;
    const stays = only === "profile" && this.#vm !== undefined && this.#vm.profile === next.profile;
    if (!stays) this.#giveMachineUp();
    this.#settings = next;
  }

  get hasVm(): boolean {
    return this.#vm !== undefined;
  }

  get vm(): Vm {
    if (this.#vm) return this.#vm;
    if (!this.#layer) throw new Error("The emulator is not loaded yet: await session.ready() first");
    const vm = this.#layer.createVm(this.#settings);
    for (const entry of this.#devices.values()) vm.devices.add(entry.device, placeOn(vm, entry));
    this.#vm = vm;
    // From the beginning: a guest's own driver looks for devices before anybody has opened one at the prompt.
    this.#io = this.#layer.createIo(vm);
    return vm;
  }

  get vcpu(): VirtualCpu {
    return this.vm.vcpus[this.#selected];
  }

  selectVcpu(index: number): void {
    const { vcpus } = this.vm;
    if (!vcpus[index]) {
      throw new RangeError(`There is no vCPU ${index}: the machine has ${vcpus.length}, the first is 0`);
    }
    this.#selected = index;
  }

  get io(): Io {
    const { vm } = this;
    if (!this.#layer) throw new Error("The emulator is not loaded yet: await session.ready() first");
    this.#io ??= this.#layer.createIo(vm);
    return this.#io;
  }

  get exits(): Vm["exits"] {
    return this.vm.exits;
  }

  async ready(): Promise<void> {
    this.#layer ??= await this.#load();
  }

  /** Throws `UserError` while somebody else lets it run, who would be left with a machine that nobody sees. */
  #giveMachineUp(): void {
    const by = this.#vm?.runsFor;
    if (by !== undefined) throw new UserError(`The machine is running for ${by}: stop it there first`);
    this.#dropMachine();
  }

  #dropMachine(): void {
    this.#vm = undefined;
    this.#io = undefined;
    this.#selected = 0;
    this.#current = undefined;
    this.#handles.clear();
  }

  async adopt(vm: Vm): Promise<void> {
    const { arch, mode, backend, profile, exits: { recording } } = vm, { options, order } = vm.inside;
    const before = this.#vm, handles = [...this.#handles.values()];
    const current = this.#current?.device;
    this.#giveMachineUp();
    this.#settings = {
      ...this.#settings,
      ...{ arch, mode, order, backend: backend.name, profile, recordRows: recording },
      hypervisor: vm.hypervisor.name,
      wrongHypercall: arch === "x86" ? vm.wrongHypercall : undefined,
      ...{ memory: options.memory, vcpus: options.vcpus, interrupts: options.interrupts },
    };
    this.#vm = vm;
    for (const entry of this.#devices.values()) {
      if (!vm.devices.get(entry.device.name)) vm.devices.add(entry.device, placeOn(vm, entry));
    }
    if (before) takePoints(before, vm);
    // The guest may be in the middle of a call. Without transports there were no handles.
    const had = vm.parts.waiting.includes("transports"), { io } = this;
    if (!had) return;
    for (const { device, via, data } of handles) {
      // It may be out of reach by now: it then has to be opened anew, as with any new machine.
      const handle = await io.open(device, { via, data }).catch(() => undefined);
      if (handle) this.#handles.set(device, handle);
      if (handle && device === current) this.#current = handle;
    }
  }

  get devices(): ReadonlyMap<string, SessionDevice> {
    return this.#devices;
  }

  addDevice(entry: SessionDevice): void {
    const { name } = entry.device;
    const known = this.#devices.get(name);
    if (this.#vm) {
      if (known) this.#vm.devices.reload(name, entry.device);
      else this.#vm.devices.add(entry.device, placeOn(this.#vm, entry));
    }
    this.#devices.set(name, { ...entry, at: entry.at ?? known?.at });
    if (entry.file !== undefined) this.#files.among([entry.file]);
  }

  removeDevice(name: string): void {
    if (!this.#devices.has(name)) throw new ReferenceError(`There is no device ${name}: see info devices`);
    this.#vm?.devices.remove(name);
    this.#devices.delete(name);
    const handle = this.#handles.get(name);
    this.#handles.delete(name);
    if (handle && this.#current === handle) this.#current = undefined;
  }

  importFresh(file: string): Promise<Record<string, unknown>> {
    const url = pathToFileURL(file);
    // A module is imported once for each address, so a reload needs a new one.
    if (this.#imports++ > 0) url.searchParams.set("reload", String(this.#imports));
    return import(url.href);
  }

  get handles(): ReadonlyMap<string, Handle> {
    return this.#handles;
  }

  get current(): Handle | undefined {
    return this.#current;
  }

  keep(name: string, handle: Handle): void {
    this.#handles.set(name, handle);
    this.#current = handle;
  }

  evaluateNumber(expression: string, vcpu?: VirtualCpu): bigint {
    return evaluateExpression(expression, namesOf(this, vcpu));
  }

  get signal(): AbortSignal {
    return this.#work.signal;
  }

  interrupt(): void {
    this.#work.interrupt();
  }

  get #work(): LineWork {
    return this.#works.at(-1) ?? this.#lastWork;
  }

  /** Does what can be interrupted by itself. */
  async #working<T>(act: (work: LineWork) => Promise<T>): Promise<T> {
    const work = this.#lastWork = new LineWork();
    this.#works.push(work);
    try {
      return await act(work);
    } finally {
      this.#works.splice(this.#works.indexOf(work), 1);
    }
  }

  async execute(line: string): Promise<Outcome> {
    if (this.#depth > 0) return await this.#attempt(line, this.#work);
    this.#depth++;
    try {
      return await this.#working(async (work) => {
        if (this.interactive) await this.#followFiles();
        const outcome = await this.#attempt(line, work);
        if (this.#isLasting(outcome)) this.journal.add(line);
        return outcome;
      });
    } finally {
      this.#depth--;
    }
  }

  async #attempt(line: string, work: LineWork): Promise<Outcome> {
    try {
      return await abortable(this.#perform(line), work.abandoned);
    } catch (error) {
      return { ok: false, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  async capture(line: string, signal?: AbortSignal): Promise<{ outcome: Outcome; text: string }> {
    const out = stringSink(), before = this.#text;
    this.#text = { out, style: plain };
    try {
      return await this.#working(async (work) => {
        // What it does in turn may be at work by itself.
        const stop = () => this.#works.slice(this.#works.indexOf(work)).forEach((one) => one.interrupt());
        signal?.addEventListener("abort", stop, { once: true });
        const outcome = await this.#attempt(line, work);
        signal?.removeEventListener("abort", stop);
        if (this.#isLasting(outcome)) this.journal.add(line);
        return { outcome, text: out.text };
      });
    } finally {
      this.#text = before;
    }
  }

  /** Whether a saved session has to do it again. */
  #isLasting(outcome: Outcome): boolean {
    if (!outcome.ok || outcome.kind === "empty" || outcome.kind === "incomplete") return false;
    if (outcome.kind === "typescript") return true;
    return !this.table.commands.some(({ name, transient }) => transient && name === outcome.name);
  }

  /** At a prompt a device whose file was edited is loaded anew before the next line, or its error is told once. */
  async #followFiles(): Promise<void> {
    const entries = [...this.#devices].flatMap(([name, { file }]) =>
      file === undefined ? [] : [{ name, file }]
    );
    const changed = this.#files.among(entries.map(({ file }) => file));
    for (const { name, file } of entries) {
      if (!changed.includes(file)) continue;
      try {
        await this.invoke(`device reload ${name}`);
        this.out.write(`${this.style.paint("dim", `${name}: ${file} changed and was loaded anew`)}\n`);
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        this.out.write(`${name}: ${file} changed, and the old one stays: ${what}\n`);
      }
    }
  }

  async #perform(line: string): Promise<Outcome> {
    const found = classify(line, this.table, (name) => this.defines(name));
    if (found.kind === "empty") return { ok: true, kind: "empty" };
    if (found.kind === "command") return await this.#command(found.text);
    return await this.#typescript(found.text, found.forced);
  }

  async #command(text: string): Promise<Outcome> {
    const invocation = parseCommand(this.table, text);
    const data = await this.#run(invocation);
    const shown = render(invocation, data, this.style, this.json);
    if (shown !== "") endLine(this.out);
    this.out.write(shown);
    return { ok: true, kind: "command", name: invocation.command.name, data };
  }

  async #run({ command, args }: Invocation): Promise<unknown> {
    if (!command.light) await this.ready();
    return await (command as Command).run(this, args);
  }

  async #typescript(text: string, forced: boolean): Promise<Outcome> {
    const evaluator = await this.#evaluatorReady();
    const result = await evaluator.evaluate(text, this.signal);
    switch (result.kind) {
      case "incomplete":
        return { ok: true, kind: "incomplete" };
      case "error":
        return { ok: false, error: forced ? result.error : this.#withHint(text, result.error) };
      case "value": {
        const shown = preview(result.value, this.style);
        if (shown) this.out.write(`${shown}\n`);
        return { ok: true, kind: "typescript", value: result.value };
      }
    }
  }

  /** A line that looks like a command and is no TypeScript either was probably meant as a command. */
  #withHint(text: string, error: Error & { readonly cause?: unknown }): Error {
    const word = /^([A-Za-z][\w-]*)(?:[./]\w*)?(?:\s+[^\s=(.;,?:+*<>&|-].*)?$/.exec(text)?.[1];
    const { cause } = error;
    const unknown = cause instanceof ReferenceError && cause.message.startsWith(`${word} `);
    if (!word || !(cause instanceof SyntaxError || unknown)) return error;
    // exits is a name of TypeScript's, too, and "exits sav" no use of it.
    const second = /^\S+\s+(\S+)/.exec(text)?.[1];
    const halves = second === undefined ? undefined : this.table.find([word, second]);
    if (halves && "ambiguous" in halves) {
      const { message } = unknownCommand(this.table, [word, second ?? ""], halves);
      return new UserError(message, { cause: error });
    }
    const similar = similarNames(this.table, word);
    const hint = similar.length > 0 ? `did you mean ${similar.join(" or ")}?` : "see help";
    return new UserError(`${JSON.stringify(word)} is neither a command nor TypeScript: ${hint}`, {
      cause: error,
    });
  }

  async invoke(line: string): Promise<unknown> {
    return await this.#run(parseCommand(this.table, line.trim().replace(/^:/, "")));
  }

  async evaluate(source: string): Promise<unknown> {
    const result = await (await this.#evaluatorReady()).evaluate(source, this.signal);
    if (result.kind === "value") return result.value;
    throw result.kind === "error" && result.error.cause !== undefined ? result.error.cause : result.error;
  }

  /** True for what TypeScript lines can name. */
  defines(name: string): boolean {
    return this.#evaluator?.defines(name) ?? Object.hasOwn(this.#scope(), name);
  }

  /** The evaluator, with the emulator loaded, since its lines may touch `vm`. */
  async #evaluatorReady(): Promise<Evaluator> {
    await this.ready();
    const { Evaluator } = await import("./evaluate.ts");
    this.#evaluator ??= new Evaluator(this.#scope());
    return this.#evaluator;
  }

  #scope() {
    const dollar = createDollar(this);
    return {
      vm: () => this.vm,
      vcpu: () => this.vcpu,
      io: () => this.io,
      exits: () => this.exits,
      session: () => this,
      $: () => dollar,
    };
  }

  /** Names of the members of what `chain` names (`vm.memory`), for Tab. */
  async membersOf(chain: string): Promise<string[]> {
    return (await this.#evaluatorReady()).members(chain);
  }

  /** Names that TypeScript lines can begin with, beside the language's own. */
  names(): string[] {
    return this.#evaluator?.names() ?? Object.keys(this.#scope()).sort();
  }

  get quitStatus(): number | undefined {
    return this.#quitStatus;
  }

  quit(status = 0): void {
    this.#quitStatus = status;
  }

  onClose(done: () => void): void {
    this.#closing.push(done);
  }

  /** Lets go of the machine and of all that was declared. */
  close(): void {
    for (const done of this.#closing.splice(0)) done();
    this.#evaluator = undefined;
    this.#dropMachine();
  }
}

/**
 * One GDB's session with a VM: takes packets, answers packets. It knows nothing of sockets. GDB manual, "Remote Protocol".
 * All sizes and numbers are the peer's: what is malformed or unknown gets an error or the empty answer, and changes nothing.
 */
import type { Stop, VirtualCpu, Vm } from "../machine_types.ts";
import { bytesOfHex, bytesOfText, hexOf, numberOfHex } from "./hex.ts";
import { type GdbLayout, layoutOf, type LayoutWidth, registersOf } from "./layout.ts";
import { readBytes, writeBytes } from "./memory.ts";
import { PACKET_SIZE } from "./packets.ts";
import { GdbPoints } from "./points.ts";
import { answerQuery } from "./queries.ts";
import { registerHex, setRegisterHex } from "./registers.ts";
import { parsePlan, plainPlan, type Plan, SUPPORTED } from "./resume.ts";
import { runPlan } from "./run_plan.ts";
import { exitReply, explanation, stopReply } from "./stop_reply.ts";
import { parseThreadId } from "./threads.ts";

/** What a stub is made with. */
export interface GdbGuestOptions {
  /** The registers that GDB is shown: those of the mode that the guest is in if not given. */
  readonly width?: LayoutWidth;
  /** Does `monitor LINE` and answers what it prints. Without it GDB is told that there is no such command. */
  readonly monitor?: (line: string, signal: AbortSignal) => Promise<string>;
  /** Does what `R` asks for: the guest from its beginning. Only registers and devices are reset if not given. */
  readonly restart?: () => void;
}

/** How a session ended by a packet. */
export type StubEnd = "detached" | "killed";
/** What a session came to that ends without such a packet. */
export type SilentEnd = "exited" | "killed" | "closed";

const OK = "OK", UNSUPPORTED = "";
/** errno's numbers, which GDB shows as they are. */
const MALFORMED = "E16", FAULT = "E0e";

/** Packets after which the guest may not be where it was. */
const CHANGES = /^(?:[GPMXR]|qRcmd)/;

export class GdbStub {
  readonly layout: GdbLayout;
  readonly points: GdbPoints;
  readonly options: GdbGuestOptions;
  /** Set by a packet that ends the session, which is answered first. */
  end: StubEnd | undefined;
  #extended = false;
  #killed = false;
  /** The last stop of a run of GDB's. */
  last: Stop | undefined;
  /** A packet has come. */
  heard = false;
  /** Acknowledgements are off from the next packet on. */
  noAck = false;
  /** GDB's choice for register and memory packets, and the one for plain `s`. */
  #vm: Vm;
  #selected: number;
  #stepper: number | undefined;
  /** The vCPU of a PowerPC that has done the instruction that a watchpoint stopped: see `#hasDone`. */
  #done: number | undefined;
  #run: AbortController | undefined;
  #command: AbortController | undefined;

  constructor(vm: Vm, options: GdbGuestOptions = {}) {
    this.#vm = vm;
    this.options = options;
    this.layout = layoutOf(vm, options.width);
    this.points = new GdbPoints(vm);
    this.#selected = vm.acting.index;
  }

  /** The machine that it is about. */
  get vm(): Vm {
    return this.#vm;
  }
  /** The vCPU that register and memory packets are about. */
  get vcpu(): VirtualCpu {
    return this.vm.vcpus[this.#selected];
  }
  /** True while the guest runs for GDB. */
  get running(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Goes on with the machine that has taken the place of the VM, as after `loadvm`. False if GDB cannot be told of it, which
   * asks for registers and threads when it connects.
   */
  follow(vm: Vm): boolean {
    if (vm === this.#vm) return true;
    const { architecture, order } = layoutOf(vm, this.options.width), { layout } = this;
    const alike = architecture === layout.architecture && order === layout.order &&
      vm.vcpus.length === this.#vm.vcpus.length;
    if (!alike) return false;
    this.#vm = vm;
    this.points.moveTo(vm);
    this.last = undefined;
    return true;
  }

  /** What to send for a packet, in this order; nothing at all for one that has no answer. Never throws. */
  async handle(text: string): Promise<readonly string[]> {
    this.heard = true;
    try {
      const answer = await this.#answer(text);
      return typeof answer === "string" ? [answer] : answer;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return [`E.${why.replaceAll(/[^ -~]+/g, " ")}`];
    }
  }

  /** GDB's interrupt, or its disappearance: ends the run, or the shell's command, that is under way. */
  interrupt(): void {
    this.#run?.abort();
    this.#command?.abort();
  }

  /** Does `monitor LINE`; undefined if there is nobody to do it. */
  async monitor(line: string): Promise<string | undefined> {
    const command = this.#command = new AbortController();
    try {
      return await this.options.monitor?.(line, command.signal);
    } finally {
      this.#command = undefined;
    }
  }

  /** How the session ends if GDB is gone now without a word. */
  get silentEnd(): SilentEnd {
    return this.#killed ? "killed" : this.last?.reason === "SYSTEM_EVENT" ? "exited" : "closed";
  }
  /** The vCPUs that GDB is told of: none once the guest has ended, or was killed. */
  get threads(): readonly VirtualCpu[] {
    return this.silentEnd === "closed" ? this.vm.vcpus : [];
  }
  /** GDB has gone: takes away what it set. */
  close(): void {
    this.interrupt();
    this.points.clear();
  }

  #answer(text: string): string | readonly string[] | Promise<string | readonly string[]> {
    const rest = text.slice(1);
    if (CHANGES.test(text)) this.#done = undefined;
    switch (text[0]) {
      case "?":
        return this.last ? this.#told(this.last) : stopReply(this.#standing(), this.vcpu, this.layout);
      case "g":
        return registersOf(this.layout).map((one) => this.#registerHex(one)).join("");
      case "G":
        return this.#setAll(rest);
      case "p":
        return this.#read(rest);
      case "P":
        return this.#write(rest);
      case "m":
        return this.#readMemory(rest);
      case "M":
        return this.#writeMemory(rest, bytesOfHex);
      case "X":
        return this.#writeMemory(rest, bytesOfText);
      case "Z":
      case "z":
        return this.#point(text[0], rest);
      case "H":
        return this.#select(rest);
      case "T":
        return parseThreadId(rest, this.vm.vcpus.length)?.kind === "one" ? OK : MALFORMED;
      case "c":
      case "s":
        return this.#plain(text[0], rest);
      case "C":
      case "S":
        return this.#plain(text[0] === "C" ? "c" : "s", rest.replace(/^[0-9a-f]{2};?/i, ""));
      case "v":
        return this.#verbose(text);
      case "q":
      case "Q":
        return answerQuery(this, text);
      case "!":
        this.#extended = true;
        return OK;
      case "R":
        (this.options.restart ?? (() => this.vm.reset()))();
        this.last = undefined;
        this.#killed = false;
        return [];
      case "D":
        this.end = "detached";
        return OK;
      case "k":
        this.#kill();
        return [];
      default:
        return UNSUPPORTED;
    }
  }

  #registerHex(register: GdbLayout["features"][number]["registers"][number]): string {
    return registerHex(this.vcpu, register, this.layout.order);
  }

  #read(text: string): string {
    const number = numberOfHex(text), registers = registersOf(this.layout);
    if (number === undefined || number >= registers.length) return MALFORMED;
    return this.#registerHex(registers[Number(number)]);
  }

  #write(text: string): string {
    const [left, value, ...more] = text.split("="), number = numberOfHex(left);
    const registers = registersOf(this.layout);
    if (number === undefined || number >= registers.length || value === undefined || more.length > 0) {
      return MALFORMED;
    }
    const register = registers[Number(number)];
    if (setRegisterHex(this.vcpu, register, value, this.layout.order)) return OK;
    return register.source.length === 0 ? `E.the guest has no register ${register.name}` : MALFORMED;
  }

  /** Registers that the guest has not are passed over. */
  #setAll(text: string): string {
    const registers = registersOf(this.layout);
    if (bytesOfHex(text.replaceAll("x", "0")) === undefined) return MALFORMED;
    if (text.length !== registers.reduce((sum, { bits }) => sum + bits / 4, 0)) return MALFORMED;
    let at = 0;
    for (const register of registers) {
      const digits = text.slice(at, at += register.bits / 4);
      // What has not changed is not written: some registers cannot be set to all that they can hold.
      if (digits.toLowerCase() !== this.#registerHex(register)) {
        setRegisterHex(this.vcpu, register, digits, this.layout.order);
      }
    }
    return OK;
  }

  #readMemory(text: string): string {
    const [address, length] = numbers(text);
    if (address === undefined || length === undefined) return MALFORMED;
    // GDB asks again for what is missing.
    const most = PACKET_SIZE / 2, wanted = length > most ? most : Number(length);
    const bytes = readBytes(this.vcpu, address, wanted);
    return bytes === undefined ? FAULT : hexOf(bytes);
  }

  #writeMemory(text: string, decode: (data: string) => Uint8Array | undefined): string {
    const colon = text.indexOf(":");
    const [address, length] = numbers(text.slice(0, Math.max(colon, 0)));
    const bytes = decode(text.slice(colon + 1));
    if (address === undefined || bytes === undefined || length !== BigInt(bytes.length)) return MALFORMED;
    return writeBytes(this.vcpu, address, bytes) ? OK : FAULT;
  }

  /** Conditions and commands after a `;` are GDB's to tell: it is not told that this side could. */
  #point(letter: "Z" | "z", text: string): string {
    const match = /^([0-4]),([0-9a-f]{1,16}),([0-9a-f]{1,16})$/i.exec(text);
    if (!match) return UNSUPPORTED;
    const type = Number(match[1]), address = numberOfHex(match[2])!, length = numberOfHex(match[3])!;
    if (letter === "z") this.points.remove(type, address, length);
    else if (!this.points.insert(type, address, length)) return MALFORMED;
    return OK;
  }

  #select(text: string): string {
    const id = parseThreadId(text.slice(1), this.vm.vcpus.length);
    if (!id) return MALFORMED;
    const index = id.kind === "one" ? id.index : undefined;
    if (text[0] === "g") this.#selected = index ?? this.#selected;
    else if (text[0] === "c") this.#stepper = index;
    else return MALFORMED;
    return OK;
  }

  #plain(letter: "c" | "s", text: string): Promise<readonly string[]> | string {
    if (text !== "") {
      const address = numberOfHex(text);
      if (address === undefined) return MALFORMED;
      this.vcpu.linearPc = address;
    }
    const count = this.vm.vcpus.length, kind = letter === "c" ? "continue" : "step";
    return this.#resume(plainPlan(kind, this.#stepper ?? this.#selected, count));
  }

  #verbose(text: string): string | Promise<readonly string[]> {
    if (text === "vCont?") return SUPPORTED;
    if (text.startsWith("vCont;")) {
      const plan = parsePlan(text, this.vm.vcpus.length);
      return plan ? this.#resume(plan) : MALFORMED;
    }
    if (/^vKill;/.test(text)) {
      this.#kill();
      return OK;
    }
    return UNSUPPORTED;
  }

  /** In extended mode GDB stays, and may begin anew. */
  #kill(): void {
    this.#killed = true;
    if (!this.#extended) this.end = "killed";
  }

  async #resume(plan: Plan): Promise<readonly string[]> {
    if (this.#hasDone(plan)) return this.#told(this.last = this.#standing());
    const run = this.#run = new AbortController();
    try {
      const { vm, points } = this;
      this.last = await runPlan({ vm, plan, signal: run.signal, isBreak: (pc) => points.isBreak(pc) });
    } finally {
      this.#run = undefined;
    }
    const { vcpu } = this.last, kind = this.points.hitOf(this.last)?.kind;
    this.#selected = vcpu;
    this.#done = this.vm.arch === "ppc" && kind?.endsWith("watch") ? vcpu : undefined;
    return this.#told(this.last);
  }

  /**
   * A PowerPC's data breakpoint comes before the access (2.07B Book III-S 6.5.3), the VM's after it. GDB, which knows the
   * processor, then steps once to see what the access does, before it tells its user of the stop: that step is done.
   */
  #hasDone(plan: Plan): boolean {
    const done = this.#done;
    this.#done = undefined;
    return done !== undefined && plan.get(done)?.kind === "step";
  }

  #told(stop: Stop): readonly string[] {
    const why = explanation(stop);
    const reply = exitReply(stop) ??
      stopReply(stop, this.vm.vcpus[stop.vcpu], this.layout, this.points.hitOf(stop));
    return why === undefined || reply.startsWith("W") ? [reply] : [why, reply];
  }

  /** Before GDB has let the guest go. */
  #standing(): Stop {
    return { reason: "DEBUG", message: "", pc: this.vcpu.pc, vcpu: this.#selected };
  }
}

/** Two numbers with a comma between them. */
function numbers(text: string): readonly (bigint | undefined)[] {
  const parts = text.split(",");
  return parts.length === 2 ? parts.map(numberOfHex) : [undefined, undefined];
}

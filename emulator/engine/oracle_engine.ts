/** The engine that executes definitions on plain values: the measure of the fast ones, and as exact. */
import { execute, type ExecuteHost } from "../ir/execute.ts";
import { STATE } from "../ir/layout.ts";
import type { Isa } from "../isa/isa.ts";
import type { Engine, EngineSetup, EngineStop } from "./engine.ts";
import { fetchAndDecode } from "./fetch.ts";
import { ACCESS, STATUS, type Status } from "./host.ts";
import { Stops } from "./stops.ts";

/** Abandons an instruction with the host's answer. */
class Leave extends Error {
  constructor(readonly status: Status) {
    super("left by the host");
  }
}

export class OracleEngine implements Engine {
  readonly stops: Stops = new Stops();
  readonly yieldEvery = 5_000;
  readonly #setup: EngineSetup;
  readonly #host: ExecuteHost;
  #executed = 0;
  /** The instruction being executed has called the host, where it counts as executed. */
  #inHost = false;
  #brake = false;
  isa: Isa;

  constructor(setup: EngineSetup) {
    this.#setup = setup;
    this.isa = setup.isa;
    this.#executed = setup.executed ?? 0;
    const { state, host } = setup;
    this.#host = {
      state,
      load: (address, size, options) => {
        state.set64(STATE.args, address);
        const flags = (options.forWrite ? ACCESS.forWrite : 0) |
          (options.order === "be" ? ACCESS.bigEndian : 0);
        return this.#call(() => host.load(state.base, size, flags));
      },
      store: (address, size, value, options) => {
        state.set64(STATE.args, address);
        state.set64(STATE.args + 8, value);
        this.#call(() => host.store(state.base, size, options.order === "be" ? ACCESS.bigEndian : 0));
      },
      trap: (name, args) => {
        args.forEach((arg, i) => state.set64(STATE.args + 8 * i, arg));
        return this.#call(() => host.trap(state.base, this.isa.traps.indexOf(name)));
      },
    };
  }

  get instructions(): number {
    return this.#executed + (this.#inHost ? 1 : 0);
  }
  /** It does one at a time, for others to be compared with. */
  readonly room = 0;
  repeated(): void {}
  stopsChanged(): void {}
  isCode(): boolean {
    return false;
  }
  invalidate(): void {}
  forgetMappings(): void {}
  flush(): void {}

  brake(): void {
    this.#brake = true;
  }
  leave(): void {
    this.#brake = true;
  }
  endBehind(): void {
    this.#brake = true;
  }

  run(limit: number, resume: boolean): EngineStop {
    this.#brake = false;
    const { state } = this.#setup;
    // By what was executed: an instruction that raises an exception is none.
    for (const end = this.#executed + limit; this.#executed < end;) {
      const pc = state.get64(STATE.pc);
      if (!resume && this.stops.at(pc, this.#codeBase())) return { kind: "stop" };
      resume = false;
      const stop = this.#step(pc);
      if (stop) return stop;
      if (this.#brake && this.#executed < end) return { kind: "yield" };
    }
    return { kind: "budget" };
  }

  #codeBase(): bigint {
    const { codeBase } = this.isa;
    return codeBase === undefined ? 0n : this.#setup.state.get64(codeBase);
  }

  #step(pc: bigint): EngineStop | undefined {
    const { arena, state } = this.#setup, { isa } = this;
    const linear = pc + this.#codeBase();
    const instruction = fetchAndDecode(isa, arena, this.#setup, pc, linear);
    if ("kind" in instruction) return instruction;
    const cost = this.#setup.costOf(instruction.form.cycleClass);
    const before = state.getNumber(STATE.cycles);
    const nextPc = BigInt.asUintN(isa.pcWidth ?? isa.addressWidth, pc + BigInt(instruction.length));
    // Precise state for the host, the instruction counted in, as compiled code leaves it.
    state.set64(STATE.nextPc, nextPc);
    state.set32(STATE.cost, cost);
    state.setNumber(STATE.cycles, before + cost);
    try {
      const target = execute(instruction, pc, this.#host);
      state.set64(STATE.pc, target === pc + BigInt(instruction.length) ? nextPc : target);
      this.#executed++;
      return undefined;
    } catch (error) {
      if (!(error instanceof Leave)) throw error;
      if (error.status === STATUS.again || error.status === STATUS.fault) {
        state.setNumber(STATE.cycles, before);
        return error.status === STATUS.again ? { kind: "host" } : undefined;
      }
      this.#executed++;
      if (error.status === STATUS.redirect) return undefined;
      state.set64(STATE.pc, nextPc);
      return { kind: "host" };
    } finally {
      this.#inHost = false;
    }
  }

  #call(f: () => Status): bigint {
    this.#inHost = true;
    const status = f();
    this.#inHost = false;
    if (status !== STATUS.proceed) throw new Leave(status);
    return this.#setup.state.get64(STATE.result);
  }
}

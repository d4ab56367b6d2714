/** Runs instruction cases on the fast readers: the interpreter, and a region of one instruction. */
import { Arena } from "../../emulator/engine/arena.ts";
import { InterpreterEngine } from "../../emulator/engine/engine.ts";
import { ACCESS, type EngineHost, STATUS, type Status, UNKNOWN_WAY } from "../../emulator/engine/host.ts";
import { CpuState } from "../../emulator/engine/state.ts";
import { STATE } from "../../emulator/ir/layout.ts";
import type { InstructionCase } from "../../emulator/isa/example.ts";
import type { Isa } from "../../emulator/isa/isa.ts";
import { type CaseDriver, numberBytes, type RaisedTrap } from "./cases.ts";
import { modesOf, NamedState, partsOf } from "./named_state.ts";
import { CASE_PC } from "./oracle_driver.ts";

const PAGE = 4096n;

/** Memory that exists wherever it is looked at, a page at a time. */
class PagedMemory {
  readonly #pages = new Map<bigint, number>();
  constructor(readonly arena: Arena) {}

  place(address: bigint): number {
    const page = BigInt.asUintN(64, address) / PAGE;
    let place = this.#pages.get(page);
    if (place === undefined) this.#pages.set(page, place = this.arena.allocate(4096));
    return place + Number(address % PAGE);
  }
  write(address: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => this.arena.u8[this.place(BigInt.asUintN(64, address + BigInt(i)))] = byte);
  }
  read(address: bigint, length: number): Uint8Array {
    return Uint8Array.from(
      { length },
      (_, i) => this.arena.u8[this.place(BigInt.asUintN(64, address + BigInt(i)))],
    );
  }
}

/** The trap of x86 that never comes back to its instruction; definitions of PowerPC go on behind theirs. */
const RAISED = "exception";

/** Answers slow accesses from paged memory, and every trap with `result`. */
class CaseHost implements EngineHost {
  result = 0n;
  readonly traps: RaisedTrap[] = [];
  constructor(readonly isa: Isa, readonly state: CpuState, readonly memory: PagedMemory) {}

  load(_cpu: number, size: number, flags: number) {
    const bytes = this.memory.read(this.state.get64(STATE.args), size);
    const digits = flags & ACCESS.bigEndian ? bytes : bytes.toReversed();
    this.state.set64(STATE.result, digits.reduce((value, byte) => value << 8n | BigInt(byte), 0n));
    return STATUS.proceed;
  }
  store(_cpu: number, size: number, flags: number) {
    const order = flags & ACCESS.bigEndian ? "be" : "le";
    this.memory.write(
      this.state.get64(STATE.args),
      numberBytes(this.state.get64(STATE.args + 8), size, order),
    );
    return STATUS.proceed;
  }
  again(): typeof UNKNOWN_WAY {
    return UNKNOWN_WAY;
  }
  trap(_cpu: number, trap: number) {
    const helper = this.isa.helpers?.[this.isa.traps[trap]];
    if (helper) return helper(this.state, this) as Status;
    const args = Array.from({ length: 6 }, (_, i) => this.state.get64(STATE.args + 8 * i));
    this.traps.push({ name: this.isa.traps[trap], args });
    this.state.set64(STATE.result, this.result);
    return this.isa.name.startsWith("x86") && this.isa.traps[trap] === RAISED ? STATUS.done : STATUS.proceed;
  }
}

/** A driver for one mode of an ISA. */
export function engineDriver(isa: Isa, kind: "interpreter" | "region"): CaseDriver {
  return { name: `${kind} ${isa.name}`, modes: modesOf(isa), run: (one) => runOnEngine(isa, kind, one) };
}

function runOnEngine(isa: Isa, kind: "interpreter" | "region", instruction: InstructionCase) {
  const arena = new Arena(2 ** 21);
  const state = new CpuState(arena);
  const memory = new PagedMemory(arena);
  const host = new CaseHost(isa, state, memory);
  for (const [offset, value] of isa.reset) state.set64(offset, value);
  const named = new NamedState(isa, partsOf(isa), state);
  named.set("pc", CASE_PC);
  for (const assignment of instruction.before) {
    if (assignment.kind === "memory") memory.write(assignment.address, assignment.bytes);
    else if (assignment.kind === "number") {
      memory.write(assignment.address, numberBytes(assignment.value, assignment.size, isa.order));
    } else if (assignment.kind === "trap") throw new SyntaxError("a trap belongs behind =>");
    else if (assignment.name === "result") host.result = assignment.value;
    else named.set(assignment.name, assignment.value);
  }
  const pc = state.get64(STATE.pc);
  const base = isa.codeBase === undefined ? 0n : state.get64(isa.codeBase);
  memory.write(pc + base, instruction.bytes);
  const engine = new InterpreterEngine({
    isa,
    arena,
    state,
    host,
    codeAt: (address) => memory.place(address),
    costOf: () => 1,
  });
  if (kind === "region") engine.compile(pc, instruction.bytes.length);
  const stop = engine.run(1, true);
  if (stop.kind === "undecodable") throw new SyntaxError(stop.why.reason);
  return {
    order: isa.order,
    traps: host.traps,
    register: (name: string) => named.get(name),
    memory: (address: bigint, length: number) => memory.read(address, length),
  };
}

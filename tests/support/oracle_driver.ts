/** Runs instruction cases on the oracle of `emulator/ir/execute.ts`. */
import { execute } from "../../emulator/ir/execute.ts";
import { STATE } from "../../emulator/ir/layout.ts";
import type { Assignment, InstructionCase } from "../../emulator/isa/example.ts";
import { ACCESS, STATUS } from "../../emulator/engine/host.ts";
import type { Helper, Isa, StateView } from "../../emulator/isa/isa.ts";
import { type CaseDriver, numberBytes, type RaisedTrap } from "./cases.ts";
import { createState, modesOf, NamedState, type Parts, partsOf } from "./named_state.ts";

/** Where a case's instruction stands unless it says `pc=`. */
export const CASE_PC = 0x1000n;

/** Sparse memory that reads as zeros where nothing was written. */
export class SparseMemory implements ByteMemory {
  readonly #bytes = new Map<bigint, number>();

  write(address: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, index) => this.#bytes.set(BigInt.asUintN(64, address + BigInt(index)), byte));
  }

  read(address: bigint, length: number): Uint8Array {
    return Uint8Array.from(
      { length },
      (_, i) => this.#bytes.get(BigInt.asUintN(64, address + BigInt(i))) ?? 0,
    );
  }
}

function toNumber(bytes: Uint8Array, order: "le" | "be"): bigint {
  const digits = order === "be" ? bytes : bytes.toReversed();
  return digits.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** A driver for one mode of an ISA. */
export function oracleDriver(isa: Isa): CaseDriver {
  return {
    name: `oracle ${isa.name}`,
    modes: modesOf(isa),
    run: (instruction) => runOnOracle(isa, partsOf(isa), instruction),
  };
}

/** Memory by bytes. */
export interface ByteMemory {
  write(address: bigint, bytes: Uint8Array): void;
  read(address: bigint, length: number): Uint8Array;
}

/** Calls a helper with its arguments and memory where it looks for them; its result. */
export function runHelper(
  helper: Helper,
  state: StateView,
  memory: ByteMemory,
  args: readonly bigint[],
): bigint {
  args.forEach((arg, index) => state.set64(STATE.args + 8 * index, arg));
  const orderOf = (flags: number) => flags & ACCESS.bigEndian ? "be" : "le";
  helper(state, {
    load(_cpu, size, flags) {
      const bytes = memory.read(state.get64(STATE.args), size);
      state.set64(STATE.result, toNumber(bytes, orderOf(flags)));
      return STATUS.proceed;
    },
    store(_cpu, size, flags) {
      const value = state.get64(STATE.args + 8);
      memory.write(state.get64(STATE.args), numberBytes(value, size, orderOf(flags)));
      return STATUS.proceed;
    },
  });
  return state.get64(STATE.result);
}

function runOnOracle(isa: Isa, parts: Parts, instruction: InstructionCase) {
  const state = createState();
  for (const [offset, value] of isa.reset) state.set64(offset, value);
  const named = new NamedState(isa, parts, state);
  const memory = new SparseMemory();
  named.set("pc", CASE_PC);
  let result = 0n;
  const put = (assignment: Assignment): void => {
    if (assignment.kind === "memory") memory.write(assignment.address, assignment.bytes);
    else if (assignment.kind === "number") {
      memory.write(assignment.address, numberBytes(assignment.value, assignment.size, isa.order));
    } else if (assignment.kind === "trap") throw new SyntaxError("a trap belongs behind =>");
    else if (assignment.name === "result") result = assignment.value;
    else named.set(assignment.name, assignment.value);
  };
  instruction.before.forEach(put);

  const pc = state.get64(STATE.pc);
  const decoded = isa.decode(instruction.bytes, pc);
  if ("undecodable" in decoded) throw new SyntaxError(decoded.reason);
  if (decoded.length !== instruction.bytes.length) {
    throw new SyntaxError(`decodes to ${decoded.length} bytes of ${instruction.bytes.length}`);
  }
  const traps: RaisedTrap[] = [];
  const target = execute(decoded, pc, {
    state,
    load: (address, size, options) => toNumber(memory.read(address, size), options.order ?? "le"),
    store: (address, size, value, options) => {
      memory.write(address, numberBytes(value, size, options.order ?? "le"));
    },
    trap: (name, args) => {
      const helper = isa.helpers?.[name];
      if (helper) return runHelper(helper, state, memory, args);
      traps.push({ name, args });
      return result;
    },
  });
  state.set64(STATE.pc, BigInt.asUintN(isa.addressWidth, target));
  return {
    order: isa.order,
    traps,
    register: (name: string) => named.get(name),
    memory: (address: bigint, length: number) => memory.read(address, length),
  };
}

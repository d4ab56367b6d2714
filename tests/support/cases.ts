/**
 * Runs one-line instruction cases (`emulator/isa/example.ts`) on executors, and compares what they leave
 * with what the case says.
 */
import type { Assignment, InstructionCase } from "../../emulator/isa/example.ts";
import { parseCaseLine } from "../../emulator/isa/example.ts";

/** A trap that an instruction raised. */
export interface RaisedTrap {
  readonly name: string;
  readonly args: readonly bigint[];
}

/** What an executor leaves. */
export interface CaseState {
  /** A register or flag by name and its width in bits; undefined for an unknown name. */
  register(name: string): { readonly value: bigint; readonly width: number } | undefined;
  memory(address: bigint, length: number): Uint8Array;
  readonly order: "le" | "be";
  /** In the order in which they were raised. */
  readonly traps: readonly RaisedTrap[];
}

/** Something that can execute one instruction of a case. */
export interface CaseDriver {
  /** For test names, e.g. `"oracle x86-32"`. */
  readonly name: string;
  /** What the case's modes may call its mode, e.g. `["x86-32", "32"]`. */
  readonly modes: readonly string[];
  /** Executes the case's bytes from its `before`; throws for bytes that it cannot decode. */
  run(instruction: InstructionCase): CaseState | Promise<CaseState>;
}

/** A case and where it stands. */
export interface PlacedCase {
  readonly file: string;
  readonly line: number;
  readonly instruction: InstructionCase;
}

/** Reads a case file: one case a line, empty lines and lines that begin with `#` left out. */
export function readCases(text: string, file: string): PlacedCase[] {
  return text.split(/\r?\n/).flatMap((source, index) => {
    const trimmed = source.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    try {
      return [{ file, line: index + 1, instruction: parseCaseLine(trimmed) }];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SyntaxError(`${file}:${index + 1}: ${error.message}`);
    }
  });
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const hexBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");

/** A number as it stands in memory. */
export function numberBytes(value: bigint, size: number, order: "le" | "be"): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return order === "le" ? bytes : bytes.reverse();
}

const trapText = ({ name, args }: RaisedTrap): string =>
  `${name}(${args.map((arg) => arg.toString(16)).join(",")})`;

function difference(expected: Assignment, state: CaseState): string | undefined {
  switch (expected.kind) {
    case "register": {
      const { name } = expected;
      const actual = state.register(name);
      if (actual === undefined) return `${name}: no such register`;
      // Negative numbers are taken to the register's width; others have to fit it.
      const value = expected.value < 0n ? BigInt.asUintN(actual.width, expected.value) : expected.value;
      return actual.value === value
        ? undefined
        : `${name}: expected ${hex(value)}, found ${hex(actual.value)}`;
    }
    case "memory":
    case "number": {
      const bytes = expected.kind === "memory"
        ? expected.bytes
        : numberBytes(expected.value, expected.size, state.order);
      const actual = state.memory(expected.address, bytes.length);
      const same = bytes.every((byte, index) => byte === actual[index]);
      return same
        ? undefined
        : `[${hex(expected.address)}]: expected ${hexBytes(bytes)}, found ${hexBytes(actual)}`;
    }
    case "trap": {
      const { name, args } = expected;
      const raised = state.traps.some((trap) =>
        trap.name === name && args.every((arg, index) => (trap.args[index] ?? 0n) === arg)
      );
      return raised
        ? undefined
        : `expected trap ${trapText(expected)}, found ${state.traps.map(trapText).join(" ") || "none"}`;
    }
  }
}

/** What differs between a case's `after` and an executor's state; empty where they agree. */
export function differences(instruction: InstructionCase, state: CaseState): string[] {
  const found = instruction.after.map((expected) => difference(expected, state));
  return found.filter((text): text is string => text !== undefined);
}

/** Runs a case on every driver of its modes; returns `"driver: what differs"` lines. */
export async function runCase(
  instruction: InstructionCase,
  drivers: readonly CaseDriver[],
): Promise<string[]> {
  const fitting = drivers.filter(({ modes }) =>
    instruction.modes.length === 0 || instruction.modes.some((mode) => modes.includes(mode))
  );
  if (fitting.length === 0) return [`no executor for mode ${instruction.modes.join(" ")}`];
  const lines = await Promise.all(fitting.map(async (driver) => {
    try {
      return differences(instruction, await driver.run(instruction)).map((line) => `${driver.name}: ${line}`);
    } catch (error) {
      return [`${driver.name}: ${error instanceof Error ? error.message : error}`];
    }
  }));
  return lines.flat();
}

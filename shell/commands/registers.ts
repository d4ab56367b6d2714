/** `info registers`, `set` and `print`: values by name. */
import { object } from "@optique/core/constructs";
import { didYouMean } from "../../emulator/isa/edit_distance.ts";
import { defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { hex } from "../reports/hexdump.ts";
import { type RegisterRow, registerTable } from "../reports/register_table.ts";
import { words } from "./support/grammar.ts";
import { stateOf } from "./support/state.ts";
import { nameOf } from "./support/symbols.ts";

/** The group of registers that are part of another one, such as al: shown where asked for. */
export const PART = "part";

/** Registers with their values, the ones marked that changed since the guest ran last. */
export function registerRows(session: Session): RegisterRow[] {
  const { before } = stateOf(session);
  return session.vcpu.registers.list().map(({ name, value, width, group }) => {
    const old = before?.get(name);
    return { name, value, width, group, changed: old !== undefined && old !== value };
  });
}

const bare = (name: string) => name.replace(/^\$/, "").toLowerCase();
const completeRegisters = (session: Session, typed: readonly string[]) => {
  const dollar = typed.at(-1)?.startsWith("$") ? "$" : "";
  return session.hasVm ? session.vcpu.registers.names.map((name) => dollar + name) : [];
};

export const registers = defineCommand({
  name: "info registers",
  aliases: ["regs", "info reg"],
  group: "inspect",
  summary: "show the registers; * marks what the last run or step changed",
  description:
    "regs [NAME...] shows the named registers or groups only; al and the like are in the group part.",
  grammar: object({ names: words("NAME") }),
  examples: [
    { line: "regs", after: ["arch x86"], shows: "rax" },
    { line: "regs lr ctr", after: ["arch ppc"], shows: "ctr" },
  ],
  complete: completeRegisters,
  run(session, { names }): RegisterRow[] {
    const rows = registerRows(session);
    if (names.length === 0) return rows.filter((row) => row.group !== PART);
    const known = [...new Set(rows.flatMap((row) => [row.name, row.group]))];
    return names.flatMap((name) => {
      const found = rows.filter((row) => row.name === bare(name) || row.group === name);
      if (found.length > 0) return found;
      throw new ReferenceError(`There is no register or group ${name}${didYouMean(bare(name), known)}`);
    });
  },
  print: (rows) => registerTable(rows).join("\n"),
});

export interface SetData {
  readonly name: string;
  readonly value: bigint;
  /** Bits of the register; undefined for a variable. */
  readonly width?: number;
}

const ASSIGNMENT = /^(\$?)([A-Za-z_][\w.]*)\s*(?:=|\s)\s*(.+)$/s;

export const set = defineCommand({
  name: "set",
  group: "inspect",
  summary: "set a register, or a variable of the session",
  description:
    `set $NAME = VALUE, or set NAME VALUE. A name that is no register makes a variable, which expressions use as
$NAME; that takes the $. A value that the register cannot hold is refused; -1 is all ones.`,
  grammar: object({ words: words("ASSIGNMENT", 1) }),
  raw: true,
  examples: [
    { line: "set $rax = 0x10 + 2", after: ["arch x86"], shows: "rax = 0x12" },
    { line: "set r3 -1", after: ["arch ppc"], shows: "r3 = 0xffffffffffffffff" },
    { line: "set $count = 5", shows: "$count = 0x5" },
  ],
  complete: completeRegisters,
  run(session, { words }): SetData {
    const text = words.join(" ");
    const match = ASSIGNMENT.exec(text);
    if (match === null) throw new SyntaxError(`"set ${text}" is not an assignment: write set $NAME = VALUE`);
    const [, dollar, given, expression] = match;
    const name = given.toLowerCase();
    const { registers } = session.vcpu;
    const value = session.evaluateNumber(expression);
    if (registers.names.includes(name)) {
      const width = registers.list().find((row) => row.name === name)?.width ?? 64;
      if (BigInt.asUintN(width, value) !== value && BigInt.asIntN(width, value) !== value) {
        throw new RangeError(`${hex(value)} does not fit in ${name}, which has ${width} bits`);
      }
      registers.set(name, BigInt.asUintN(width, value));
      return { name, value: registers.get(name), width };
    }
    if (dollar === "") {
      const hint = didYouMean(name, registers.names) ||
        `; for a variable write set $${given} = ${expression}`;
      throw new ReferenceError(`There is no register ${given}${hint}`);
    }
    session.variables.set(given, value);
    return { name: `$${given}`, value };
  },
  print: ({ name, value }) => `${name} = ${hex(value)}`,
});

export interface PrintData {
  readonly value: bigint;
  readonly symbol?: string;
}

export const print = defineCommand({
  name: "print",
  aliases: ["p"],
  group: "inspect",
  summary: "show the value of an expression in several bases",
  description:
    `Numbers, $registers, $variables, symbols and + - * / % << >> & | ^ ~ ( ), as everywhere that a command takes a
number. print/x, /d, /t, /c choose one base.`,
  suffix: "/",
  raw: true,
  grammar: object({ words: words("EXPRESSION", 1) }),
  examples: [{ line: "print 6 * 7", shows: "42 = 0x2a" }],
  run(session, { words }): PrintData & { base?: string } {
    const base = /^\/[a-z]$/.test(words[0]) ? words[0][1] : undefined;
    const value = session.evaluateNumber((base === undefined ? words : words.slice(1)).join(" "));
    const symbol = session.hasVm && value >= 0n ? nameOf(session.vm, value) : undefined;
    return { value, ...(symbol !== undefined && { symbol }), ...(base !== undefined && { base }) };
  },
  print({ value, symbol, base }) {
    const name = symbol === undefined ? "" : ` <${symbol}>`;
    switch (base) {
      case "x":
        return hex(value) + name;
      case "d":
        return String(value);
      case "t":
        return `0b${value.toString(2)}`;
      default:
        return `${value} = ${hex(value)}${name}`;
    }
  },
});

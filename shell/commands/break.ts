/** `break`, `delete`, `info break`: where the guest is to stop. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { table } from "../reports/table.ts";
import { hex } from "../reports/hexdump.ts";
import { maybeWord, words } from "./support/grammar.ts";
import { addressOf } from "./support/numbers.ts";
import { nameOf, symbolNames } from "./support/symbols.ts";

export interface BreakpointData {
  readonly id: number;
  readonly address: bigint;
  /** Times that the guest stopped at it. */
  readonly hits: number;
  readonly symbol?: string;
}

function listed(session: Session): BreakpointData[] {
  return session.vm.breakpoints.list().map(({ id, address, hits }) => {
    const symbol = nameOf(session.vm, address);
    return { id, address, hits, ...(symbol !== undefined && { symbol }) };
  });
}

const where = ({ address, symbol }: BreakpointData) =>
  `${hex(address)}${symbol === undefined ? "" : ` <${symbol}>`}`;

export const breakAt = defineCommand({
  name: "break",
  aliases: ["b"],
  group: "run",
  summary: "stop the guest before it executes the instruction at ADDR",
  description:
    "Without ADDR at the program counter. The guest's memory is not changed. run goes on from a breakpoint.",
  grammar: object({ words: words("ADDR") }),
  examples: [{ line: "break done", after: ["arch x86", "asm nop ;; done: hlt"], shows: "<done>" }],
  complete: (session) => symbolNames(session),
  run(session, { words }): BreakpointData {
    const at = words.length === 0 ? session.vcpu.pc : addressOf(session, words.join(" "));
    const { id } = session.vm.breakpoints.add(at);
    return listed(session).find((one) => one.id === id)!;
  },
  print: (data) => `breakpoint ${data.id} at ${where(data)}`,
});

export const deleteBreak = defineCommand({
  name: "delete",
  aliases: ["d"],
  group: "run",
  summary: "delete a breakpoint by its number, or all of them",
  grammar: object({ id: maybeWord("ID") }),
  examples: [{ line: "delete", after: ["arch x86", "break 0x1000"], shows: "deleted breakpoint" }],
  complete: (session) => session.hasVm ? listed(session).map(({ id }) => String(id)) : [],
  run(session, { id }): readonly BreakpointData[] {
    const all = listed(session);
    const gone = id === undefined ? all : all.filter((one) => String(one.id) === id);
    if (gone.length === 0) {
      const there = all.length === 0 ? "there are none" : `there are ${all.map((one) => one.id).join(", ")}`;
      throw new ReferenceError(
        id === undefined ? "There is no breakpoint" : `There is no breakpoint ${id}; ${there}`,
      );
    }
    for (const one of gone) session.vm.breakpoints.remove(one.id);
    return gone;
  },
  print: (gone) =>
    `deleted breakpoint${gone.length === 1 ? "" : "s"} ${gone.map((one) => one.id).join(", ")}`,
});

export const infoBreak = defineCommand({
  name: "info break",
  aliases: ["info breakpoints"],
  group: "run",
  summary: "list the breakpoints",
  grammar: object({}),
  examples: [{ line: "info break", after: ["arch x86", "break 0x1000"], shows: "0x1000" }],
  run: listed,
  print: (list) =>
    list.length === 0 ? "no breakpoints" : table([
      { title: "id", value: (one) => one.id },
      { title: "address", value: (one) => hex(one.address) },
      { title: "hits", value: (one) => one.hits },
      { title: "symbol", value: (one) => one.symbol },
    ], list).join("\n"),
});

/** `break`, `tbreak`, `watch`, `rwatch`, `awatch`, `catch exit`: where the guest is to stop. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { flag } from "@optique/core/primitives";
import { message } from "@optique/core/message";
import { type Command, defineCommand } from "../command.ts";
import type { PointOptions, WatchKind } from "../machine_types.ts";
import type { Session } from "../session.ts";
import { conditionOf, splitCondition } from "./support/condition.ts";
import { words } from "./support/grammar.ts";
import { addressOf, numberOf } from "./support/numbers.ts";
import { placeText, type PointData, pointOf } from "./support/points.ts";
import { isSourcePlace } from "./support/source_files.ts";
import { symbolNames, symbolSize } from "./support/symbols.ts";

const CONDITION =
  `"if EXPR" stops only where EXPR is not 0: registers ($rax), symbols, memory (*ADDR is a word as wide as an
address, w[ADDR] 4 bytes; b h w g: 1 2 4 8) and C's operators; all unsigned.`;

/** What every one of these says when it is set. */
function printSet(data: PointData): string {
  const { id, kind, temporary, condition } = data;
  const at = kind === "breakpoint" ? " at" : ":";
  const when = condition === undefined ? "" : ` if ${condition}`;
  return `${temporary ? "temporary " : ""}${kind} ${id}${at} ${placeText(data)}${when}`;
}

function optionsOf(session: Session, text: string | undefined, temporary: boolean): PointOptions {
  return { temporary, ...(text !== undefined && { condition: conditionOf(session, text) }) };
}

/** In real mode the program counter is an offset: of SEG:OFF the segment becomes a condition. */
function addBreakpoint(session: Session, typed: readonly string[], temporary: boolean): PointData {
  const { before, text } = splitCondition(typed);
  const place = before.join(" "), parts = place.split(":");
  if (parts.length !== 2 || isSourcePlace(session, place)) {
    const at = place === "" ? session.vcpu.pc : addressOf(session, place);
    return pointOf(session, session.vm.breakpoints.add(at, optionsOf(session, text, temporary)).id);
  }
  const segment = `$cs == ${parts[0].trim()}`, at = session.evaluateNumber(parts[1]);
  const condition = text === undefined ? segment : `${segment} && (${text})`;
  return pointOf(session, session.vm.breakpoints.add(at, optionsOf(session, condition, temporary)).id);
}

function breakCommand(name: "break" | "tbreak", aliases: readonly string[], temporary: boolean): Command {
  return defineCommand({
    name,
    aliases,
    group: "stops",
    summary: temporary
      ? "stop the guest once before it executes the instruction at ADDR"
      : "stop the guest before it executes the instruction at ADDR",
    description:
      `${name} [ADDR|FILE:LINE] [if EXPR]: without ADDR at the program counter. The guest's memory is not changed. run goes on from a
breakpoint. ${CONDITION}${temporary ? " It is deleted when it stops the guest." : ""}`,
    grammar: object({ words: words("ADDR") }),
    raw: true,
    examples: temporary
      ? [{ line: "tbreak done", after: ["arch x86", "asm nop ;; done: hlt"], shows: "<done>" }]
      : [
        { line: "break done", after: ["arch x86", "asm nop ;; done: hlt"], shows: "<done>" },
        {
          line: "break again if $ecx == 2",
          after: ["arch x86", "asm mov ecx, 9 ;; again: loop again"],
          shows: "if $ecx == 2",
        },
      ],
    complete: (session) => symbolNames(session),
    run: (session, { words }): PointData => addBreakpoint(session, words, temporary),
    print: printSet,
  });
}

export const breakAt = breakCommand("break", ["b"], false);
export const breakOnce = breakCommand("tbreak", ["tb"], true);

/** The bytes that a watchpoint covers where none are said: those of the symbol, or a word. */
function lengthAt(session: Session, place: string): number {
  const size = symbolSize(session.vm, place);
  return size !== undefined && size <= 4096n ? Number(size) : session.vm.isa.addressWidth / 8;
}

function addWatchpoint(
  session: Session,
  typed: readonly string[],
  kind: WatchKind,
  changes: boolean,
): PointData {
  const { before, text } = splitCondition(typed);
  if (before.length === 0) throw new SyntaxError("a watchpoint wants an address (example: watch 0x2000 4)");
  // A length is one word behind the address, which may be several.
  const last = before.length > 1 && /^(\d|0x)/.test(before.at(-1)!) && !/[-+*/%&|^<>(]$/.test(before.at(-2)!);
  const place = (last ? before.slice(0, -1) : before).join(" ");
  const length = last
    ? numberOf(session, before.at(-1)!, "number of bytes to watch", 1, 4096)
    : lengthAt(session, place);
  const address = addressOf(session, place);
  const { id } = session.vm.watchpoints.add(
    { address, length, kind, changes },
    optionsOf(session, text, false),
  );
  return pointOf(session, id);
}

/** What the three have in common. */
function watchText(name: string, note: string) {
  return {
    name,
    group: "stops",
    description:
      `${name} ADDR [LENGTH] [if EXPR]: LENGTH bytes from ADDR, by default those of the symbol or a word as wide as an
address. The guest stops after the instruction, on any vCPU. ${note}ADDR is what the guest's instructions use (x86: segment
base added; before translation), and accesses of devices are not seen. Only the guest's accesses to the pages in question become
slower. ${CONDITION}`,
    raw: true,
    complete: symbolNames,
    print: printSet,
  } as const;
}

export const watch = defineCommand({
  ...watchText("watch", "A write that changes nothing does not stop it, save with --any. "),
  summary: "stop the guest after it changes memory at ADDR",
  grammar: object({
    any: optional(flag("--any", { description: message`stop at writes that change nothing, too` })),
    words: words("ADDR"),
  }),
  examples: [
    { line: "watch 0x2000 4", after: ["arch x86"], shows: "changes of 0x2000, 4 bytes" },
    {
      line: "watch --any 0x2000 1 if $ecx == 3",
      after: ["arch x86"],
      shows: "writes to 0x2000, 1 byte if $ecx",
    },
  ],
  run: (session, { any, words }): PointData => addWatchpoint(session, words, "write", any !== true),
});

function watchOthers(name: string, kind: "read" | "access", summary: string, shows: string): Command {
  return defineCommand({
    ...watchText(name, ""),
    summary,
    grammar: object({ words: words("ADDR") }),
    examples: [{ line: `${name} 0x2000 4`, after: ["arch x86"], shows }],
    run: (session, { words }): PointData => addWatchpoint(session, words, kind, false),
  });
}
export const readWatch = watchOthers(
  "rwatch",
  "read",
  "stop the guest after it reads memory at ADDR",
  "reads of 0x2000",
);
export const accessWatch = watchOthers(
  "awatch",
  "access",
  "stop the guest after it reads or writes memory at ADDR",
  "accesses to 0x2000",
);

export const catchExit = defineCommand({
  name: "catch exit",
  aliases: ["catch"],
  group: "stops",
  summary: "stop the guest after an instruction that exits",
  description:
    `catch exit [KIND] [KEY] [if EXPR]: KIND is mmio, pio, hypercall, any other reason of "info exits" or the backend's own
name for one (EPT_VIOLATION); any exit if it is left out. KEY is a port, a guest-physical address, a hypercall number, an MSR, a
leaf. The device has answered by then, and "last exit" has the cost. --once: only the first. ${CONDITION}`,
  grammar: object({
    once: optional(flag("--once", { description: message`delete it when it stops the guest` })),
    words: words("KIND"),
  }),
  raw: true,
  examples: [
    { line: "catch exit mmio", after: ["arch x86"], shows: "catchpoint 1: exits MMIO" },
    { line: "catch exit pio 0x80", after: ["arch x86"], shows: "exits PIO 0x80" },
  ],
  complete: (session) =>
    session.hasVm ? session.vm.catchpoints.reasons.map((name) => name.toLowerCase()) : ["mmio", "hypercall"],
  run(session, { words, once }): PointData {
    const { before, text } = splitCondition(words);
    const [reason, ...rest] = before;
    const key = rest.length === 0
      ? undefined
      : numberOf(session, rest.join(" "), "key", 0, Number.MAX_SAFE_INTEGER);
    const { id } = session.vm.catchpoints.add({ reason, key }, optionsOf(session, text, once === true));
    return pointOf(session, id);
  },
  print: printSet,
});

/** Expressions that are shown after each stop, for each session apart. */
import type { Session } from "../../session.ts";
import { printExamined } from "../../reports/examined.ts";
import { type ExamineData, readAt } from "./examine_memory.ts";
import { type ExamineFormat, parseExamine } from "./examine_format.ts";
import { addressOf } from "./numbers.ts";
import { hex } from "../../reports/hexdump.ts";

/** One of them. */
export interface Display {
  readonly id: number;
  /** As it was typed. */
  readonly expression: string;
  /** Memory at the expression's value in this format; the value itself if not given. */
  readonly format?: ExamineFormat;
}

/** What one shows now. */
export interface DisplayData {
  readonly id: number;
  readonly expression: string;
  readonly value?: bigint;
  readonly memory?: ExamineData;
  /** Why there is neither. */
  readonly problem?: string;
}

interface Displays {
  next: number;
  readonly list: Display[];
}

const bySession = new WeakMap<Session, Displays>();

function displaysOf(session: Session): Displays {
  let displays = bySession.get(session);
  if (!displays) bySession.set(session, displays = { next: 1, list: [] });
  return displays;
}

/** Adds one; `format` is as `x` takes it, e.g. `/4xw`. Throws `SyntaxError` for a bad format. */
export function addDisplay(session: Session, expression: string, format: string | undefined): Display {
  const displays = displaysOf(session);
  const display: Display = {
    id: displays.next,
    expression,
    ...(format !== undefined && { format: parseExamine(format) }),
  };
  displays.next++;
  displays.list.push(display);
  return display;
}

/** Takes one away; false if there is none of that number. */
export function removeDisplay(session: Session, id: number): boolean {
  const { list } = displaysOf(session), at = list.findIndex((one) => one.id === id);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

export function listDisplays(session: Session): readonly Display[] {
  return displaysOf(session).list;
}

/** What all of them show now. Never throws: what cannot be told is told so. */
export function showDisplays(session: Session): DisplayData[] {
  return listDisplays(session).map((display) => showDisplay(session, display));
}

export function showDisplay(session: Session, { id, expression, format }: Display): DisplayData {
  try {
    if (format === undefined) return { id, expression, value: session.evaluateNumber(expression) };
    const { data } = readAt(session, addressOf(session, expression), format);
    return { id, expression, memory: data };
  } catch (error) {
    return { id, expression, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** `1: $rax = 5 = 0x5`, or the memory below a head. */
export function displayLines(list: readonly DisplayData[]): string[] {
  return list.flatMap(({ id, expression, value, memory, problem }) => {
    const head = `${id}: ${expression}`;
    if (problem !== undefined) return [`${head}: ${problem}`];
    if (value !== undefined) return [`${head} = ${value} = ${hex(value)}`];
    return [head, ...printExamined(memory!).split("\n")];
  });
}

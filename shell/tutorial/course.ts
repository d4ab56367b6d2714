/** Where somebody is in the tutorial, and whether an answer is right. */
import { LiveSession } from "../live_session.ts";
import type { Session } from "../session.ts";
import { plain } from "../style.ts";
import type { Lesson } from "./lesson.ts";
import { LESSONS } from "./lessons.ts";

/** How far a session is. */
export interface Progress {
  /** The lesson at hand, from 0. */
  lesson: number;
  readonly passed: Set<number>;
}

const progress = new WeakMap<Session, Progress>();

export function progressOf(session: Session): Progress {
  const known = progress.get(session) ?? { lesson: 0, passed: new Set<number>() };
  progress.set(session, known);
  return known;
}

/** What became of an answer. */
export type Verdict =
  | { readonly right: true; readonly number: number; readonly lesson: Lesson; readonly next?: number }
  | { readonly right: false; readonly number: number; readonly hint: string };

/**
 * Compares with what the lesson's lines give on a machine of their own: an answer is right if it was measured
 * right, whatever this version of the figures says.
 */
export async function checkAnswer(session: Session, given: number): Promise<Verdict> {
  const at = progressOf(session), lesson = LESSONS[at.lesson], number = at.lesson + 1;
  const own = await afterLines(session, lesson);
  try {
    if (given === lesson.answer(own)) {
      at.passed.add(at.lesson);
      if (number < LESSONS.length) at.lesson++;
      return { right: true, number, lesson, ...(number < LESSONS.length && { next: number + 1 }) };
    }
    const near = lesson.near.find(({ figure }) => figure(own) === given);
    return { right: false, number, hint: near?.says ?? "the lines of the lesson give another figure" };
  } finally {
    own.close();
  }
}

/** A session in which the lesson's lines were done, and nothing else. Throws what one of them fails with. */
async function afterLines(session: Session, lesson: Lesson): Promise<LiveSession> {
  const { builtinDevices } = await import("../builtin_devices.ts");
  const out = { write: () => {} };
  const own = new LiveSession({ table: session.table, out, style: plain, devices: builtinDevices(out) });
  for (const line of lesson.lines) {
    const outcome = await own.execute(line);
    if (!outcome.ok) throw outcome.error;
  }
  return own;
}

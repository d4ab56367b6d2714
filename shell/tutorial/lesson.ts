/** What a lesson of the tutorial is. */
import type { Session } from "../session.ts";

/** A figure of a session in which a lesson's lines were done. */
export type Measure = (session: Session) => number;

export interface Lesson {
  readonly title: string;
  /** What was claimed in May 2009, and what to look at. */
  readonly story: string;
  /** Lines to type; a test does them, and so does the check of an answer. */
  readonly lines: readonly string[];
  readonly question: string;
  /** The answer, measured and not written down. */
  readonly answer: Measure;
  /** Figures that are easily taken for it. */
  readonly near: readonly { readonly figure: Measure; readonly says: string }[];
  /** What follows from the answer. */
  readonly moral: string;
}

/** Cycles of the exits of one reason, a mean of them. */
export function meanCycles(reason: string): Measure {
  return (session) => {
    const all = session.exits.aggregates().filter((it) => it.reason === reason);
    const count = all.reduce((sum, it) => sum + it.count, 0);
    return count === 0 ? 0 : all.reduce((sum, it) => sum + it.cycles.total, 0) / count;
  };
}

/** Exits of one reason, or of all. */
export function exitCount(reason?: string): Measure {
  return (session) =>
    session.exits.aggregates().filter((it) => reason === undefined || it.reason === reason)
      .reduce((sum, it) => sum + it.count, 0);
}

export const totalCycles: Measure = (session) => session.exits.totals().cycles.total;

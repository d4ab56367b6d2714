/** How much is shown after a stop, for each session apart. */
import type { Session } from "../../session.ts";

/** What a stop shows beside its reason, its cost and its last exit. */
export interface ContextSettings {
  /** Instructions, from the one that is next. */
  readonly code: number;
  /** Words of the stack, from its top. */
  readonly stack: number;
}

/** One line of code, for scripts and pipes. */
export const BRIEF: ContextSettings = { code: 1, stack: 0 };
/** For people at a prompt. */
export const FULL: ContextSettings = { code: 5, stack: 4 };

const bySession = new WeakMap<Session, ContextSettings>();

/** Full at a prompt and brief elsewhere, until it is set. */
export function contextOf(session: Session): ContextSettings {
  return bySession.get(session) ?? (session.interactive ? FULL : BRIEF);
}

export function setContext(session: Session, settings: ContextSettings): void {
  bySession.set(session, settings);
}

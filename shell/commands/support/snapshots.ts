/** Snapshots of a session by name, for each session apart; a name with a dot or a slash is a file. */
import type { Session } from "../../session.ts";

/** A snapshot that the session keeps. */
export interface Kept {
  readonly bytes: Uint8Array;
  /** Where `reset` goes to: see `CommandState.entry`. */
  readonly entry: bigint | undefined;
}

const kept = new WeakMap<Session, Map<string, Kept>>();

/** The snapshots of a session, oldest first. */
export function snapshotsOf(session: Session): Map<string, Kept> {
  let map = kept.get(session);
  if (!map) kept.set(session, map = new Map());
  return map;
}

/** Whether a name is a file's. */
export function isFile(name: string): boolean {
  return /[./\\]/.test(name);
}

/** The snapshot of that name. Throws `ReferenceError` if there is none, and what reading a file throws. */
export async function snapshotOf(session: Session, name: string): Promise<Kept> {
  if (isFile(name)) return { bytes: await Deno.readFile(name), entry: undefined };
  const found = snapshotsOf(session).get(name);
  if (found) return found;
  const names = [...snapshotsOf(session).keys()].join(", ");
  throw new ReferenceError(
    `There is no snapshot ${name}: ${
      names === "" ? "there are none" : `there is ${names}`
    }; files have a dot or a slash`,
  );
}

/** Progress of long work, on a terminal's standard error: `120 of 500 (24%), 2 failed, 38 s left`. */
import type { Style } from "./style.ts";

/** Nothing is shown before this many milliseconds, nor more often. */
const FIRST = 1000;
const EVERY = 100;

/** A line that is drawn over and over. */
export interface Progress {
  /** `done` of `total`, `before` of which cost no time now; `more` is said beside. */
  update(
    at: { readonly done: number; readonly total: number; readonly before?: number; readonly more?: string },
  ): void;
  /** Takes the line away. */
  end(): void;
}

/** Where it is drawn. */
export interface ProgressTarget {
  readonly isTerminal: () => boolean;
  readonly write: (text: string) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

const standardError: ProgressTarget = {
  isTerminal: () => Deno.stderr.isTerminal(),
  write: (text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)),
  now: () => performance.now(),
};

/** Silent where there is no terminal. */
export function createProgress(style: Style, target: ProgressTarget = standardError): Progress {
  if (!target.isTerminal()) return { update() {}, end() {} };
  const start = target.now();
  let last = start + FIRST - EVERY, drawn = false;
  return {
    update({ done, total, before = 0, more = "" }) {
      const now = target.now();
      if (now - last < EVERY) return;
      last = now;
      drawn = true;
      const left = done > before ? (now - start) / (done - before) * (total - done) : undefined;
      const parts = [`${done} of ${total} (${Math.floor(100 * done / Math.max(1, total))}%)`, more];
      if (left !== undefined) parts.push(`${duration(left)} left`);
      const text = parts.filter((part) => part !== "").join(", ").slice(0, style.width - 1);
      target.write(`\r${style.paint("dim", text)}\x1b[K`);
    },
    end() {
      if (drawn) target.write("\r\x1b[K");
      drawn = false;
    },
  };
}

/** `38 s`, `12 min`, `3.5 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Progress of long work: what is done, how much that is, and how long the rest takes. */
import { setImmediate } from "node:timers/promises";
import { bar } from "./reports/bars.ts";
import { grouped } from "./reports/numbers.ts";
import type { StatusLine } from "./status_line.ts";

/** How far work is. */
export interface ProgressState {
  /** What is done, in the work's own unit. */
  readonly done: number;
  /** What is to be done; undefined where nobody knows. */
  readonly total?: number;
  /** What was done before the work began, and cost it no time. */
  readonly before?: number;
  /** What else is to be said, e.g. `2 failed`. */
  readonly more?: string;
}

/** Work that is under way. */
export interface Progress extends Disposable {
  /** Says how far it is. Cheap: it is drawn ten times a second at most. */
  update(state: ProgressState): void;
  /** Takes it off the terminal; `using` does it by itself. */
  end(): void;
}

/** What is said of work from its beginning on. */
export interface ProgressOptions {
  /** What is counted, e.g. `instructions`. */
  readonly unit?: string;
  /** Asked now and then, for work that cannot say itself how far it is; undefined while it waits for somebody. */
  readonly state?: () => ProgressState | undefined;
}

/** Begins to show the progress of work called `what`. */
export type StartProgress = (what: string, options?: ProgressOptions) => Progress;

/** Nothing is shown before this many milliseconds, nor more often. */
const FIRST = 1000, EVERY = 100;
/** Milliseconds between two looks at work that does not say how far it is. */
const LOOK_EVERY = 250;
const BAR = 20;

/** Progress where nobody looks. */
export const silentProgress: StartProgress = () => ({ update() {}, end() {}, [Symbol.dispose]() {} });

/** What the display needs beside the line. */
export interface DisplayOptions {
  /** Undefined where there is no terminal. */
  readonly line?: StatusLine;
  /** What bars are drawn with; `blocks` if not given. */
  readonly glyphs?: "blocks" | "ascii";
  /** Milliseconds, of any beginning. */
  readonly now?: () => number;
  /** Called when work begins, e.g. to listen for Ctrl-C; what it returns is disposed of when that work ends. */
  readonly begun?: () => Disposable;
}

/** A way to show progress on a status line. Where there is no line, only `begun` is called. */
export function progressDisplay(options: DisplayOptions): StartProgress {
  const { line, glyphs = "blocks", now = () => performance.now(), begun } = options;
  /** The innermost work is shown. */
  const active: object[] = [];
  return (what, { unit, state } = {}) => {
    const listening = begun?.();
    const start = now(), self = {};
    let last = start + FIRST - EVERY, ended = false;
    active.push(self);
    const update = (at: ProgressState) => {
      const time = now();
      if (ended || line === undefined || active.at(-1) !== self || time - last < EVERY) return;
      last = time;
      line.show(progressText(what, unit, at, time - start, glyphs));
    };
    const timer = line === undefined || state === undefined ? undefined : setInterval(() => {
      const at = state();
      if (at === undefined) line.clear();
      else update(at);
    }, LOOK_EVERY);
    // Work that is never ended must not keep the program from ending.
    if (timer !== undefined) Deno.unrefTimer(timer);
    const end = () => {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      active.splice(active.indexOf(self), 1);
      line?.clear();
      listening?.[Symbol.dispose]();
    };
    return { update, end, [Symbol.dispose]: end };
  };
}

/** `compare: 5 of 12 cells (41%)  ████████▎             3 s left, Ctrl-C stops` */
export function progressText(
  what: string,
  unit: string | undefined,
  { done, total, before = 0, more = "" }: ProgressState,
  milliseconds: number,
  glyphs: "blocks" | "ascii" = "blocks",
): string {
  const units = unit === undefined ? "" : ` ${unit}`, extra = more === "" ? "" : `, ${more}`;
  if (total === undefined) {
    return `${what}: ${short(done)}${units}${extra}, ${duration(milliseconds)}, Ctrl-C stops`;
  }
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const left = done > before
    ? `${duration(milliseconds / (done - before) * Math.max(0, total - done))} left`
    : `${duration(milliseconds)}`;
  return `${what}: ${short(done)} of ${short(total)}${units} (${Math.floor(100 * share)}%)${extra}  ` +
    `${bar(share, BAR, glyphs).padEnd(BAR)}  ${left}, Ctrl-C stops`;
}

/** `12`, `9,999`, `12.3M`: digits that change too fast to be read say nothing. */
function short(value: number): string {
  if (value < 10_000) return grouped(Math.round(value));
  const [unit, size] = ([["G", 1e9], ["M", 1e6], ["k", 1e3]] as const).find(([, size]) => value >= size)!;
  const part = value / size;
  return `${part.toFixed(part < 10 ? 2 : part < 100 ? 1 : 0)}${unit}`;
}

/** `38 s`, `12 min`, `3.5 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/**
 * Items one after the other with their progress shown. It ends early, without an error, once `signal` fires: what was done
 * with the items so far is there. Between two items the event loop turns, so that Ctrl-C is heard.
 */
export async function* eachWithProgress<T>(
  { progress, signal }: { readonly progress: StartProgress; readonly signal: AbortSignal },
  what: string,
  items: Iterable<T>,
  unit?: string,
): AsyncGenerator<T, void> {
  const list = [...items];
  let done = 0;
  const state = () => ({ done, total: list.length });
  using shown = progress(what, { ...(unit !== undefined && { unit }), state });
  for (const item of list) {
    await setImmediate();
    if (signal.aborted) return;
    yield item;
    done++;
    shown.update(state());
  }
}

/** The process's terminal, or pipes: where text goes, and how progress is shown between it. */
import { interruptsOf } from "./interrupts.ts";
import { progressDisplay, type StartProgress } from "./progress_display.ts";
import type { Session } from "./session.ts";
import { processSink } from "./sinks.ts";
import { type LineSink, StatusLine } from "./status_line.ts";
import { barsOf } from "./style.ts";

export interface ProcessTerminal {
  readonly out: LineSink;
  readonly err: LineSink;
  /**
   * How a session shows progress here: on a terminal's standard error, none on a dumb one. Where no prompt reads Ctrl-C,
   * it interrupts the session while work is shown.
   */
  readonly progress: (session: Session) => StartProgress;
}

/** `env` gives undefined for what is not set, or may not be read. */
export function openTerminal(env: (name: string) => string | undefined): ProcessTerminal {
  const onTerminal = Deno.stderr.isTerminal() && env("TERM") !== "dumb";
  const stderr = processSink(Deno.stderr);
  const line = new StatusLine(stderr, () => Deno.consoleSize().columns || 80);
  const glyphs = barsOf(true, env);
  return {
    out: line.guard(processSink(Deno.stdout)),
    err: line.guard(stderr),
    progress: (session) =>
      progressDisplay({
        ...(onTerminal && { line, glyphs }),
        ...(!session.interactive && { begun: interruptsOf(session) }),
      }),
  };
}

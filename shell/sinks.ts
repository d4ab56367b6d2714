/** Where text goes in a process. */
import type { Sink } from "./session.ts";

interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

export interface ProcessSink extends Sink {
  /** True where what was written last ended a line. */
  readonly atLineStart: boolean;
}

/** Writes at once and in full. A reader that has gone away (`| head`) ends the process quietly, as `cat` ends. */
export function processSink(writer: SyncWriter): ProcessSink {
  const encoder = new TextEncoder();
  let atLineStart = true;
  return {
    get atLineStart() {
      return atLineStart;
    },
    write(text) {
      if (text !== "") atLineStart = text.endsWith("\n");
      let bytes = encoder.encode(text);
      try {
        while (bytes.length > 0) bytes = bytes.subarray(writer.writeSync(bytes));
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) Deno.exit(141);
        throw error;
      }
    },
  };
}

/** Keeps the text, for tests and for scripts that want it. */
export function stringSink(): Sink & { readonly text: string } {
  const parts: string[] = [];
  return {
    write: (text) => void parts.push(text),
    get text() {
      return parts.join("");
    },
  };
}

const muted = new WeakSet<Sink>();

/** What guests print to this sink is dropped from now on: they do again what they did before. */
export function mute(sink: Sink): void {
  muted.add(sink);
}
export function unmute(sink: Sink): void {
  muted.delete(sink);
}
export function isMuted(sink: Sink): boolean {
  return muted.has(sink);
}

const open = new WeakSet<Sink>();

/** A guest has printed this: what the shell says next begins on a line of its own. */
export function noteLine(sink: Sink, text: string): void {
  if (text.endsWith("\n")) open.delete(sink);
  else open.add(sink);
}
/** Ends the line that a guest has begun and not ended. */
export function endLine(sink: Sink): void {
  if (open.delete(sink)) sink.write("\n");
}

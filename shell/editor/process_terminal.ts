/** The terminal of this process. */
import { onInterrupt } from "../interrupts.ts";
import type { Size } from "./screen.ts";
import { suspendJob } from "./suspend.ts";
import type { Terminal } from "./terminal.ts";

/** xterm's private mode 2004: what is pasted comes between marks. */
const PASTE_MARKS = { on: "\x1b[?2004h", off: "\x1b[?2004l" };

/** Where the process is asked to end, the terminal must not stay as it is. Numbers as a shell tells them. */
const ENDING = { SIGTERM: 143, SIGHUP: 129 } as const;

/** `alone`: no other process of this job waits for this one, as deno task does. */
export function processTerminal(write: (text: string) => void, alone: boolean): Terminal {
  const decoder = new TextDecoder();
  const restore: (() => void)[] = [];
  const raw = (on: boolean) => {
    Deno.stdin.setRaw(on);
    write(on ? PASTE_MARKS.on : PASTE_MARKS.off);
  };
  const listen = (signal: Deno.Signal, act: () => void) => {
    // Windows has none of these.
    if (Deno.build.os === "windows") return;
    Deno.addSignalListener(signal, act);
    restore.push(() => Deno.removeSignalListener(signal, act));
  };
  return {
    get size(): Size {
      const { columns, rows } = Deno.consoleSize();
      // A terminal that does not know its size says 0.
      return { columns: columns || 80, rows: rows || 24 };
    },
    write,
    start({ text, changed }) {
      raw(true);
      restore.push(() => raw(false));
      listen("SIGWINCH", () => changed("size"));
      // Right after fg the terminal makes a signal of Ctrl-C, until it is asked for keys again.
      restore.push(onInterrupt(() => text("\x03")));
      listen("SIGCONT", () => {
        raw(true);
        changed("continued");
      });
      for (const [signal, status] of Object.entries(ENDING) as [keyof typeof ENDING, number][]) {
        listen(signal, () => {
          this.stop();
          Deno.exit(status);
        });
      }
      void read((bytes) => text(decoder.decode(bytes, { stream: true })));
    },
    stop() {
      for (const undo of restore.splice(0).reverse()) undo();
    },
    suspend() {
      raw(false);
      try {
        suspendJob(alone);
      } catch (error) {
        raw(true);
        throw error;
      }
    },
  };
}

/** A terminal that has gone away ends as Ctrl-D would. */
async function read(take: (bytes: Uint8Array) => void): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const length = await Deno.stdin.read(buffer).catch(() => null);
    if (length === null) return take(Uint8Array.of(3, 4));
    take(buffer.subarray(0, length));
  }
}

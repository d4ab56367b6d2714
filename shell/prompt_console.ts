/** `console` at the prompt: what a timer prints must not end up in the middle of what is typed. */
import { Console } from "node:console";
import { Writable } from "node:stream";

/** Gives all that `console` prints to `write`, until the function that it returns is called. */
export function takeConsole(write: (text: string) => void, color: boolean): () => void {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      write(String(chunk));
      done();
    },
  });
  const before = globalThis.console;
  globalThis.console = new Console({ stdout: stream, stderr: stream, colorMode: color });
  return () => {
    globalThis.console = before;
  };
}

/**
 * Ctrl-C as a signal: where a terminal still makes one of it. Under `deno task` it comes twice, from the
 * terminal to the whole job and from deno task, which hands it on.
 */

/** Nobody presses Ctrl-C twice in this time, and deno task hands on in less. */
const MILLISECONDS_APART = 50;

/** Calls `act` for each Ctrl-C. Returns what ends that. */
export function onInterrupt(act: () => void): () => void {
  let last = -Infinity;
  const listener = () => {
    const now = performance.now();
    const again = now - last < MILLISECONDS_APART;
    last = now;
    if (!again) act();
  };
  Deno.addSignalListener("SIGINT", listener);
  return () => Deno.removeSignalListener("SIGINT", listener);
}

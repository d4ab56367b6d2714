/** Ctrl-C as a signal: where a terminal still makes one of it. */

/**
 * Milliseconds in which a second signal is the first one's echo: the terminal sends Ctrl-C to `deno task` and to this process,
 * and `deno task` hands on what it gets.
 */
const ECHO = 250;

/** Calls `act` for each Ctrl-C. Returns what ends that. */
export function onInterrupt(act: () => void): () => void {
  let last = -Infinity;
  const listener = () => {
    const now = performance.now(), again = now - last < ECHO;
    last = now;
    if (!again) act();
  };
  Deno.addSignalListener("SIGINT", listener);
  return () => Deno.removeSignalListener("SIGINT", listener);
}

interface Interruptible {
  interrupt(): void;
  readonly signal: AbortSignal;
}

const known = new WeakMap<Interruptible, () => Disposable>();

/**
 * The way to listen for a session as long as work goes on; works within works share one listener. The first Ctrl-C asks
 * for the end, so that what is done so far is kept; a second one ends the process.
 */
export function interruptsOf(session: Interruptible): () => Disposable {
  let listen = known.get(session);
  if (listen === undefined) known.set(session, listen = createListen(session));
  return listen;
}

function createListen(session: Interruptible): () => Disposable {
  let listening = 0, forget = () => {};
  const onSignal = () => {
    if (session.signal.aborted) Deno.exit(130);
    session.interrupt();
  };
  return () => {
    if (listening++ === 0) forget = onInterrupt(onSignal);
    let ended = false;
    return {
      [Symbol.dispose]() {
        if (ended) return;
        ended = true;
        if (--listening === 0) forget();
      },
    };
  };
}

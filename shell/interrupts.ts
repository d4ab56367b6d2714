/** Ctrl-C where no prompt reads it: the first one asks for the end, so that what is done so far is kept; a second one ends. */

interface Interruptible {
  interrupt(): void;
  readonly signal: AbortSignal;
}

/**
 * Milliseconds in which a second signal is the first one's echo: the terminal sends Ctrl-C to `deno task` and to this process,
 * and `deno task` hands on what it gets.
 */
const ECHO = 250;

const known = new WeakMap<Interruptible, () => Disposable>();

/** The way to listen for a session as long as work goes on; works within works share one listener. */
export function interruptsOf(session: Interruptible): () => Disposable {
  let listen = known.get(session);
  if (listen === undefined) known.set(session, listen = createListen(session));
  return listen;
}

function createListen(session: Interruptible): () => Disposable {
  let listening = 0, heard = -Infinity;
  const onSignal = () => {
    if (session.signal.aborted) {
      if (performance.now() - heard > ECHO) Deno.exit(130);
      return;
    }
    heard = performance.now();
    session.interrupt();
  };
  return () => {
    if (listening++ === 0) Deno.addSignalListener("SIGINT", onSignal);
    let ended = false;
    return {
      [Symbol.dispose]() {
        if (ended) return;
        ended = true;
        if (--listening === 0) Deno.removeSignalListener("SIGINT", onSignal);
      },
    };
  };
}

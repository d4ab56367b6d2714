/** Ctrl-C where no prompt reads it: the first one asks for the end, so that what is done so far is kept; a second one ends. */

interface Interruptible {
  interrupt(): void;
  readonly signal: AbortSignal;
}

const known = new WeakMap<Interruptible, () => Disposable>();

/** The way to listen for a session as long as work goes on; works within works share one listener. */
export function interruptsOf(session: Interruptible): () => Disposable {
  let listen = known.get(session);
  if (listen === undefined) known.set(session, listen = createListen(session));
  return listen;
}

function createListen(session: Interruptible): () => Disposable {
  let listening = 0;
  const onSignal = () => {
    if (session.signal.aborted) Deno.exit(130);
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

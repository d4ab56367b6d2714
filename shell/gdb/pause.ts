/** How a run that a debugger waits for lets the debugger's packets come. */
import { setImmediate, setTimeout } from "node:timers/promises";

/** Milliseconds of running after which a packet that has come is taken in: unnoticeable, and little is lost by it. */
const ATTENTION = 20;

/**
 * A turn of the event loop; now and then one in which it waits. While there is always something to do, Deno looks at sockets
 * every 61 turns only (as its runtime, tokio, has it): with a guest's slices between them a third of a second, or more.
 */
export function attentively(): () => Promise<void> {
  let last = 0;
  return async () => {
    if (performance.now() - last < ATTENTION) return await setImmediate();
    await setTimeout(1);
    last = performance.now();
  };
}

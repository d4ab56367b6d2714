/** A port of this machine at which a debugger finds a VM. */
import { UserError } from "../errors.ts";
import type { Stop, Vm } from "../machine_types.ts";
import { DEFAULT_PORT, LOOPBACK } from "./address.ts";
import { type GdbEnd, serveConnection } from "./connection.ts";
import { type GdbGuestOptions, GdbStub } from "./stub.ts";

/** How a VM is served to a debugger. */
export interface GdbServerOptions extends GdbGuestOptions {
  /** TCP port of 127.0.0.1; 0 for any free one, 1234 if not given. */
  readonly port?: number;
}

/** What came of one debugger's session. */
export interface GdbSession {
  /** How it ended. */
  readonly how: GdbEnd;
  /** The last stop that the debugger was told; undefined if it never let the guest go. */
  readonly stop?: Stop;
}

/** A server for debuggers: one at a time, one after the other, until it is closed. */
export interface GdbServer {
  /** TCP port of 127.0.0.1. */
  readonly port: number;
  /** Whether a debugger is connected. */
  readonly connected: boolean;
  /** Whether the guest runs for it. */
  readonly running: boolean;
  /** Debuggers' sessions that have ended. */
  readonly sessions: number;
  /** Settles when the session at hand, or the next one, has ended; with undefined if the server is closed before one. */
  next(): Promise<GdbSession | undefined>;
  /** Ends the session at hand, stops the guest if it runs for it, and settles when that is done. The port is free at once. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Listens for debuggers on 127.0.0.1. `machine` tells the VM to serve when one connects, or is it. Between their packets the
 * guest stands still; while it runs for one, `vm.run` and what is made of it is refused.
 *
 * Throws `UserError` where the port is taken or not allowed (Deno: `--allow-net=127.0.0.1`), `RangeError` for what is no port.
 *
 * @example A script that waits for one debugger's session
 * ```ts ignore
 * await using server = serveGdb(vm, { port: 0 });
 * console.log(`target remote :${server.port}`);
 * const session = await server.next();
 * ```
 */
export function serveGdb(machine: Vm | (() => Vm), options: GdbServerOptions = {}): GdbServer {
  return new Server(typeof machine === "function" ? machine : () => machine, options);
}

const GONE = [Deno.errors.ConnectionAborted, Deno.errors.ConnectionReset, Deno.errors.Interrupted];

class Server implements GdbServer {
  readonly port: number;
  readonly #machine: () => Vm;
  readonly #options: GdbServerOptions;
  readonly #listener: Deno.TcpListener;
  readonly #waiting: ((session: GdbSession | undefined) => void)[] = [];
  #stub: GdbStub | undefined;
  #wire: Deno.TcpConn | undefined;
  #serving: Promise<void> | undefined;
  #sessions = 0;
  #closed = false;

  constructor(machine: () => Vm, options: GdbServerOptions) {
    this.#machine = machine;
    this.#options = options;
    this.#listener = listen(options.port ?? DEFAULT_PORT);
    this.port = this.#listener.addr.port;
    this.#accept();
  }

  get connected(): boolean {
    return this.#stub !== undefined;
  }
  get running(): boolean {
    return this.#stub?.running === true;
  }
  get sessions(): number {
    return this.#sessions;
  }

  next(): Promise<GdbSession | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#listener.close();
      this.#stub?.interrupt();
      this.#wire?.close();
    }
    await this.#serving;
    this.#tell(undefined);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accept(): Promise<void> {
    for (;;) {
      let wire: Deno.TcpConn;
      try {
        wire = await this.#listener.accept();
      } catch (error) {
        if (this.#closed) return;
        // A connection that was gone before it was taken is no reason to stop listening.
        if (!GONE.some((kind) => error instanceof kind)) return void this.close();
        continue;
      }
      // A second debugger would not know what the first one does.
      if (this.#stub || this.#closed) wire.close();
      else this.#serving = this.#serve(wire);
    }
  }

  async #serve(wire: Deno.TcpConn): Promise<void> {
    const vm = this.#machine(), stub = this.#stub = new GdbStub(vm, this.#options);
    this.#wire = wire;
    // Packets are small, and each waits for the one before.
    wire.setNoDelay(true);
    const how = await serveConnection({ wire, stub, machine: this.#machine });
    this.#stub = this.#wire = undefined;
    // Nobody who is waited for: a browser, or something that only looked whether the port is open.
    if (!stub.heard && how !== "replaced" && !this.#closed) return;
    this.#sessions++;
    this.#tell({ how, ...stub.last && { stop: stub.last } });
  }

  #tell(session: GdbSession | undefined): void {
    for (const resolve of this.#waiting.splice(0)) resolve(session);
  }
}

function listen(port: number): Deno.TcpListener {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`there is no port ${port}: give 1 to 65535, or 0 for any that is free`);
  }
  try {
    return Deno.listen({ hostname: LOOPBACK, port });
  } catch (error) {
    throw new UserError(`gdbserver cannot listen on ${LOOPBACK}:${port}: ${whyNot(error)}`, { cause: error });
  }
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return `it was started without Deno's --allow-net=${LOOPBACK}, which "deno task start" gives`;
  }
  if (error instanceof Deno.errors.AddrInUse) {
    return "the port is taken; give another one, or 0 for any that is free";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "ports below 1024 are the administrator's";
  return error instanceof Error ? error.message : String(error);
}

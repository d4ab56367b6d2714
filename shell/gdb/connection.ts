/** One debugger's connection: packets in, answers out, one after the other, while its interrupts are heeded at once. */
import { ACKNOWLEDGE, encodePacket, type PacketEvent, PacketReader } from "./packets.ts";
import type { Vm } from "../machine_types.ts";
import type { GdbStub } from "./stub.ts";

/** The bytes' way, so that a test needs no socket. */
export interface Wire {
  /** Null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** How a debugger's session ended. */
export type GdbEnd =
  /** It said so: the guest is left as it is. */
  | "detached"
  /** It asked for the guest's end. */
  | "killed"
  /** The guest had ended itself. */
  | "exited"
  /** The connection was closed without a word. */
  | "closed"
  /** There is another machine now, which it cannot be told of. */
  | "replaced"
  /** It was no debugger: what came first was no packet. */
  | "foreign"
  /** It sent packet after packet without waiting for an answer. */
  | "flooded";

/**
 * `+`, `-`, `$` and the interrupt: what a debugger begins with. Noise is passed over later, but a web page that has a browser
 * post packets to this port, behind the lines that HTTP begins with, is none.
 */
const FIRST: ReadonlySet<number> = new Set([0x2b, 0x2d, 0x24, 0x03]);

/** What may wait while the guest runs: a debugger asks for nothing then, or for little. */
const MOST_WAITING = 1 << 18;
/** What one event counts beside its text. */
const EVENT_COST = 64;

export interface ConnectionOptions {
  readonly wire: Wire;
  readonly stub: GdbStub;
  /** The machine that is served now, if it may be another than the stub began with. */
  readonly machine?: () => Vm;
}

/** Serves a debugger until its session ends. Never throws; the wire is closed then. */
export async function serveConnection(options: ConnectionOptions): Promise<GdbEnd> {
  const connection = new Connection(options);
  try {
    return await connection.serve();
  } finally {
    connection.close();
  }
}

class Connection {
  readonly #wire: Wire;
  readonly #stub: GdbStub;
  readonly #machine: () => Vm;
  readonly #waiting: PacketEvent[] = [];
  #cost = 0;
  #wake: (() => void) | undefined;
  #ended: GdbEnd | undefined;
  /** For a `-`: what it did not get. */
  #sent: Uint8Array = new Uint8Array();

  constructor({ wire, stub, machine = () => stub.vm }: ConnectionOptions) {
    this.#wire = wire;
    this.#stub = stub;
    this.#machine = machine;
  }

  async serve(): Promise<GdbEnd> {
    const listening = this.#listen();
    await this.#work();
    this.close();
    await listening;
    return this.#ended!;
  }

  close(): void {
    this.#finish("closed");
    try {
      this.#wire.close();
    } catch {
      // It is closed already.
    }
    this.#stub.close();
  }

  #finish(how: GdbEnd): void {
    this.#ended ??= how;
    this.#stub.interrupt();
    this.#wake?.();
  }

  /** Until there is nothing more to read. */
  async #listen(): Promise<void> {
    const reader = new PacketReader(), buffer = new Uint8Array(1 << 16);
    try {
      for (let first = true; this.#ended === undefined; first = false) {
        const length = await this.#wire.read(buffer);
        if (length === null) break;
        if (first && !FIRST.has(buffer[0])) return this.#finish("foreign");
        for (const event of reader.feed(buffer.subarray(0, length))) this.#take(event);
      }
    } catch {
      // The other side is gone, or the wire was closed here.
    }
    this.#finish(this.#stub.silentEnd);
  }

  #take(event: PacketEvent): void {
    if (event.kind === "interrupt") return this.#stub.interrupt();
    if (event.kind === "ack") return;
    this.#cost += costOf(event);
    if (this.#cost > MOST_WAITING) return this.#finish("flooded");
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** Answers what has come, in its order. */
  async #work(): Promise<void> {
    while (this.#ended === undefined) {
      const event = this.#waiting.shift();
      if (!event) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      this.#cost -= costOf(event);
      try {
        await this.#answer(event);
      } catch {
        // Nobody reads any more.
        return this.#finish("closed");
      }
    }
  }

  async #answer(event: PacketEvent): Promise<void> {
    const stub = this.#stub;
    if (event.kind === "nak") return await this.#write(this.#sent);
    const acknowledges = !stub.noAck;
    if (event.kind === "damaged") return acknowledges ? await this.#write(ACKNOWLEDGE.nak) : undefined;
    if (acknowledges) await this.#write(ACKNOWLEDGE.ack);
    if (!stub.follow(this.#machine())) return this.#finish("replaced");
    const answers = event.kind === "packet" ? await stub.handle(event.text) : ["E16"];
    for (const answer of answers) await this.#write(this.#sent = encodePacket(answer));
    if (stub.end) return this.#finish(stub.end);
    if (!stub.follow(this.#machine())) this.#finish("replaced");
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let left = bytes; left.length > 0;) left = left.subarray(await this.#wire.write(left));
  }
}

function costOf(event: PacketEvent): number {
  return EVENT_COST + (event.kind === "packet" ? event.text.length : 0);
}

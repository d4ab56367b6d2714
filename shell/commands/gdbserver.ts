/** `gdbserver` and `info gdbserver`: a debugger attaches to the guest. */
import { object } from "@optique/core/constructs";
import { optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { message } from "@optique/core/message";
import { abortable } from "../abortable.ts";
import { defineCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { DEFAULT_PORT } from "../gdb/address.ts";
import { listeningText } from "../gdb/listening_text.ts";
import type { GdbServer, GdbSession } from "../gdb/server.ts";
import type { Session } from "../session.ts";
import { maybeWord } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";
import { stateOf } from "./support/state.ts";
import { hex } from "../reports/hexdump.ts";

/** What there is of a server. */
export type GdbServerData =
  | { readonly state: "none" }
  | {
    readonly state: "listening";
    readonly port: number;
    /** What to do in GDB. */
    readonly text: string;
    readonly connected: boolean;
    /** Whether the guest runs for the debugger. */
    readonly running: boolean;
  }
  /** The command waited for a debugger's session, and this is what came of it. */
  | { readonly state: "ended"; readonly port: number; readonly session?: GdbSession; readonly pc: bigint };

/** Servers go on between lines, as long as their session. */
const servers = new WeakMap<Session, GdbServer>();

async function start(session: Session, port: number, width?: 16 | 32 | 64): Promise<GdbServer> {
  const running = servers.get(session);
  if (running) {
    throw new UserError(`gdbserver listens on port ${running.port} already: "gdbserver none" ends that`);
  }
  const { serveGdb } = await import("../gdb/server.ts");
  const { monitor } = await import("../gdb/monitor.ts");
  const server = serveGdb(() => session.vm, {
    port,
    width,
    monitor: (line, signal) => monitor(session, line, signal),
    restart() {
      session.vm.reset();
      const { entry } = stateOf(session);
      if (entry !== undefined) session.vm.vcpu.pc = entry;
    },
  });
  servers.set(session, server);
  session.onClose(() => void stop(session));
  return server;
}

async function stop(session: Session): Promise<void> {
  const server = servers.get(session);
  servers.delete(session);
  await server?.close();
}

/** Waits for one debugger's session, and for no more than Ctrl-C. */
async function waitFor(session: Session, server: GdbServer): Promise<GdbServerData> {
  try {
    const ended = await abortable(server.next(), session.signal);
    return {
      state: "ended",
      port: server.port,
      ...ended && { session: ended },
      pc: session.vcpu.pc,
    };
  } finally {
    await stop(session);
  }
}

export const gdbserver = defineCommand({
  name: "gdbserver",
  group: "stops",
  summary: "let GDB, or a debugger that speaks its remote protocol, attach to the guest",
  description:
    `gdbserver [PORT] listens on PORT of 127.0.0.1, and nowhere else: 1234 without PORT, any free one for 0. In
gdb-multiarch: file GUEST.elf, then target remote :PORT; for a big-endian guest without a program, set endian big first. vCPU 0 is thread 1. monitor COMMAND does a command of this shell. While GDB lets the guest run, run and step are refused
here. Whoever can connect on this machine may do so, and do what commands do: end the server when it is not needed.

At a prompt the server stays in the background until gdbserver none; elsewhere (-e, -x, pipes) the line waits until the
debugger has gone. --wait and --background choose otherwise.

Addresses are the guest's own, translated as its loads are; device windows are not read. On x86 they are linear, and GDB's
eip is CS's base and EIP together: in real mode ip is the offset alone. --mode shows GDB the registers of another mode than
the guest's present one, for a guest that is going to change it.`,
  grammar: object({
    port: maybeWord("PORT"),
    wait: withDefault(flag("--wait", { description: message`until the debugger has gone` }), false),
    background: withDefault(flag("--background", { description: message`go on with the next line` }), false),
    mode: optional(
      option("--mode", choice([16, 32, 64], { metavar: "BITS" }), {
        description: message`registers of an x86 guest in that mode`,
      }),
    ),
  }),
  examples: [
    { line: "gdbserver 0 --background", after: ["asm mov eax, 7 ;; hlt"], shows: "target remote :" },
    { line: "gdbserver none", after: ["gdbserver 0 --background"], shows: "no gdbserver" },
  ],
  complete: () => ["none", String(DEFAULT_PORT)],
  transient: true,
  async run(session, { port: word, wait, background, mode }): Promise<GdbServerData> {
    if (wait && background) throw new SyntaxError("--wait and --background are each other's opposite");
    if (word === "none") {
      await stop(session);
      return { state: "none" };
    }
    const port = word === undefined ? DEFAULT_PORT : numberOf(session, word, "port", 0, 0xffff);
    const server = await start(session, port, mode);
    if (background || session.interactive && !wait) return infoOf(session);
    if (!session.json) session.out.write(`${listeningText(session.vm, server.port)}\n`);
    return await waitFor(session, server);
  },
  print: printed,
});

export const infoGdbserver = defineCommand({
  name: "info gdbserver",
  group: "stops",
  summary: "tell whether a debugger can attach, or is attached",
  grammar: object({}),
  examples: [{ line: "info gdbserver", after: ["gdbserver 0 --background"], shows: "no debugger" }],
  run: infoOf,
  print: printed,
});

function infoOf(session: Session): GdbServerData {
  const server = servers.get(session);
  if (!server) return { state: "none" };
  const { port, connected, running } = server;
  const text = listeningText(session.vm, port);
  return { state: "listening", port, text, connected, running };
}

const ENDS: Readonly<Record<GdbSession["how"], string>> = {
  detached: "the debugger detached",
  killed: "the debugger asked for the guest's end, which is left as it is",
  exited: "the debugger left after the guest's end",
  closed: "the debugger's connection was closed",
  replaced: "the machine was replaced under the debugger",
  foreign: "what connected was no debugger",
  flooded: "the debugger sent packets without waiting for an answer",
};

function printed(data: GdbServerData): string {
  switch (data.state) {
    case "none":
      return "no gdbserver";
    case "listening": {
      const { text, connected, running } = data;
      const now = !connected
        ? "no debugger is attached"
        : running
        ? "the guest runs"
        : "the guest stands still";
      return `${text}\n${connected ? `a debugger is attached, ${now}` : now}`;
    }
    case "ended": {
      const { session, pc } = data;
      if (!session) return "gdbserver was ended before a debugger came";
      const end = session.stop?.reason === "SYSTEM_EVENT"
        ? session.stop.message
        : `the guest is at ${hex(pc)}`;
      return `${ENDS[session.how]}; ${end}`;
    }
  }
}

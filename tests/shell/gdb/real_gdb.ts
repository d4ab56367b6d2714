/** Debian's gdb-multiarch, where it is installed, against a VM served by this process. */
import type { Vm } from "../../../emulator/machine/vm.ts";
import { type GdbServerOptions, type GdbSession, serveGdb } from "../../../shell/gdb/server.ts";
import { isInstalled } from "../../support/guest_targets.ts";

const GDB = "gdb-multiarch";

/** Why it cannot be run here, or undefined. */
export function whyNoGdb(): string | undefined {
  if (!isInstalled(GDB)) return `${GDB} is not installed`;
  const run = Deno.permissions.querySync({ name: "run", command: GDB });
  if (run.state !== "granted") return `needs --allow-run=${GDB}`;
  const net = Deno.permissions.querySync({ name: "net", host: "127.0.0.1" });
  return net.state === "granted" ? undefined : "needs --allow-net=127.0.0.1";
}

/** A test that is skipped, with the reason in its name, where GDB or something else is missing. */
export function gdbTest(name: string, test: () => Promise<void>, missing = whyNoGdb()): void {
  Deno.test({
    name: `${name}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    ignore: missing !== undefined,
    fn: test,
  });
}

interface DebugOptions extends GdbServerOptions {
  /** The program, with its symbols and lines. */
  readonly file?: string;
  /** What no program tells. */
  readonly order?: "le" | "be";
}

export interface Debugged {
  /** What GDB printed, both its streams. */
  readonly text: string;
  readonly session: GdbSession | undefined;
}

/** Serves a VM to a GDB that connects, does these commands, and goes. */
export async function debug(
  vm: Vm,
  commands: readonly string[],
  { file, order, ...options }: DebugOptions = {},
): Promise<Debugged> {
  const server = serveGdb(vm, { port: 0, ...options });
  try {
    const session = server.next();
    const lines = [
      "set pagination off",
      "set confirm off",
      "set tcp connect-timeout 10",
      ...order ? [`set endian ${order === "le" ? "little" : "big"}`] : [],
      `target remote 127.0.0.1:${server.port}`,
      ...commands,
    ];
    const { stdout, stderr } = await new Deno.Command(GDB, {
      args: ["-q", "-nx", "-batch", ...lines.flatMap((line) => ["-ex", line]), ...file ? [file] : []],
      env: { LC_ALL: "C", DEBUGINFOD_URLS: "" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { text: decoder.decode(stdout) + decoder.decode(stderr), session: await session };
  } finally {
    await server.close();
  }
}

/** The program: `deno task start [ARGS]`. */
import process from "node:process";
import { type CommandLine, commandLineHelp, completed, parseCommandLine } from "./cli.ts";
import { showError } from "./errors.ts";
import { interruptsOf } from "./interrupts.ts";
import { INTERRUPTED, linesOf, runLines } from "./lines.ts";
import { LiveSession } from "./live_session.ts";
import type { Input } from "./console_device.ts";
import type { Settings, Sink } from "./session.ts";
import type { LineSink } from "./status_line.ts";
import { barsOf, createStyle, mayColor, type Style } from "./style.ts";
import { VERSION } from "./version.ts";
import { openTerminal, type ProcessTerminal } from "./terminal.ts";

/** The environment and the terminal, so that a test can give its own. */
interface World {
  readonly out: LineSink;
  readonly err: Sink;
  readonly progress: ProcessTerminal["progress"];
  readonly style: Style;
  readonly debug: boolean;
  readonly env: (name: string) => string | undefined;
}

/** Runs the program and returns its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const world = theWorld();
  try {
    const line = parseCommandLine(args);
    if (line.folder !== undefined) Deno.chdir(line.folder);
    return await dispatch(line, world);
  } catch (error) {
    const shown = error instanceof Error ? error : new Error(String(error));
    world.err.write(showError(shown, world.style, world.debug));
    return 1;
  }
}

function theWorld(): World {
  const env = (name: string) => {
    try {
      return Deno.env.get(name);
    } catch {
      return undefined;
    }
  };
  const terminal = Deno.stdout.isTerminal();
  const width = terminal ? Deno.consoleSize().columns : undefined;
  return {
    ...openTerminal(env),
    style: createStyle(mayColor(terminal, env), width, barsOf(terminal, env)),
    debug: env("TRAPSH_DEBUG") === "1",
    env,
  };
}

async function dispatch(line: CommandLine, world: World): Promise<number> {
  switch (line.kind) {
    case "lines":
      return await runAll(line, world);
    case "completion":
      return tell(world, await completionText(line));
    case "run": {
      const { runScript } = await import("./script.ts");
      const session = await createSession(line, world);
      const result = await runScript(session, line.file, line.args);
      if (typeof result === "number") return session.quitStatus ?? result;
      return session.quitStatus ?? (session.signal.aborted ? INTERRUPTED : 0);
    }
    case "command": {
      const { runSweepCommand } = await import("./sweep_program.ts");
      const session = await createSession(line, world);
      // Also while the table is written.
      using _listening = interruptsOf(session)();
      const words = line.file === undefined ? line.args : [line.file, ...line.args];
      return await runSweepCommand(session, line.name, words);
    }
    case "exec": {
      const { execGuest } = await import("./exec.ts");
      const session = await createSession(line, world, { input: standardInput });
      const tell = (text: string) => world.err.write(`${text}\n`);
      // Also while the statistics are written.
      using _listening = interruptsOf(session)();
      const stop = await execGuest(session, { ...line, tell });
      if (line.json) world.err.write(`${(await import("./json.ts")).toJson(stop)}\n`);
      return stop.reason === "SYSTEM_EVENT" ? stop.code & 0xff : 0;
    }
  }
}

async function runAll(line: CommandLine & { kind: "lines" }, world: World): Promise<number> {
  if (line.help) return tell(world, commandLineHelp(world.style.color));
  if (line.version) return tell(world, versionText());
  const prompted = Deno.stdin.isTerminal() && (line.steps.length === 0 || line.interactive);
  const session = await createSession(line, world, { prompted });
  for (const step of line.steps) {
    const source = "line" in step
      ? { lines: [step.line] }
      : { name: step.file, lines: await fileLines(step.file) };
    const status = await runLines(session, source, world.err, world.debug);
    if (status !== 0 || session.quitStatus !== undefined) return status;
  }
  const debugged = () => {
    const lines = line.gdb === undefined ? [] : [`gdbserver ${line.gdb}`];
    return runLines(session, { lines }, world.err, world.debug);
  };
  if (line.steps.length > 0 && !line.interactive) return await debugged();
  if (!prompted) {
    const source = { name: "standard input", lines: linesOf(Deno.stdin.readable) };
    return await runLines(session, source, world.err, world.debug) || await debugged();
  }
  const { runPrompt } = await import("./prompt.ts");
  const { historyFile, openHistory } = await import("./history.ts");
  if (line.steps.length === 0) {
    world.out.write(
      `${versionText().trim()}: help lists the commands, tutorial teaches by measuring\n`,
    );
  }
  await debugged();
  return await runPrompt(session, {
    history: openHistory(historyFile(world.env)),
    editing: Deno.stdout.isTerminal() && world.env("TERM") !== "dumb",
    debug: world.debug,
  });
}

/** The shell's script or, asked by it, candidates for the last of its words. */
async function completionText({ shell, words }: CommandLine & { kind: "completion" }): Promise<string> {
  const { completionScript, suggestions } = await import("./completion.ts");
  const [first, ...others] = words;
  return first === undefined ? completionScript(shell) : suggestions(shell, completed, [first, ...others]);
}

async function fileLines(file: string): Promise<string[]> {
  return (await Deno.readTextFile(file)).split(/\r?\n/);
}

function tell(world: World, text: string): number {
  world.out.write(text);
  return 0;
}

const versionText = () => `trapsh ${VERSION}\n`;

/** For a guest's console: read when the guest waits for it, and not before. */
async function standardInput(): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(4096);
  const length = await Deno.stdin.read(buffer);
  return length === null ? undefined : buffer.subarray(0, length);
}

type MachineOptions = Pick<
  CommandLine,
  "arch" | "mode" | "backend" | "hypervisor" | "profile" | "memory" | "vcpus" | "json"
>;

async function createSession(
  line: MachineOptions,
  world: World,
  { prompted = false, input }: { prompted?: boolean; input?: Input } = {},
): Promise<LiveSession> {
  const { createShellTable } = await import("./shell_table.ts");
  const { builtinDevices } = await import("./builtin_devices.ts");
  const settings: Partial<Settings> = {
    ...(line.arch && { arch: line.arch }),
    ...(line.mode && { mode: line.mode }),
    ...(line.backend && { backend: line.backend }),
    ...(line.hypervisor && { hypervisor: line.hypervisor }),
    ...(line.profile && { profile: line.profile }),
    ...(line.vcpus && { vcpus: line.vcpus }),
    ...(line.memory && { memory: line.memory * 2 ** 20 }),
  };
  return new LiveSession({
    table: createShellTable(),
    out: world.out,
    style: world.style,
    json: line.json,
    interactive: prompted,
    settings,
    devices: builtinDevices(world.out, input),
    progress: world.progress,
  });
}

if (import.meta.main) {
  const status = await main(Deno.args);
  // What a module left running, and the inspector, must not keep a finished program alive.
  process.exit(status);
}

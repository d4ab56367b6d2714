/** v86 (npm, BSD 2-clause), from the outside: a process for each guest. */
import type { Contender, Found, Running } from "./contender.ts";
import type { PeerGuest } from "./guest.ts";
import { TextLineStream } from "../../support/lines.ts";
import type { V86Start } from "./v86_process.ts";

const HERE = new URL("./", import.meta.url);
const CONFIG = new URL("v86.deno.json", HERE);

class V86Machine implements Running {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  constructor(start: V86Start) {
    this.#child = new Deno.Command("deno", {
      // Of the environment v86 reads a debugging switch or nothing, and it does without.
      args: ["run", "--quiet", "--no-prompt", "--no-check", "--allow-read", "--config", CONFIG.pathname]
        .concat(
          new URL("v86_process.ts", HERE).pathname,
        ),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())[
      Symbol.asyncIterator
    ]();
    void this.#say(JSON.stringify(start));
  }

  /** The next line that it answers. */
  async answer(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("v86's process ended early");
    return value;
  }

  async time(leastMs: number): Promise<number> {
    await this.#say(String(leastMs));
    return Number(await this.answer());
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#lines.return?.();
    await this.#child.status;
  }

  #say(line: string): Promise<void> {
    return this.#writer.write(new TextEncoder().encode(`${line}\n`));
  }
}

/** The version that is pinned, if Deno has it or can get it. */
async function find(): Promise<{ missing: string } | Found> {
  const { imports } = JSON.parse(await Deno.readTextFile(CONFIG));
  const args = ["install", "--quiet", "--config", CONFIG.pathname];
  const { success, stderr } = await new Deno.Command("deno", { args, stdout: "null" }).output();
  if (success) return { version: imports.v86.replace(/^npm:/, ""), runs };
  return { missing: new TextDecoder().decode(stderr).trim().split("\n")[0] };
}

/** It has no long mode, and of hypercalls it knows nothing. */
function runs({ system: { options: { arch }, bits }, exits }: PeerGuest): boolean {
  return arch === "x86" && bits === 32 && exits !== "hypercall";
}

function v86(jit: boolean): Contender {
  return {
    name: `v86 JIT ${jit ? "on" : "off"}`,
    about: "counts instructions, keeps a PC's timers going between slices of some milliseconds",
    find,
    async start({ system: { bits, told, port, window, virtio }, result }, { file }) {
      const machine = new V86Machine({
        elf: file.toBase64(),
        system: { bits, told, port, window, virtio },
        result: String(result),
        jit,
      });
      const answer = await machine.answer();
      if (answer !== "ready") throw new Error(`v86 says ${answer}`);
      return machine;
    },
  };
}

export const V86_ENGINES: readonly Contender[] = [v86(false), v86(true)];

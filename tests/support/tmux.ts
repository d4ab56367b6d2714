/** A terminal with a shell in it, by tmux, where that is installed. */

const decoder = new TextDecoder();

/** Why there is none here; undefined if there is. */
export function whyNoTmux(): string | undefined {
  const state = Deno.permissions.querySync({ name: "run", command: "tmux" }).state;
  if (state !== "granted") return "no permission to run tmux";
  try {
    new Deno.Command("tmux", { args: ["-V"], stdout: "null", stderr: "null" }).outputSync();
    return undefined;
  } catch {
    return "tmux is not installed";
  }
}

export class Tmux implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ dir: "/tmp", prefix: "tmux-" });

  /** `shell` in a window of 80 columns and 24 rows, with `env` beside the present environment. */
  constructor(shell: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const given = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    this.#run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "env", ...given, ...shell);
  }

  #run(...args: string[]): string {
    const { success, stdout, stderr } = new Deno.Command("tmux", {
      args: ["-S", `${this.#folder}/socket`, ...args],
    }).outputSync();
    if (!success) throw new Error(`tmux ${args.join(" ")}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  }

  /** Keys by tmux's names (`C-z`, `Enter`, `Tab`); anything else is typed as it is. */
  keys(...keys: readonly string[]): void {
    this.#run("send-keys", ...keys);
  }

  /** Pastes as a terminal does: between marks, if the program asked for them. */
  paste(text: string): void {
    this.#run("set-buffer", text);
    this.#run("paste-buffer", "-p");
  }

  resize(columns: number, rows: number): void {
    this.#run("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** The screen without blanks at the ends of its lines and its own. */
  screen(): string {
    return this.#run("capture-pane", "-p").split("\n").map((line) => line.trimEnd()).join("\n").trimEnd();
  }

  /** Looks again and again until the screen matches; rejects with the screen when patience (milliseconds) ends. */
  async until(pattern: RegExp, patience = 30_000): Promise<string> {
    const end = Date.now() + patience;
    for (;;) {
      const screen = this.screen();
      if (pattern.test(screen)) return screen;
      if (Date.now() > end) throw new Error(`No ${pattern} on the screen:\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  [Symbol.dispose](): void {
    this.#run("kill-server");
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

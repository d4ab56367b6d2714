/** A real browser without a window, for pages that are to work in one. */

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The browser's command, or undefined where none is installed (or may be run). */
export async function findChromium(): Promise<string | undefined> {
  for (const name of NAMES) {
    try {
      const { success } = await new Deno.Command(name, {
        args: ["--version"],
        stdout: "null",
        stderr: "null",
      })
        .output();
      if (success) return name;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

/** What became of a page. */
export interface Visit {
  /** With `--dump-dom`, the document after its scripts ran. */
  readonly stdout: string;
  /** What the page wrote to the console, errors of scripts and of the policy too. */
  readonly console: readonly string[];
}

/** Opens a page in a browser of its own that asks nothing of the network. */
export async function visit(chromium: string, url: string, args: readonly string[]): Promise<Visit> {
  const profile = await Deno.makeTempDir();
  try {
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
      .concat("--disable-background-networking", "--disable-component-update", "--disable-sync")
      .concat("--hide-scrollbars", "--enable-logging=stderr", `--user-data-dir=${profile}`);
    const child = new Deno.Command(chromium, {
      args: [...flags, ...args, url],
      stdout: "piped",
      stderr: "piped",
    });
    const { success, stdout, stderr } = await child.output();
    const log = new TextDecoder().decode(stderr);
    if (!success) throw new Error(`${chromium} failed:\n${log}`);
    return {
      stdout: new TextDecoder().decode(stdout),
      console: log.split("\n").filter((line) => line.includes("CONSOLE")),
    };
  } finally {
    await removed(profile);
  }
}

/** Processes of the browser may still write there for a moment. */
async function removed(folder: string): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

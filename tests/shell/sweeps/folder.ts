/** A folder to sweep in, with the sweep modules that a test needs. */
import { join } from "node:path";

const DATA = new URL("./data/", import.meta.url).pathname;
/** The sweep of 500 cells. */
export const TOY = join(DATA, "toy.ts");
/** One whose cells go wrong. */
export const BAD_CELLS = join(DATA, "bad_cells.ts");
const MAIN = new URL("../../../shell/main.ts", import.meta.url).pathname;

export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The program's words for a process: `trapsh WORDS`. */
export function trapshWords(folder: string, words: readonly string[]): string[] {
  return [
    "run",
    "--no-prompt",
    "--quiet",
    "--allow-read",
    "--allow-env",
    `--allow-write=${folder}`,
    MAIN,
    ...words,
  ];
}

/** Runs the program to its end in `folder`. */
export async function trapsh(
  folder: string,
  words: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: trapshWords(folder, words),
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

export const canRun = Deno.permissions.querySync({ name: "run", command: "deno" }).state === "granted";

/** The README as tests see it: its fenced blocks, so that what it shows is what is run. */

const ROOT = new URL("../../", import.meta.url);
export const README = new URL("README.md", ROOT);

export interface Block {
  /** First word after the fence. */
  readonly language: string;
  /** Second word: the file that the block is. */
  readonly file?: string;
  readonly text: string;
}

export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\S+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map((
    [, language, file, text],
  ) => ({
    language,
    file,
    text,
  }));
}

/** The text of the block that is `file`. Throws `RangeError` if the README has none. */
export async function readmeFile(file: string): Promise<string> {
  const blocks = blocksOf(await Deno.readTextFile(README));
  const block = blocks.find((one) => one.file === file);
  if (!block) throw new RangeError(`README.md has no block named ${file}`);
  return block.text;
}

/** A folder outside the repository that holds the README's files; taken away when `work` is done. */
export async function inFolder(
  files: readonly string[],
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const file of files) await Deno.writeTextFile(`${folder}/${file}`, await contentOf(file));
    if (files.includes("deno.json")) await Deno.writeTextFile(`${folder}/deno.lock`, await lockOf());
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** In `deno.json`, where trapsh really is. */
async function contentOf(file: string): Promise<string> {
  const text = await readmeFile(file);
  return file === "deno.json" ? text.replace("../trapsh/", ROOT.href) : text;
}

/**
 * The repository's lock for a folder with its own `deno.json`. Without a lock, Deno asks the registry for
 * versions, which the repository's own cache need not hold. The list of who needs what is taken out: Deno drops
 * what a lock has for a `deno.json` that is not its own.
 */
async function lockOf(): Promise<string> {
  const { workspace: _, ...lock } = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  return JSON.stringify(lock);
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deno ARGS` in `folder`, without colours, without the network, and waits for its end. */
export async function deno(folder: string, args: readonly string[]): Promise<Finished> {
  // By name: the permission is for the `deno` of PATH, and Deno.execPath() may be another path to it.
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [...args],
    cwd: folder,
    // A task inside a task would work in the outer one's folder.
    env: { NO_COLOR: "1", INIT_CWD: folder },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** `deno task start ARGS`, called in `folder`. */
export function trapsh(folder: string, args: readonly string[]): Promise<Finished> {
  return deno(folder, ["task", "--quiet", "--config", new URL("deno.json", ROOT).pathname, "start", ...args]);
}

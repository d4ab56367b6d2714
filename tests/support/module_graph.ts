/** The project's own modules and what each imports, as Deno sees it. */

/** Where the repository is. */
export const ROOT = new URL("../../", import.meta.url);

/** Folders with source that users run, and the public module. */
const SOURCES = ["emulator", "transports", "shell", "scripts"] as const;
const PUBLIC = "mod.ts";

/** One import, whether of values or of types, static or dynamic. */
export interface Import {
  /** As resolved: a path in the repository, or a specifier such as `npm:cli-table3@0.6.5` or `node:fs`. */
  readonly target: string;
  /** From 1. */
  readonly line: number;
}

interface Resolved {
  readonly specifier?: string;
  readonly span?: { readonly start: { readonly line: number } };
}

interface DenoInfo {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: Resolved;
      readonly type?: Resolved;
    }[];
  }[];
}

function pathOf(specifier: string): string {
  return specifier.startsWith(ROOT.href) ? decodeURIComponent(specifier.slice(ROOT.href.length)) : specifier;
}

async function listFolder(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await listFolder(path));
    else if (/\.[cm]?tsx?$/.test(entry.name)) files.push(path);
  }
  return files;
}

/** Paths of all source files, sorted. */
export async function sourceFiles(): Promise<string[]> {
  const files = (await Promise.all(SOURCES.map(listFolder))).flat();
  const hasPublic = await Deno.stat(new URL(PUBLIC, ROOT)).then(() => true, () => false);
  return [...files, ...(hasPublic ? [PUBLIC] : [])].sort();
}

/** What `deno info --json` tells about a file and everything that it reaches. */
async function denoInfo(path: string): Promise<DenoInfo> {
  const command = new Deno.Command("deno", { args: ["info", "--json", path], cwd: ROOT });
  const { code, stdout, stderr } = await command.output();
  if (code !== 0) throw new Error(`deno info ${path}: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/**
 * The imports of every source file. Files that `mod.ts` reaches come from one run; what it does not
 * reach, such as scripts and `shell/main.ts`, costs a run for each file that nothing else reaches.
 */
export async function moduleGraph(): Promise<Map<string, readonly Import[]>> {
  const files = await sourceFiles();
  const graph = new Map<string, readonly Import[]>();
  const first = [PUBLIC, "shell/main.ts"].filter((file) => files.includes(file));
  // From the top layer down, so that one run reaches much.
  for (const root of [...first, ...files.toReversed()]) {
    if (graph.has(root)) continue;
    for (const { specifier, dependencies = [] } of (await denoInfo(root)).modules) {
      const path = pathOf(specifier);
      if (!files.includes(path)) continue;
      graph.set(
        path,
        dependencies.map(({ specifier, code, type }) => ({
          target: pathOf(code?.specifier ?? type?.specifier ?? specifier),
          line: (code?.span ?? type?.span)?.start.line ?? 0,
        })).map(({ target, line }) => ({ target, line: line + 1 })),
      );
    }
  }
  return graph;
}

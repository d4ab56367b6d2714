/** Names of files for Tab. */

/** Files and folders that begin with `start`; folders end in `/`. Nothing where they cannot be read. */
export async function fileNames(start: string): Promise<string[]> {
  const slash = start.lastIndexOf("/") + 1;
  const folder = start.slice(0, slash);
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder === "" ? "." : folder)) {
      if (entry.name.startsWith(".") && !start.slice(slash).startsWith(".")) continue;
      if (!entry.name.startsWith(start.slice(slash))) continue;
      names.push(`${folder}${entry.name}${entry.isDirectory ? "/" : ""}`);
    }
  } catch {
    return [];
  }
  return names.sort();
}

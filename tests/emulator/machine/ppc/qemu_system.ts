/** Runs an image on QEMU's system emulator until it has printed as many lines as are wanted. */

/** Whether the program can be started at all. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

/** What the machine prints on its first serial line or terminal, `lines` lines of it. */
export async function printedByQemu(
  program: string,
  args: readonly string[],
  image: Uint8Array,
  lines: number,
): Promise<string[]> {
  const file = await Deno.makeTempFile({ suffix: ".rom" });
  const child = new Deno.Command(program, {
    args: [...args, "-bios", file, "-display", "none", "-monitor", "none", "-serial", "stdio"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
  try {
    await Deno.writeFile(file, image);
    const process = child.spawn();
    const limit = setTimeout(() => process.kill(), 20_000);
    let text = "";
    for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.split("\n").length > lines) break;
    }
    clearTimeout(limit);
    try {
      process.kill();
    } catch {
      // It has ended by itself.
    }
    await process.status;
    return text.split("\n").slice(0, lines).map((line) => line.trim());
  } finally {
    await Deno.remove(file);
  }
}

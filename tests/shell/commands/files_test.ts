import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { startSession, type Transcript } from "./session.ts";

/** A folder outside the repository, as users have theirs; the commands' files are written there. */
async function inFolder(work: (folder: string, shell: Transcript) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const shell = startSession();
  try {
    await work(folder, shell);
  } finally {
    shell.session.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const counter = (step: number) => `
let count = 0;
export default {
  name: "counter",
  size: 8,
  read: () => count,
  call(_fn: number, data: Uint8Array) {
    count += ${step} * data.length;
    return count;
  },
};
`;

for (const guest of ["arch x86", "arch ppc", "arch ppc 32"]) {
  for (const via of ["hypercall", "pio", "mmio"]) {
    Deno.test(`device add and reload: a user's file on ${guest} via ${via}`, () =>
      inFolder(async (folder, { type }) => {
        const file = join(folder, "counter.ts");
        await Deno.writeTextFile(file, counter(1));
        await type(guest);
        assertStringIncludes(await type(`device add ${file}`), "counter");
        await type(`open counter via ${via}`);
        assertStringIncludes(await type("call 1 0:4"), "= 0x4");
        assertStringIncludes(await type("read 0 4"), "= 0x4");
        await Deno.writeTextFile(file, counter(100));
        assertStringIncludes(await type("device reload counter"), "counter");
        assertStringIncludes(await type("call 1 0:4"), "= 0x190");
      }));
  }
}

Deno.test("device reload keeps the old device where the edited file has an error", () =>
  inFolder(async (folder, { type }) => {
    const file = join(folder, "counter.ts");
    await Deno.writeTextFile(file, counter(1));
    await type(`device add ${file}`);
    await type("open counter");
    await Deno.writeTextFile(file, "export default { name: ");
    assertStringIncludes(await type("device reload"), `error: ${file} cannot be loaded`);
    await Deno.writeTextFile(file, "export default { name: 'counter' };");
    assertStringIncludes(await type("device reload"), "none of read, write, call, queue and notify");
    await Deno.writeTextFile(file, "export const device = {};");
    assertStringIncludes(await type("device reload"), "no default export");
    await Deno.writeTextFile(file, "export default { name: 'other', call: () => 0 };");
    assertStringIncludes(await type("device reload"), "counter is no longer in its file");
    assertStringIncludes(await type("call 1 0:4"), "= 0x4");
  }));

Deno.test("device add takes arrays and factories, and places a device where it is asked to", () =>
  inFolder(async (folder, { type }) => {
    const file = join(folder, "two.ts");
    await Deno.writeTextFile(
      file,
      "export default async () => ['one', 'two'].map((name) => ({ name, call: () => 7 }));",
    );
    assertStringIncludes(await type(`device add ${file}`), "two");
    assertStringIncludes(await type(`device add ${file} port 0x500`), "place one only");
    const placed = join(folder, "placed.ts");
    await Deno.writeTextFile(placed, "export default { name: 'placed', read: () => 0x5a };");
    assertStringIncludes(await type(`device add ${placed} port 0x510`), "0x510..0x517");
    assertStringIncludes(await type("in.b 0x510"), "= 0x5a");
    const again = join(folder, "again.ts");
    await Deno.writeTextFile(again, "export default { name: 'again', read: () => 1 };");
    assertStringIncludes(await type(`device add ${again} port 0x510`), "error:");
    assertStringIncludes(await type("arch ppc"), "ppc, 64-bit");
    assertStringIncludes(await type(`device add ${again} port 0x510`), "ppc has no port I/O");
    assertStringIncludes(await type("info devices"), "placed");
    assertStringIncludes(await type("arch x86"), "x86, 64-bit");
    assertStringIncludes(await type("device remove two"), "removed two");
    assert(!(await type("info devices")).includes("two\n"));
  }));

Deno.test("device add says what is wrong with a file", () =>
  inFolder(async (folder, { type }) => {
    assertStringIncludes(await type(`device add ${join(folder, "none.ts")}`), "cannot be loaded");
    const file = join(folder, "bad.ts");
    await Deno.writeTextFile(file, "export default 5;");
    assertStringIncludes(await type(`device add ${file}`), "not a device");
    await Deno.writeTextFile(file, "throw new Error('at import');");
    assertStringIncludes(await type(`device add ${file}`), "at import");
    await Deno.writeTextFile(file, "export default { name: 'echo', call: () => 0 };");
    assertStringIncludes(await type(`device add ${file}`), "a device echo already");
  }));

Deno.test("load takes a flat image, and asm a file", () =>
  inFolder(async (folder, { type }) => {
    const image = join(folder, "guest.bin");
    await Deno.writeFile(image, Uint8Array.of(0xb8, 5, 0, 0, 0, 0xf4));
    await type("arch x86 32");
    assertStringIncludes(await type(`load ${image} at 0x2000`), "6 bytes, pc 0x2000");
    assertStringIncludes(await type("run"), "eax=0x5");
    const source = join(folder, "guest.s");
    await Deno.writeTextFile(source, "start:\n  mov ecx, 3\nagain:\n  dec ecx\n  jnz again\n  hlt\n");
    assertStringIncludes(await type(`asm at 0x3000 ${source}`), "again:");
    assertStringIncludes(await type(`load ${source}`), "use asm");
    assertStringIncludes(await type(`load ${join(folder, "none.bin")}`), "error:");
  }));

Deno.test("exits save writes the same file for the same exits", () =>
  inFolder(async (folder, { type }) => {
    const texts: string[] = [];
    for (const name of ["a.json", "b.json"]) {
      await type("reset");
      await type("out.b 0x80 1");
      assertStringIncludes(await type(`exits save ${join(folder, name)}`), "1 exit to");
      texts.push(await Deno.readTextFile(join(folder, name)));
      await type("exits reset");
    }
    assertStringIncludes(texts[0], '"IO"');
    assertStringIncludes(
      await type(`exits save ${join(folder, "a.txt")}`),
      "ends in none of .trace.json, .json, .csv, .html, .svg",
    );
    await type("out.b 0x80 1");
    await type(`exits save ${join(folder, "a.csv")} --rows`);
    assertEquals((await Deno.readTextFile(join(folder, "a.csv"))).trim().split("\n").length, 2);
  }));

Deno.test("script runs an experiment on the session", () =>
  inFolder(async (folder, { type, session }) => {
    const file = join(folder, "experiment.ts");
    await Deno.writeTextFile(
      file,
      `export default async ({ session, args }) => {
        const echo = await session.io.open("echo", { via: args[0] });
        return [...await echo.call(1, 5)];
      };`,
    );
    assertStringIncludes(await type(`script ${file} mmio`), "5");
    assertEquals(session.exits.totals().count > 0, true);
    assertStringIncludes(await type(`script ${join(folder, "none.ts")}`), "error: There is no file");
  }));

Deno.test("source does lines, and tells the line that fails", () =>
  inFolder(async (folder, { type }) => {
    const file = join(folder, "lines.trapsh");
    await Deno.writeTextFile(file, "# a comment\narch ppc\n\nconst n = {\n  a: 5,\n};\necho done\n");
    assertStringIncludes(await type(`source ${file}`), "done");
    await Deno.writeTextFile(file, "echo before\nopen nothing\necho after\n");
    const text = await type(`source ${file}`);
    assertStringIncludes(text, "before");
    assertStringIncludes(text, `${file}:2: There is no device "nothing"`);
    assert(!text.includes("after"));
    await Deno.writeTextFile(file, `source ${file}\n`);
    assertStringIncludes(await type(`source ${file}`), "does it source itself?");
  }));

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { runScript } from "../../../shell/script.ts";
import { startSession, type Transcript } from "./session.ts";

async function inFolder(
  work: (folder: string, shell: Transcript) => Promise<void>,
  options: Parameters<typeof startSession>[0] = {},
): Promise<void> {
  const folder = await Deno.makeTempDir(), shell = startSession(options);
  try {
    await work(folder, shell);
  } finally {
    shell.session.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("session save: the same lines on a new session make the same exits", () =>
  inFolder(async (folder, { type, session }) => {
    const file = join(folder, "lab.ts");
    await type("arch ppc");
    await type("open echo");
    await type("nonsense line");
    await type("const bytes = new Uint8Array([1, 2]);\nawait io.open('echo')");
    await type("call 1 0x2a");
    assertEquals(await type(`session save ${file} --exits`), `4 lines written to ${file}\n`);
    const text = await Deno.readTextFile(file);
    assertStringIncludes(text, '"call 1 0x2a",');
    assertStringIncludes(text, 'reason: "PAPR_HCALL"');
    assert(!text.includes("nonsense"));
    const again = startSession();
    try {
      await runScript(again.session, file, []);
      assertEquals(again.session.exits.totals(), session.exits.totals());
      await again.session.execute("exits reset");
    } finally {
      again.session.close();
    }
    // One exit more than was saved. A module is imported once by its name.
    const other = join(folder, "other.ts");
    await Deno.writeTextFile(other, text.replace('"call 1 0x2a",', '"call 1 0x2a", "call 1 0x2a",'));
    const third = startSession();
    try {
      const error = await assertRejects(() => runScript(third.session, other, []), Error);
      assertStringIncludes(error.message, "the exits are not the expected ones");
    } finally {
      third.session.close();
    }
  }));

Deno.test("session save: what is no TypeScript file is refused, and quit is not replayed", () =>
  inFolder(async (folder, { type, session }) => {
    assertStringIncludes(await type("session save lab.txt"), "a session is saved as TypeScript");
    await type("echo a");
    await type("quit");
    assertEquals(session.journal.lines, ["echo a"]);
    assertStringIncludes(await type(`session save ${join(folder, "no", "lab.ts")}`), "error:");
  }));

const led = (value: number) => `export default { name: "led", read: () => ${value} };\n`;

Deno.test("at a prompt an edited device is loaded anew before the next line, and its error told once", () =>
  inFolder(async (folder, { type }) => {
    const file = join(folder, "led.ts");
    const edit = async (text: string, seconds: number) => {
      await Deno.writeTextFile(file, text);
      await Deno.utime(file, seconds, seconds);
    };
    await edit(led(1), 1_000_000);
    await type(`device add ${file}`);
    await type("open led via mmio");
    assertStringIncludes(await type("read 0 1"), "= 0x1");
    await edit(led(2), 1_000_001);
    const said = await type("read 0 1");
    assertStringIncludes(said, `led: ${file} changed and was loaded anew`);
    assertStringIncludes(said, "= 0x2");
    await edit("export default {", 1_000_002);
    const wrong = await type("read 0 1");
    assertStringIncludes(wrong, "the old one stays");
    assertStringIncludes(wrong, "= 0x2");
    assert(!(await type("read 0 1")).includes("changed"));
  }, { interactive: true }));

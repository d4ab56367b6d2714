/**
 * The prompt, driven as a new user drives it, on a model of a terminal. The screens are snapshots: `deno test -u`
 * writes them anew, and the diff says what changed for people.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { openHistory } from "../../shell/history.ts";
import { Dialog, type DialogOptions } from "./dialog.ts";
import { fakeLayer } from "./fake_machine.ts";
import { smallTable } from "./small_table.ts";

const SMALL = { table: smallTable, devices: [], load: () => Promise.resolve(fakeLayer()) };
const paste = (text: string) => `\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`;
const [TAB, BACK, UP] = ["\t", "\x1b[Z", "\x1b[A"];

type Scene = readonly [name: string, options: DialogOptions, play: (dialog: Dialog) => Promise<void>];

const SCENES: readonly Scene[] = [
  ["a typo, and what was meant", {}, async (dialog) => {
    await dialog.enter("hlep");
    await dialog.enter("help exist");
    await dialog.enter("arch pcc");
    await dialog.enter("info regs");
    await dialog.enter("disas 0x1000 1");
  }],
  ["Tab on commands, with what they do", { session: SMALL }, (dialog) => dialog.press(`re${TAB}`, "reset")],
  ["Tab on a second word", { session: SMALL }, (dialog) => dialog.press(`info ${TAB}`, "devices")],
  ["Tab again goes through the candidates", { session: SMALL }, async (dialog) => {
    await dialog.press(`info ${TAB}${TAB}${TAB}`, "> exits");
    await dialog.press(BACK, "> devices");
    await dialog.press("\r", "info devices ");
  }],
  ["Tab on options", {}, (dialog) => dialog.press(`run --${TAB}`, "--expect")],
  ["Tab on registers", {}, async (dialog) => {
    await dialog.enter("arch x86");
    await dialog.press(`p 8+$r1${TAB}`, "$r15");
  }],
  ["Tab on symbols, devices, vehicles, hypervisors and snapshots", {}, async (dialog) => {
    await dialog.enter("asm mainloop: nop ;; done: hlt");
    await dialog.enter(`until mai${TAB}`);
    await dialog.enter(`open ec${TAB}via h${TAB}`);
    await dialog.enter(`hypervisor vmw${TAB}`);
    await dialog.session.invoke("savevm before");
    await dialog.enter(`delvm bef${TAB}`);
  }],
  ["Tab on files", {}, async (dialog) => {
    await dialog.press(`load tests/shell/data/${TAB}`, "experiment.ts");
  }],
  ["Tab on members of TypeScript values", {}, async (dialog) => {
    await dialog.enter("arch x86");
    await dialog.press(`vm.vcpu.registers.${TAB}`, "list");
  }],
  ["TypeScript of several lines, and what is wrong with it", {}, async (dialog) => {
    dialog.terminal.type("function double(n: number) {\r");
    await dialog.press("return 2 * n;\r", "return");
    await dialog.enter("}");
    await dialog.enter("double(21)");
    await dialog.press("double(\r", "... ");
    await dialog.enter("");
    await dialog.enter("double(1]");
  }],
  ["a pasted script of ten lines", { rows: 40 }, async (dialog) => {
    const script = `# a guest that writes three bytes
arch x86
asm mov edx, 0x80 ;; mov eax, 3 ;; more: out dx, al ;; dec eax ;; jnz more ;; hlt

const before = exits.totals().count;
run
for (const { reason, count } of exits.totals()
    .count ? [{ reason: "all", count: exits.totals().count - before }] : []) {
  console.assert(count === 4);
}
exits.totals().count`;
    await dialog.press(paste(script), "exits.totals().count");
    await dialog.enter("");
  }],
  ["a pasted script ends at its first mistake", {}, async (dialog) => {
    await dialog.press(paste("echo one\nopen nothing\necho two\n\necho three\n"), "echo three");
    await dialog.enter("");
    await dialog.press(UP, "echo three");
  }],
  ["one expression over several lines", {}, async (dialog) => {
    await dialog.press(paste("[3, 1, 2]\n  .toSorted()\n  .join()"), ".join()");
    await dialog.enter("");
  }],
  ["Enter does a step again", { session: SMALL }, async (dialog) => {
    await dialog.enter("x/2i 0x10");
    await dialog.enter("");
    await dialog.enter("");
    await dialog.enter("call 1");
    await dialog.enter("");
  }],
  ["Ctrl-C drops what is typed", { session: SMALL }, async (dialog) => {
    await dialog.press("call 1\x03", "trapsh x86> ");
    await dialog.press("\x03", "Ctrl-D");
    await dialog.enter("call 2");
  }],
  ["Ctrl-C stops what runs, and drops what was typed behind it", { session: SMALL }, async (dialog) => {
    dialog.terminal.type("wait 1\r");
    await dialog.terminal.until((rows) => rows.some((row) => row.includes("wait 1")));
    await new Promise((resolve) => setTimeout(resolve));
    dialog.terminal.type("call 2\r\x03");
    await dialog.terminal.until((rows) => rows.some((row) => row.includes("wait(1)")));
    await dialog.enter("call 3");
  }],
  ["what is typed ahead is done", { session: SMALL }, async (dialog) => {
    dialog.terminal.type("call 1\rcall 2\rcall 3");
    await dialog.terminal.until((rows) => rows.at(-1) === "trapsh x86> call 3");
  }],
  ["the history is searched", { session: SMALL }, async (dialog) => {
    for (const line of ["call 1 2", "open echo", "regs"]) await dialog.enter(line);
    await dialog.press("\x12ca", "call 1 2");
  }],
  ["a long line wraps, and the screen may get another width", { session: SMALL }, async (dialog) => {
    await dialog.press(`call ${"123456789 ".repeat(12)}end`, "end");
    await dialog.terminal.resize(50, 24);
    await dialog.press(" 世界", "世");
    await dialog.terminal.resize(100, 24);
    await dialog.press("!\x01", "!");
  }],
  ["without colour there is no hint either", { session: SMALL, color: false }, async (dialog) => {
    await dialog.enter("open echo");
    await dialog.press(`op\x0c`, "op");
  }],
];

for (const [name, options, play] of SCENES) {
  Deno.test(`prompt: ${name}`, async (t) => {
    const dialog = new Dialog(options);
    await play(dialog);
    await t.assertSnapshot(await dialog.end());
  });
}

Deno.test("prompt: the history of one launch is there in the next", async () => {
  const canWrite = Deno.permissions.querySync({ name: "write", path: "/tmp" }).state === "granted";
  const folder = canWrite ? await Deno.makeTempDir({ dir: "/tmp" }) : undefined;
  const history = openHistory(folder && `${folder}/history`);
  const open = () => folder ? openHistory(`${folder}/history`) : history;
  try {
    const first = new Dialog({ session: SMALL, history: open() });
    await first.enter("call 1 2");
    await first.press(paste("call 3\ncall 4"), "call 4");
    await first.enter("");
    await first.end();
    const second = new Dialog({ session: SMALL, history: open() });
    await second.press(UP, "call 4");
    await second.press(`\x03${UP}${UP}`, "call 1 2");
    await second.end();
  } finally {
    if (folder) await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("prompt: quit gives the status, Ctrl-D 0", async () => {
  for (const [keys, status] of [["quit 7", 7], ["\x04", 0]] as const) {
    const dialog = new Dialog({ session: SMALL });
    await dialog.enter(keys);
    assertEquals(await dialog.ended, status);
    dialog.session.close();
    await dialog.terminal.dispose();
  }
});

Deno.test("prompt: Ctrl-Z asks for the job's stop and goes on after it", async () => {
  const dialog = new Dialog({ session: SMALL });
  await dialog.press("call 1\x1a", "call 1");
  assertEquals(dialog.terminal.suspended, 1);
  dialog.terminal.write("$ fg\n");
  dialog.terminal.resume();
  await dialog.enter(" 2");
  assertStringIncludes(await dialog.end(), "$ fg\ntrapsh x86> call 1 2\ncall(1|2)");
});

Deno.test("prompt: what is lost elsewhere is told and ends nothing", async () => {
  const dialog = new Dialog({ session: SMALL });
  await dialog.enter("void Promise.reject(new RangeError('lost'))");
  await dialog.terminal.until((rows) => rows.some((row) => row.includes("lost") && row.startsWith("error")));
  await dialog.enter("call 1");
  assertStringIncludes(await dialog.end(), "call(1)");
});

Deno.test("prompt: what a timer prints comes above what is typed", async () => {
  const dialog = new Dialog({ session: SMALL });
  await dialog.enter("console.log('now', { a: 1 })");
  await dialog.enter("void setTimeout(() => console.log('later'), 1)");
  dialog.terminal.type("half");
  await dialog.terminal.until((rows) =>
    rows.includes("later") && rows.at(-1)?.startsWith("trapsh x86> half") === true
  );
  await dialog.enter(" done");
  assertStringIncludes(await dialog.end(), "now { a: 1 }\ntrapsh x86> void");
});

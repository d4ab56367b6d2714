/** The program in a real terminal, under a real shell: what only they can show. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Tmux, whyNoTmux } from "../support/tmux.ts";

const why = whyNoTmux();

function terminal(name: string, test: (tmux: Tmux, folder: string) => Promise<void>): void {
  Deno.test({
    name: `terminal: ${name}${why === undefined ? "" : ` (skipped: ${why})`}`,
    ignore: why !== undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir({ dir: "/tmp" });
      try {
        using tmux = new Tmux(["bash", "--norc", "--noprofile"], { PS1: "$ ", XDG_STATE_HOME: folder });
        await test(tmux, folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

const TASK = "deno task --quiet start";
/** As an installed trapsh runs: the process is its job's only one, and may run nothing. */
const PLAIN = "deno run -q --no-prompt --allow-read --allow-env shell/main.ts";
const PROMPT = /trapsh x86>$/;

for (const [what, command] of [["deno task", TASK], ["deno run", PLAIN]]) {
  terminal(`Ctrl-Z and fg under ${what}`, async (tmux) => {
    tmux.keys(command, "Enter");
    await tmux.until(PROMPT);
    tmux.keys("echo half");
    await tmux.until(/echo half/);
    tmux.keys("C-z");
    await tmux.until(/Stopped[^]*\n\$$/);
    tmux.keys("echo in between", "Enter");
    await tmux.until(/^in between/m);
    tmux.keys("fg", "Enter");
    await tmux.until(/trapsh x86> echo half$/);
    tmux.keys(" and half", "Enter");
    await tmux.until(/^half and half\ntrapsh x86>$/m);
    // Busy, too.
    tmux.keys("asm loop: jmp loop", "Enter");
    await tmux.until(/jmp 0x1000\ntrapsh x86>$/);
    tmux.keys("run", "Enter");
    await tmux.until(/trapsh x86> run$/);
    tmux.keys("C-z");
    await tmux.until(/Stopped[^]*\n\$$/);
    tmux.keys("fg", "Enter");
    await tmux.until(/fg\n.*$/);
    tmux.keys("C-c");
    await tmux.until(/INTERRUPTED at[^]*trapsh x86>$/);
    tmux.keys("quit 3", "Enter");
    await tmux.until(/\$$/);
    tmux.keys("echo status $?", "Enter");
    await tmux.until(/^status 3/m);
  });
}

terminal("paste, another width, and a history over two launches", async (tmux, folder) => {
  tmux.keys(TASK, "Enter");
  await tmux.until(PROMPT);
  tmux.paste("echo one\nconst list = [\n  1,\n  2,\n]\nlist.length\n");
  await tmux.until(/\.\.\. list\.length$/);
  tmux.keys("Enter");
  const screen = await tmux.until(/^2\ntrapsh x86>$/m);
  assertStringIncludes(screen, "trapsh x86> echo one\none\ntrapsh x86> const list = [\n        ...   1,\n");
  tmux.keys(`echo ${"0123456789 ".repeat(9)}end`);
  await tmux.until(/end$/);
  for (const columns of [50, 110, 70]) {
    tmux.resize(columns, 24);
    tmux.keys("!");
    const shown = await tmux.until(new RegExp(`!{${{ 50: 1, 110: 2, 70: 3 }[columns]}}$`));
    assertEquals(shown.match(/trapsh x86> echo 0123/g)?.length, 1, `twice on the screen:\n${shown}`);
  }
  tmux.keys("C-c");
  tmux.keys("C-d");
  await tmux.until(/\$$/);
  tmux.keys("clear", "Enter");
  await tmux.until(/^\$$/);
  tmux.keys(TASK, "Enter");
  await tmux.until(PROMPT);
  tmux.keys("C-r");
  tmux.keys("list");
  await tmux.until(/\(reverse-i-search\)`list': echo one\n/);
  tmux.keys("C-c", "C-d");
  await tmux.until(/\$$/);
  assertEquals(
    await Deno.readTextFile(`${folder}/trapsh/history`),
    "echo one\n\tconst list = [\n\t  1,\n\t  2,\n\t]\n\tlist.length\n",
  );
  assertEquals((await Deno.stat(`${folder}/trapsh/history`)).mode! & 0o777, 0o600);
});

terminal("a dumb terminal and a pipe get plain lines", async (tmux) => {
  for (const command of [`TERM=dumb ${TASK} > /dev/tty`, `${TASK} | cat -v`]) {
    tmux.keys("clear", "Enter");
    await tmux.until(/^\$$/);
    tmux.keys(command, "Enter");
    await tmux.until(PROMPT);
    tmux.keys("Math.max(", "Enter");
    await tmux.until(/ {8}\.\.\.$/);
    tmux.keys("Enter");
    assertMatch(await tmux.until(/trapsh x86>$/), /^error: SyntaxError/m);
    // In a pipe it would end cat.
    if (command.startsWith("TERM")) {
      tmux.keys("C-c");
      const told = await tmux.until(/\^C\nCtrl-D or quit ends trapsh\ntrapsh x86>$/);
      assertEquals(told.match(/Ctrl-D/g)?.length, 1, "deno task hands the signal on: once is enough");
    }
    tmux.keys("C-d");
    const screen = await tmux.until(/\n\$$/);
    // What cat -v makes of an escape.
    assert(!screen.includes("^["), screen);
  }
});

terminal("Ctrl-Z says so where it would hang the terminal", async (tmux) => {
  tmux.keys(`${PLAIN} -C .`, "Enter");
  await tmux.until(PROMPT);
  tmux.keys("C-z");
  await tmux.until(/Ctrl-Z: deno task would not stop with trapsh[^]*trapsh x86>$/);
  tmux.keys("echo on", "Enter");
  await tmux.until(/^on\ntrapsh x86>$/m);
});

terminal("one Ctrl-C stops exec under deno task, and its statistics are written", async (tmux, folder) => {
  // What the task may write beside its own folder.
  const state = `${folder}/trapsh`;
  await Deno.mkdir(state);
  // mov dx, 0x3f8; mov al, 'x'; out dx, al; jmp to itself
  await Deno.writeFile(`${state}/guest.bin`, Uint8Array.fromHex("66baf803b078eeebfe"));
  tmux.keys(`${TASK} exec ${state}/guest.bin --stats ${state}/stats.json`, "Enter");
  await tmux.until(/^x$/m);
  tmux.keys("C-c");
  await tmux.until(/INTERRUPTED[^]*\n\$$/);
  const stats = JSON.parse(await Deno.readTextFile(`${state}/stats.json`));
  assertEquals(stats.stop.reason, "INTERRUPTED");
});

import { assertEquals, assertStringIncludes } from "@std/assert";
import { completed } from "../../shell/cli.ts";
import { COMPLETED_SHELLS, completionScript, suggestions } from "../../shell/completion.ts";
import { PROFILE_NAMES } from "../../emulator/exits/profiles/names.ts";

const hasBash = Deno.permissions.querySync({ name: "run" }).state === "granted" && hasCommand("bash");

function hasCommand(name: string): boolean {
  try {
    return new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

const offered = (...words: [string, ...string[]]) => suggestions("bash", completed, words).split("\n");

Deno.test("completion offers commands, options and their choices", () => {
  assertEquals(offered("").sort(), ["completion", "exec", "merge", "run", "sweep"]);
  assertEquals(offered("--hy"), ["--hypervisor"]);
  assertEquals(offered("--arch", ""), ["x86", "ppc"]);
  assertEquals(offered("--json", "--arch", "ppc", "--mode", ""), ["16", "32", "64"]);
  assertEquals(offered("exec", "--bu"), ["--budget"]);
  assertEquals(offered("completion", "z"), ["zsh"]);
  assertEquals(offered("--profile", "").slice(0, PROFILE_NAMES.length), [...PROFILE_NAMES]);
});

Deno.test("completion leaves files to the shell, by their endings", () => {
  assertEquals(offered("run", ""), ["__FILE__:file:ts::0"]);
  assertEquals(offered("sweep", ""), ["__FILE__:file:ts::0"]);
  assertEquals(offered("-C", ""), ["__FILE__:directory:::0"]);
});

Deno.test("completion of nonsense offers nothing and does not throw", () => {
  offered("--arch", "nonsense", "");
  offered("run", "a.ts", "--", "");
  offered("-e");
  assertEquals(offered("--nonsense"), [""]);
});

for (const shell of COMPLETED_SHELLS) {
  Deno.test(`the script for ${shell} asks the installed command`, () => {
    assertStringIncludes(completionScript(shell), "trapsh");
    assertStringIncludes(completionScript(shell), "completion");
  });
}

Deno.test({
  name: "a real bash completes by the script",
  ignore: !hasBash,
  async fn() {
    const lines = [
      `trapsh() { deno run --no-check --allow-read --allow-env shell/main.ts "$@"; }`,
      completionScript("bash"),
      `try() { COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}`,
      `_trapsh; echo "\${COMPREPLY[*]}"; }`,
      `try trapsh --arch pp`,
      `try trapsh run scripts/hel`,
    ];
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["--norc", "-c", lines.join("\n")],
    })
      .output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(
      [code, out.trim().split("\n").map((it) => it.trim())],
      [0, ["ppc", "scripts/hello.ts"]],
      err,
    );
  },
});

/** A script of the user's own, with a package and a permission that trapsh does not have. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { deno, inFolder, trapsh } from "../support/readme.ts";

const FILES = ["deno.json", "survey.ts"];
/** As the README says it; tests have no network. */
const RUN = ["run", "--cached-only", "--no-prompt", "--allow-read"];

Deno.test("a script outside the repository imports a package of its own and writes where it may", () =>
  inFolder(FILES, async (folder) => {
    const { code, stdout, stderr } = await deno(folder, [
      ...RUN,
      "--allow-write=survey.csv",
      "survey.ts",
      "survey.csv",
    ]);
    assertEquals(code, 0, stderr);
    assertEquals(stdout, "4 instructions written to survey.csv\n");
    const lines = (await Deno.readTextFile(`${folder}/survey.csv`)).trimEnd().split("\n");
    assertEquals(lines, [
      "trapsh,iced",
      '"mov eax, 1","mov eax,1"',
      '"out 0x80, al","out 80h,al"',
      '"vmcall","vmcall"',
      '"hlt","hlt"',
    ]);
  }));

Deno.test("a script outside the repository is refused a permission that it was not given", () =>
  inFolder(FILES, async (folder) => {
    const { code, stdout, stderr } = await deno(folder, [...RUN, "survey.ts", "survey.csv"]);
    assertNotEquals(code, 0);
    assertStringIncludes(stdout + stderr, "Requires write access");
    assertStringIncludes(stdout + stderr, "survey.csv");
  }));

Deno.test("run says how to start a script that imports packages which are not trapsh's", () =>
  inFolder(["survey.ts"], async (folder) => {
    const file = `${folder}/survey.ts`;
    const source = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, source.replace('"iced-x86"', '"picocolors"'));
    const { code, stderr } = await trapsh(folder, ["run", "survey.ts"]);
    assertNotEquals(code, 0);
    assertStringIncludes(stderr, "give it a deno.json of its own");
  }));

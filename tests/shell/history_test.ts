import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { historyFile, openHistory } from "../../shell/history.ts";

Deno.test("historyFile() follows XDG_STATE_HOME, then HOME", () => {
  const file = (env: Record<string, string>) => historyFile((name) => env[name]);
  assertEquals(file({ XDG_STATE_HOME: "/s", HOME: "/h" }), "/s/trapsh/history");
  assertEquals(file({ XDG_STATE_HOME: "relative", HOME: "/h" }), "/h/.local/state/trapsh/history");
  assertEquals(file({ HOME: "/h" }), "/h/.local/state/trapsh/history");
  assertEquals(file({}), undefined);
});

Deno.test("openHistory() without a file, or with one that cannot be had, still remembers", () => {
  for (const file of [undefined, "/dev/null/no/such"]) {
    const history = openHistory(file);
    for (const line of ["a", "a", " secret", "", "b"]) history.add(line);
    assertEquals(history.entries, ["a", "b"]);
  }
});

const canWrite = Deno.permissions.querySync({ name: "write", path: "/tmp" }).state === "granted";

Deno.test({
  name: "openHistory() keeps entries between runs, for their owner only, and not without end",
  ignore: !canWrite,
  fn: () => {
    const folder = Deno.makeTempDirSync({ dir: "/tmp" });
    try {
      const file = join(folder, "state", "history");
      const [one, other] = [openHistory(file), openHistory(file)];
      one.add("first");
      other.add("f(() => {\n  g();\n\n\t'indented'\n})\n");
      one.add("third");
      assertEquals(openHistory(file).entries, ["first", "f(() => {\n  g();\n\n\t'indented'\n})", "third"]);
      assertEquals(other.entries.length, 1);
      assertEquals(Deno.statSync(file).mode! & 0o777, 0o600);
      Deno.chmodSync(file, 0o644);
      Deno.writeTextFileSync(file, Array.from({ length: 2500 }, (_, i) => `line ${i}\n`).join(""));
      assertEquals(openHistory(file).entries.length, 1000);
      assertEquals(Deno.readTextFileSync(file).split("\n").length, 1001);
      assertEquals(Deno.statSync(file).mode! & 0o777, 0o600);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { historyFile, openHistory } from "../../shell/history.ts";

Deno.test("historyFile() follows XDG_STATE_HOME, then HOME", () => {
  const file = (env: Record<string, string>) => historyFile((name) => env[name]);
  assertEquals(file({ XDG_STATE_HOME: "/s", HOME: "/h" }), "/s/trapsh/history");
  assertEquals(file({ HOME: "/h" }), "/h/.local/state/trapsh/history");
  assertEquals(file({}), undefined);
});

Deno.test("openHistory() without a file, or with one that cannot be had, still remembers", () => {
  for (const file of [undefined, "/dev/null/no/such"]) {
    const history = openHistory(file);
    for (const line of ["a", "a", " secret", "", "b"]) history.add(line);
    assertEquals(history.lines, ["a", "b"]);
  }
});

const canWrite = Deno.permissions.querySync({ name: "write", path: "/tmp" }).state === "granted";

Deno.test({
  name: "openHistory() keeps lines between runs, for their owner only, and not without end",
  ignore: !canWrite,
  fn: () => {
    const folder = Deno.makeTempDirSync({ dir: "/tmp" });
    try {
      const file = join(folder, "state", "history");
      openHistory(file).add("first");
      openHistory(file).add("second");
      assertEquals(openHistory(file).lines, ["first", "second"]);
      assertEquals(Deno.statSync(file).mode! & 0o777, 0o600);
      Deno.writeTextFileSync(file, Array.from({ length: 2500 }, (_, i) => `line ${i}\n`).join(""));
      assertEquals(openHistory(file).lines.length, 1000);
      assertEquals(Deno.readTextFileSync(file).split("\n").length, 1001);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

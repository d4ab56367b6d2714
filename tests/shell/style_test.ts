import { assertEquals } from "@std/assert";
import { createStyle, mayColor } from "../../shell/style.ts";

Deno.test("mayColor() asks the terminal, NO_COLOR and TERM", () => {
  const may = (terminal: boolean, env: Record<string, string>) => mayColor(terminal, (name) => env[name]);
  assertEquals(may(true, {}), true);
  assertEquals(may(false, {}), false);
  assertEquals(may(true, { NO_COLOR: "1" }), false);
  assertEquals(may(true, { NO_COLOR: "" }), true);
  assertEquals(may(true, { TERM: "dumb" }), false);
});

Deno.test("paint() leaves text as it is without colour", () => {
  assertEquals(createStyle(false).paint("red", "x"), "x");
  assertEquals(createStyle(true).paint("red", "x"), "\x1b[31mx\x1b[39m");
});

import { assertEquals } from "@std/assert";
import { StatusLine } from "../../shell/status_line.ts";
import { stringSink } from "../../shell/sinks.ts";

Deno.test("StatusLine is out of the way before anything else is written", () => {
  const terminal = stringSink(), line = new StatusLine(terminal, () => 10);
  const out = line.guard(terminal);
  line.show("a long line of status");
  out.write("text\n");
  line.show("b");
  line.clear();
  line.clear();
  assertEquals(terminal.text, "\ra long li\x1b[K\r\x1b[Ktext\n\rb\x1b[K\r\x1b[K");
});

Deno.test("StatusLine waits where others have left the cursor in the middle of a line", () => {
  const terminal = stringSink(), line = new StatusLine(terminal, () => 80);
  const out = line.guard(terminal);
  out.write("name? ");
  line.show("status");
  out.write("");
  assertEquals([terminal.text, out.atLineStart], ["name? ", false]);
  out.write("\n");
  line.show("status");
  assertEquals(terminal.text, "name? \n\rstatus\x1b[K");
});

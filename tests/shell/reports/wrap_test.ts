import { assertEquals } from "@std/assert";
import { fitted, wrap } from "../../../shell/reports/wrap.ts";
import { createStyle, plain } from "../../../shell/style.ts";

Deno.test("wrap() breaks between words and indents what follows", () => {
  assertEquals(wrap("aa bb cc dd", 6), ["aa bb", "  cc", "  dd"]);
  assertEquals(wrap("  aa bb  cc", 8), ["  aa bb", "    cc"]);
  assertEquals(wrap("averylongword x", 4), ["averylongword", "  x"]);
  assertEquals(wrap("   averylongword", 4), ["   averylongword"]);
  assertEquals(wrap("\x1b[1maaa\x1b[0m bbb", 7), ["\x1b[1maaa\x1b[0m bbb"]);
  assertEquals(wrap("", 7), [""]);
});

Deno.test("fitted() is for terminals: what is piped stays as it is", () => {
  const terminal = createStyle(false, () => 10, "blocks");
  assertEquals(fitted("aaa bbb ccc\nddd", terminal), "aaa bbb\n  ccc\nddd");
  assertEquals(fitted("a ".repeat(200), plain), "a ".repeat(200));
});

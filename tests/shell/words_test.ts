import { assertEquals, assertThrows } from "@std/assert";
import { splitWords } from "../../shell/words.ts";

const texts = (line: string, raw = false) => splitWords(line, { raw }).map((word) => word.text);

Deno.test("splitWords() splits at white space", () => {
  assertEquals(texts("  call 1\t0x2a "), ["call", "1", "0x2a"]);
  assertEquals(texts(""), []);
});

Deno.test("splitWords() keeps white space within quotes and after a backslash", () => {
  assertEquals(texts(`x/4xw "$rsp + 8" 'a b'c d\\ e`), ["x/4xw", "$rsp + 8", "a bc", "d e"]);
  assertEquals(texts(`a "say \\"hi\\"" ""`), ["a", 'say "hi"', ""]);
  assertEquals(texts(`'a\\b'`), ["a\\b"]);
});

Deno.test("splitWords() ends at a comment", () => {
  assertEquals(texts("run 5 # five"), ["run", "5"]);
  assertEquals(texts("run a#b"), ["run", "a#b"]);
});

Deno.test("splitWords() with raw keeps quotes, backslashes and hashes", () => {
  assertEquals(texts(`asm .ascii "a  b" # c`, true), ["asm", ".ascii", '"a  b"', "#", "c"]);
});

Deno.test("splitWords() tells where each word begins", () => {
  assertEquals(splitWords("a  bc").map((word) => word.start), [0, 3]);
});

Deno.test("splitWords() names a quote that is never closed", () => {
  assertThrows(() => splitWords(`echo "a b`), SyntaxError, 'The " at column 6 is never closed');
  assertEquals(splitWords(`echo "a b`, { lenient: true }).map((word) => word.text), ["echo", "a b"]);
});

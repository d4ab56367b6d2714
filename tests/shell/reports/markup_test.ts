import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { element, escapeText, visible } from "../../../shell/reports/markup.ts";

Deno.test("escapeText() leaves nothing that markup is made of", () => {
  assertEquals(
    escapeText(`</script><a b="c" d='e'>&`),
    "&lt;/script&gt;&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;",
  );
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."<>&\"'a;#\u0000\ud800") }), (text) => {
    assertEquals(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/.test(escapeText(text)), false);
  }));
});

Deno.test("visible() shows what has no shape or turns text round", () => {
  assertEquals(visible("a\u0000b\u202ec\ud800\n"), "a\\u{0}b\\u{202e}c\\u{d800}\\u{a}");
  assertEquals(visible("größe 日本 😀"), "größe 日本 😀");
});

Deno.test("element() escapes attributes and leaves out undefined ones", () => {
  assertEquals(element("rect", { x: 1, y: undefined, class: '"' }), '<rect x="1" class="&quot;"/>');
  assertEquals(element("b", {}, "x"), "<b>x</b>");
});

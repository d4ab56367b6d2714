import { assertEquals } from "@std/assert";
import { reflow } from "../../shell/reflow.ts";

Deno.test("reflow() fills paragraphs and leaves indented lines alone", () => {
  assertEquals(reflow("a b\nc dd eee\n  kept   as is\nf\n\ng", 6), "a b c\ndd eee\n  kept   as is\nf\n\ng");
  assertEquals(reflow("averylongword x", 4), "averylongword\nx");
});

import { assertEquals } from "@std/assert";
import { TouchedPages } from "../../../emulator/machine/touched_pages.ts";

Deno.test("touch() answers whether a page was touched before", () => {
  const pages = new TouchedPages();
  assertEquals([pages.touch(7), pages.touch(3), pages.touch(7)], [false, false, true]);
  assertEquals(pages.save(), [3, 7]);
  pages.clear();
  assertEquals(pages.touch(7), false);
});

Deno.test("a guest that touches more pages than are remembered has all of them forgotten", () => {
  const pages = new TouchedPages();
  for (let page = 0; page < 65_536; page++) pages.touch(page);
  assertEquals(pages.touch(0), true);
  assertEquals(pages.touch(65_536), false);
  assertEquals(pages.save(), [65_536]);
});

Deno.test("load() takes no more pages than are remembered", () => {
  const pages = new TouchedPages();
  pages.load(Array.from({ length: 70_000 }, (_, page) => page));
  assertEquals(pages.save().length, 65_536);
});

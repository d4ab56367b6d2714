/** Markup that was written, looked at as a parser would. */
import { assertEquals } from "@std/assert";

/** Names of elements that are open at the end, after all that close have closed what they should. */
export function unclosed(xml: string): string[] {
  const open: string[] = [];
  for (const [, closing, name, empty] of xml.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (closing) assertEquals(open.pop(), name);
    else if (!empty) open.push(name);
  }
  return open;
}

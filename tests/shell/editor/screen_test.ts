/** What is drawn, on a real terminal's model: over whatever was there, and in whatever width. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Block, layOut } from "../../../shell/editor/layout.ts";
import { Screen } from "../../../shell/editor/screen.ts";
import { FakeTerminal } from "./fake_terminal.ts";

const plain = (_format: string, text: string) => text;
const colored = (_format: string, text: string) => `\x1b[36m${text}\x1b[39m`;

const block = (text: string, cursor: number, hint = ""): Block<string> => ({
  prompt: "vm> ",
  continuation: "... ",
  promptFormat: "prompt",
  text,
  cursor,
  spans: [{ from: 1, to: 3, format: "word" }],
  hint,
  hintFormat: "hint",
});

Deno.test("layOut() wraps where a terminal does", () => {
  const rows = (text: string, width: number) =>
    layOut(block(text, 0), width, plain).rows.map((row) => row.text);
  assertEquals(rows("abcdefgh", 8), ["vm> abcd", "efgh"]);
  assertEquals(rows("abc世世", 8), ["vm> abc", "世世"]);
  assertEquals(rows("ab\ncd", 8), ["vm> ab", "... cd"]);
  assertEquals(rows("a\tb", 20), ["vm> a    b"]);
});

Deno.test("layOut() finds the cursor", () => {
  const cursor = (text: string, at: number) => {
    const { row, column } = layOut(block(text, at), 8, plain);
    return [row, column];
  };
  assertEquals(cursor("abcd", 2), [0, 6]);
  assertEquals(cursor("abcd", 4), [1, 0]);
  assertEquals(cursor("abcdef", 4), [1, 0]);
  assertEquals(cursor("世b", 1), [0, 6]);
  assertEquals(cursor("ab\ncd", 2), [0, 6]);
  assertEquals(cursor("ab\ncd", 3), [1, 4]);
});

Deno.test("layOut() paints each part once", () => {
  assertEquals(
    layOut(block("abcd", 0), 20, colored).rows[0].text,
    "\x1b[36mvm> \x1b[39ma\x1b[36mbc\x1b[39md",
  );
});

// No emoji: the model counts them as one column, newer terminals as two.
const texts = fc.string({ unit: fc.constantFrom("a", "b", " ", "世", "e\u0301", "\n", "한"), maxLength: 40 });
const pictures = fc.record({
  text: texts,
  at: fc.nat(),
  hint: fc.constantFrom("", " hint", "x".repeat(9)),
  menu: fc.nat(3),
});

/** Draws `picture` and returns what a terminal then shows. */
async function shown(
  terminal: FakeTerminal,
  screen: Screen,
  { text, at, hint, menu }: { text: string; at: number; hint: string; menu: number },
) {
  const chars = Array.from(new Intl.Segmenter().segment(text), ({ index }) => index).concat(text.length);
  const layout = layOut(block(text, chars[at % chars.length], hint), terminal.size.columns, colored);
  const below = Array.from({ length: menu }, (_, row) => `row ${row}`);
  terminal.write(screen.draw(layout, below, terminal.size));
  return { rows: await terminal.rows(), cursor: await terminal.cursor() };
}

Deno.test("draw() over something else shows the same as draw() on an empty screen", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(pictures, { minLength: 2, maxLength: 5 }),
      fc.integer({ min: 6, max: 20 }),
      async (list, columns) => {
        // Rows enough for all: what scrolls is another test's.
        const [used, fresh] = [new FakeTerminal(columns, 60), new FakeTerminal(columns, 60)];
        try {
          const screen = new Screen();
          let last;
          for (const picture of list) last = await shown(used, screen, picture);
          assertEquals(last, await shown(fresh, new Screen(), list[list.length - 1]));
        } finally {
          await used.dispose();
          await fresh.dispose();
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("draw() keeps the cursor in sight where there are too few rows", async () => {
  const terminal = new FakeTerminal(20, 5);
  const screen = new Screen();
  const text = Array.from({ length: 12 }, (_, line) => `line ${line}`).join("\n");
  const at = (line: number) => text.indexOf(`line ${line}`);
  for (const line of [11, 0, 6, 11]) {
    const layout = layOut(block(text, at(line)), 20, plain);
    terminal.write(screen.draw(layout, ["menu"], terminal.size));
    const [row, column] = await terminal.cursor();
    assertEquals([(await terminal.rows())[row].slice(4), column], [`line ${line}`, 4]);
  }
  await terminal.dispose();
});

Deno.test("leave() and erase() know how much is shown", async () => {
  const terminal = new FakeTerminal(10, 10);
  const screen = new Screen();
  const draw = (text: string, cursor: number, below: string[] = []) =>
    terminal.write(screen.draw(layOut(block(text, cursor), 10, plain), below, terminal.size));
  draw("abcdefgh", 0);
  terminal.write(`${screen.leave()}out\r\n`);
  draw("one\ntwo", 1, ["menu"]);
  terminal.write(screen.erase(terminal.size));
  draw("three", 5);
  assertEquals(await terminal.rows(), ["vm> abcdef", "gh", "out", "vm> three"]);
  await terminal.dispose();
});

// The cursor at the end: within the text the model itself loses it when it reflows.
Deno.test("draw() finds its first row after the terminal has another width", async () => {
  for (const columns of [20, 33, 60]) {
    const terminal = new FakeTerminal(30, 20);
    const screen = new Screen();
    const text = `${"word ".repeat(12)}\nshort\n${"more ".repeat(9)}`;
    const draw = () =>
      terminal.write(
        screen.draw(layOut(block(text, text.length), terminal.size.columns, plain), [], terminal.size),
      );
    terminal.write("before\r\n");
    draw();
    await terminal.resize(columns, 20);
    draw();
    const rows = await terminal.rows(true);
    assertEquals(rows.filter((row) => row.startsWith("vm>")).length, 1, rows.join("\n"));
    assertEquals(rows[0], "before");
    await terminal.dispose();
  }
});

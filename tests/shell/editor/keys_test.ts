import { assertEquals } from "@std/assert";
import { cleaned, type Input, KeyDecoder } from "../../../shell/editor/keys.ts";

const show = (input: Input) =>
  input.kind === "key" ? input.key : `${input.kind} ${JSON.stringify(input.text)}`;

/** Bytes as terminals send them, and the keys that they are. */
const CASES: readonly (readonly [bytes: string, keys: string])[] = [
  ["abc", 'text "abc"'],
  ["né世👩‍👧", 'text "né世👩‍👧"'],
  ["\x01\x05\x1a", "C-a C-e C-z"],
  ["a\rb\n\t\x7f\b", 'text "a" Enter text "b" Enter Tab Backspace Backspace'],
  ["\x00\x1f", "C-Space C-_"],
  ["\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F", "Up Down Right Left Home End"],
  ["\x1bOA\x1bOH\x1bOF", "Up Home End"],
  ["\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~\x1b[5~\x1b[6~", "Home End Home End Delete PageUp PageDown"],
  ["\x1b[1;5C\x1b[1;3D\x1b[3;5~\x1b[1;2A", "C-Right M-Left C-Delete S-Up"],
  ["\x1b[Z\x1bb\x1b\r\x1b\x7f\x1b<\x1bé", "S-Tab M-b M-Enter M-Backspace M-< M-é"],
  // Function keys and answers of a terminal that nobody asked for leave nothing behind.
  ["\x1b[15~a\x1b[?1;2cb\x1bOPc\x1b[24;80Rd", 'text "a" text "b" text "c" text "d"'],
  ["\x1b[200~one\rtwo\r\n\tthree\x1b[31m\x1b[201~x", 'paste "one\\ntwo\\n\\tthree[31m" text "x"'],
];

Deno.test("KeyDecoder.push() tells keys", async (t) => {
  for (const [bytes, keys] of CASES) {
    await t.step(JSON.stringify(bytes), () => {
      assertEquals(new KeyDecoder().push(bytes).map(show).join(" "), keys);
    });
  }
});

Deno.test("KeyDecoder.push() takes sequences in pieces", () => {
  for (const [bytes, keys] of CASES) {
    const decoder = new KeyDecoder();
    const inputs = Array.from(bytes).flatMap((char) => decoder.push(char));
    const text = (list: readonly Input[]) =>
      list.map((it) => it.kind === "key" ? `<${it.key}>` : it.text).join("");
    assertEquals(text(inputs), text(new KeyDecoder().push(bytes)), keys);
  }
});

Deno.test("KeyDecoder.flush() takes an escape that nothing followed for a key", () => {
  const decoder = new KeyDecoder();
  assertEquals(decoder.push("\x1b"), []);
  assertEquals(decoder.waiting, true);
  assertEquals(decoder.flush().map(show), ["Esc"]);
  assertEquals([decoder.waiting, decoder.flush()], [false, []]);
  assertEquals(decoder.push("\x1b\x1b[A").map(show), ["Esc", "Up"]);
  assertEquals(decoder.push("\x1b[200~pasted").map(show), []);
  assertEquals([decoder.waiting, decoder.flush()], [false, []]);
  assertEquals(decoder.push(" later\x1b[201~").map(show), ['paste "pasted later"']);
});

Deno.test("cleaned() leaves nothing that would move the cursor", () => {
  assertEquals(cleaned("a\x1b[2Jb\x07\x9bc\r\nd\te"), "a[2Jbc\nd\te");
});

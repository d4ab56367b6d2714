import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Editor, type Effect } from "../../../shell/editor/editor.ts";
import { KeyDecoder } from "../../../shell/editor/keys.ts";
import { KEYMAP } from "../../../shell/editor/keymap.ts";
import type { Completion } from "../../../shell/editor/menu.ts";

const HISTORY = ["open echo", "call 1 0x2a", "info exits", "call 1 0x2a", "f(() => {\n  g();\n})"];

const BYTES: Readonly<Record<string, string>> = {
  Enter: "\r",
  Tab: "\t",
  "S-Tab": "\x1b[Z",
  Up: "\x1b[A",
  Down: "\x1b[B",
  Right: "\x1b[C",
  Left: "\x1b[D",
  Home: "\x1b[H",
  End: "\x1b[F",
  Delete: "\x1b[3~",
  Backspace: "\x7f",
  Esc: "\x1b",
  "C-_": "\x1f",
};

/** `ab <C-a> c` is a, b, Ctrl-A and c; blanks around keys are not typed. */
function bytesOf(keys: string): string {
  return keys.replaceAll(/ ?<([^>]+|M->)> ?/g, (_, key: string) => {
    if (key === "paste") return "\x1b[200~";
    if (key === "/paste") return "\x1b[201~";
    const bytes = BYTES[key.replace(/^M-(?=.{2})/, "")];
    if (bytes) return key.startsWith("M-") ? `\x1b${bytes}` : bytes;
    return key.startsWith("M-") ? `\x1b${key.slice(2)}` : String.fromCharCode(key.charCodeAt(2) & 0x1f);
  });
}

/** Types and tells the text with `|` at the cursor, and what was asked of the caller. */
function typed(editor: Editor, keys: string, completion?: Completion): { line: string; effects: Effect[] } {
  const decoder = new KeyDecoder();
  const effects: Effect[] = [];
  for (const input of [...decoder.push(bytesOf(keys)), ...decoder.flush()]) {
    const effect = editor.handle(input);
    if (effect === "complete" && completion) editor.offer(completion);
    else if (effect) effects.push(effect);
  }
  const { text, cursor } = editor.view();
  return { line: `${text.slice(0, cursor)}|${text.slice(cursor)}`, effects };
}

const create = () =>
  new Editor({
    history: () => HISTORY,
    hint(text) {
      const entry = HISTORY.findLast((one) => one.startsWith(text) && one !== text);
      return entry === undefined ? undefined : { text: entry.slice(text.length), takes: true };
    },
  });

const CASES: readonly (readonly [keys: string, line: string])[] = [
  ["abc", "abc|"],
  ["abc<Left>x", "abx|c"],
  ["abc<C-b><C-b>x", "ax|bc"],
  ["abc<C-a>x", "x|abc"],
  ["abc<Home><C-f>x", "ax|bc"],
  ["abc<Home><End>x", "abcx|"],
  ["one two<M-b>x", "one x|two"],
  ["one two<Home><M-f>x", "onex| two"],
  ["e\u0301👩‍👧世<Left><Left>x", "e\u0301x|👩‍👧世"],
  ["e\u0301👩‍👧<Backspace>", "e\u0301|"],
  ["e\u0301👩‍👧<Backspace><Backspace>", "|"],
  ["abc<C-a><Delete>", "|bc"],
  ["abc<C-a><C-d>", "|bc"],
  ["one two<C-w>x", "one x|"],
  ["call 0x1+$rax<M-Backspace>", "call 0x1+|"],
  ["one two<C-u>", "|"],
  ["one two<C-a><C-k><C-y><C-y>", "one twoone two|"],
  ["one two three<C-w><C-w><C-y>", "one two three|"],
  ["one two<C-a><M-d><M-d><C-y>!", "one two!|"],
  ["one two<C-w>x<C-w><C-y>", "one x|"],
  ["abc<C-t>", "acb|"],
  ["abc<Left><C-t>", "acb|"],
  ["abc<C-a><C-t>", "|abc"],
  ["abc<C-w>d<C-_><C-_>", "abc|"],
  ["abc<C-_>", "|"],
  ["one<M-Enter>two<Up>x", "onex|\ntwo"],
  ["one<M-Enter>twofold<Up><Down>x", "one\ntwox|fold"],
  ["one<M-Enter>two<M-<>x", "x|one\ntwo"],
  ["one<M-Enter>two<C-a><C-u><C-k>", "one\n|"],
  ["<paste>a\n\tb<C-c>c</paste>", "a\n\tbc|"],
  ["<paste>a\nb\n</paste>", "a\nb|"],
  // History
  ["<Up>", "f(() => {\n  g();\n})|"],
  ["<Up><Up>", "call 1 0x2a|"],
  ["<Up><Up><Up><Up><Up><Up><Up>", "open echo|"],
  ["<Up><Up><Down><Down>", "|"],
  ["in<C-p>", "info exits|"],
  ["call<Up><Up>", "call 1 0x2a|"],
  ["call<Up><Down>", "call|"],
  ["nothing<Up>", "nothing|"],
  // Hints
  ["op<Right>", "open echo|"],
  ["call<M-f>", "call 1|"],
  ["op<Left><Right>", "op|"],
  ["op<C-e>", "op|"],
  // Search
  ["<C-r>ex", "info |exits"],
  ["<C-r>ex<C-a>x", "x|info exits"],
  ["<C-r>e<C-r>", "open |echo"],
  ["<C-r>e<C-r><C-s>", "info |exits"],
  ["<C-r>call<C-r><C-r>", "|call 1 0x2a"],
  ["<C-r>exq<Backspace>", "info |exits"],
  ["draft<C-r>open<C-g>", "draft|"],
  ["draft<C-r>open<Esc>", "draft|"],
  ["draft<C-r>zzz<C-a>", "|draft"],
  ["<C-s>call", "|call 1 0x2a"],
];

Deno.test("handle() does what Emacs's keys do", async (t) => {
  for (const [keys, line] of CASES) {
    await t.step(keys, () => assertEquals(typed(create(), keys).line, line));
  }
});

Deno.test("handle() tells what is not the editor's to do", () => {
  const effects = (keys: string) => typed(create(), keys).effects;
  assertEquals(effects("a<Enter>"), ["enter"]);
  assertEquals(effects("a<C-d>"), []);
  assertEquals(effects("<C-d>"), ["end"]);
  assertEquals(effects("a<C-c><C-z><C-l><Tab>"), ["interrupt", "suspend", "clear", "complete"]);
  assertEquals(effects("<C-r>ex<Enter>"), ["enter"]);
});

Deno.test("view() labels the search and marks what it found", () => {
  const editor = create();
  typed(editor, "<C-r>ex");
  assertEquals(editor.view().label, "(reverse-i-search)`ex': ");
  assertEquals(editor.view().mark, [5, 7]);
  typed(editor, "q");
  assertEquals(editor.view().label, "(failed reverse-i-search)`exq': ");
  typed(editor, "<C-a>");
  assertEquals([editor.view().label, editor.view().mark], [undefined, undefined]);
});

const offer = (replaced: number, ...texts: string[]): Completion => ({
  candidates: texts.map((text) => text.endsWith("/") ? { text, open: true } : { text }),
  replaced,
});

const COMPLETIONS: readonly (readonly [keys: string, offered: Completion, line: string])[] = [
  ["op<Tab>", offer(2, "open"), "open |"],
  ["x op<Left><Left><Tab>", offer(0, "a"), "x a |op"],
  ["op y<Left><Left><Tab>", offer(2, "open"), "open| y"],
  ["fo<Tab>", offer(2, "folder/"), "folder/|"],
  ["zz<Tab>", offer(2), "zz|"],
  ["i<Tab>", offer(1, "info", "input"), "in|"],
  ["i<Tab><Tab>", offer(1, "info", "input"), "info|"],
  ["i<Tab><Tab><Tab>", offer(1, "info", "input"), "input|"],
  ["i<Tab><Tab><Tab><Tab>", offer(1, "info", "input"), "info|"],
  ["i<Tab><S-Tab>", offer(1, "info", "input"), "input|"],
  ["i<Tab><Tab><Down>", offer(1, "info", "input"), "input|"],
  ["i<Tab><Tab><Esc>", offer(1, "info", "input"), "in|"],
  ["i<Tab><Tab><Enter>", offer(1, "info", "input"), "info |"],
  ["i<Tab><Tab>x", offer(1, "info", "input"), "infox|"],
  ["i<Tab><Tab><Tab><C-_><C-_>", offer(1, "info", "input"), "i|"],
];

Deno.test("offer() completes what is common, and Tab goes through the rest", async (t) => {
  for (const [keys, offered, line] of COMPLETIONS) {
    await t.step(keys, () => {
      const result = typed(create(), keys, offered);
      assertEquals(result, { line, effects: [] });
    });
  }
});

Deno.test("no two rows of the keymap claim one key", () => {
  const keys = KEYMAP.flatMap((row) => row.keys);
  assertEquals(keys.filter((key, index) => keys.indexOf(key) !== index), []);
});

Deno.test("handle() keeps the cursor between characters whatever is pressed", () => {
  const key = fc.constantFrom(...KEYMAP.flatMap((row) => row.keys)).map((key) => ({
    kind: "key" as const,
    key,
  }));
  const text = fc.constantFrom("a", " ", "世", "e\u0301", "\n", "call 1", "(").map((text) => ({
    kind: "text" as const,
    text,
  }));
  fc.assert(fc.property(fc.array(fc.oneof(key, text), { maxLength: 60 }), (inputs) => {
    const editor = create();
    for (const input of inputs) {
      if (editor.handle(input) === "complete") {
        editor.offer(offer(Math.min(1, editor.cursor), "call", "calm/", "世"));
      }
      const { text, cursor, menu } = editor.view();
      assert(cursor >= 0 && cursor <= text.length);
      assert(!/^\u0301/.test(text.slice(cursor)), "the cursor stands within a character");
      menu?.rows(20, 3, { chosen: (it) => it, about: (it) => it });
    }
  }));
});

/** Which key does what: the table that the editor obeys and `help keys` prints. Emacs's keys, as bash and gdb have them. */
import type { Motion } from "./buffer.ts";

export type Action =
  | { readonly kind: "move"; readonly by: Motion }
  /** What it deletes, the next `yank` brings back. */
  | { readonly kind: "kill"; readonly by: Motion }
  | { readonly kind: "delete"; readonly by: Motion }
  | { readonly kind: Special };

/** What is no motion. */
export type Special =
  | "enter"
  | "newline"
  | "complete"
  | "complete-back"
  | "accept-hint"
  | "accept-hint-word"
  | "previous"
  | "next"
  | "search-back"
  | "search-forward"
  | "yank"
  | "transpose"
  | "undo"
  | "cancel"
  | "clear"
  | "interrupt"
  | "end"
  | "suspend";

export interface KeyRow {
  readonly keys: readonly string[];
  readonly action: Action;
  /** For people. */
  readonly does: string;
}

const move = (by: Motion): Action => ({ kind: "move", by });
const kill = (by: Motion): Action => ({ kind: "kill", by });

// deno-fmt-ignore
export const KEYMAP: readonly KeyRow[] = [
  { keys: ["Enter"], action: { kind: "enter" }, does: "do the line, or go on where TypeScript is not complete; alone: the step again" },
  { keys: ["M-Enter"], action: { kind: "newline" }, does: "a further line" },
  { keys: ["Tab"], action: { kind: "complete" }, does: "complete; again: the next candidate" },
  { keys: ["S-Tab"], action: { kind: "complete-back" }, does: "the candidate before" },
  { keys: ["Right", "C-f"], action: { kind: "accept-hint" }, does: "right; at the end: take the hint" },
  { keys: ["M-f", "M-Right", "C-Right"], action: { kind: "accept-hint-word" }, does: "a word right; at the end: take a word of the hint" },
  { keys: ["Left", "C-b"], action: move("left"), does: "left" },
  { keys: ["M-b", "M-Left", "C-Left"], action: move("word-left"), does: "a word left" },
  { keys: ["Home", "C-a"], action: move("line-start"), does: "to the start of the line" },
  { keys: ["End", "C-e"], action: move("line-end"), does: "to the end of the line" },
  { keys: ["M-<"], action: move("text-start"), does: "to the first of several lines" },
  { keys: ["M->"], action: move("text-end"), does: "to the last of several lines" },
  { keys: ["Up", "C-p"], action: { kind: "previous" }, does: "the line above, or an earlier entry that begins as typed" },
  { keys: ["Down", "C-n"], action: { kind: "next" }, does: "the line below, or a later entry" },
  { keys: ["C-r"], action: { kind: "search-back" }, does: "search the history backwards; again: further" },
  { keys: ["C-s"], action: { kind: "search-forward" }, does: "search it forwards" },
  { keys: ["Backspace"], action: { kind: "delete", by: "left" }, does: "delete the character before" },
  { keys: ["Delete"], action: { kind: "delete", by: "right" }, does: "delete the character under the cursor" },
  { keys: ["C-k"], action: kill("line-rest"), does: "cut to the end of the line" },
  { keys: ["C-u"], action: kill("line-start"), does: "cut to its start" },
  { keys: ["C-w"], action: kill("blank-left"), does: "cut to the blank before" },
  { keys: ["M-Backspace", "C-Backspace"], action: kill("word-left"), does: "cut the word before" },
  { keys: ["M-d", "C-Delete"], action: kill("word-right"), does: "cut the word after" },
  { keys: ["C-y"], action: { kind: "yank" }, does: "bring back what was cut" },
  { keys: ["C-t"], action: { kind: "transpose" }, does: "change two characters' places" },
  { keys: ["C-_"], action: { kind: "undo" }, does: "undo" },
  { keys: ["C-g", "Esc"], action: { kind: "cancel" }, does: "leave the search or the candidates" },
  { keys: ["C-l"], action: { kind: "clear" }, does: "clear the screen" },
  { keys: ["C-c"], action: { kind: "interrupt" }, does: "stop the guest, or drop what is typed" },
  { keys: ["C-d"], action: { kind: "end" }, does: "delete the character under the cursor; on an empty line: end trapsh" },
  { keys: ["C-z"], action: { kind: "suspend" }, does: "back to the shell that started trapsh; fg returns" },
];

const BY_KEY: ReadonlyMap<string, Action> = new Map(
  KEYMAP.flatMap(({ keys, action }) => keys.map((key) => [key, action] as const)),
);

/** What a key does; undefined for a key without a meaning. */
export function actionOf(key: string): Action | undefined {
  return BY_KEY.get(key);
}

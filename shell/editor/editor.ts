/**
 * The line editor without a terminal: keys in, a view out. What needs more than the text (the end of an
 * entry, candidates, a signal) comes out as an effect for the caller.
 */
import {
  atEnd,
  type Buffer,
  EMPTY,
  insert,
  lineAbove,
  lineBelow,
  type Motion,
  MOTIONS,
  remove,
  transposed,
} from "./buffer.ts";
import { HistorySearch } from "./history_search.ts";
import { HistoryWalk } from "./history_walk.ts";
import { type Action, actionOf } from "./keymap.ts";
import type { Input } from "./keys.ts";
import { commonStart, type Completion, finished, Menu, replacedBy } from "./menu.ts";

/** What the caller is to do. */
export type Effect = "enter" | "complete" | "interrupt" | "end" | "suspend" | "clear";

/** What could follow what is typed. */
export interface Hint {
  readonly text: string;
  /** True if Right takes it: text, and not a description of what is expected. */
  readonly takes: boolean;
}

export interface EditorOptions {
  /** Entries, oldest first. */
  readonly history: () => readonly string[];
  /** What to show, dim, after `text`. */
  readonly hint: (text: string) => Hint | undefined;
}

/** What is to be seen. */
export interface EditorView extends Buffer {
  /** In the prompt's place while the history is searched. */
  readonly label?: string;
  /** What the search found, as offsets into the text. */
  readonly mark?: readonly [from: number, to: number];
  readonly hint?: Hint;
  readonly menu?: Menu;
}

/** Further changes than these cannot be undone. */
const MOST_UNDONE = 200;

/** What the last key did, as far as the next one cares: cuts join, and so do typed letters in `undo`. */
type Last = "type" | "kill" | "walk" | undefined;

export class Editor {
  readonly #options: EditorOptions;
  #buffer = EMPTY;
  #undo: Buffer[] = [];
  #cut = "";
  #last: Last;
  #walk: HistoryWalk | undefined;
  #search: { readonly state: HistorySearch; readonly before: Buffer } | undefined;
  #menu: Menu | undefined;

  constructor(options: EditorOptions) {
    this.#options = options;
  }

  get text(): string {
    return this.#buffer.text;
  }

  get cursor(): number {
    return this.#buffer.cursor;
  }

  /** An empty line again; what was cut stays. */
  reset(): void {
    this.#buffer = EMPTY;
    this.#undo = [];
    this.#last =
      this.#walk =
      this.#search =
      this.#menu =
        undefined;
  }

  view(): EditorView {
    const found = this.#search?.state.found;
    if (this.#search) {
      const { text, at } = found ?? { text: this.#search.before.text, at: this.#search.before.cursor };
      const { label, query } = this.#search.state;
      return { text, cursor: at, label, ...(found && { mark: [at, at + query.length] as const }) };
    }
    const hint = this.#menu === undefined ? this.#hint() : undefined;
    return { ...this.#buffer, ...(hint && { hint }), ...(this.#menu && { menu: this.#menu }) };
  }

  #hint(): Hint | undefined {
    const { text, cursor } = this.#buffer;
    return text !== "" && cursor === text.length ? this.#options.hint(text) : undefined;
  }

  /** Takes one key, or text. Returns what the caller is to do. */
  handle(input: Input): Effect | undefined {
    if (input.kind !== "key") {
      // The line break that ends what is pasted would only show an empty line: Enter is still to come.
      const text = input.kind === "paste" ? input.text.replace(/\n+$/, "") : input.text;
      if (this.#search) this.#search.state.type(text);
      else this.#type(text, input.kind === "paste");
      return undefined;
    }
    if (this.#search && this.#searchKey(input.key)) return undefined;
    if (this.#menu && this.#menuKey(input.key)) return undefined;
    const action = actionOf(input.key);
    return action && this.#act(action);
  }

  /** A line break where the cursor is. */
  newline(): undefined {
    return this.#type("\n", true);
  }

  /** What `complete` asked for. */
  offer(completion: Completion): void {
    const { candidates, replaced } = completion;
    if (candidates.length === 0) return;
    const only = candidates.length === 1 ? candidates[0] : undefined;
    if (only) {
      return this.#change(finished(replacedBy(this.#buffer, replaced, only.text), only));
    }
    const start = commonStart(candidates);
    const longer = start.length > replaced;
    if (longer) this.#change(replacedBy(this.#buffer, replaced, start));
    this.#menu = new Menu(this.#buffer, { candidates, replaced: longer ? start.length : replaced });
  }

  #type(text: string, apart: boolean): undefined {
    this.#menu = undefined;
    const joins = this.#last === "type" && !apart;
    this.#change(insert(this.#buffer, text), joins);
    this.#last = apart ? undefined : "type";
  }

  /** Another text, which `undo` leads back from unless it `joins` the change before. */
  #change(buffer: Buffer, joins = false): undefined {
    if (!joins && buffer.text !== this.#buffer.text) {
      this.#undo.push(this.#buffer);
      if (this.#undo.length > MOST_UNDONE) this.#undo.shift();
    }
    this.#buffer = buffer;
    this.#walk = undefined;
  }

  /** True if the key was the search's own. Any other ends it with what was found. */
  #searchKey(key: string): boolean {
    const { state, before } = this.#search!;
    switch (key) {
      case "C-r":
      case "C-s":
        state.further(key === "C-r");
        return true;
      case "Backspace":
        state.rub();
        return true;
      case "C-g":
      case "Esc":
        this.#search = undefined;
        this.#buffer = before;
        return true;
    }
    this.#search = undefined;
    if (state.found) this.#change({ text: state.found.text, cursor: state.found.at });
    return false;
  }

  /** True if the key was the menu's own. Any other closes it and keeps what was chosen. */
  #menuKey(key: string): boolean {
    const menu = this.#menu!;
    const step = { "Tab": 1, "S-Tab": -1 }[key] ??
      (menu.selected && ({ "Down": 1, "C-n": 1, "Up": -1, "C-p": -1 }[key]));
    if (step !== undefined) {
      const joins = menu.selected !== undefined;
      this.#change(menu.cycle(step as 1 | -1), joins);
      return true;
    }
    this.#menu = undefined;
    if (key === "C-g" || key === "Esc") {
      this.#buffer = menu.before;
      return true;
    }
    if (key !== "Enter" || !menu.selected) return false;
    this.#change(finished(this.#buffer, menu.selected));
    return true;
  }

  #act(action: Action): Effect | undefined {
    const last = this.#last;
    this.#last = undefined;
    switch (action.kind) {
      case "move":
        return this.#move(action.by);
      case "delete":
        return this.#change(remove(this.#buffer, this.cursor, MOTIONS[action.by](this.#buffer)));
      case "kill":
        return this.#kill(action.by, last === "kill");
      case "accept-hint":
        return this.#takeHint("right", /^[^]*/);
      case "accept-hint-word":
        return this.#takeHint("word-right", /^[^\p{L}\p{N}_$]*[\p{L}\p{M}\p{N}_$]*/u);
      case "previous":
        return this.#vertical(-1);
      case "next":
        return this.#vertical(1);
      case "search-back":
      case "search-forward": {
        const state = new HistorySearch(this.#options.history(), action.kind === "search-back");
        this.#search = { state, before: this.#buffer };
        return undefined;
      }
      case "newline":
        return this.newline();
      case "yank":
        return this.#change(insert(this.#buffer, this.#cut));
      case "transpose":
        return this.#change(transposed(this.#buffer));
      case "undo":
        this.#buffer = this.#undo.pop() ?? this.#buffer;
        return undefined;
      case "complete-back":
      case "cancel":
        return undefined;
      case "end":
        if (this.text === "") return "end";
        return this.#change(remove(this.#buffer, this.cursor, MOTIONS.right(this.#buffer)));
      case "enter":
      case "complete":
      case "interrupt":
      case "suspend":
      case "clear":
        return action.kind;
    }
  }

  #move(by: Motion): undefined {
    this.#buffer = { text: this.text, cursor: MOTIONS[by](this.#buffer) };
  }

  #kill(by: Motion, joins: boolean): undefined {
    const to = MOTIONS[by](this.#buffer);
    const gone = this.text.slice(Math.min(this.cursor, to), Math.max(this.cursor, to));
    const before = joins ? this.#cut : "";
    if (gone !== "") this.#cut = to < this.cursor ? gone + before : before + gone;
    this.#change(remove(this.#buffer, this.cursor, to));
    this.#last = "kill";
  }

  #takeHint(otherwise: Motion, part: RegExp): undefined {
    const hint = this.#hint();
    if (!hint?.takes) return this.#move(otherwise);
    this.#change(insert(this.#buffer, part.exec(hint.text)?.[0] ?? ""));
  }

  /** Within several lines first, then through the history. */
  #vertical(step: -1 | 1): undefined {
    if (!this.#walk) {
      const at = step < 0 ? lineAbove(this.#buffer) : lineBelow(this.#buffer);
      if (at !== undefined) {
        this.#buffer = { text: this.text, cursor: at };
        return;
      }
    }
    const walk = this.#walk ?? new HistoryWalk(this.#options.history(), this.text);
    const entry = walk.step(step);
    if (entry !== undefined) this.#change(atEnd(entry));
    this.#walk = walk;
  }
}

/**
 * Bytes of a terminal as keys. Node's own decoder (`emitKeypressEvents`) tells a paste's marks in two parts
 * and passes on the end of what it does not know as if it had been typed; this one takes whole sequences.
 * Sequences: ECMA-48 section 5.4, and xterm's "ctlseqs", PC-style function keys and bracketed paste.
 */

/** What was pressed: a key by name (`C-a`, `M-b`, `Up`, `C-Left`, `Enter`), text typed, or text pasted. */
export type Input =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "paste"; readonly text: string };

const ESC = "\x1b";
const PASTE_START = `${ESC}[200~`;
const PASTE_END = `${ESC}[201~`;

/** Control characters with keys of their own; the others are `C-` and the letter 64 places up. */
const CONTROLS: Readonly<Record<string, string>> = {
  "\t": "Tab",
  "\n": "Enter",
  "\r": "Enter",
  "\b": "Backspace",
  "\x7f": "Backspace",
  "\0": "C-Space",
};

/** By the last character of `ESC [ ...` and `ESC O ...`. */
const FINALS: Readonly<Record<string, string>> = {
  A: "Up",
  B: "Down",
  C: "Right",
  D: "Left",
  F: "End",
  H: "Home",
  Z: "S-Tab",
};

/** By the number in `ESC [ NUMBER ~`. */
const NUMBERS: Readonly<Record<string, string>> = {
  1: "Home",
  3: "Delete",
  4: "End",
  5: "PageUp",
  6: "PageDown",
  7: "Home",
  8: "End",
};

// deno-lint-ignore no-control-regex
const SEQUENCE = /^\x1b(?:\[([0-?]*)[ -/]*([@-~])|O([@-~]))/;
/** A sequence that may go on in the bytes to come. */
// deno-lint-ignore no-control-regex
const BEGUN = /^\x1b(?:\[[0-?]*[ -/]*|O)?$/;
// deno-lint-ignore no-control-regex
const PLAIN = /^[^\x00-\x1f\x7f]+/;

export class KeyDecoder {
  /** What is not a whole key yet. */
  #rest = "";

  /** The keys in `text`; the beginning of a sequence or a paste at its end is kept for the next call. */
  push(text: string): Input[] {
    this.#rest += text;
    const inputs: Input[] = [];
    for (let input = this.#next(); input !== undefined; input = this.#next()) {
      if (input !== "unknown") inputs.push(input);
    }
    return inputs;
  }

  /** True after an escape that may be a key of its own or the beginning of another one: time tells. */
  get waiting(): boolean {
    return this.#rest !== "" && !this.#rest.startsWith(PASTE_START);
  }

  /** What waits was all. */
  flush(): Input[] {
    if (!this.waiting) return [];
    this.#rest = "";
    return [{ kind: "key", key: "Esc" }];
  }

  #next(): Input | "unknown" | undefined {
    const text = this.#rest;
    if (text === "") return undefined;
    if (text.startsWith(PASTE_START)) return this.#paste();
    const plain = PLAIN.exec(text);
    if (plain) return this.#take(plain[0].length, { kind: "text", text: plain[0] });
    if (text[0] !== ESC) return this.#take(1, { kind: "key", key: control(text[0]) });
    if (BEGUN.test(text)) return undefined;
    const sequence = SEQUENCE.exec(text);
    if (sequence) {
      const key = sequenceKey(sequence[1] ?? "", sequence[2] ?? sequence[3]);
      return this.#take(sequence[0].length, key === undefined ? "unknown" : { kind: "key", key });
    }
    // Alt with a key: an escape first. Two escapes: the first is a key of its own.
    if (text[1] === ESC) return this.#take(1, { kind: "key", key: "Esc" });
    const char = String.fromCodePoint(text.codePointAt(1)!);
    const key = PLAIN.test(char) ? `M-${char}` : `M-${control(char)}`;
    return this.#take(1 + char.length, { kind: "key", key });
  }

  #paste(): Input | undefined {
    const end = this.#rest.indexOf(PASTE_END);
    if (end < 0) return undefined;
    const text = this.#rest.slice(PASTE_START.length, end);
    return this.#take(end + PASTE_END.length, { kind: "paste", text: cleaned(text) });
  }

  #take<T>(length: number, result: T): T {
    this.#rest = this.#rest.slice(length);
    return result;
  }
}

function control(char: string): string {
  return CONTROLS[char] ?? `C-${String.fromCharCode(char.charCodeAt(0) + 64).toLowerCase()}`;
}

/** `1;5` and `C` are `C-Right`: the second number is one more than the bits shift, alt, control. */
function sequenceKey(parameters: string, final: string): string | undefined {
  const [number, modifiers] = parameters.split(";");
  const name = final === "~" ? NUMBERS[number] : FINALS[final];
  if (name === undefined) return undefined;
  const bits = Number(modifiers ?? "1") - 1;
  const prefix = [bits & 4 ? "C-" : "", bits & 2 ? "M-" : "", bits & 1 ? "S-" : ""].join("");
  return prefix + name;
}

/** Text without what would move the cursor or colour the screen; line breaks become `\n`. */
export function cleaned(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
}

/** Lines as coloured words: enough of a command's line and of TypeScript to tell numbers from names. */

export type TokenKind =
  | "blank"
  | "newline"
  | "comment"
  | "string"
  | "number"
  | "register"
  | "option"
  | "open"
  | "close"
  | "word"
  | "other";

export interface Token {
  readonly kind: TokenKind;
  readonly from: number;
  readonly to: number;
}

type Rules = readonly (readonly [TokenKind, RegExp])[];

/** The first that matches; what is not closed goes to the end of the line, or of the text. */
const TYPESCRIPT: Rules = [
  ["newline", /\n/y],
  ["blank", /[^\S\n]+/y],
  ["comment", /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y],
  ["string", /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`(?:[^`\\]|\\[^])*`?/y],
  ["register", /\$\.?[A-Za-z_]\w*/y],
  ["number", /0[xXbBoO][\da-fA-F_]+n?|\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?n?/y],
  ["word", /[\p{L}_$][\p{L}\p{N}_$]*/uy],
  ["open", /[([{]/y],
  ["close", /[)\]}]/y],
  ["other", /[^]/uy],
];

/** Words of a command end at blanks; numbers and registers stand within expressions. */
const COMMAND: Rules = [
  ["newline", /\n/y],
  ["blank", /[^\S\n]+/y],
  ["comment", /(?<!\S)#[^\n]*/y],
  ["string", /"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?/y],
  ["option", /(?<!\S)--?[A-Za-z][\w-]*/y],
  ["register", /\$[A-Za-z_]\w*/y],
  ["number", /(?<![\w.])(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*)(?![\w.])/y],
  ["word", /[\p{L}\p{N}_.][\p{L}\p{N}_.-]*/uy],
  ["other", /[^]/uy],
];

/** Tokens of `text` from `from` on: up to the end of its line if it is a command's. */
export function* tokens(text: string, from: number, language: "command" | "typescript"): Generator<Token> {
  const rules = language === "command" ? COMMAND : TYPESCRIPT;
  let at = from;
  while (at < text.length) {
    const token = next(rules, text, at);
    yield token;
    if (token.kind === "newline" && language === "command") return;
    at = token.to;
  }
}

function next(rules: Rules, text: string, from: number): Token {
  for (const [kind, rule] of rules) {
    rule.lastIndex = from;
    if (rule.test(text) && rule.lastIndex > from) return { kind, from, to: rule.lastIndex };
  }
  return { kind: "other", from, to: from + 1 };
}

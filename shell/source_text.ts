/**
 * What must happen to TypeScript typed at a prompt before it can be evaluated: types go, declarations at top
 * level become assignments to the session's names, imports become dynamic, and the last expression's value
 * is returned. Everything else stays at its place, so that errors point right.
 */
import { stripTypeScriptTypes } from "node:module";
import { parse, type Program } from "acorn";
import { EditedText } from "./edited_text.ts";
import { lift, type Lifted } from "./lift.ts";

/** What became of the text of a line or several. */
export type Prepared =
  | { readonly kind: "ready"; readonly text: EditedText; readonly lifted: Lifted }
  /** It ends too early: more lines could make it right. */
  | { readonly kind: "incomplete"; readonly error: SyntaxError }
  | { readonly kind: "wrong"; readonly error: SyntaxError };

export function prepare(source: string): Prepared {
  const text = asExpression(source);
  let code: string;
  try {
    code = strip(text);
  } catch (error) {
    return failure(source, error instanceof Error ? error.message : String(error));
  }
  let lifted: Lifted;
  try {
    lifted = lift(parseProgram(code), code);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: "wrong", error: placed(source, error) };
  }
  return { kind: "ready", text: new EditedText(code, lifted.edits), lifted };
}

/** A line that begins with `{` is an object, as at other prompts, if it can be one. */
function asExpression(source: string): string {
  if (!/^\s*\{/.test(source) || /;\s*$/.test(source)) return source;
  const wrapped = `(${source}\n)`;
  try {
    parseProgram(strip(wrapped));
    return wrapped;
  } catch {
    return source;
  }
}

/** Without types: each character at its place if that can be, else (enums and the like) rewritten. */
function strip(text: string): string {
  const rewritten = stripTypeScriptTypes(text, { mode: "transform" });
  try {
    return stripTypeScriptTypes(text, { mode: "strip" });
  } catch {
    return rewritten;
  }
}

function parseProgram(code: string): Program {
  return parse(code, { ecmaVersion: "latest", sourceType: "module" });
}

/** swc's message carries the place as `file:///...:LINE:COLUMN`; this one shows the line with a caret. */
function failure(source: string, message: string): Prepared {
  const what = /SyntaxError: (.*)/.exec(message)?.[1] ?? message.split("\n")[0];
  const place = /:(\d+):(\d+)\s*$/.exec(message);
  const line = Number(place?.[1] ?? 1);
  const column = Number(place?.[2] ?? 1);
  const lines = source.trimEnd().split("\n");
  const last = lines[lines.length - 1];
  const atEnd = line > lines.length || (line === lines.length && column > last.length);
  const open = atEnd || /^Unterminated (template|comment)/.test(what) || /^Unexpected eof/.test(what);
  const shown = source.split("\n")[line - 1] ?? source;
  const error = new SyntaxError(`${what}\n${caret(shown, line, column, lines.length > 1)}`);
  return { kind: open ? "incomplete" : "wrong", error };
}

/** acorn's message ends in `(LINE:COLUMN)`, the column from 0. */
function placed(source: string, error: SyntaxError): SyntaxError {
  const found = /^(.*?)\s*\((\d+):(\d+)\)$/.exec(error.message);
  const lines = source.split("\n");
  const line = Number(found?.[2]);
  if (!found || line > lines.length) return error;
  return new SyntaxError(
    `${found[1]}\n${caret(lines[line - 1], line, Number(found[3]) + 1, lines.length > 1)}`,
  );
}

/** The line and, below it, a caret at a column that counts from 1. */
export function caret(text: string, line: number, column: number, numbered = false): string {
  const prefix = numbered ? `${line} | ` : "  ";
  return `${prefix}${text}\n${" ".repeat(prefix.length + Math.max(0, column - 1))}^`;
}

/**
 * TypeScript at the prompt, in this process. A line becomes the body of an async function within a scope
 * object that holds the session's names and all that was declared before; nothing leaks into the process's
 * own globals. (The inspector's REPL mode would do without the rewriting, but Deno 2.9.6 panics when
 * garbage collection meets an evaluation's promise.)
 *
 * A loop without `await` cannot be interrupted, by Ctrl-C or otherwise: the thread that would notice is
 * the one that is busy.
 */
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { abortable } from "./abortable.ts";
import { EvaluationError } from "./evaluation_error.ts";
import { IMPORT_NAME, SCOPE_NAME } from "./lift.ts";
import { caret, prepare } from "./source_text.ts";

/** The session's names, by what gives their values. */
export type Scope = Readonly<Record<string, () => unknown>>;

export type Evaluation =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "incomplete"; readonly error: SyntaxError }
  | { readonly kind: "error"; readonly error: EvaluationError };

/** A line, compiled. */
type Line = (scope: object) => Promise<{ readonly value: unknown } | undefined>;

/** As an assignment would make it; without `writable`, which accessors have none of. */
const PLAIN = { configurable: true, enumerable: true } as const;

export class Evaluator {
  readonly #scope: Record<string, unknown>;
  readonly #own: ReadonlySet<string>;
  #count = 0;

  constructor(names: Scope) {
    this.#scope = createScope(names);
    this.#own = new Set(Object.keys(names));
  }

  /** True for a name of the session or one that was declared at the prompt. */
  defines(name: string): boolean {
    return Object.hasOwn(this.#scope, name);
  }

  /** Evaluates `source`. The promise rejects only when `signal` fires. */
  async evaluate(source: string, signal?: AbortSignal): Promise<Evaluation> {
    const prepared = prepare(source);
    if (prepared.kind === "incomplete") return prepared;
    if (prepared.kind === "wrong") {
      return { kind: "error", error: new EvaluationError(prepared.error, undefined) };
    }
    const { declared, assigned, dollars } = prepared.lifted;
    this.#nameDollars(dollars, declared);
    for (const name of [...declared, ...assigned.filter((name) => !(name in globalThis))]) {
      if (!this.defines(name)) this.#scope[name] = undefined;
    }
    const url = `prompt-${++this.#count}`;
    // The user aborting is not an error of the line's: that rejects.
    const work = attempt(() => compile(prepared.text.code, url)(this.#scope));
    const result = await abortable(work, signal);
    if ("thrown" in result) {
      const found = new RegExp(`\\b${url}:(\\d+):(\\d+)`).exec(stackOf(result.thrown));
      const at = found && prepared.text.locate(Number(found[1]), Number(found[2]));
      const place = at ? showPlace(source, at.line, at.column) : undefined;
      return { kind: "error", error: new EvaluationError(trimStack(result.thrown), place) };
    }
    const value = result.value?.value;
    this.#scope._ = value;
    return { kind: "value", value };
  }

  /** `$rax` is `$.rax`, unless a line declares that name. */
  #nameDollars(names: readonly string[], declared: readonly string[]): void {
    for (const name of names) {
      if (declared.includes(name)) {
        Object.defineProperty(this.#scope, name, { ...PLAIN, value: undefined, writable: true });
      } else if (this.#own.has("$") && !this.defines(name)) {
        const dollar = () => this.#scope.$ as Record<string, unknown>, key = name.slice(1);
        const get = () => {
          const value = dollar()[key];
          if (value === undefined) throw new ReferenceError(`${name} is no register and no variable`);
          return value;
        };
        Object.defineProperty(this.#scope, name, { ...PLAIN, get, set: (value) => dollar()[key] = value });
      }
    }
  }

  /**
   * Names of the members of `chain` (`vm.memory`), for Tab. Getters are called on the session's own objects
   * only, as others might do something.
   */
  members(chain: string): string[] {
    const [first, ...rest] = chain.split(".");
    const own = this.#own.has(first);
    let value = this.defines(first) ? this.#scope[first] : Reflect.get(globalThis, first);
    for (const name of rest) value = own ? Reflect.get(Object(value), name) : dataProperty(value, name);
    const names = new Set<string>();
    if (value === undefined || value === null) return [];
    for (let at: unknown = Object(value); at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    }
    names.delete("constructor");
    return [...names].filter((name) => /^[A-Za-z$_][\w$]*$/.test(name)).sort();
  }

  /** Names that a line can begin with: the session's and those declared. */
  names(): string[] {
    return Object.getOwnPropertyNames(this.#scope).filter((name) => name !== IMPORT_NAME).sort();
  }
}

function createScope(names: Scope): Record<string, unknown> {
  const scope: Record<string, unknown> = Object.create(null);
  for (const [name, get] of Object.entries(names)) {
    const set = () => {
      throw new TypeError(`${name} is the session's: choose another name`);
    };
    Object.defineProperty(scope, name, { get, set, enumerable: true });
  }
  Object.defineProperty(scope, IMPORT_NAME, { value: importFromHere });
  return scope;
}

/** `with` puts the scope's names before the global ones; code that is not strict may have it. */
function compile(code: string, filename: string): Line {
  const source =
    `(function (${SCOPE_NAME}) { with (${SCOPE_NAME}) { return (async () => {\n${code}\n})(); } })`;
  return new Script(source, { filename, lineOffset: -1 }).runInThisContext() as Line;
}

async function attempt<T>(work: () => Promise<T>): Promise<{ value: T } | { thrown: unknown }> {
  try {
    return { value: await work() };
  } catch (thrown) {
    return { thrown };
  }
}

/** `import()` of a prompt: relative files count from the working directory. */
function importFromHere(specifier: string, options?: ImportCallOptions): Promise<unknown> {
  const relative = /^\.{0,2}\//.test(specifier);
  const url = relative ? new URL(specifier, pathToFileURL(`${Deno.cwd()}/`)).href : specifier;
  return import(url, options);
}

function dataProperty(value: unknown, name: string): unknown {
  for (let at: unknown = Object(value); at; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return found.value;
  }
  return undefined;
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.stack ?? "" : "";
}

/** Frames below the prompt's own are the shell's business. */
function trimStack(thrown: unknown): unknown {
  if (thrown instanceof Error && thrown.stack) {
    const lines = thrown.stack.split("\n");
    const last = lines.findLastIndex((line) => /\bprompt-\d+:\d+/.test(line));
    if (last >= 0) thrown.stack = lines.slice(0, last + 1).join("\n");
  }
  return thrown;
}

function showPlace(source: string, line: number, column: number): string | undefined {
  const lines = source.split("\n");
  const text = lines[line - 1];
  return text === undefined ? undefined : caret(text, line, column, lines.length > 1);
}

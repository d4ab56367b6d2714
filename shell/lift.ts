/**
 * Lifts declarations at top level out of the line that they are made in: `const a = 1` becomes `a = 1` on a
 * scope that lasts as long as the session, so that a name may be declared again.
 */
import type { AnyNode, ImportDeclaration, ModuleDeclaration, Pattern, Program, Statement } from "acorn";
import type { Edit } from "./edited_text.ts";

export interface Lifted {
  readonly edits: readonly Edit[];
  /** Names that the line declares: these hide global ones. */
  readonly declared: readonly string[];
  /** Names that it assigns to at top level (`x = 5`): declared by that, unless they mean something already. */
  readonly assigned: readonly string[];
  /** Names such as `$rax` that stand in it, wherever. */
  readonly dollars: readonly string[];
}

/** What a line's code calls the scope object, and its `import()`. */
export const SCOPE_NAME = "$scope";
export const IMPORT_NAME = "$import";

/** Throws `SyntaxError` for what has no meaning at a prompt (`export default`). */
export function lift(program: Program, code: string): Lifted {
  const lifter = new Lifter(code);
  for (const node of program.body) lifter.topLevel(node, node === program.body.at(-1));
  lifter.within(program);
  const { edits, names, assigned, dollars } = lifter;
  return { edits, declared: [...names], assigned: [...assigned], dollars: [...dollars] };
}

class Lifter {
  readonly edits: Edit[] = [];
  readonly names = new Set<string>();
  readonly assigned = new Set<string>();
  readonly dollars = new Set<string>();
  readonly #code: string;

  constructor(code: string) {
    this.#code = code;
  }

  topLevel(node: Statement | ModuleDeclaration, isLast: boolean): void {
    switch (node.type) {
      case "VariableDeclaration":
        // `using` ends with its line, as it says.
        if (node.kind === "const" || node.kind === "let" || node.kind === "var") this.#variables(node);
        return;
      case "FunctionDeclaration":
        this.names.add(node.id.name);
        return this.#insert(0, `${SCOPE_NAME}.${node.id.name} = ${node.id.name};`);
      case "ClassDeclaration":
        this.names.add(node.id.name);
        this.#insert(node.start, `;${node.id.name} = `);
        return this.#insert(node.end, ";");
      case "ImportDeclaration":
        return this.#import(node);
      case "ExportNamedDeclaration":
        this.#replace(node.start, node.declaration?.start ?? node.end, ";");
        if (node.declaration) this.topLevel(node.declaration, false);
        return;
      case "ExportDefaultDeclaration":
      case "ExportAllDeclaration":
        throw new SyntaxError("A line at the prompt has nobody to export to: declare a name instead");
      case "ExpressionStatement":
        if (node.expression.type === "AssignmentExpression") {
          patternNames(node.expression.left as Pattern, this.assigned);
        }
        if (isLast) this.#returnValue(node);
        return;
    }
  }

  /** `const a = 1, { b } = c` becomes `;     a = 1, ({ b } = c)`. */
  #variables(node: Extract<Statement, { type: "VariableDeclaration" }>): void {
    const first = node.declarations[0];
    this.#replace(node.start, first.start, ";".padEnd(first.start - node.start));
    for (const { id, init, end } of node.declarations) {
      patternNames(id, this.names);
      if (id.type !== "Identifier") {
        this.#insert(id.start, "(");
        this.#insert(end, ")");
      } else if (!init && node.kind !== "var") {
        this.#insert(end, " = undefined");
      }
    }
  }

  #import(node: ImportDeclaration): void {
    const attributes = node.attributes?.length
      ? `, { with: { ${node.attributes.map((it) => this.#text(it)).join(", ")} } }`
      : "";
    const module = `await ${IMPORT_NAME}(${this.#text(node.source)}${attributes})`;
    const parts: string[] = [];
    let whole = "";
    for (const specifier of node.specifiers) {
      const { name } = specifier.local;
      this.names.add(name);
      if (specifier.type === "ImportNamespaceSpecifier") whole = `${name} = `;
      else if (specifier.type === "ImportDefaultSpecifier") parts.push(`default: ${name}`);
      else parts.push(`${this.#text(specifier.imported)}: ${name}`);
    }
    const named = parts.length > 0 ? `{ ${parts.join(", ")} } = ` : "";
    this.#replace(node.start, node.end, `;(${named}${whole}${module});`);
  }

  /** Within an object, as a promise would be awaited else. */
  #returnValue(node: Extract<Statement, { type: "ExpressionStatement" }>): void {
    const text = this.#text(node);
    this.#insert(node.start, ";return { value: (");
    this.#insert(node.start + text.replace(/\s*;$/, "").length, ") }");
  }

  /** `import()` counts from the working directory and not from the shell's own file. Names with `$` are collected. */
  within(node: AnyNode): void {
    if (node.type === "Identifier" && /^\$[A-Za-z_]\w*$/.test(node.name)) this.dollars.add(node.name);
    if (node.type === "ImportExpression") {
      this.#replace(node.start, node.start + "import".length, IMPORT_NAME);
    }
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (child && typeof child === "object" && typeof child.type === "string") this.within(child);
      }
    }
  }

  #text(node: { start: number; end: number }): string {
    return this.#code.slice(node.start, node.end);
  }

  #insert(at: number, insert: string): void {
    this.edits.push({ at, remove: 0, insert });
  }

  #replace(start: number, end: number, insert: string): void {
    this.edits.push({ at: start, remove: end - start, insert });
  }
}

/** Adds the names that a pattern binds. */
function patternNames(pattern: Pattern, names: Set<string>): void {
  switch (pattern.type) {
    case "Identifier":
      names.add(pattern.name);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        patternNames(property.type === "RestElement" ? property.argument : property.value, names);
      }
      return;
    case "ArrayPattern":
      for (const element of pattern.elements) if (element) patternNames(element, names);
      return;
    case "RestElement":
      return patternNames(pattern.argument, names);
    case "AssignmentPattern":
      return patternNames(pattern.left, names);
  }
}

/**
 * Expressions of the assembler: numbers, characters, symbols, `+ - * / % << >> & | ^ ~ ( )` with C's
 * precedences, the current address `.` or `$`, local labels `1b` and `1f`, and PowerPC's halves
 * `@l @h @ha @higher @highera @highest @highesta`. Arithmetic is exact; division truncates.
 */

/** An expression that cannot be read or has no value; `offset` is where in its text. */
export class ExpressionError extends SyntaxError {
  readonly expression: string;
  readonly offset: number;

  constructor(message: string, expression: string, offset: number) {
    super(message);
    this.name = "ExpressionError";
    this.expression = expression;
    this.offset = offset;
  }
}

/** A value; `known` is false while it rests on a symbol that no pass has met yet. */
export interface Evaluation {
  readonly value: bigint;
  readonly known: boolean;
}

/** Where names get their values from; undefined for a name that does not exist. */
export interface Scope {
  /** The address of the statement that the expression stands in. */
  readonly here: bigint;
  symbol(name: string): Evaluation | undefined;
  /** The numeric label `number` before (`"b"`) or after (`"f"`) the expression. */
  local(number: string, direction: "b" | "f"): Evaluation | undefined;
  /** What to add to "is not defined", such as a suggestion. */
  hint(name: string): string;
}

/** An expression in read form. */
export type Expression =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "here" }
  | { readonly kind: "symbol"; readonly name: string; readonly offset: number }
  | {
    readonly kind: "local";
    readonly number: string;
    readonly direction: "b" | "f";
    readonly offset: number;
  }
  | {
    readonly kind: "unary";
    readonly operator: string;
    readonly operand: Expression;
    readonly offset: number;
  }
  | {
    readonly kind: "binary";
    readonly operator: string;
    readonly left: Expression;
    readonly right: Expression;
    readonly offset: number;
  };

interface Token {
  readonly kind: "number" | "name" | "local" | "operator" | "end";
  readonly text: string;
  readonly value: bigint;
  readonly offset: number;
}

const PRECEDENCE: Readonly<Record<string, number>> = {
  "|": 1,
  "^": 2,
  "&": 3,
  "<<": 4,
  ">>": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
};

/** Values beyond this many bits are surely a mistake, and could eat the host's memory. */
const VALUE_BITS = 128n;
const LARGEST = 1n << VALUE_BITS;
/** Far deeper than people write, far shallower than the host's stack. */
const MAX_DEPTH = 200;
/** A sum of n terms nests n deep to the left, and evaluation recurses. */
const MAX_TOKENS = 2000;

const ESCAPES: Readonly<Record<string, number>> = {
  "0": 0,
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  e: 27,
  '"': 34,
  "'": 39,
  "\\": 92,
};

/** The bytes of a quoted text: UTF-8, with C's escapes `\n \t \r \0 \e \\ \" \xHH`. */
export function unquote(quoted: string): Uint8Array<ArrayBuffer> {
  const quote = quoted[0];
  if (quoted.length < 2 || (quote !== '"' && quote !== "'") || !quoted.endsWith(quote)) {
    throw new SyntaxError(`${quoted} is not a quoted text`);
  }
  const bytes: number[] = [];
  const body = quoted.slice(1, -1);
  const encoder = new TextEncoder();
  for (let i = 0; i < body.length;) {
    if (body[i] !== "\\") {
      const character = String.fromCodePoint(body.codePointAt(i)!);
      bytes.push(...encoder.encode(character));
      i += character.length;
      continue;
    }
    const hex = /^\\x([0-9a-fA-F]{1,2})/.exec(body.slice(i, i + 4));
    if (hex !== null) {
      bytes.push(parseInt(hex[1], 16));
      i += hex[0].length;
      continue;
    }
    const code = Object.hasOwn(ESCAPES, body[i + 1] ?? "") ? ESCAPES[body[i + 1]] : undefined;
    if (code === undefined) {
      throw new SyntaxError(
        `unknown escape ${
          body.slice(i, i + 2)
        } in ${quoted}: expected \\n, \\t, \\r, \\0, \\\\, \\" or \\xHH`,
      );
    }
    bytes.push(code);
    i += 2;
  }
  return Uint8Array.from(bytes);
}

function readNumber(text: string, word: string, offset: number): bigint {
  // BigInt() reads 0x, 0o and 0b by itself; separators it does not.
  const plain = word.replace(/(?<=[0-9a-fA-FxXoObB])_(?=[0-9a-fA-F])/g, "").toLowerCase();
  if (/^(0x[0-9a-f]+|0b[01]+|0o[0-7]+|[0-9]+)$/.test(plain)) {
    const value = BigInt(plain);
    if (value >= LARGEST) throw new ExpressionError(`${word} exceeds ${VALUE_BITS} bits`, text, offset);
    return value;
  }
  const hint = /^[0-9a-f]+h$/.test(plain) ? `: write hexadecimal as 0x${plain.slice(0, -1)}` : "";
  throw new ExpressionError(`${JSON.stringify(word)} is not a number${hint}`, text, offset);
}

const WORD = /[\w.$]+/y;
const SPACE = /\s+/y;
const OPERATOR = /<<|>>|@[a-zA-Z]+|[-+*/%&|^~()]/y;
const CHARACTER = /'(?:\\x[0-9a-fA-F]{1,2}|\\.|[^'\\])'/uy;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset;
    return pattern.exec(text)?.[0];
  };
  while (offset < text.length) {
    const space = match(SPACE);
    if (space !== undefined) {
      offset += space.length;
      continue;
    }
    const word = match(WORD);
    const operator = match(OPERATOR);
    const character = match(CHARACTER);
    if (word !== undefined) {
      if (/^[0-9]+[bf]$/i.test(word)) {
        tokens.push({ kind: "local", text: word.toLowerCase(), value: 0n, offset });
      } else if (/^[0-9]/.test(word)) {
        tokens.push({ kind: "number", text: word, value: readNumber(text, word, offset), offset });
      } else {
        tokens.push({ kind: "name", text: word, value: 0n, offset });
      }
      offset += word.length;
    } else if (operator !== undefined) {
      tokens.push({ kind: "operator", text: operator, value: 0n, offset });
      offset += operator.length;
    } else if (character !== undefined) {
      // Up to four UTF-8 bytes, the first one least significant.
      const value = unquote(character).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      tokens.push({ kind: "number", text: character, value, offset });
      offset += character.length;
    } else {
      throw new ExpressionError(`unexpected ${JSON.stringify(text[offset])} in an expression`, text, offset);
    }
  }
  if (tokens.length > MAX_TOKENS) throw new ExpressionError("the expression is too long", text, 0);
  tokens.push({ kind: "end", text: "", value: 0n, offset: text.length });
  return tokens;
}

/** Reads an expression; throws `ExpressionError`. */
export function parseExpression(text: string): Expression {
  const tokens = tokenize(text);
  let position = 0;
  let depth = 0;
  const fail = (token: Token, expected: string): never => {
    const found = token.kind === "end" ? "the end" : JSON.stringify(token.text);
    throw new ExpressionError(`expected ${expected}, found ${found}`, text, token.offset);
  };

  function primary(): Expression {
    const token = tokens[position++];
    const offset = token.offset;
    if (++depth > MAX_DEPTH) throw new ExpressionError("the expression is nested too deeply", text, offset);
    let node: Expression;
    if (token.kind === "number") node = { kind: "number", value: token.value };
    else if (token.kind === "local") {
      const direction = token.text.endsWith("b") ? "b" : "f";
      node = { kind: "local", number: token.text.slice(0, -1), direction, offset };
    } else if (token.kind === "name") {
      const here = token.text === "." || token.text === "$";
      node = here ? { kind: "here" } : { kind: "symbol", name: token.text, offset };
    } else if (token.kind === "operator" && "+-~".includes(token.text)) {
      const operand = primary();
      depth--;
      return { kind: "unary", operator: token.text, operand, offset };
    } else if (token.text === "(") {
      node = binary(1);
      if (tokens[position].text !== ")") fail(tokens[position], '")"');
      position++;
    } else {
      return fail(token, "a number, a symbol or an expression in parentheses");
    }
    while (tokens[position].text.startsWith("@")) {
      const part = tokens[position++];
      if (!Object.hasOwn(PARTS, part.text.toLowerCase())) fail(part, Object.keys(PARTS).join(", "));
      node = { kind: "unary", operator: part.text.toLowerCase(), operand: node, offset: part.offset };
    }
    depth--;
    return node;
  }

  function binary(least: number): Expression {
    let left = primary();
    for (;;) {
      const token = tokens[position];
      const precedence = token.kind === "operator" ? PRECEDENCE[token.text] ?? 0 : 0;
      if (precedence < least) return left;
      position++;
      const right = binary(precedence + 1);
      left = { kind: "binary", operator: token.text, left, right, offset: token.offset };
    }
  }

  const result = binary(1);
  if (tokens[position].kind !== "end") fail(tokens[position], "an operator or the end");
  return result;
}

const half = (value: bigint, shift: bigint, round: bigint): bigint => ((value + round) >> shift) & 0xffffn;

/** Halfwords of an address, Power ELF ABI; the ones with `a` make up for a signed low halfword. */
const PARTS: Readonly<Record<string, (value: bigint) => bigint>> = {
  "@l": (value) => half(value, 0n, 0n),
  "@h": (value) => half(value, 16n, 0n),
  "@ha": (value) => half(value, 16n, 0x8000n),
  "@higher": (value) => half(value, 32n, 0n),
  "@highera": (value) => half(value, 32n, 0x8000n),
  "@highest": (value) => half(value, 48n, 0n),
  "@highesta": (value) => half(value, 48n, 0x8000n),
};

const UNARY: Readonly<Record<string, (value: bigint) => bigint>> = {
  "+": (value) => value,
  "-": (value) => -value,
  "~": (value) => ~value,
  ...PARTS,
};

const BINARY: Readonly<Record<string, (left: bigint, right: bigint) => bigint>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
  "<<": (left, right) => left << right,
  ">>": (left, right) => left >> right,
  "&": (left, right) => left & right,
  "|": (left, right) => left | right,
  "^": (left, right) => left ^ right,
};

/**
 * The value of a read expression. Throws `ExpressionError` for an undefined symbol, a division by zero,
 * a shift by less than 0 or more than 127, and values beyond 128 bits. `text` is for the messages.
 */
export function evaluateExpression(expression: Expression, scope: Scope, text: string): Evaluation {
  switch (expression.kind) {
    case "number":
      return { value: expression.value, known: true };
    case "here":
      return { value: scope.here, known: true };
    case "symbol": {
      const found = scope.symbol(expression.name);
      if (found !== undefined) return found;
      const name = JSON.stringify(expression.name);
      throw new ExpressionError(
        `symbol ${name} is not defined${scope.hint(expression.name)}`,
        text,
        expression.offset,
      );
    }
    case "local": {
      const { number, direction, offset } = expression;
      const found = scope.local(number, direction);
      if (found !== undefined) return found;
      const where = direction === "b" ? "before" : "after";
      throw new ExpressionError(`there is no label "${number}:" ${where} this line`, text, offset);
    }
    case "unary": {
      const { value, known } = evaluateExpression(expression.operand, scope, text);
      return { value: UNARY[expression.operator](value), known };
    }
    case "binary": {
      const { operator, offset } = expression;
      const left = evaluateExpression(expression.left, scope, text);
      const right = evaluateExpression(expression.right, scope, text);
      const known = left.known && right.known;
      if ((operator === "/" || operator === "%") && right.value === 0n) {
        // A divisor that is not known yet counts as 0.
        if (!known) return { value: 0n, known };
        throw new ExpressionError("division by zero", text, offset);
      }
      if ((operator === "<<" || operator === ">>") && (right.value < 0n || right.value >= VALUE_BITS)) {
        throw new ExpressionError(`shift by ${right.value}: expected 0 to ${VALUE_BITS - 1n}`, text, offset);
      }
      const value = BINARY[operator](left.value, right.value);
      if (value > LARGEST || value < -LARGEST) {
        throw new ExpressionError(`the value exceeds ${VALUE_BITS} bits`, text, offset);
      }
      return { value, known };
    }
  }
}

/** Numbers as people write them at a prompt: `0x7c00`, `$rax+8`, `loop_end - start`, `w[counter] == 5`. */

/** Meaning of names. Each gives undefined for a name it does not know. */
export interface Names {
  /** `$name`: a register, or a variable of the session. */
  register(name: string): bigint | undefined;
  /** A plain name: a symbol of the guest. */
  symbol(name: string): bigint | undefined;
  /** What the guest's memory holds, unsigned; without `size` (bytes) a word as wide as its addresses. */
  memory?(address: bigint, size?: number): bigint;
}

/** An expression that was read, to be evaluated as often as one likes. Throws as `evaluateExpression` does, save for `SyntaxError`. */
export type Expression = (names: Names) => bigint;

type Token =
  | { readonly kind: "number"; readonly value: bigint; readonly at: number }
  | { readonly kind: "name" | "register" | "operator"; readonly text: string; readonly at: number };

const TOKEN = new RegExp(
  [
    /\s+/,
    /(?<number>0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?![\w.]))/,
    /'(?<char>[\x20-\x7e])'/,
    /\$(?<register>[A-Za-z_]\w*)/,
    /(?<name>[A-Za-z_.][\w.@$]*)/,
    /(?<operator><<|>>|[=!<>]=|&&|\|\||[-+*\/%&|^~()<>!\[\]])/,
  ].map((part) => part.source).join("|"),
  "y",
);

type Operator = (a: Expression, b: Expression) => Expression;

const both = (f: (a: bigint, b: bigint) => bigint): Operator => (a, b) => (names) => f(a(names), b(names));
const truth = (f: (a: bigint, b: bigint) => boolean): Operator => both((a, b) => f(a, b) ? 1n : 0n);

/** Binary operators by how strongly they bind, as in C. */
const BINARY: Readonly<Record<string, { level: number; apply: Operator }>> = {
  "||": { level: 1, apply: (a, b) => (names) => a(names) !== 0n || b(names) !== 0n ? 1n : 0n },
  "&&": { level: 2, apply: (a, b) => (names) => a(names) !== 0n && b(names) !== 0n ? 1n : 0n },
  "|": { level: 3, apply: both((a, b) => a | b) },
  "^": { level: 4, apply: both((a, b) => a ^ b) },
  "&": { level: 5, apply: both((a, b) => a & b) },
  "==": { level: 6, apply: truth((a, b) => a === b) },
  "!=": { level: 6, apply: truth((a, b) => a !== b) },
  "<": { level: 7, apply: truth((a, b) => a < b) },
  "<=": { level: 7, apply: truth((a, b) => a <= b) },
  ">": { level: 7, apply: truth((a, b) => a > b) },
  ">=": { level: 7, apply: truth((a, b) => a >= b) },
  "<<": { level: 8, apply: both(shiftLeft) },
  ">>": { level: 8, apply: both((a, b) => a >> shiftCount(b)) },
  "+": { level: 9, apply: both((a, b) => a + b) },
  "-": { level: 9, apply: both((a, b) => a - b) },
  "*": { level: 10, apply: both((a, b) => a * b) },
  "/": { level: 10, apply: both((a, b) => a / nonZero(b)) },
  "%": { level: 10, apply: both((a, b) => a % nonZero(b)) },
};

const UNARY: Readonly<Record<string, (value: Expression) => Expression>> = {
  "-": (a) => (names) => -a(names),
  "+": (a) => a,
  "~": (a) => (names) => ~a(names),
  "!": (a) => (names) => a(names) === 0n ? 1n : 0n,
  "*": (a) => (names) => load(names, a(names)),
};

/** Bytes of `w[ADDR]` and the like, by gdb's letters. */
const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };

/** Brackets within each other, far beyond what anyone types. */
const DEEPEST = 200;

/**
 * The value of `source`, of any size and sign: whoever uses it checks its range. `/` rounds towards zero; comparisons give
 * 1 or 0, and registers and memory are unsigned.
 *
 * Throws `SyntaxError` where the text is no expression, `ReferenceError` for an unknown name and
 * `RangeError` for a division by zero, a shift out of 0 to 4096 bits, or memory that is not there.
 */
export function evaluateExpression(source: string, names: Names): bigint {
  return parseExpression(source)(names);
}

/** Reads an expression. Throws `SyntaxError` where the text is none. */
export function parseExpression(source: string): Expression {
  const tokens = tokenize(source);
  let at = 0, depth = 0;
  const fail = (wanted: string): never => {
    const found = tokens[at];
    const where = found ? `column ${found.at + 1}` : "the end";
    throw new SyntaxError(`${JSON.stringify(source)} should have ${wanted} at ${where}`);
  };
  const operator = (): string | undefined => {
    const token = tokens[at];
    return token?.kind === "operator" ? token.text : undefined;
  };
  const inside = (close: string): Expression => {
    const value = binary(0);
    if (operator() !== close) return fail(`a ${close}`);
    at++;
    return value;
  };
  const primary = (): Expression => {
    const token = tokens[at];
    if (!token) return fail("a number, a $register or a symbol");
    if (++depth > DEEPEST) throw new SyntaxError(`the expression is nested more than ${DEEPEST} deep`);
    try {
      at++;
      if (token.kind === "number") return () => token.value;
      if (token.kind === "register") return (names) => lookUp(token.text, names);
      if (token.kind === "name") {
        const size = operator() === "[" ? SIZES[token.text] : undefined;
        if (size === undefined) return (names) => lookUpSymbol(token.text, names);
        at++;
        const address = inside("]");
        return (names) => load(names, address(names), size);
      }
      if (Object.hasOwn(UNARY, token.text)) return UNARY[token.text](primary());
      if (token.text !== "(") {
        at--;
        return fail("a number, a $register or a symbol");
      }
      return inside(")");
    } finally {
      depth--;
    }
  };
  const binary = (level: number): Expression => {
    let left = primary();
    for (;;) {
      const found = BINARY[operator() ?? ""];
      if (!found || found.level <= level) return left;
      at++;
      left = found.apply(left, binary(found.level));
    }
  };
  const value = binary(0);
  return at < tokens.length ? fail("an operator or nothing") : value;
}

function load(names: Names, address: bigint, size?: number): bigint {
  if (names.memory) return names.memory(address, size);
  throw new ReferenceError("There is no memory to read here");
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(source);
    if (!found) {
      throw new SyntaxError(
        `${JSON.stringify(source)} has an unexpected ${JSON.stringify(source[at])} at column ${at + 1}`,
      );
    }
    const groups = found.groups ?? {};
    if (groups.number) tokens.push({ kind: "number", value: BigInt(groups.number.replaceAll("_", "")), at });
    else if (groups.char) tokens.push({ kind: "number", value: BigInt(groups.char.charCodeAt(0)), at });
    else if (groups.register) tokens.push({ kind: "register", text: groups.register, at });
    else if (groups.name) tokens.push({ kind: "name", text: groups.name, at });
    else if (groups.operator) tokens.push({ kind: "operator", text: groups.operator, at });
    at = TOKEN.lastIndex;
  }
  return tokens;
}

function lookUp(name: string, names: Names): bigint {
  const value = names.register(name);
  if (value !== undefined) return value;
  throw new ReferenceError(
    `There is no register or variable $${name}: see regs, or make it by set $${name} = 1`,
  );
}

function lookUpSymbol(name: string, names: Names): bigint {
  const value = names.symbol(name);
  if (value !== undefined) return value;
  const hint = names.register(name) === undefined ? "see info symbols" : `the register is $${name}`;
  throw new ReferenceError(`There is no symbol ${name}: ${hint}`);
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new RangeError("Division by zero");
  return value;
}

function shiftCount(count: bigint): bigint {
  if (count < 0n || count > 4096n) throw new RangeError(`A shift by ${count} bits is out of 0 to 4096`);
  return count;
}

function shiftLeft(a: bigint, b: bigint): bigint {
  return a << shiftCount(b);
}

/** Numbers as people write them at a prompt: `0x7c00`, `$rax+8`, `loop_end - start`. */

/** Meaning of names. Each gives undefined for a name it does not know. */
export interface Names {
  /** `$name`: a register, or a variable of the session. */
  register(name: string): bigint | undefined;
  /** A plain name: a symbol of the guest. */
  symbol(name: string): bigint | undefined;
}

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
    /(?<operator><<|>>|[-+*\/%&|^~()])/,
  ].map((part) => part.source).join("|"),
  "y",
);

/** Binary operators by how strongly they bind, as in C. */
const BINARY: Readonly<Record<string, { level: number; apply(a: bigint, b: bigint): bigint }>> = {
  "|": { level: 1, apply: (a, b) => a | b },
  "^": { level: 2, apply: (a, b) => a ^ b },
  "&": { level: 3, apply: (a, b) => a & b },
  "<<": { level: 4, apply: shiftLeft },
  ">>": { level: 4, apply: (a, b) => a >> shiftCount(b) },
  "+": { level: 5, apply: (a, b) => a + b },
  "-": { level: 5, apply: (a, b) => a - b },
  "*": { level: 6, apply: (a, b) => a * b },
  "/": { level: 6, apply: (a, b) => a / nonZero(b) },
  "%": { level: 6, apply: (a, b) => a % nonZero(b) },
};

const UNARY: Readonly<Record<string, (value: bigint) => bigint>> = {
  "-": (a) => -a,
  "+": (a) => a,
  "~": (a) => ~a,
};

/**
 * The value of `source`, of any size and sign: whoever uses it checks its range. `/` rounds towards zero.
 *
 * Throws `SyntaxError` where the text is no expression, `ReferenceError` for an unknown name and
 * `RangeError` for a division by zero or a shift out of 0 to 4096 bits.
 */
export function evaluateExpression(source: string, names: Names): bigint {
  const tokens = tokenize(source);
  let at = 0;
  const fail = (wanted: string): never => {
    const found = tokens[at];
    const where = found ? `column ${found.at + 1}` : "the end";
    throw new SyntaxError(`${JSON.stringify(source)} should have ${wanted} at ${where}`);
  };
  const operator = (): string | undefined => {
    const token = tokens[at];
    return token?.kind === "operator" ? token.text : undefined;
  };
  const primary = (): bigint => {
    const token = tokens[at];
    if (!token) return fail("a number, a $register or a symbol");
    at++;
    if (token.kind === "number") return token.value;
    if (token.kind === "register") return lookUp(token.text, names);
    if (token.kind === "name") return lookUpSymbol(token.text, names);
    if (token.text in UNARY) return UNARY[token.text](primary());
    if (token.text !== "(") {
      at--;
      return fail("a number, a $register or a symbol");
    }
    const value = binary(0);
    if (operator() !== ")") return fail("a )");
    at++;
    return value;
  };
  const binary = (level: number): bigint => {
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

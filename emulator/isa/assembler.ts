/**
 * From text to programs: labels, expressions and directives around an ISA's own `InstructionEncoder`.
 *
 * A source is assembled in passes until no symbol and no size changes any more. A pass takes symbols that
 * stand further on from the pass before it. Instructions start as short as their encoder makes them and
 * may only grow (`EncodeContext.atLeast`), so the passes come to an end.
 */
import { AssemblyError, type Diagnostic } from "./assembly_error.ts";
import { parseLines, type Piece, type Statement } from "./assembly_lines.ts";
import type { InstructionEncoder } from "./assembly.ts";
import { type DirectiveHost, directives, OperandError } from "./directives.ts";
import { didYouMean } from "./edit_distance.ts";
import {
  evaluateExpression,
  type Evaluation,
  type Expression,
  ExpressionError,
  parseExpression,
  type Scope,
} from "./expression.ts";
import { OutputBuffer } from "./output_buffer.ts";
import type { AssembleOptions, Program } from "./program.ts";

export type { AssembleOptions, ListingLine, Program } from "./program.ts";

/** Diagnostics that an `AssemblyError` holds at most. */
const MAX_DIAGNOSTICS = 20;
/** Real programs settle in three to five passes. */
const MAX_PASSES = 64;
/** Names that say where a program starts. */
const ENTRY_SYMBOLS = ["_start", "start"] as const;
/** What a name counts as in the first pass that it has not been met in. */
const UNKNOWN: Evaluation = { value: 0n, known: false };

interface Defined extends Evaluation {
  readonly kind: "label" | "assigned";
  readonly line: number;
}

/** What a pass knows and leaves behind. */
interface Pass {
  readonly symbols: Map<string, Defined>;
  /** Addresses of the numeric labels, by number, in source order. */
  readonly locals: Map<string, bigint[]>;
  /** Bytes that each statement took. */
  readonly sizes: number[];
  readonly diagnostics: Diagnostic[];
  readonly listing: { address: bigint; start: number; end: number; statement: Statement }[];
  entry?: bigint;
  /** A value that was not known yet has been used. */
  guessed: boolean;
}

class Assembler {
  readonly #options: AssembleOptions;
  readonly #file: string;
  readonly #statements: readonly Statement[];
  readonly #broken: Diagnostic[] = [];
  readonly #expressions = new Map<string, Expression>();
  readonly #output = new OutputBuffer();
  #encoder: InstructionEncoder;
  /** Address of the statement in work: `.` in its expressions. */
  #start = 0n;
  #previous: Pass | undefined;
  #pass: Pass;
  readonly #scope: Scope;

  constructor(source: string, options: AssembleOptions) {
    if (options.origin < 0n || options.origin >= 1n << 64n) {
      throw new RangeError(`origin ${options.origin}: expected an address of 64 bits`);
    }
    this.#options = options;
    this.#file = options.name ?? "<input>";
    this.#statements = parseLines(source, (diagnostic) => this.#broken.push(diagnostic));
    this.#encoder = this.#encoderFor(options.mode ?? "");
    this.#pass = this.#emptyPass();
    const start = () => this.#start;
    this.#scope = {
      get here() {
        return start();
      },
      symbol: (name) => this.#symbol(name),
      local: (number, direction) => this.#local(number, direction),
      hint: (name) => this.#hint(name),
    };
  }

  run(): Program {
    for (let count = 0; count < MAX_PASSES; count++) {
      this.#runPass();
      if (this.#settled()) return this.#finish();
      this.#previous = this.#pass;
    }
    const diagnostics = this.#pass.diagnostics.length > 0 ? this.#pass.diagnostics : this.#unsettled();
    throw this.#error([...this.#broken, ...diagnostics]);
  }

  #emptyPass(): Pass {
    return {
      symbols: new Map(),
      locals: new Map(),
      sizes: [],
      diagnostics: [],
      listing: [],
      guessed: false,
    };
  }

  #encoderFor(mode: string): InstructionEncoder {
    const { encoder } = this.#options;
    return typeof encoder === "function" ? encoder(mode) : encoder;
  }

  get #here(): bigint {
    return this.#options.origin + BigInt(this.#output.length);
  }

  #runPass(): void {
    this.#pass = this.#emptyPass();
    this.#output.clear();
    this.#encoder = this.#encoderFor(this.#options.mode ?? "");
    let afterCode = false;
    this.#statements.forEach((statement, index) => {
      const start = this.#output.length;
      const address = this.#here;
      this.#start = address;
      for (const label of statement.labels) {
        this.#attempt(statement, label, () => this.#label(label, statement));
      }
      const body = statement.body;
      if (body?.kind === "assign") {
        this.#attempt(statement, body.expression, () => {
          this.#define(body.name, this.#evaluate(body.expression), "assigned", statement.line);
        });
      } else if (body?.kind === "directive") {
        const host = this.#directiveHost(statement, address, afterCode);
        this.#attempt(statement, body.head, () => this.#directive(body.head, body.operands, host));
      } else if (body?.kind === "instruction") {
        const atLeast = this.#previous?.sizes[index] ?? 0;
        this.#attempt(statement, body.head, () => {
          this.#instruction(body.head, body.operands, atLeast);
        });
      }
      const end = this.#output.length;
      if (end > start) afterCode = body?.kind === "instruction";
      this.#pass.sizes.push(end - start);
      this.#pass.listing.push({ address, start, end, statement });
    });
  }

  /** Whether this pass used what it then found: every symbol and size is that of the pass before it. */
  #settled(): boolean {
    const { symbols, locals, sizes, guessed } = this.#pass;
    const previous = this.#previous;
    if (previous === undefined) return !guessed;
    return sizes.every((size, index) => size === previous.sizes[index]) &&
      symbols.size === previous.symbols.size &&
      [...symbols].every(([name, { value }]) => previous.symbols.get(name)?.value === value) &&
      [...locals].every(([number, addresses]) => {
        const before = previous.locals.get(number);
        return addresses.every((address, index) => before?.[index] === address);
      });
  }

  #unsettled(): Diagnostic[] {
    const moved = [...this.#pass.symbols].find(([name, { value }]) =>
      this.#previous?.symbols.get(name)?.value !== value
    );
    const line = moved?.[1].line ?? 1;
    const what = moved === undefined
      ? "sizes of instructions"
      : `${JSON.stringify(moved[0])}, which depends on itself,`;
    const message = `${what} did not settle in ${MAX_PASSES} passes`;
    const text = this.#statements.find((statement) => statement.line === line)?.text ?? "";
    return [{ message, line, column: 1, text }];
  }

  #finish(): Program {
    const { diagnostics, symbols, entry } = this.#pass;
    const all = [...this.#broken, ...diagnostics];
    if (all.length > 0) throw this.#error(all);
    const bytes = this.#output.bytes();
    const values = new Map([...symbols].map(([name, { value }]) => [name, value]));
    const named = ENTRY_SYMBOLS.map((name) => values.get(name)).find((value) => value !== undefined);
    return {
      origin: this.#options.origin,
      bytes,
      symbols: values,
      listing: this.#pass.listing.map(({ address, start, end, statement }) => ({
        address,
        bytes: bytes.subarray(start, end),
        line: statement.line,
        text: statement.text.trim(),
      })),
      entry: entry ?? named,
    };
  }

  #error(diagnostics: Diagnostic[]): AssemblyError {
    diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
    const kept = diagnostics.slice(0, MAX_DIAGNOSTICS);
    return new AssemblyError(this.#file, kept, diagnostics.length - kept.length);
  }

  /** Runs one step of a statement; what is wrong with it becomes a diagnostic at `at` or a better place. */
  #attempt(statement: Statement, at: Piece, action: () => void): void {
    try {
      action();
    } catch (error) {
      // Other errors are mistakes of an encoder, not of the source.
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      const column = columnOf(error, statement, at.column);
      const { line, text } = statement;
      this.#pass.diagnostics.push({ message: error.message, line, column, text });
    }
  }

  #label(label: Piece, statement: Statement): void {
    if (/^[0-9]/.test(label.text)) {
      const number = String(BigInt(label.text));
      const addresses = this.#pass.locals.get(number) ?? [];
      addresses.push(this.#here);
      this.#pass.locals.set(number, addresses);
    } else {
      this.#define(label, { value: this.#here, known: true }, "label", statement.line);
    }
  }

  #define(name: Piece, evaluation: Evaluation, kind: Defined["kind"], line: number): void {
    if (!/^[A-Za-z_.$][\w.$]*$/.test(name.text) || name.text === "." || name.text === "$") {
      throw new OperandError(`${JSON.stringify(name.text)} cannot be a name`, name);
    }
    if (this.#encoder.reserved.has(name.text.toLowerCase())) {
      const what = JSON.stringify(name.text);
      throw new OperandError(`${what} is a register or keyword and cannot be a name`, name);
    }
    const before = this.#pass.symbols.get(name.text);
    if (before !== undefined && (kind === "label" || before.kind === "label")) {
      const what = JSON.stringify(name.text);
      throw new OperandError(`${what} is already defined in line ${before.line}`, name);
    }
    this.#pass.symbols.set(name.text, { ...evaluation, kind, line });
  }

  #directive(head: Piece, operands: readonly Piece[], host: DirectiveHost): void {
    const name = head.text.toLowerCase();
    const directive = directives.get(name);
    if (directive === undefined) {
      throw new SyntaxError(`unknown directive "${name}"${didYouMean(name, directives.keys())}`);
    }
    directive(host, operands);
  }

  #directiveHost(statement: Statement, here: bigint, afterCode: boolean): DirectiveHost {
    const output = this.#output;
    return {
      here,
      order: this.#options.order,
      evaluate: (operand) => this.#evaluate(operand),
      emit: (bytes) => output.append(bytes),
      fill: (count, pattern) => output.fill(count, pattern),
      pad: (count) => this.#pad(count, afterCode),
      define: (name, evaluation) => this.#define(name, evaluation, "assigned", statement.line),
      setEntry: (address) => {
        this.#pass.entry = address;
      },
      setMode: (mode) => {
        if (typeof this.#options.encoder !== "function") {
          throw new SyntaxError(`cannot go on in ${mode}: this assembler has one mode`);
        }
        this.#encoder = this.#encoderFor(mode);
      },
    };
  }

  /** Zeros, or `nop`s where execution could run into them. */
  #pad(count: bigint, afterCode: boolean): void {
    const nop = afterCode && count > 0n && this.#encoder.mnemonics.includes("nop")
      ? this.#encode("nop", [], 0)
      : new Uint8Array(1);
    const size = BigInt(nop.length);
    this.#output.fill(count % size, new Uint8Array(1));
    this.#output.fill(count / size, nop);
  }

  #instruction(head: Piece, operands: readonly Piece[], atLeast: number): void {
    const mnemonic = head.text.toLowerCase();
    try {
      this.#output.append(this.#encode(mnemonic, operands.map(({ text }) => text), atLeast));
    } catch (error) {
      const unknown = error instanceof SyntaxError && !(error instanceof ExpressionError) &&
        !this.#encoder.mnemonics.includes(mnemonic) && !/did you mean/i.test(error.message);
      const nearest = unknown ? didYouMean(mnemonic, this.#encoder.mnemonics) : "";
      if (nearest === "") throw error;
      throw new SyntaxError(`unknown instruction "${mnemonic}"${nearest}`);
    }
  }

  #encode(mnemonic: string, operands: string[], atLeast: number): Uint8Array {
    return this.#encoder.encode({ mnemonic, operands }, {
      pc: this.#here,
      atLeast,
      evaluate: (expression) => this.#evaluate({ text: expression.trim(), column: 0 }),
    });
  }

  #evaluate({ text, column }: Piece): Evaluation {
    if (text === "") throw new OperandError("expected an expression", { text, column });
    let expression = this.#expressions.get(text);
    if (expression === undefined) {
      expression = parseExpression(text);
      this.#expressions.set(text, expression);
    }
    const evaluation = evaluateExpression(expression, this.#scope, text);
    if (!evaluation.known) this.#pass.guessed = true;
    return evaluation;
  }

  #symbol(name: string): Evaluation | undefined {
    const found = this.#pass.symbols.get(name) ?? this.#previous?.symbols.get(name);
    if (found !== undefined) return found;
    const outside = this.#options.symbols?.get(name);
    if (outside !== undefined) {
      // The source may yet define the same name: one more pass tells.
      if (this.#previous === undefined) this.#pass.guessed = true;
      return { value: outside, known: true };
    }
    return this.#previous === undefined ? UNKNOWN : undefined;
  }

  #local(number: string, direction: "b" | "f"): Evaluation | undefined {
    const key = String(BigInt(number));
    const addresses = this.#pass.locals.get(key) ?? [];
    if (direction === "f") {
      if (this.#previous === undefined) return UNKNOWN;
      const value = this.#previous.locals.get(key)?.[addresses.length];
      return value === undefined ? undefined : { value, known: true };
    }
    const value = addresses.at(-1);
    return value === undefined ? undefined : { value, known: true };
  }

  #hint(name: string): string {
    const { reserved } = this.#encoder;
    // Names that stand further on are known from the pass before.
    const tables = [this.#pass.symbols, this.#previous?.symbols, this.#options.symbols];
    return didYouMean(name, [...tables.flatMap((table) => [...table?.keys() ?? []]), ...reserved]);
  }
}

/** Where in its line an error is: at its operand or expression if it knows one. */
function columnOf(error: Error, statement: Statement, fallback: number): number {
  if (error instanceof OperandError && error.operand.column > 0) return error.operand.column;
  if (error instanceof ExpressionError) {
    const found = statement.text.indexOf(error.expression, fallback - 1);
    if (found >= 0) return found + error.offset + 1;
  }
  return fallback;
}

/**
 * Assembles a source. Throws `AssemblyError` with up to 20 diagnostics, and `RangeError` for an origin
 * beyond 64 bits. Programs of more than 64 MiB are refused.
 *
 * @example
 * ```ts ignore
 * const program = assemble("start: mov eax, 60\n jmp start", { encoder: x86Encoder(64), origin: 0x1000n, order: "le" });
 * ```
 */
export function assemble(source: string, options: AssembleOptions): Program {
  return new Assembler(source, options).run();
}

/** Operands of Intel syntax, taken apart: registers, memory, expressions. */
import { addressWidth } from "./record.ts";
import { type Mode, type NamedRegister, registerNames } from "./registers.ts";

export interface MemoryText {
  readonly kind: "memory";
  /** Bits, from `byte` to `xmmword`; undefined where it is not said. */
  readonly width?: number;
  /** It holds a far address to go on at. */
  readonly far?: boolean;
  /** Bits of its registers, where it has any. */
  readonly address?: Mode;
  /** Index of the segment, or -1. */
  readonly segment: number;
  /** Register codes, or -1. */
  readonly base: number;
  readonly index: number;
  readonly scale: 0 | 1 | 2 | 3;
  /** What is left when the registers are taken off; `""` for none. */
  readonly displacement: string;
  /** `address`: the expression is the target; `offset`: it counts from the next instruction. */
  readonly relative?: "address" | "offset";
}

export type OperandText =
  | { readonly kind: "register"; readonly register: NamedRegister }
  | MemoryText
  | { readonly kind: "far"; readonly selector: string; readonly offset: string }
  | { readonly kind: "expression"; readonly text: string; readonly distance?: "short" | "near" };

const SIZES = { byte: 8, word: 16, dword: 32, fword: 48, qword: 64, tbyte: 80, xmmword: 128 } as const;

/** Words that are never symbols. */
export const KEYWORDS: readonly string[] =
  "byte word dword fword qword tbyte xmmword ptr offset rel short near far rip lock rep repe repz repne repnz a16 a32 a64"
    .split(" ");

/** A register of the mode; SyntaxError for one that only 64-bit mode has. */
function register(mode: Mode, text: string): NamedRegister | undefined {
  const name = text.toLowerCase(), found = registerNames(mode).get(name);
  if (found === undefined && registerNames(64).has(name)) {
    throw new SyntaxError(`register ${name} exists in 64-bit mode only, and this is ${mode}-bit code`);
  }
  return found;
}

interface Term {
  readonly sign: "+" | "-";
  readonly text: string;
}

/** Splits at `+` and `-` outside parentheses. A sign after an operator belongs to what follows. */
function terms(text: string): Term[] {
  const found: Term[] = [];
  let depth = 0, sign: "+" | "-" = "+", start = 0;
  const push = (end: number) => {
    const part = text.slice(start, end).trim();
    if (part !== "") found.push({ sign, text: part });
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "(") depth++;
    else if (c === ")") depth--;
    else if ((c === "+" || c === "-") && depth === 0) {
      const before = text.slice(start, i).trim();
      if (before === "" && found.length === 0 && c === "+") continue;
      if (/[*/%&|^<>~]$/.test(before)) continue;
      if (before === "" && start > 0) {
        // Two signs in a row: -- is +.
        if (c === "-") sign = sign === "-" ? "+" : "-";
        start = i + 1;
        continue;
      }
      push(i);
      sign = c;
      start = i + 1;
    }
  }
  push(text.length);
  return found;
}

const ADDRESS_16: Readonly<Record<string, true>> = { bx: true, bp: true, si: true, di: true };

class MemoryReader {
  base = -1;
  index = -1;
  scale: 0 | 1 | 2 | 3 = 0;
  #address: Mode | undefined;
  #expression: string[] = [];
  #rip = false;

  constructor(readonly mode: Mode, readonly whole: string) {}

  #addressRegister(text: string): NamedRegister | undefined {
    const found = register(this.mode, text);
    if (found === undefined) return undefined;
    if (found.kind === "general" && this.#allows(found)) return found;
    const wanted = this.#address ?? this.mode;
    const right = wanted === 16 ? "bx, bp, si or di" : `a ${wanted}-bit register`;
    throw new SyntaxError(`${found.name} cannot be in the address ${this.whole}: use ${right}`);
  }

  /** All registers of an address are as wide as the mode's addresses, or all of the width that 67h gives. */
  #allows({ name, width }: NamedRegister): boolean {
    const widths = this.#address === undefined ? [this.mode, addressWidth(this.mode, true)] : [this.#address];
    const fitting = widths.find((w) => w === width);
    if (fitting === undefined || (fitting === 16 && !ADDRESS_16[name])) return false;
    this.#address = fitting;
    return true;
  }

  #add(found: NamedRegister, scale: number | undefined): void {
    if (scale !== undefined && scale !== 1) {
      const shift = [1, 2, 4, 8].indexOf(scale);
      if (shift < 0) throw new SyntaxError(`scale ${scale} in ${this.whole}: it can be 1, 2, 4 or 8`);
      if (this.#address === 16) throw new SyntaxError(`a 16-bit address has no scale: ${this.whole}`);
      if (this.index >= 0) this.#tooMany();
      this.index = found.code;
      this.scale = shift as 0 | 1 | 2 | 3;
    } else if (this.base < 0 && scale === undefined) this.base = found.code;
    else if (this.index < 0) this.index = found.code;
    else if (this.base < 0) this.base = found.code;
    else this.#tooMany();
  }

  #tooMany(): never {
    throw new SyntaxError(
      `too many registers in ${this.whole}: one base and one index, of which one has a scale`,
    );
  }

  #term({ sign, text }: Term): void {
    if (this.mode === 64 && text.toLowerCase() === "rip" && sign === "+") {
      this.#rip = true;
      return;
    }
    const product = /^([a-z]\w*)\s*\*\s*(\d+)$|^(\d+)\s*\*\s*([a-z]\w*)$/i.exec(text);
    const name = product === null ? text : product[1] ?? product[4];
    const found = /^[a-z]\w*$/i.test(name) ? this.#addressRegister(name) : undefined;
    if (found === undefined) {
      this.#expression.push(this.#expression.length === 0 && sign === "+" ? text : `${sign}${text}`);
      return;
    }
    if (sign === "-") throw new SyntaxError(`a register cannot be subtracted in ${this.whole}`);
    this.#add(found, product === null ? undefined : Number(product[2] ?? product[3]));
  }

  read(inner: string, rel: boolean, segment: number, width: number | undefined, far: boolean): MemoryText {
    for (const term of terms(inner)) this.#term(term);
    const displacement = this.#expression.join("");
    let relative: MemoryText["relative"];
    if (rel || this.#rip) {
      if (this.mode !== 64) {
        throw new SyntaxError(`${this.whole}: only 64-bit code has rip-relative addresses`);
      }
      if (this.base >= 0 || this.index >= 0) {
        throw new SyntaxError(`${this.whole}: a rip-relative address has no other register`);
      }
      // [rip+8] counts from the next instruction; with a symbol it is the symbol's address.
      const named = /(^|[^\w.$])[a-z_.$@]/i.test(
        displacement.replace(/\b0x[0-9a-f]+|\b[0-9][0-9a-f]*h\b/gi, "0"),
      );
      relative = rel || named ? "address" : "offset";
    }
    if ((this.#address ?? this.mode) !== 16) this.#arrange();
    return {
      kind: "memory",
      width,
      far,
      address: this.#address,
      segment,
      base: this.base,
      index: this.index,
      scale: this.scale,
      displacement,
      relative,
    };
  }

  /** The stack pointer can be a base only; an index with scale 1 alone is a base. */
  #arrange(): void {
    if (this.index >= 0 && this.scale === 0 && (this.base < 0 || this.index === 4)) {
      if (this.base === 4) throw new SyntaxError(`${this.whole}: the stack pointer cannot be an index`);
      [this.base, this.index] = [this.index, this.base];
    }
    if (this.index === 4) throw new SyntaxError(`${this.whole}: the stack pointer cannot be an index`);
  }
}

/** Takes one operand apart. Throws SyntaxError for what cannot be an operand. */
export function parseOperand(mode: Mode, source: string): OperandText {
  let text = source.trim();
  let width: number | undefined;
  const far = /^far\s+/i.exec(text);
  if (far !== null) text = text.slice(far[0].length);
  const size = /^(byte|word|dword|fword|qword|tbyte|xmmword)\b\s*(ptr\b)?\s*/i.exec(text);
  if (size !== null) {
    width = SIZES[size[1].toLowerCase() as keyof typeof SIZES];
    text = text.slice(size[0].length);
  }
  const memory = /^(?:([cdefgs]s)\s*:\s*)?\[\s*(?:([cdefgs]s)\s*:\s*)?(rel\s+)?(.*?)\s*\]$/i.exec(text);
  if (memory !== null) {
    if (memory[4] === "") throw new SyntaxError(`${source}: an address is missing between the brackets`);
    const name = (memory[1] ?? memory[2])?.toLowerCase();
    const segment = name === undefined ? -1 : registerNames(mode).get(name)!.code;
    return new MemoryReader(mode, source.trim()).read(
      memory[4],
      memory[3] !== undefined,
      segment,
      width,
      far !== null,
    );
  }
  const address = /^([^:[\]]+):([^:[\]]+)$/.exec(text);
  if (address !== null) return { kind: "far", selector: address[1].trim(), offset: address[2].trim() };
  if (/[[\]]/.test(text)) {
    throw new SyntaxError(
      `${source}: a memory operand is written as dword ptr [base+index*scale+displacement]`,
    );
  }
  const found = /^[a-z]\w*$/i.test(text) ? register(mode, text) : undefined;
  if (found !== undefined) {
    if (width !== undefined) {
      throw new SyntaxError(`${source}: a size is for memory in brackets, not for a register`);
    }
    return { kind: "register", register: found };
  }
  if (width !== undefined) {
    throw new SyntaxError(`${source}: a size is for memory in brackets: ${size![0].trim()} [${text}]`);
  }
  text = text.replace(/^offset\s+/i, "");
  const distance = /^(short|near)\s+/i.exec(text);
  if (distance !== null) text = text.slice(distance[0].length);
  if (text === "") throw new SyntaxError(`operand "${source}" is incomplete`);
  return { kind: "expression", text, distance: distance?.[1].toLowerCase() as "short" | "near" | undefined };
}

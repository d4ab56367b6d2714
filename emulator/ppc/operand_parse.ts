/** Operands from text: registers, numbers and condition register names into field values. */
import type { EncodeContext } from "../isa/assembly.ts";
import { CR_WORDS, parseCrBit } from "./cr_names.ts";
import { type Field, type FieldName, FIELDS } from "./fields.ts";
import type { PpcMode } from "./state.ts";

/** A value, and false for `known` while it rests on a symbol that a later pass will know. */
export interface Operand {
  readonly value: bigint;
  readonly known: boolean;
}

const REGISTER = /^%?r([12]?\d|3[01])$/i;
const FLOAT_REGISTER = /^%?f(?:r)?([12]?\d|3[01])$/i;

/** The number of a register written `r3`, `%r3` or, where the operand can be nothing else, `3`; `f3` likewise. */
function parseRegister(text: string, context: EncodeContext, kind: "general" | "float"): bigint {
  const match = (kind === "float" ? FLOAT_REGISTER : REGISTER).exec(text);
  if (match) return BigInt(match[1]);
  const number = /^\d+$/.test(text) ? context.evaluate(text).value : -1n;
  if (number < 0n || number > 31n) {
    const names = kind === "float" ? "floating-point register; they are f0 to f31" : "";
    throw new SyntaxError(`"${text}" is no ${names || "general-purpose register; they are r0 to r31"}`);
  }
  return number;
}

function parseCrField(text: string): bigint {
  const match = /^%?(?:cr)?([0-7])$/i.exec(text);
  if (!match) throw new SyntaxError(`"${text}" is no condition register field; they are cr0 to cr7`);
  return BigInt(match[1]);
}

function parseBit(text: string): bigint {
  const bit = parseCrBit(text) ?? (/^\d+$/.test(text) && +text < 32 ? +text : undefined);
  if (bit === undefined) {
    throw new SyntaxError(
      `"${text}" is no condition register bit; write ${CR_WORDS.slice(0, 4).join(", ")} or 4*cr1+eq`,
    );
  }
  return BigInt(bit);
}

function parseNumber(text: string, context: EncodeContext): Operand {
  const bare = text.trim();
  if (REGISTER.test(bare)) throw new SyntaxError(`"${bare}" is a register where a number belongs`);
  return context.evaluate(bare);
}

/** The value of field `name` written as `text`; a branch target is an address. */
export function parseField(name: FieldName, text: string, context: EncodeContext): Operand {
  switch (FIELDS[name].text) {
    case "register":
    case "base":
      return { value: parseRegister(text, context, "general"), known: true };
    case "float":
      return { value: parseRegister(text, context, "float"), known: true };
    case "crField":
      return { value: parseCrField(text), known: true };
    case "crBit":
      return { value: parseBit(text), known: true };
    default:
      return parseNumber(text, context);
  }
}

/** Halves of an address, such as `@l`, are 16 bits without a sign: any of them fits a signed field. */
const HALF = /@(l|h|ha|higher|highera|highest|highesta)\s*\)?$/;

/** `value` as it goes into field `name`; throws `SyntaxError` naming the range where it does not fit. */
export function fitField(name: FieldName, value: bigint, text: string, mnemonic: string): number {
  const { signed, scale, width }: Field = FIELDS[name];
  const span = 1n << BigInt(width), unit = BigInt(scale);
  const low = signed ? -span / 2n * unit : 0n, high = (signed ? span / 2n - 1n : span - 1n) * unit;
  const wraps = signed && width === 16 &&
    (HALF.test(text) || ["lis", "addis"].includes(mnemonic)) && value > high && value < span;
  const fitting = wraps ? value - span : value;
  if (fitting < low || fitting > high) {
    throw new SyntaxError(`${text} is ${value}, and ${name} takes ${low} to ${high}${remedy(mnemonic)}`);
  }
  if (fitting % unit !== 0n) {
    throw new SyntaxError(`${text} is ${value}, and ${name} takes multiples of ${scale}`);
  }
  return Number(fitting);
}

function remedy(mnemonic: string): string {
  return ["li", "addi"].includes(mnemonic) ? "; load it by lis with @ha or @h, then addi or ori with @l" : "";
}

/** The displacement of a branch at `context.pc` to `target`; throws `SyntaxError` where it does not reach. */
export function branchDisplacement(
  name: "LI" | "BD",
  { value, known }: Operand,
  text: string,
  absolute: boolean,
  context: EncodeContext,
  mode: PpcMode,
): number {
  if (!known) return 0;
  const distance = BigInt.asIntN(mode, absolute ? value : value - context.pc);
  const reach = 1n << BigInt(FIELDS[name].width + 1);
  if (distance % 4n !== 0n) throw new SyntaxError(`${text} is 0x${value.toString(16)}, no multiple of 4`);
  if (distance < -reach || distance >= reach) {
    const way = absolute ? "absolute addresses" : "distances";
    throw new SyntaxError(
      `${text} is ${distance} bytes away; ${way} from ${-reach} to ${reach - 4n} can be reached` +
        (name === "BD" ? "; branch around an unconditional b" : "; use mtctr and bctr"),
    );
  }
  return Number(distance);
}

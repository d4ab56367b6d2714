/** All byte sequences that one encoding at one operand size offers for given operands. */
import type { EncodeContext } from "../isa/assembly.ts";
import { type AddressChoice, addressChoices } from "./encode_address.ts";
import type { MemoryText, OperandText } from "./operand_text.ts";
import {
  bytesOf,
  type Encoding,
  type OperandSize,
  type OperandSpec,
  usualSize,
  widthOf,
  writtenOperands,
} from "./record.ts";
import type { Mode, NamedRegister } from "./registers.ts";
import { FS, SEGMENT_NAMES } from "./slots.ts";

export interface Request {
  readonly mode: Mode;
  readonly encoding: Encoding;
  /** Operand size that the prefixes say. */
  readonly coded: OperandSize;
  /** Operand size that it means. */
  readonly size: OperandSize;
  readonly lock: boolean;
  /** Segment prefix of an operand that is not written, or -1. */
  readonly segment: number;
  readonly context: EncodeContext;
}

export interface Attempt {
  readonly bytes?: Uint8Array;
  /** Width that was taken for a memory operand that did not say its own. */
  readonly guessedWidth?: number;
  /** Why not, where all but a number or a prefix would fit. */
  readonly problem?: string;
  /** Bits of the field that a number did not fit in: of several problems, the widest is told. */
  readonly reach?: number;
}

const SEGMENT_BYTES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

interface Immediate {
  readonly value: bigint;
  readonly bytes: number;
}

/** What the operands put where; filled in by `#match`. */
class Candidate {
  reg = 0;
  rm: number | undefined;
  opcodeReg = 0;
  memory: MemoryText | undefined;
  offsetOnly = false;
  immediate: Immediate | undefined;
  level: Immediate | undefined;
  far: { selector: Immediate; offset: Immediate } | undefined;
  branch: { target: bigint; known: boolean; bytes: number } | undefined;
  rexNeeded = false;
  rexForbidden = false;
  guessedWidth: number | undefined;
  problem: string | undefined;

  constructor(readonly request: Request) {}

  /** Whether `operand` can be `spec`; notes what it contributes. */
  match(spec: OperandSpec, operand: OperandText): boolean {
    const width = widthOf(spec, this.request.size);
    switch (spec.kind) {
      case "E":
        if (operand.kind === "register") {
          return this.#register(operand.register, width, (code) => this.rm = code);
        }
        return this.#memory(spec, operand, width);
      case "M":
        return this.#memory(spec, operand, width);
      case "R":
        return this.#takes(operand, width, (code) => this.rm = code);
      case "A":
        return this.#far(operand);
      case "C":
      case "D":
        if (operand.kind !== "register") return false;
        this.reg = operand.register.code;
        return operand.register.kind === (spec.kind === "C" ? "control" : "debug");
      case "L":
        this.level = this.#number(operand, 1);
        return this.level !== undefined;
      case "X":
      case "Y":
      case "B":
        return false;
      case "O":
        this.offsetOnly = true;
        return this.#memory(spec, operand, width) && this.memory!.base < 0 && this.memory!.index < 0 &&
          this.memory!.relative === undefined;
      case "G":
        return this.#takes(operand, width, (code) => this.reg = code);
      case "Z":
        return this.#takes(operand, width, (code) => this.opcodeReg = code) &&
          (this.request.encoding.prefix !== "rex.b" || this.opcodeReg === 8) &&
          !(this.request.encoding.attributes.notZero && (this.opcodeReg & 7) === 0);
      case "register":
        return operand.kind === "register" && operand.register.kind === "general" &&
          operand.register.width === width && operand.register.code === spec.code;
      case "segment":
        return operand.kind === "register" && operand.register.kind === "segment" &&
          operand.register.code === spec.code;
      case "S":
        if (operand.kind !== "register" || operand.register.kind !== "segment") return false;
        this.reg = operand.register.code;
        return true;
      case "I":
        return this.#immediate(spec, operand, width);
      case "one": {
        if (operand.kind !== "expression") return false;
        const { value, known } = this.request.context.evaluate(operand.text);
        return known && value === 1n;
      }
      case "J":
        return this.#branch(spec, operand);
    }
  }

  #takes(operand: OperandText, width: number, put: (code: number) => void): boolean {
    return operand.kind === "register" && this.#register(operand.register, width, put);
  }

  #register(register: NamedRegister, width: number, put: (code: number) => void): boolean {
    if (register.kind !== "general" || register.width !== width) return false;
    this.rexNeeded ||= register.rex === "needed";
    this.rexForbidden ||= register.rex === "forbidden";
    put(register.code);
    return true;
  }

  #memory(spec: OperandSpec, operand: OperandText, width: number): boolean {
    if (operand.kind !== "memory" || (operand.far ?? false) !== (spec.size === "f")) return false;
    this.memory = operand;
    const { mode, size, encoding } = this.request;
    if (spec.kind === "M") {
      if (operand.width !== undefined) return spec.size === "" || operand.width === 8 * bytesOf(spec, size);
      return spec.size !== "f" || size === usualSize(mode, encoding);
    }
    if (operand.width === width) return true;
    if (operand.width !== undefined) return false;
    // Stack and branch operands are of the mode's size unless said otherwise.
    if (encoding.attributes.wide !== undefined) return size === mode;
    this.guessedWidth = width;
    return true;
  }

  #immediate(spec: OperandSpec, operand: OperandText, width: number): boolean {
    if (operand.kind !== "expression" || operand.distance !== undefined) return false;
    const { value, known } = this.request.context.evaluate(operand.text);
    const { size } = this.request;
    const bytes = spec.size === "b" || spec.size === "s"
      ? 1
      : spec.size === "w"
      ? 2
      : spec.size === "z"
      ? Math.min(size, 32) / 8
      : size / 8;
    this.immediate = { value, bytes };
    if (!known) return true;
    const limit = 1n << BigInt(width);
    if (value >= limit || value < -limit / 2n) {
      this.problem = `${operand.text} = ${value} does not fit in ${width} bits: ${-limit / 2n} to ${
        limit - 1n
      }`;
      return true;
    }
    const signed = BigInt.asIntN(width, value);
    if (BigInt.asIntN(bytes * 8, signed) === signed || bytes * 8 === width) return true;
    this.problem =
      `${operand.text} = ${value} does not fit in a sign-extended immediate of ${bytes * 8} bits: ` +
      "move it to a register first";
    return true;
  }

  /** A number that has to fit in so many bytes, unsigned. */
  #number(operand: OperandText, bytes: number): Immediate | undefined {
    if (operand.kind !== "expression" || operand.distance !== undefined) return undefined;
    const { value, known } = this.request.context.evaluate(operand.text);
    if (known && (value < 0n || value >= 1n << BigInt(8 * bytes))) {
      this.problem = `${operand.text} = ${value} does not fit in ${8 * bytes} bits, unsigned`;
    }
    return { value, bytes };
  }

  #far(operand: OperandText): boolean {
    if (operand.kind !== "far") return false;
    const { size } = this.request;
    const part = (text: string, bytes: number) => this.#number({ kind: "expression", text }, bytes);
    const selector = part(operand.selector, 2), offset = part(operand.offset, size / 8);
    if (selector === undefined || offset === undefined) return false;
    this.far = { selector, offset };
    return true;
  }

  #branch(spec: OperandSpec, operand: OperandText): boolean {
    if (operand.kind !== "expression") return false;
    const short = spec.size === "b";
    if (operand.distance === "short" && !short) return false;
    if (operand.distance === "near" && short) return false;
    const { value, known } = this.request.context.evaluate(operand.text);
    this.branch = { target: value, known, bytes: short ? 1 : this.request.size === 16 ? 2 : 4 };
    return true;
  }

  *attempts(): Generator<Attempt> {
    const { encoding, lock, context } = this.request;
    if (lock && (!encoding.definition.lock || this.memory === undefined)) {
      yield { problem: `lock is not allowed here: it is for ${LOCKABLE} with a memory destination` };
      return;
    }
    if (this.problem !== undefined) {
      yield { problem: this.problem, reach: 8 * (this.immediate?.bytes ?? 0) };
      return;
    }
    if (this.memory === undefined || this.offsetOnly) return yield* this.#assembled(undefined);
    for (const choice of addressChoices(this.#addressWidth(), this.memory, context)) {
      if ("problem" in choice) yield choice;
      else yield* this.#assembled(choice);
    }
  }

  /** Bits of the address: what its registers have, or 32 for a number that is out of reach otherwise. */
  #addressWidth(): Mode {
    const { mode, context } = this.request, { memory } = this;
    if (memory === undefined || memory.address !== undefined) return memory?.address ?? mode;
    if (memory.relative !== undefined || mode === 32) return mode;
    const { value, known } = context.evaluate(memory.displacement);
    const reaches = mode === 16 ? 0x1_0000n : 0x8000_0000n;
    return known && value >= reaches && value < 0x1_0000_0000n ? 32 : mode;
  }

  *#assembled(address: AddressChoice | undefined): Generator<Attempt> {
    const { encoding, mode, coded, lock } = this.request;
    const bytes: number[] = [];
    if (this.memory !== undefined && this.memory.segment >= 0) {
      if (mode === 64 && this.memory.segment < FS) {
        yield {
          problem: `${SEGMENT_NAMES[this.memory.segment]}: has no effect in 64-bit code: leave it out`,
        };
        return;
      }
      bytes.push(SEGMENT_BYTES[this.memory.segment]);
    }
    if (this.request.segment >= 0) bytes.push(SEGMENT_BYTES[this.request.segment]);
    if (encoding.otherAddress || this.#addressWidth() !== mode) {
      bytes.push(0x67);
    }
    if (lock) bytes.push(0xf0);
    if (coded === 16 ? mode !== 16 : coded === 32 && mode === 16) bytes.push(0x66);
    if (encoding.prefix === "f3" || encoding.prefix === "f2") bytes.push(parseInt(encoding.prefix, 16));
    const rex = (coded === 64 ? 8 : 0) | (this.reg >= 8 ? 4 : 0) | (address?.rexX ? 2 : 0) |
      (address?.rexB || (this.rm ?? 0) >= 8 || this.opcodeReg >= 8 ? 1 : 0);
    if (rex !== 0 || this.rexNeeded) {
      if (this.rexForbidden) {
        yield { problem: "ah, bh, ch and dh cannot be used with a register or size that needs a REX prefix" };
        return;
      }
      bytes.push(0x40 | rex);
    }
    if (encoding.map !== 0) bytes.push(encoding.map);
    bytes.push(encoding.opcode + (encoding.plusRegister ? this.opcodeReg & 7 : 0));
    if (encoding.modrm === "fixed") bytes.push(encoding.extra);
    else if (encoding.modrm !== "none") {
      const reg = (encoding.modrm === "digit" ? encoding.extra : this.reg & 7) << 3;
      if (address === undefined) bytes.push(0xc0 | reg | (this.rm ?? 0) & 7);
      else bytes.push(address.modrm | reg, ...address.sib === undefined ? [] : [address.sib]);
    }
    yield this.#finish(bytes, address);
  }

  /** Appends displacement, immediate and branch, of which the relative ones need the whole length. */
  #finish(bytes: number[], address: AddressChoice | undefined): Attempt {
    const { mode, context } = this.request;
    const tail = (this.immediate?.bytes ?? 0) + (this.branch?.bytes ?? 0);
    if (this.offsetOnly && this.memory !== undefined) {
      const { value, known } = context.evaluate(this.memory.displacement || "0");
      const width = this.#addressWidth(), limit = 1n << BigInt(width);
      if (known && (value >= limit || value < -limit / 2n)) {
        return { problem: `address ${this.memory.displacement} does not fit in ${width} bits` };
      }
      append(bytes, value, width / 8);
    } else if (address !== undefined && address.bytes > 0) {
      const end = context.pc + BigInt(bytes.length + address.bytes + tail);
      const value = address.fromEnd ? BigInt.asIntN(64, address.value - end) : address.value;
      if (address.known && address.fromEnd && BigInt.asIntN(32, value) !== value) {
        return {
          problem: `${this.memory?.displacement} is more than 2 GiB away: put its address into a register`,
        };
      }
      append(bytes, value, address.bytes);
    }
    if (this.immediate !== undefined) append(bytes, this.immediate.value, this.immediate.bytes);
    for (const part of [this.level, this.far?.offset, this.far?.selector]) {
      if (part !== undefined) append(bytes, part.value, part.bytes);
    }
    if (this.branch !== undefined) {
      const { target, known, bytes: width } = this.branch;
      const relative = displacement(mode, target, context.pc + BigInt(bytes.length + width));
      if (known && BigInt.asIntN(width * 8, relative) !== relative) {
        return {
          problem: `branch target is ${relative} bytes away: this one reaches ${width * 8} bits, signed`,
          reach: 8 * width,
        };
      }
      append(bytes, relative, width);
    }
    return { bytes: Uint8Array.from(bytes), guessedWidth: this.guessedWidth };
  }
}

const LOCKABLE =
  "adc, add, and, btc, btr, bts, cmpxchg, cmpxchg8b, cmpxchg16b, dec, inc, neg, not, or, sbb, sub, xadd, xchg, xor";

/** From the end of a branch to its target, the short way round where the instruction pointer wraps. */
function displacement(mode: Mode, target: bigint, end: bigint): bigint {
  const limit = 1n << BigInt(mode);
  return target >= 0n && target < limit && end < limit ? BigInt.asIntN(mode, target - end) : target - end;
}

/** Little-endian. */
function append(bytes: number[], value: bigint, count: number): void {
  for (let i = 0; i < count; i++) bytes.push(Number(value >> BigInt(8 * i) & 0xffn));
}

/** Candidates of one encoding: bytes, or why a number does not fit; nothing where operands do not. */
export function candidates(request: Request, operands: readonly OperandText[]): readonly Attempt[] {
  const candidate = new Candidate(request);
  const { encoding } = request;
  return writtenOperands(encoding).every((spec, i) => candidate.match(spec, operands[i]))
    ? [...candidate.attempts()]
    : [];
}

/** The seam between the text assembler (labels, directives, expressions) and an ISA's encoder. */

/** One source line's instruction, comments and label already taken off. */
export interface AssemblyLine {
  /**
   * The line's first word in lower case. Prefixes such as `rep` or `lock` are the ISA's business: for
   * `lock add [ebx], eax` this is `lock`, and the operands are `["add [ebx]", "eax"]`.
   */
  readonly mnemonic: string;
  /** Operand texts, split at top-level commas, trimmed; e.g. `["eax", "dword ptr [ebx+4]"]`. */
  readonly operands: readonly string[];
}

/** What an encoder may ask about the program around an instruction. */
export interface EncodeContext {
  /** Address of the instruction. */
  readonly pc: bigint;
  /**
   * Value of an expression over numbers and symbols. In the first pass a symbol that is defined further
   * on counts as 0 and `known` is false: take the shortest encoding then. In later passes it counts as
   * its value in the pass before, and `known` is true. Complaints about a value count in the last pass
   * only.
   */
  evaluate(expression: string): { value: bigint; known: boolean };
  /** The encoding may not be shorter than this many bytes: it grew in an earlier pass. */
  readonly atLeast: number;
}

/** An ISA's half of the assembler. */
export interface InstructionEncoder {
  /** Names that are registers or keywords, so never symbols. Lower case. */
  readonly reserved: ReadonlySet<string>;
  /** Mnemonics, for "did you mean" and completion. Lower case. With `nop`, padding in code consists of it. */
  readonly mnemonics: readonly string[];
  /** Throws `SyntaxError` with a message that names what was wrong and what would be right. */
  encode(line: AssemblyLine, context: EncodeContext): Uint8Array;
}

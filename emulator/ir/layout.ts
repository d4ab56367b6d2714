/** The part of a vCPU's state area that every ISA shares. Byte offsets; 8-byte little-endian slots. */
export const STATE = {
  /** Address of the instruction to execute next (precise whenever TypeScript runs). */
  pc: 0,
  /** Address of the instruction after the one that raised a trap or access. */
  nextPc: 8,
  /** Spilled instruction budget still left (i32). */
  left: 16,
  /** Instruction cycles spent since reset (i64), without what exits were charged. */
  cycles: 24,
  /** Arguments of a trap or of a slow access, six slots. */
  args: 32,
  /** Result of a trap or of a slow load. */
  result: 80,
  /** Always zero: the base or index of an address that has none. */
  zero: 88,
  /** Cycle cost of the instruction that raised a trap or access (u32), in case it has to be taken back. */
  cost: 96,
  /** Not 0 when code that is being run was changed under it (u32): a region leaves at its next chance. */
  stale: 104,
  /** Place of the interpreter's record that raised a trap or access (u32), or 0. */
  record: 108,
  /** Not 0 while the vCPU waits for an interrupt (u32). */
  halted: 112,
  /** Not 0 if the next instruction is executed before an interrupt is taken (u32). */
  shadow: 120,
  /** Not 0 while an interrupt waits to be enabled (u32): who enables it tells the machine. */
  window: 124,
  /** The first slot that an ISA may use. */
  isa: 128,
  /** One past the last byte that an ISA may use. */
  end: 2048,
} as const;

/**
 * The traps that x86 definitions raise, in the order of their numbers.
 *
 * | trap | arguments | result |
 * |---|---|---|
 * | `in` | port, size in bytes | value of that size |
 * | `out` | port, size in bytes, value | |
 * | `ins` | port, size in bytes, 0, iterations of a repeated INS that are left with this one | value of that size |
 * | `outs` | port, size in bytes, value, iterations of a repeated OUTS that are left with this one | |
 * | `vmcall` `vmmcall` `cpuid` `hlt` | (registers) | |
 * | `rdtsc` `rdtscp` | | 64 bits; ECX is the definition's business |
 * | `exception` | vector, error code or 0: a fault, the instruction is not done, its own address is pushed | |
 * | `interrupt` | vector: INT n, INT1, INT3, INTO; the next address is pushed | |
 * | `iret` | operand size in bytes | |
 * | `far_jump` `far_call` | selector, offset, operand size in bytes | |
 * | `far_return` | operand size in bytes, bytes to release | |
 * | `load_segment` | index of the segment register, selector | |
 * | `mov_to_cr` `mov_to_dr` | n, value | |
 * | `mov_from_cr` `mov_from_dr` | n | 64 bits |
 * | `lgdt` `lidt` | linear address of limit and base, operand size in bytes (2: the base has 24 bits) | |
 * | `sgdt` `sidt` | linear address | |
 * | `lldt` `ltr` | selector | |
 * | `sldt` `str` | | 16 bits |
 * | `lmsw` | value | |
 * | `invlpg` | linear address | |
 * | `lar` `lsl` `verr` `verw` | selector | 64 bits: in bit 63 ZF, in the low 32 what LAR or LSL gives if it is set |
 * | `repeat` | 0 to 4 for MOVS STOS CMPS SCAS LODS, bytes of an element, bits of an address, what a comparison has to \
 *   give to go on, linear addresses of the operands: does iterations before this one, or none | |
 * | `flags_set` | address to go on at, 1 if interrupts stay off for one more instruction: POPF or IRET has set TF, or \
 *   they or STI have set IF and an interrupt waited (`STATE.window`); done but for the branch | |
 * | `segments_changed` | at the end of what loads a segment register, if `SEGMENTS_CHANGED` is set | |
 * | `syscall` `sysret` | operand size in bytes | |
 * | `clts` `rdmsr` `wrmsr` `swapgs` `invd` `wbinvd` | (registers) | |
 *
 * Protected mode raises all of them. In real mode `interrupt`, `iret`, the far transfers and `load_segment` are
 * written out in their definitions and not raised; in virtual-8086 mode the same without `interrupt`. Selectors have 16 bits; offsets and values those of the operand
 * size; all are passed zero-extended. A trap that comes before other effects of its instruction (`load_segment` of
 * POP and LDS) may end it by a fault: nothing is written then.
 */
export const TRAPS = [
  "in",
  "out",
  "vmcall",
  "vmmcall",
  "cpuid",
  "rdtsc",
  "hlt",
  "exception",
  "rdtscp",
  "interrupt",
  "iret",
  "far_jump",
  "far_call",
  "far_return",
  "load_segment",
  "mov_to_cr",
  "mov_from_cr",
  "mov_to_dr",
  "mov_from_dr",
  "lgdt",
  "lidt",
  "sgdt",
  "sidt",
  "lldt",
  "ltr",
  "sldt",
  "str",
  "lmsw",
  "clts",
  "invlpg",
  "rdmsr",
  "wrmsr",
  "swapgs",
  "invd",
  "wbinvd",
  "lar",
  "lsl",
  "verr",
  "verw",
  "flags_set",
  "repeat",
  "syscall",
  "sysret",
  "segments_changed",
  "ins",
  "outs",
] as const;

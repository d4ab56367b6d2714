/**
 * A Linux program for x86-64 that runs many instructions, each with its own registers and flags, and writes
 * what they leave to standard output. Made with our own encoder; no tool is needed to build it.
 */
import { x86Encoder } from "../../../emulator/x86/encoder.ts";
import { numberContext, splitLine } from "./assembly_text.ts";

/** Values of a case: flags, six registers, and eight bytes of memory at `SCRATCH`. */
export interface Values {
  readonly eflags: bigint;
  readonly rax: bigint;
  readonly rbx: bigint;
  readonly rcx: bigint;
  readonly rdx: bigint;
  readonly rsi: bigint;
  readonly rbp: bigint;
  readonly memory: bigint;
}

export const NAMES = ["eflags", "rax", "rbx", "rcx", "rdx", "rsi", "rbp", "memory"] as const;

const CODE = 0x40_0000n;
const DATA = 0x1000_0000n;
/** Where `rdi` points while a case runs. */
export const SCRATCH = DATA + 0x100n;
const OUTPUT = 0x2000_0000n;
const RECORD = 8 * NAMES.length;

function assemble(lines: readonly string[]): number[] {
  return lines.flatMap((line) => [...x86Encoder(64).encode(splitLine(line), numberContext)]);
}

/** r15 and r14 walk over input and output records; MOV and LEA leave the flags alone. */
const BEFORE = assemble([
  "mov rax, [r15]",
  "mov rbx, [r15+56]",
  "mov [rdi], rbx",
  "push rax",
  ...["rax", "rbx", "rcx", "rdx", "rsi", "rbp"].map((name, i) => `mov ${name}, [r15+${8 + 8 * i}]`),
  "popfq",
]);
const AFTER = assemble([
  ...["rax", "rbx", "rcx", "rdx", "rsi", "rbp"].map((name, i) => `mov [r14+${8 + 8 * i}], ${name}`),
  "pushfq",
  "pop rax",
  "mov [r14], rax",
  // What the string instructions and STD have left.
  "cld",
  `mov rdi, ${SCRATCH}`,
  "mov rax, [rdi]",
  "mov [r14+56], rax",
  `lea r15, [r15+${RECORD}]`,
  `lea r14, [r14+${RECORD}]`,
]);

const SYSCALL = [0x0f, 0x05];

export interface NativeCase {
  readonly bytes: Uint8Array;
  readonly values: Values;
}

/** A static executable with three segments: code, input, output. ELF-64 Object File Format, version 1.5. */
export function buildProgram(cases: readonly NativeCase[]): Uint8Array {
  const input = DATA + 0x1000n, size = BigInt(cases.length * RECORD);
  const code = [
    ...assemble([`mov r15, ${input}`, `mov r14, ${OUTPUT}`, `mov rdi, ${SCRATCH}`]),
    ...cases.flatMap(({ bytes }) => [...BEFORE, ...bytes, ...AFTER]),
    ...assemble(["mov eax, 1", "mov edi, 1", `mov rsi, ${OUTPUT}`, `mov rdx, ${size}`]),
    ...SYSCALL,
    ...assemble(["mov eax, 60", "xor edi, edi"]),
    ...SYSCALL,
  ];
  const codeAt = 0x1000, dataAt = codeAt + ((code.length + 0xfff) & ~0xfff);
  const file = new Uint8Array(dataAt + 0x1000 + Number(size)), view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // EM_X86_64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, CODE, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 3, true);
  const dataSize = BigInt(file.length - dataAt);
  const segments: [flags: number, offset: number, address: bigint, inFile: bigint, inMemory: bigint][] = [
    [5, codeAt, CODE, BigInt(code.length), BigInt(code.length)],
    [6, dataAt, DATA, dataSize, dataSize],
    [6, 0, OUTPUT, 0n, size],
  ];
  segments.forEach(([flags, offset, address, inFile, inMemory], i) => {
    const at = 64 + 56 * i;
    view.setUint32(at, 1, true); // PT_LOAD
    view.setUint32(at + 4, flags, true);
    [BigInt(offset), address, address, inFile, inMemory, 0x1000n]
      .forEach((value, n) => view.setBigUint64(at + 8 + 8 * n, value, true));
  });
  file.set(code, codeAt);
  cases.forEach(({ values }, i) => {
    NAMES.forEach((name, n) => view.setBigUint64(dataAt + 0x1000 + i * RECORD + 8 * n, values[name], true));
  });
  return file;
}

/** What the program wrote. */
export function parseOutput(output: Uint8Array): Values[] {
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  return Array.from({ length: output.length / RECORD }, (_, i) => {
    const entries = NAMES.map((name, n) => [name, view.getBigUint64(i * RECORD + 8 * n, true)]);
    return Object.fromEntries(entries) as Values;
  });
}

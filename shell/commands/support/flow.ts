/** What stepping has to know of an instruction: whether it calls, returns, or repeats itself; and where the stack is. */
import type { VirtualCpu, Vm } from "../../machine_types.ts";

/** An instruction by how the flow of control leaves it. */
export interface Flow {
  readonly kind: "call" | "return" | "repeat" | "other";
  /** The program counter behind it. */
  readonly next: bigint;
}

/** Of a PowerPC instruction: its primary opcode, its extended one in form XL, and whether it keeps a return address. */
const OPCODE = { bc: 16, b: 18, xl: 19 } as const, XO = { bclr: 16, bcctr: 528 } as const;

/** The instruction at a vCPU's program counter; undefined where there is none. */
export function flowAt(vm: Vm, vcpu: VirtualCpu): Flow | undefined {
  const [line] = vm.disassemble(vcpu.fetchAddress(), 1, { vcpu });
  if (!line) return undefined;
  const next = vcpu.pc + BigInt(line.bytes.length);
  return { kind: vm.arch === "ppc" ? ppcKind(line.bytes, vm.isa.order) : x86Kind(line.text), next };
}

function x86Kind(text: string): Flow["kind"] {
  const mnemonic = text.replace(/^((lock|bnd|data16|[c-gs]s|a16|a32|o16|o32) )+/, "");
  if (/^call/.test(mnemonic)) return "call";
  if (/^(ret|iret)/.test(mnemonic)) return "return";
  return /^rep/.test(mnemonic) ? "repeat" : "other";
}

function ppcKind(bytes: Uint8Array, order: "le" | "be"): Flow["kind"] {
  if (bytes.length < 4) return "other";
  const word = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, order === "le");
  const opcode = word >>> 26, xo = word >>> 1 & 0x3ff, links = (word & 1) !== 0;
  const branches = opcode === OPCODE.b || opcode === OPCODE.bc ||
    opcode === OPCODE.xl && (xo === XO.bclr || xo === XO.bcctr);
  if (!branches) return "other";
  if (links) return "call";
  return opcode === OPCODE.xl && xo === XO.bclr ? "return" : "other";
}

/** The stack pointer: rsp or esp (sp in its low half), r1. */
export function stackPointer({ registers }: VirtualCpu): bigint {
  const name = ["rsp", "esp", "sp", "r1"].find((one) => registers.has(one))!;
  return registers.get(name);
}

/** A register with what a function returned in it. */
export interface Result {
  readonly name: string;
  /** Unsigned. */
  readonly value: bigint;
  /** Bits. */
  readonly width: number;
}

/** Where functions return a value: rax, eax, r3. */
export function resultRegister({ registers }: VirtualCpu): Result {
  const name = ["rax", "eax", "ax", "r3"].find((one) => registers.has(one))!;
  const { value, width } = registers.list().find((one) => one.name === name)!;
  return { name, value, width };
}

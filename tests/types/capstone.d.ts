/** The part of Capstone's JavaScript build that the tests use: it carries no types. */
declare module "capstone" {
  export interface CapstoneInstruction {
    readonly mnemonic: string;
    readonly op_str: string;
    readonly size: number;
  }
  export interface Disassembler {
    /** Throws where the first bytes are no instruction. */
    disasm(bytes: Uint8Array | readonly number[], address: number, max?: number): CapstoneInstruction[];
    close(): void;
  }
  export interface CapstoneModule {
    readonly ARCH_PPC: number;
    readonly ARCH_X86: number;
    readonly MODE_16: number;
    readonly MODE_32: number;
    readonly MODE_64: number;
    readonly MODE_BIG_ENDIAN: number;
    readonly Capstone: new (arch: number, mode: number) => Disassembler;
  }
  export default function MCapstone(): Promise<CapstoneModule>;
}

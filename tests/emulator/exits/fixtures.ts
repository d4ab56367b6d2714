/** Exits to charge, for the tests of the ledger. */
import type { KeySpace, NativeReason } from "../../../emulator/engine/native_reason.ts";
import type { ExitSite } from "../../../emulator/exits/row.ts";

function native(id: number, reason: string, name: string, code: number, keySpace: KeySpace): NativeReason {
  return { id, reason, name, code, keySpace, source: "test" };
}

export const IO = native(0, "IO", "IO_INSTRUCTION", 30, "port");
export const VIOLATION = native(1, "MMIO", "EPT_VIOLATION", 48, "gpa");
export const MISCONFIG = native(2, "MMIO", "EPT_MISCONFIG", 49, "gpa");
export const VMCALL = native(3, "HYPERCALL", "VMCALL", 18, "hypercall");
export const HLT = native(4, "HLT", "HLT", 12, "none");

export const NATIVES = [IO, VIOLATION, MISCONFIG, VMCALL, HLT];

/** A place; by default at 0x1000 without a symbol. */
export function site(values: Partial<Omit<ExitSite, "symbol">> & { name?: string } = {}): ExitSite {
  const { name, ...rest } = values;
  return { pc: 0x1000n, instructions: 0, cycles: 0, vcpu: 0, symbol: () => name, ...rest };
}

/** A place that must not be looked at. */
export const UNREAD: ExitSite = {
  get pc(): bigint {
    throw new Error("pc was read");
  },
  get instructions(): number {
    throw new Error("instructions was read");
  },
  get cycles(): number {
    throw new Error("cycles was read");
  },
  vcpu: 0,
  symbol(): string {
    throw new Error("symbol was read");
  },
};

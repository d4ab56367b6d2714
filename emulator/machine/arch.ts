/** The two architectures as a VM sees them: modes, backends, memory map. The only file that knows both. */
import type { Backend } from "../engine/backend.ts";
import type { ByteOrder } from "../ir/ops.ts";
import type { InstructionEncoder } from "../isa/assembly.ts";
import type { Isa } from "../isa/isa.ts";
import { ppcEncoder } from "../ppc/encoder.ts";
import { ppcIsa } from "../ppc/isa.ts";
import { kvmHv } from "../ppc/kvm_hv.ts";
import { kvmPr } from "../ppc/kvm_pr.ts";
import { SLOT } from "../ppc/state.ts";
import { x86Encoder } from "../x86/encoder.ts";
import { x86Isa } from "../x86/isa.ts";
import { svm } from "../x86/svm.ts";
import { vmx } from "../x86/vmx.ts";
import type { DeviceSpace } from "./devices.ts";
import { ppcInterrupts } from "./ppc/interrupts.ts";
import type { InterruptUnit } from "./interrupts/unit.ts";
import { x86Interrupts } from "./x86/interrupts.ts";
import { PpcProcessor } from "./ppc/processor.ts";
import { ppcTraps } from "./ppc/traps.ts";
import { ppcDependsOn } from "./ppc/trap_words.ts";
import type { ArchTraps } from "./traps.ts";
import type { Vcpu } from "./vcpu.ts";
import type { Processor } from "./processor.ts";
import { X86Processor } from "./x86/processor.ts";
import { x86Traps } from "./x86/traps.ts";
import { x86DependsOn } from "./x86/trap_words.ts";

/** The architectures. */
export type ArchName = "x86" | "ppc";
/** Bits of a guest's mode: 16 is x86 real mode. */
export type ModeWidth = 16 | 32 | 64;

export interface Arch extends ArchTraps {
  readonly name: ArchName;
  readonly modes: readonly ModeWidth[];
  /** The one that a VM gets that asks for none; first the mode, then by mode the backend. */
  readonly defaultMode: ModeWidth;
  readonly backends: readonly Backend[];
  /** Byte orders of code and data; the first is what a VM gets that asks for none. */
  readonly orders: readonly ByteOrder[];
  isa(mode: ModeWidth, order: ByteOrder): Isa;
  encoder(mode: ModeWidth, order: ByteOrder): InstructionEncoder;
  /** What the architecture knows of a vCPU beside its traps. */
  processor(vcpu: Vcpu): Processor;
  /** Attaches an interrupt controller and its timer to the buses: by vCPU, for those that it serves. */
  interrupts(vcpus: readonly Vcpu[]): InterruptUnit[];
  /** Another vCPU executes after this one. */
  leave?(vcpu: Vcpu): void;
  /** One past the last port, or 0 where there is no port I/O. */
  readonly portLimit: number;
  deviceSpace(mode: ModeWidth): DeviceSpace;
  /** RAM slots for a size in bytes. */
  ram(mode: ModeWidth, size: number): readonly { name: string; gpa: number; size: number }[];
}

const KIB = 1024, MIB = 1024 * KIB;

/** Windows of devices in 32- and 64-bit guests: where PCs and pseries put 32-bit PCI memory, below the firmware. */
const HIGH_WINDOWS = { base: 0xfeb0_0000, size: MIB };
/** In real mode everything has to lie below 1 MiB: the option ROMs' place. */
const LOW_WINDOWS = { base: 0xd_0000, size: 64 * KIB };
/** First port that no classic PC device has. */
const FIRST_PORT = 0x1000;

const x86: Arch = {
  name: "x86",
  modes: [16, 32, 64],
  defaultMode: 64,
  backends: [vmx, svm],
  orders: ["le"],
  isa: (mode) => x86Isa(mode),
  encoder: (mode) => x86Encoder(mode),
  traps: x86Traps,
  dependsOn: x86DependsOn,
  processor: (vcpu) => new X86Processor(vcpu),
  interrupts: x86Interrupts,
  portLimit: 0x1_0000,
  deviceSpace: (mode) => ({ ports: FIRST_PORT, windows: mode === 16 ? LOW_WINDOWS : HIGH_WINDOWS }),
  ram(mode, size) {
    if (mode !== 16) return [{ name: "ram", gpa: 0, size }];
    // As on a PC: conventional memory below 640 KiB, a hole for adapters, the rest from 1 MiB.
    const low = { name: "ram", gpa: 0, size: Math.min(size, 640 * KIB) };
    return size > MIB ? [low, { name: "ram high", gpa: MIB, size: size - MIB }] : [low];
  },
};

const ppc: Arch = {
  name: "ppc",
  modes: [32, 64],
  defaultMode: 64,
  backends: [kvmHv, kvmPr],
  orders: ["be", "le"],
  isa: (mode, order) => ppcIsa(mode === 32 ? 32 : 64, order),
  encoder: (mode, order) => ppcEncoder(mode === 32 ? 32 : 64, order),
  traps: ppcTraps,
  dependsOn: ppcDependsOn,
  processor: (vcpu) => new PpcProcessor(vcpu),
  interrupts: ppcInterrupts,
  // It may store to what is reserved; losing a reservation is allowed at any time (2.07B Book II 1.7.4).
  leave: (vcpu) => vcpu.state.set64(SLOT.reserve, 0n),
  portLimit: 0,
  deviceSpace: () => ({ ports: undefined, windows: HIGH_WINDOWS }),
  ram: (_mode, size) => [{ name: "ram", gpa: 0, size }],
};

export const ARCHES: Readonly<Record<ArchName, Arch>> = { x86, ppc };

/** The architecture of that name. Throws `RangeError` for another one. */
export function archOf(name: string): Arch {
  if (name === "x86" || name === "ppc") return ARCHES[name];
  throw new RangeError(`there is no architecture ${name}: there are x86 and ppc`);
}

/** The backend of that name, or the architecture's first one that runs the mode. Throws `RangeError` with the reason. */
export function backendOf(arch: Arch, mode: ModeWidth, name?: string): Backend {
  if (name === undefined) return arch.backends.find((backend) => backend.modes.includes(mode))!;
  const backend = arch.backends.find((one) => one.name === name);
  const names = arch.backends.map((one) => one.name).join(" and ");
  if (!backend) throw new RangeError(`there is no backend ${name} for ${arch.name}: there are ${names}`);
  if (!backend.modes.includes(mode)) {
    throw new RangeError(
      `${name} runs no ${mode}-bit ${arch.name} guest: it runs ${backend.modes.join("- and ")}-bit ones`,
    );
  }
  return backend;
}

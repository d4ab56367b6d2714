/**
 * What of the processor's mode an instruction's meaning depends on. SDM vol. 3A, 3.4.5 (D, B and L flags), 5.3, 20.1
 * and 21.1 (8086 emulation).
 *
 * | name | code | stack | selectors | segments |
 * |---|---|---|---|---|
 * | `x86-16` | 16 | 16 | real | base and a limit of ffff |
 * | `x86-16v` | 16 | 16 | virtual-8086 | base and limits |
 * | `x86-16p` | 16 | 16 | protected | base and limits |
 * | `x86-16p-ss32` | 16 | 32 | protected | base and limits |
 * | `x86-32` | 32 | 32 | protected | flat, but for fs and gs |
 * | `x86-32s` | 32 | 32 | protected | base and limits |
 * | `x86-32s-ss16` | 32 | 16 | protected | base and limits |
 * | `x86-64` | 64 | 64 | protected | bases of fs and gs, no limits |
 */
import type { Mode } from "./registers.ts";

export interface Variant {
  /** Default operand and address size: D and L of the code segment. */
  readonly mode: Mode;
  /** Width of the stack pointer: B of the stack segment. */
  readonly stack: Mode;
  /** What loading a selector does: it is a base, or names a descriptor. */
  readonly selectors: "real" | "virtual-8086" | "protected";
  /** Bases of es, cs, ss and ds are 0 and their limits 4 GiB: nothing is added or checked. */
  readonly flat: boolean;
}

/** By the name of the `Isa`. */
const VARIANTS = {
  "x86-16": { mode: 16, stack: 16, selectors: "real", flat: false },
  "x86-16v": { mode: 16, stack: 16, selectors: "virtual-8086", flat: false },
  "x86-16p": { mode: 16, stack: 16, selectors: "protected", flat: false },
  "x86-16p-ss32": { mode: 16, stack: 32, selectors: "protected", flat: false },
  "x86-32": { mode: 32, stack: 32, selectors: "protected", flat: true },
  "x86-32s": { mode: 32, stack: 32, selectors: "protected", flat: false },
  "x86-32s-ss16": { mode: 32, stack: 16, selectors: "protected", flat: false },
  "x86-64": { mode: 64, stack: 64, selectors: "protected", flat: true },
} as const satisfies Readonly<Record<string, Variant>>;

export type VariantName = keyof typeof VARIANTS;

export const VARIANT_NAMES = Object.keys(VARIANTS) as readonly VariantName[];

export function variantNamed(name: VariantName): Variant {
  return VARIANTS[name];
}

/** The name of a variant. Throws RangeError for one that is not in the table. */
export function variantName(variant: Variant): VariantName {
  const { mode, stack, selectors, flat } = variant;
  const found = VARIANT_NAMES.find((name) => {
    const one: Variant = VARIANTS[name];
    return one.mode === mode && one.stack === stack && one.selectors === selectors && one.flat === flat;
  });
  if (found === undefined) {
    throw new RangeError(
      `there is no ${
        flat ? "flat " : ""
      }${mode}-bit code with a ${stack}-bit stack and ${selectors} selectors`,
    );
  }
  return found;
}

/** Real mode, flat 32-bit mode or 64-bit mode: what an assembler's mode stands for. */
export function usualVariant(mode: Mode): Variant {
  return VARIANTS[`x86-${mode}`];
}

/** Whether every access is checked against the limits that the segment registers hold. */
export function isChecked({ selectors, flat }: Variant): boolean {
  return !flat && selectors !== "real";
}

/** Every executor that instruction cases run on. */
import type { Isa } from "../../emulator/isa/isa.ts";
import { ppcIsa } from "../../emulator/ppc/isa.ts";
import { x86IsaOf } from "../../emulator/x86/isa.ts";
import { VARIANT_NAMES, variantNamed } from "../../emulator/x86/variant.ts";
import type { CaseDriver } from "./cases.ts";
import { engineDriver } from "./engine_driver.ts";
import { oracleDriver } from "./oracle_driver.ts";

export type Arch = "x86" | "ppc";

const ISAS: Readonly<Record<Arch, () => readonly Isa[]>> = {
  x86: () => VARIANT_NAMES.map((name) => x86IsaOf(variantNamed(name))),
  ppc: () => [ppcIsa(32), ppcIsa(64), ppcIsa(32, "le"), ppcIsa(64, "le")],
};

/** The executors of one mode: the oracle, the interpreter, and a region of the instruction alone. */
export function executorsOf(isa: Isa): CaseDriver[] {
  return [oracleDriver(isa), engineDriver(isa, "interpreter"), engineDriver(isa, "region")];
}

/** The executors of one architecture, so that a case may call its modes by their widths. */
export function driversOf(arch: Arch): CaseDriver[] {
  return ISAS[arch]().flatMap(executorsOf);
}

/** How loads and stores of every kind form their address (Power ISA 2.07B Book I 1.10.2). */
import type { ByteOrder, Ops, Value } from "../ir/ops.ts";
import type { FieldReader, Variant } from "./definition.ts";
import type { Operands } from "./operands.ts";

/** How an address is written: displacement (D- or DS-form) or index (X-form), with update or without. */
export type AddressMode = "D" | "DS" | "X" | "Du" | "DSu" | "Xu";

const ADDRESS = {
  D: { pattern: "RA0 D", syntax: "D(RA0)" },
  DS: { pattern: "RA0 DS", syntax: "DS(RA0)" },
  X: { pattern: "RA0 RB", syntax: "RA0, RB" },
  Du: { pattern: "RA D", syntax: "D(RA)" },
  DSu: { pattern: "RA DS", syntax: "DS(RA)" },
  Xu: { pattern: "RA RB", syntax: "RA, RB" },
} as const;

/** EA <- (RA|0) + displacement or (RB). */
export function effectiveAddress<V extends Value>(b: Ops<V>, operands: Operands<V>, mode: AddressMode): V {
  const { RA, RA0, RB, D, DS } = operands;
  const base = (mode.endsWith("u") ? RA : RA0).read(b);
  if (mode.startsWith("X")) return b.add(base, RB.read(b));
  return b.add(base, (mode.startsWith("DS") ? DS : D).read(b));
}

/** EA <- (RA|0) + (RB): all that most X-form instructions have. */
export function indexed<V extends Value>(b: Ops<V>, { RA0, RB }: Operands<V>): V {
  return b.add(RA0.read(b), RB.read(b));
}

/** The cells of an instruction: D-form has no extended opcode, the others have one; X-form ends by `/`. */
export function addressCells(
  target: "RT" | "RS" | "FRT" | "FRS",
  mode: AddressMode,
  opcode: number,
  extended: number | undefined,
) {
  const form = mode.replace("u", "");
  const tail = extended === undefined ? "" : ` ${extended}` + (form === "X" ? " /1" : "");
  return {
    pattern: `${form}-form: ${opcode} ${target} ${ADDRESS[mode].pattern}${tail}`,
    syntax: `${target}, ${ADDRESS[mode].syntax}`,
  };
}

/** The order of bytes of an access: the guest's, or the other one. */
export function orderOf({ order }: Variant, reversed = false): ByteOrder {
  return (order === "be") === reversed ? "le" : "be";
}

/** With update, RA=0 is an invalid form. */
export function updateInvalid(field: FieldReader): string | undefined {
  return field("RA") === 0 ? "RA=0 is invalid with update" : undefined;
}

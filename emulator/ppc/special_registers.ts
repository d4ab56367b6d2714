/** Special-purpose registers by number: what a `mfspr` or `mtspr` trap is about. */
import { SLOT } from "./state.ts";

/** Who may use a register: any program, supervisor state, or hypervisor state alone. */
export type SprAccess = "user" | "supervisor" | "hypervisor";

export interface SpecialRegister {
  readonly name: string;
  readonly access: SprAccess;
  /** Where it is kept; a register without a slot has a meaning of its own (the timebase). */
  readonly slot?: number;
  readonly readOnly?: boolean;
}

const spr = (name: keyof typeof SLOT, access: SprAccess): SpecialRegister => ({
  name,
  access,
  slot: SLOT[name],
});

/** Power ISA 2.07B Book III-S 4.4.4; the same numbers on 32-bit implementations. */
export const SPECIAL_REGISTERS: ReadonlyMap<number, SpecialRegister> = new Map<number, SpecialRegister>([
  // XER is kept in parts, and these three are never trapped.
  [1, { name: "xer", access: "user" }],
  [8, spr("lr", "user")],
  [9, spr("ctr", "user")],
  [18, spr("dsisr", "supervisor")],
  [19, spr("dar", "supervisor")],
  [22, spr("dec", "supervisor")],
  [26, spr("srr0", "supervisor")],
  [27, spr("srr1", "supervisor")],
  [259, { ...spr("sprg3", "user"), readOnly: true }],
  [268, { name: "tb", access: "user", readOnly: true }],
  [269, { name: "tbu", access: "user", readOnly: true }],
  [272, spr("sprg0", "supervisor")],
  [273, spr("sprg1", "supervisor")],
  [274, spr("sprg2", "supervisor")],
  [275, spr("sprg3", "supervisor")],
  [284, { name: "tbl", access: "hypervisor" }],
  [285, { name: "tbu", access: "hypervisor" }],
  [287, { ...spr("pvr", "supervisor"), readOnly: true }],
]);

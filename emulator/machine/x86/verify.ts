/** LAR, LSL, VERR, VERW: whether a selector could be used. SDM vol. 2A and 2C, by mnemonic. */
import { STATUS } from "../../engine/host.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import {
  type Descriptor,
  isCode,
  isConforming,
  isReadable,
  isWritable,
  lookUpIfThere,
} from "./descriptors.ts";
import { isLong, privilegeOf } from "./mode.ts";
import { guarded } from "./protected.ts";

/** System types that LAR and LSL know. SDM vol. 2A, tables 3-53 and 3-56. */
const RIGHTS = { legacy: new Set([1, 2, 3, 4, 5, 9, 11, 12]), long: new Set([2, 9, 11, 12]) };
const LIMITS = { legacy: new Set([1, 2, 3, 9, 11]), long: new Set([2, 9, 11]) };
const FOUND = 1n << 63n;

function isOpen(vcpu: Vcpu, selector: number, found: Descriptor): boolean {
  return isConforming(found) || found.privilege >= Math.max(privilegeOf(vcpu.state), selector & 3);
}

/** Bit 63 of the result is ZF, the low half the value. */
function asking(answer: (vcpu: Vcpu, found: Descriptor) => number | undefined): ArchTrap {
  return guarded((vcpu) => {
    const selector = vcpu.argument(0) & 0xffff, found = lookUpIfThere(vcpu, selector);
    const value = found && isOpen(vcpu, selector, found) ? answer(vcpu, found) : undefined;
    vcpu.answer(value === undefined ? 0n : FOUND | BigInt(value));
    return STATUS.proceed;
  });
}

function knows(types: typeof RIGHTS, vcpu: Vcpu, { system, type }: Descriptor): boolean {
  return !system || types[isLong(vcpu.state) ? "long" : "legacy"].has(type);
}

export const verifyTraps: Readonly<Record<string, ArchTrap>> = {
  lar: asking((vcpu, found) =>
    knows(RIGHTS, vcpu, found) ? Number(found.bits >> 32n & 0x00f0_ff00n) : undefined
  ),
  lsl: asking((vcpu, found) => knows(LIMITS, vcpu, found) ? found.limit : undefined),
  verr: asking((_vcpu, found) => isReadable(found) ? 0 : undefined),
  verw: asking((_vcpu, found) => isWritable(found) && !isCode(found) ? 0 : undefined),
};

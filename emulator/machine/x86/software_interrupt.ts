/** INT n, INT1, INT3, INTO. SDM vol. 2A, INT n. */
import type { ArchTrap } from "../traps.ts";
import { offenderOf } from "../unimplemented.ts";
import { EXCEPTION } from "./fault.ts";
import { deliver } from "./protected.ts";

/** Opcode of INT1, which counts as a hardware exception where INT n with n = 1 does not. */
const INT1 = 0xf1;

export const interruptTraps: Readonly<Record<string, ArchTrap>> = {
  interrupt(vcpu) {
    const vector = vcpu.argument(0);
    const kind = vector === EXCEPTION.DB && offenderOf(vcpu).bytes.at(-1) === INT1 ? "trap" : "software";
    return deliver(vcpu, { vector, kind });
  },
};

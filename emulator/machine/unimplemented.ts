/** The one wording of "this version does not have that": what, the instruction's bytes, where, in which mode. */
import { PHYSICAL_LIMIT } from "./memory_path.ts";
import type { StopDetail } from "./stop.ts";
import type { Vcpu } from "./vcpu.ts";

/** The instruction that cannot be executed. */
export interface Offender {
  /** As far as they are known. */
  readonly bytes: Uint8Array;
  /** As the program counter has it: in x86 real mode an offset into the code segment. */
  readonly pc: bigint;
  /** Name of the ISA, e.g. `"x86-64"`. */
  readonly mode: string;
}

/** The stop for `what`; `sentence` says it in the message where `what` alone is not enough. */
export function unimplemented({ bytes, pc, mode }: Offender, what: string, sentence = what): StopDetail {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const message = `${sentence} (bytes ${hex || "unknown"} at 0x${pc.toString(16)}, mode ${mode})`;
  return { reason: "UNIMPLEMENTED", bytes, mode, what, message };
}

/** The instruction whose trap is at hand; no bytes where its memory has gone (a device may take a slot away). */
export function offenderOf({ board: { memory }, isa, pc, nextPc, code }: Vcpu): Offender {
  const bits = isa.pcWidth ?? isa.addressWidth;
  // The difference wraps with the program counter: an instruction may end at its last address.
  const length = Number(BigInt.asUintN(bits, nextPc - pc));
  const at = code.addressOf(pc);
  const known = length <= isa.maxLength && at < BigInt(PHYSICAL_LIMIT) && memory.holds(at, length);
  return { bytes: known ? memory.read(at, length) : new Uint8Array(), pc, mode: isa.name };
}

/** A processor that stays in its mode and translates nothing. */
import type { Processor } from "./processor.ts";
import type { Vcpu } from "./vcpu.ts";

export function oneMode(vcpu: Vcpu): Processor {
  const { isa } = vcpu;
  return {
    isa: () => isa,
    raise: () => vcpu.stopAgain({ reason: "INTERNAL_ERROR", message: "nothing is translated" }),
    invalidInstruction: () => undefined,
  };
}

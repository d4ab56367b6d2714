/** One operation's exits and cycles in words, with the profile that they were charged under. */
import { type StageCycles, STAGES } from "../../emulator/exits/stages.ts";
import { type Cost, type CostPart, STAGE_NAMES } from "../commands/support/measure.ts";
import { hex } from "./hexdump.ts";

/** `1200 world switch + 366 dispatch`; stages that cost nothing are left out. */
export function stageSum(cycles: StageCycles): string {
  const terms = STAGES.filter((stage) => cycles[stage] !== 0).map((stage) =>
    `${cycles[stage]} ${STAGE_NAMES[stage]}`
  );
  return terms.length === 0 ? "0" : terms.join(" + ");
}

/** `HYPERCALL (VMCALL 18) hypercall 0x1 out` */
export function exitName(
  part: Pick<CostPart, "reason" | "native" | "code" | "keySpace" | "key" | "direction">,
): string {
  const key = part.keySpace === "none" ? "" : ` ${part.keySpace} ${part.key < 0 ? "others" : hex(part.key)}`;
  const direction = part.direction === "none" ? "" : ` ${part.direction}`;
  return `${part.reason} (${part.native} ${part.code > 255 ? hex(part.code) : part.code})${key}${direction}`;
}

/** The lines for an operation: its exits, one to a line, and the profile under them. */
export function costLines(cost: Cost): string[] {
  if (cost.exits === 0) return ["no exits"];
  const lines = cost.parts.map((part) => {
    const times = part.exits === 1 ? "" : ` x ${part.exits}`;
    const more = part.accesses === part.exits ? "" : `, ${part.accesses} accesses`;
    return `${exitName(part)}${times}${more}: ${part.cycles.total} cycles = ${stageSum(part.cycles)}`;
  });
  if (cost.parts.length > 1) {
    lines.push(`${cost.exits} exits: ${cost.cycles.total} cycles = ${stageSum(cost.cycles)}`);
  }
  return [...lines, provenanceLine(cost)];
}

/** Which profile priced the exits, and where each stage's figure is from. */
export function provenanceLine({ profile, provenance }: Pick<Cost, "profile" | "provenance">): string {
  const said = Object.entries(provenance).map(([kind, names]) => `${names.join(", ")} ${kind}`);
  const figures = said.length === 0 ? "no figure is used" : said.join("; ");
  return `cycles by profile ${profile.name}: ${figures} ("profile" names the sources)`;
}

/** `what-if`: the exits that happened, priced otherwise. */
import { object } from "@optique/core/constructs";
import { type FigureChange, stageWeights, withFigures } from "../../emulator/exits/what_if.ts";
import { stageProvenance } from "../../emulator/exits/provenance.ts";
import { PRICED_STAGES, type PricedStage } from "../../emulator/exits/stages.ts";
import { UserError } from "../errors.ts";
import { defineCommand } from "../command.ts";
import { type WhatIfData, whatIfLines } from "../reports/what_if_table.ts";
import type { Session } from "../session.ts";
import { words } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";
import { findProfile, namesOfProfiles } from "./support/profiles.ts";

/** `STAGE=CYCLES`, or `REASON.STAGE=CYCLES`. */
function changeOf(session: Session, text: string): FigureChange {
  const [name, value] = text.split("=", 2);
  const [stage, reason] = name.split(".").reverse() as [PricedStage, string | undefined];
  const known = PRICED_STAGES.find((one) => one.toLowerCase() === stage.toLowerCase());
  if (value === undefined || known === undefined) {
    throw new UserError(
      `${text} is no STAGE=CYCLES: the stages are ${
        PRICED_STAGES.join(", ")
      }; MMIO.decode=0 is of one reason only`,
    );
  }
  const reasons = new Set(session.exits.aggregates().map(({ native }) => native.reason));
  const wanted = reason?.toUpperCase();
  if (wanted !== undefined && !reasons.has(wanted)) {
    throw new UserError(`The ledger holds no ${wanted} exits: it holds ${[...reasons].join(", ") || "none"}`);
  }
  return {
    stage: known,
    ...(wanted !== undefined && { reason: wanted }),
    cycles: numberOf(session, value, "cycles", 0, 2 ** 40),
  };
}

export const whatIf = defineCommand({
  name: "what-if",
  group: "exits",
  summary:
    "show what the exits would cost otherwise: which stage matters most, other profiles, other figures",
  description:
    `what-if alone shows what each stage of each reason weighs (times: cycles that the total grows by for each cycle more
that it costs), and the total under every profile of the architecture. STAGE=CYCLES (worldSwitch, dispatch, decode,
userspace), or REASON.STAGE=CYCLES, puts a figure of yours in the profile's place. Nothing is run again; a guest
that has read its clock is refused, since it may have gone another way.`,
  grammar: object({ changes: words("STAGE=CYCLES") }),
  examples: [
    { line: "what-if", after: ["arch x86", "out.b 0x80 1"], shows: "tsirkin-2013" },
    {
      line: "what-if MMIO.decode=0",
      after: ["arch x86", "open echo via mmio", "call 1 0x2a"],
      shows: "what-if",
    },
  ],
  complete: () => PRICED_STAGES.map((stage) => `${stage}=`),
  async run(session, { changes }): Promise<WhatIfData> {
    const { exits } = session;
    if (exits.count === 0) throw new UserError("The ledger holds no exits: run something first");
    const wanted = changes.map((text) => changeOf(session, text));
    const profiles = [exits.profile];
    if (wanted.length > 0) profiles.push(withFigures(exits.profile, wanted));
    else {
      for (const name of await namesOfProfiles(session.vm.arch)) {
        if (name !== exits.profile.name) profiles.push(await findProfile(name));
      }
    }
    return {
      exits: exits.count,
      weights: stageWeights(exits),
      totals: profiles.map((profile) => {
        const priced = exits.reprice(profile);
        return {
          profile: profile.name,
          title: profile.title,
          cycles: priced.totals().cycles,
          provenance: stageProvenance(profile, priced.aggregates()),
        };
      }),
      changes: wanted,
    };
  },
  print: (data) => whatIfLines(data).join("\n"),
});

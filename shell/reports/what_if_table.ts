/** What exits would cost otherwise, as tables. */
import type { StageProvenance } from "../../emulator/exits/provenance.ts";
import type { StageCycles } from "../../emulator/exits/stages.ts";
import type { FigureChange, StageWeight } from "../../emulator/exits/what_if.ts";
import { STAGE_NAMES } from "../commands/support/measure.ts";
import { originText } from "./exit_table.ts";
import { table } from "./table.ts";

/** A ledger's exits, priced by several profiles. */
export interface WhatIfData {
  readonly exits: number;
  readonly weights: readonly StageWeight[];
  /** The profile that they were charged by first. */
  readonly totals: readonly {
    readonly profile: string;
    readonly title: string;
    readonly cycles: StageCycles;
    /** Where the figures behind them are from. */
    readonly provenance: StageProvenance;
  }[];
  /** What the second one has otherwise, if it is no profile of its own. */
  readonly changes: readonly FigureChange[];
}

/** Two tables: what each stage weighs, and the totals. */
export function whatIfLines({ exits, weights, totals, changes }: WhatIfData): string[] {
  const [charged] = totals;
  const stages = table<StageWeight>([
    { title: "exit", value: ({ reason }) => reason },
    { title: "stage", value: ({ stage }) => STAGE_NAMES[stage] },
    { title: "times", value: ({ times }) => times },
    { title: "cycles", value: ({ cycles }) => cycles },
    { title: "share", value: ({ share }) => `${(100 * share).toFixed(2)}%`, right: true },
  ], weights);
  const against = (cycles: number) =>
    charged.cycles.total === 0 ? "-" : `${(cycles / charged.cycles.total).toFixed(3)}x`;
  const priced = table<WhatIfData["totals"][number]>([
    { title: "profile", value: ({ profile }) => profile },
    { title: "switch", value: ({ cycles }) => cycles.worldSwitch },
    { title: "dispatch", value: ({ cycles }) => cycles.dispatch },
    { title: "decode", value: ({ cycles }) => cycles.decode },
    { title: "userspace", value: ({ cycles }) => cycles.userspace },
    { title: "device", value: ({ cycles }) => cycles.device },
    { title: "total", value: ({ cycles }) => cycles.total },
    { title: "", value: ({ cycles }) => against(cycles.total), right: true },
  ], totals);
  const said = changes.map(({ reason, stage, cycles }) =>
    `${reason === undefined ? "" : `${reason} `}${STAGE_NAMES[stage]} ${cycles}`
  );
  return [
    ...stages,
    "",
    ...priced,
    "",
    ...totals.map(({ profile, provenance }) => `${profile}: ${originText(provenance, false)}`),
    "",
    `${exits} exit${exits === 1 ? "" : "s"}, charged by ${charged.profile}; nothing was run again`,
    ...(said.length === 0 ? [] : [`what-if: ${said.join(", ")}, a figure of yours`]),
  ];
}

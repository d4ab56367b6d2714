/** A cost profile as tables: what each stage costs and where the figure is from, and the rows it is held against. */
import type { CostProfile, Figure, StageFigures } from "../../emulator/exits/profile.ts";
import { PRICED_STAGES, type PricedStage } from "../../emulator/exits/stages.ts";
import { table } from "./table.ts";

export interface FigureRow {
  /** Canonical exit reason; `default` for those without figures of their own. */
  readonly reason: string;
  readonly direction: "any" | "in" | "out";
  readonly stage: PricedStage;
  readonly cycles: number;
  /** `published`, `calibrated` or `assumed`, with `, unverified` where the source was not read again. */
  readonly provenance: string;
  readonly note?: string;
}

export interface PublishedFigure {
  readonly row: string;
  /** What the source prints. */
  readonly published: number;
  /** What the profile gives. */
  readonly profile: number;
  /** Percent by which the profile is off. */
  readonly error: number;
  readonly usedFor: "calibration" | "prediction";
  readonly source: string;
}

export interface ProfileData {
  readonly name: string;
  readonly title: string;
  readonly arch: "x86" | "ppc";
  readonly source: string;
  /** Ticks a second of what a cycle is, and where that figure is from. */
  readonly hz: number;
  readonly hzProvenance: string;
  readonly figures: readonly FigureRow[];
  readonly published: readonly PublishedFigure[];
  readonly notes: readonly string[];
}

const provenanceOf = (figure: Figure) =>
  figure.provenance + (figure.unverified === true ? ", unverified" : "");

/** Everything that a report says of a profile. */
export function profileData(profile: CostProfile): ProfileData {
  const { name, title, arch, data } = profile;
  const figures: FigureRow[] = [];
  const take = (reason: string, direction: FigureRow["direction"], stages: StageFigures | undefined) => {
    for (const stage of PRICED_STAGES) {
      const figure = stages?.[stage];
      if (figure === undefined) continue;
      const { cycles, note } = figure;
      const provenance = provenanceOf(figure);
      figures.push({ reason, direction, stage, cycles, provenance, ...(note !== undefined && { note }) });
    }
  };
  for (const [reason, stages] of Object.entries(data.stages)) {
    take(reason, "any", stages);
    take(reason, "in", stages.in);
    take(reason, "out", stages.out);
  }
  const published = data.published.map((row) => {
    const given = profile.predict(row);
    const error = Math.round((given / row.cycles - 1) * 1000) / 10;
    const source = row.source + (row.unverified === true ? " (unverified)" : "");
    return { row: row.row, published: row.cycles, profile: given, error, usedFor: row.usedFor, source };
  });
  return {
    name,
    title,
    arch,
    source: data.source,
    hz: profile.cyclesHz,
    hzProvenance: (data.coreHz ?? data.tscHz)?.provenance ?? "assumed",
    figures,
    published,
    notes: data.notes ?? [],
  };
}

export function profileLines(data: ProfileData): string[] {
  const lines = [
    `${data.name}: ${data.title}`,
    `${data.arch}, ${data.hz} cycles a second (${data.hzProvenance}); source: ${data.source}`,
    ...data.notes.map((note) => `  ${note}`),
    "",
    ...table<FigureRow>([
      { title: "exit", value: (row) => row.reason },
      { title: "direction", value: (row) => row.direction },
      { title: "stage", value: (row) => row.stage },
      { title: "cycles", value: (row) => row.cycles },
      { title: "provenance", value: (row) => row.provenance },
    ], data.figures),
  ];
  if (data.published.length === 0) return [...lines, "", "nothing published is known to hold it against"];
  return [
    ...lines,
    "",
    ...table<PublishedFigure>([
      { title: "row", value: (row) => row.row },
      { title: "published", value: (row) => row.published },
      { title: "profile", value: (row) => row.profile },
      { title: "error", value: (row) => `${row.error.toFixed(1)}%`, right: true },
      { title: "used for", value: (row) => row.usedFor },
      { title: "source", value: (row) => row.source },
    ], data.published),
  ];
}

/** Where the cycles of a report are from. */
import type { Cost } from "../../mod.ts";

/** By profile, in the order in which they come, what is published, calibrated and assumed in these costs. */
export function figuresByProfile(
  costs: readonly Pick<Cost, "profile" | "provenance">[],
): { name: string; source: string; figures: string }[] {
  const profiles = new Map<string, { source: string; kinds: Map<string, Set<string>> }>();
  for (const { profile: { name, source }, provenance } of costs) {
    const one = profiles.get(name) ?? { source, kinds: new Map() };
    profiles.set(name, one);
    for (const [kind, names] of Object.entries(provenance)) {
      one.kinds.set(kind, new Set([...one.kinds.get(kind) ?? [], ...names]));
    }
  }
  return [...profiles].map(([name, { source, kinds }]) => {
    return {
      name,
      source,
      figures: [...kinds].map(([kind, names]) => `${[...names].join(", ")} ${kind}`).join("; "),
    };
  });
}

/** The same as lines, with the profiles' sources. */
export function provenanceLines(costs: readonly Pick<Cost, "profile" | "provenance">[]): string[] {
  return figuresByProfile(costs).map(({ name, source, figures }) => `${name}: ${figures}; source: ${source}`);
}

/** A ledger's entries as `assertExits` expects them. */
import type { Session } from "../session.ts";

/** A line of TypeScript for each aggregate; keys in hexadecimal. */
export function tabulateExitsForAssertion(exits: Session["exits"]): string[] {
  return exits.aggregates().map(({ native, reason, key, direction, handledIn, count, cycles }) => {
    const parts = [
      `reason: ${JSON.stringify(reason)}`,
      `native: ${JSON.stringify(native.name)}`,
      ...(key >= 0 ? [`key: 0x${key.toString(16)}`] : []),
      `direction: ${JSON.stringify(direction)}`,
      `handledIn: ${JSON.stringify(handledIn)}`,
      `count: ${count}`,
      `cycles: ${cycles.total}`,
    ];
    return `{ ${parts.join(", ")} }`;
  });
}

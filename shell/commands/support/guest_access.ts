/** The access that `in`, `out` and `hypercall` make: by a stub of guest code, so that its exit is an exit. */
import type { Session } from "../../session.ts";
import { type Cost, measure } from "./measure.ts";

export interface AccessData {
  /** The command's own words for what was done, e.g. `in.b 0x71`. */
  readonly access: string;
  /** What came back, for an access that reads. */
  readonly value?: bigint;
  readonly cost: Cost;
}

/** Does `work` and says what it cost. */
export async function access(
  session: Session,
  name: string,
  work: () => Promise<bigint | void>,
): Promise<AccessData> {
  const { result, cost } = await measure(session, session.vm, work);
  return { access: name, ...(result !== undefined && { value: result }), cost };
}

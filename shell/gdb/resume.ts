/** What GDB asks the vCPUs to do until the next stop. GDB manual, "Packets": vCont, c, C, s, S. */
import { numberOfHex } from "./hex.ts";
import { parseThreadId } from "./threads.ts";

/** What one vCPU is to do. */
export type Action =
  | { readonly kind: "continue" }
  | { readonly kind: "step" }
  /** Step on while the program counter is in a range. */
  | { readonly kind: "range"; readonly from: bigint; readonly to: bigint };

/** By vCPU; one that has nothing to do stands still. */
export type Plan = ReadonlyMap<number, Action>;

/** What `vCont?` is answered. Signals, which no vCPU can be given, are taken and passed over. */
export const SUPPORTED = "vCont;c;C;s;S;r";

const CONTINUE: Action = { kind: "continue" }, STEP: Action = { kind: "step" };

/** The plan of `;c`, `;s:1;c` and the like; undefined for what is none. Of several actions for a vCPU the first counts. */
export function parsePlan(text: string, count: number): Plan | undefined {
  const plan = new Map<number, Action>();
  const parts = text.split(";").slice(1);
  if (parts.length === 0) return undefined;
  for (const part of parts) {
    const [word, thread, ...more] = part.split(":");
    const action = parseAction(word), id = parseThreadId(thread ?? "-1", count);
    if (!action || !id || more.length > 0) return undefined;
    const indices = id.kind === "one" ? [id.index] : Array.from({ length: count }, (_, i) => i);
    for (const index of indices) if (!plan.has(index)) plan.set(index, action);
  }
  return plan;
}

function parseAction(word: string): Action | undefined {
  if (/^(?:c|C[0-9a-f]{2})$/.test(word)) return CONTINUE;
  if (/^(?:s|S[0-9a-f]{2})$/.test(word)) return STEP;
  const range = /^r([0-9a-f]+),([0-9a-f]+)$/i.exec(word);
  const from = range && numberOfHex(range[1]), to = range && numberOfHex(range[2]);
  return typeof from === "bigint" && typeof to === "bigint" ? { kind: "range", from, to } : undefined;
}

/** The plan of a plain `c` or `s`: one vCPU does it; the others, if it is not alone, go on. */
export function plainPlan(kind: "continue" | "step", index: number | undefined, count: number): Plan {
  const plan = new Map<number, Action>();
  for (let i = 0; i < count; i++) plan.set(i, CONTINUE);
  if (kind === "step") plan.set(index ?? 0, STEP);
  return plan;
}

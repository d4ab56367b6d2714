/**
 * The verdict on the May 2009 thread "[RFC PATCH 0/3] generic hypercall support" (Gregory Haskins, Anthony Liguori): twelve
 * claims and three conditions, each with numbers that this run measured over {architecture, hypervisor, vehicle, kernel or
 * userspace}.
 *
 *     trapsh run scripts/haskins.ts [--json | --svg FILE | --svg -]
 *
 * Every number is of guest code that ran and trapped. Cycles are as good as their profile, whose figures' origins are
 * printed with them: of PowerPC all are assumed, so that only exits, bytes and who decodes count as evidence there.
 */
import { type ScriptContext, standalone } from "../mod.ts";
import { accessClaims } from "./haskins/access_claims.ts";
import { conditions } from "./haskins/conditions.ts";
import { instructionClaims } from "./haskins/instruction_claims.ts";
import { Lab } from "./haskins/lab.ts";
import { matrix } from "./haskins/matrix.ts";
import { ringClaims } from "./haskins/ring_claims.ts";
import { asSvg } from "./haskins/svg.ts";
import { asText } from "./haskins/text.ts";
import type { Verdict } from "./haskins/verdict.ts";

/** Measures everything. */
export async function measureVerdict(): Promise<Verdict> {
  const lab = new Lab();
  const whole = await matrix(lab);
  const findings = [
    ...await accessClaims(lab, whole.cells),
    ...await instructionClaims(lab),
    ...await ringClaims(lab),
    ...conditions(whole),
  ];
  return { ...whole, findings, provenance: lab.provenance() };
}

/** Prints the verdict. */
export default async function haskins({ args, json, out }: ScriptContext): Promise<void> {
  const at = args.indexOf("--svg"), file = args[at + 1];
  if (at >= 0 && file === undefined) throw new RangeError("--svg wants a file, or - for standard output");
  const verdict = await measureVerdict();
  if (json) return void out.write(`${JSON.stringify(verdict, null, 2)}\n`);
  if (at < 0) return void out.write(asText(verdict));
  if (file === "-") return void out.write(asSvg(verdict));
  await Deno.writeTextFile(file, asSvg(verdict));
  out.write(`${file}: ${verdict.cells.length} cells, ${verdict.findings.length} findings\n`);
}

if (import.meta.main) await standalone(haskins);

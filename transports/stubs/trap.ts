/** The lines that make a hypercall, once number and arguments are where its ABI wants them. */
import type { HypercallAbi } from "../abi.ts";

/** The hypercall page's address as the stub's code knows it, where the ABI has one. */
export type PageAddress = bigint | undefined;

/** The instructions of an ABI's trap. A page's are called: by rax in 64-bit code, which no ABI passes anything in. */
export function trapLines(
  abi: HypercallAbi,
  number: number,
  mode: 16 | 32 | 64,
  page: PageAddress,
): string[] {
  const { entry, trap } = abi;
  if (entry.by === "instructions") return trap.split(";").map((line) => line.trim());
  if (page === undefined) throw new TypeError(`${abi.name} is called by a page`);
  const target = page + BigInt(number * entry.stride);
  return mode === 64 ? [`mov rax, ${target}`, "call rax"] : [`call ${target}`];
}

/** What tells stubs apart whose trap differs. */
export function trapName(abi: HypercallAbi, number: number, page: PageAddress): string {
  if (abi.entry.by === "instructions") return "";
  return `_${abi.entry.stride > 0 ? `${number}_` : ""}${page?.toString(16)}`;
}

/** The registers' low halves, as 32-bit x86 code sets them: a pair's high half is 0. */
export function loadNarrow(register: string, source: string): string[] {
  const [high, low] = register.split(":");
  if (low !== undefined) return [`mov ${high}, 0`, `mov ${low}, ${source}`];
  const narrow = /^r\d+$/.test(register) ? `${register}d` : register.replace(/^r/, "e");
  return [`mov ${narrow}, ${source}`];
}

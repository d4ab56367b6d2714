/** What `by` may say in commands about exits. */
import type { ExitTableBy } from "../../../emulator/exits/tabulate.ts";

export const GROUPINGS = [
  "exit",
  "reason",
  "port",
  "gpa",
  "hypercall",
  "leaf",
  "msr",
  "vector",
  "spr",
  "pc",
] as const satisfies readonly ExitTableBy[];

/** Every x86 definition, in the order in which forms are numbered. */
import type { Definition } from "../record.ts";
import * as arithmetic from "./arithmetic.ts";
import * as branch from "./branch.ts";
import * as flag from "./flag.ts";
import * as move from "./move.ts";
import * as multiply from "./multiply.ts";
import * as shift from "./shift.ts";
import * as stack from "./stack.ts";
import * as system from "./system.ts";

export const DEFINITIONS: readonly Definition[] = [
  arithmetic,
  branch,
  flag,
  move,
  multiply,
  shift,
  stack,
  system,
].flatMap((group) => Object.values(group) as Definition[]);

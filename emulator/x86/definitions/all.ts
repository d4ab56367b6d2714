/** Every x86 definition, in the order in which forms are numbered. */
import type { Definition } from "../record.ts";
import * as arithmetic from "./arithmetic.ts";
import * as bit from "./bit.ts";
import * as branch from "./branch.ts";
import * as decimal from "./decimal.ts";
import * as divide from "./divide.ts";
import * as doubleShift from "./double_shift.ts";
import * as far from "./far.ts";
import * as flag from "./flag.ts";
import * as move from "./move.ts";
import * as multiply from "./multiply.ts";
import * as processor from "./processor.ts";
import * as selector from "./selector.ts";
import * as shift from "./shift.ts";
import * as stack from "./stack.ts";
import * as string from "./string.ts";
import * as system from "./system.ts";

export const DEFINITIONS: readonly Definition[] = [
  arithmetic,
  bit,
  branch,
  decimal,
  divide,
  doubleShift,
  far,
  flag,
  move,
  multiply,
  processor,
  selector,
  shift,
  stack,
  string,
  system,
].flatMap((group) => Object.values(group) as Definition[]);

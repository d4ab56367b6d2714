/** What the current privilege level allows. SDM vol. 3A, 5.5; I/O privilege: vol. 1, 19.5, and vol. 3B, 21.2. */
import type { Ops, Value } from "../ir/ops.ts";
import { raise, VECTOR } from "./exception.ts";
import { FLAG } from "./flag_bits.ts";
import { CPL, EFLAGS_REST } from "./slots.ts";
import type { Variant } from "./variant.ts";

const IOPL_AT = 12, IOPL = 3n << BigInt(IOPL_AT);

/** Whether CPL is above IOPL, width 1. */
function lacksIoPrivilege<V extends Value>(b: Ops<V>): V {
  const rest = b.read(EFLAGS_REST, 32);
  const iopl = b.and(b.shr(rest, b.constant(32, IOPL_AT)), b.constant(32, 3));
  return b.ltu(iopl, b.read(CPL, 32));
}

/** #GP unless the current privilege level may change IF. CR4.VME and CR4.PVI would let more through: not there. */
export function requireIoPrivilege<V extends Value>(b: Ops<V>, { selectors }: Variant): void {
  if (selectors !== "real") b.when(lacksIoPrivilege(b), () => raise(b, VECTOR.GP));
}

/** The same where EFLAGS is pushed and popped or INT n executed: in virtual-8086 mode alone. */
export function requireIoPrivilegeIn8086<V extends Value>(b: Ops<V>, variant: Variant): void {
  if (variant.selectors === "virtual-8086") requireIoPrivilege(b, variant);
}

/** #GP above level 0, for what looks at its operand only then. */
export function requireKernel<V extends Value>(b: Ops<V>, { selectors }: Variant): void {
  if (selectors === "real") return;
  b.when(b.ne(b.read(CPL, 32), b.constant(32, 0)), () => raise(b, VECTOR.GP));
}

/** Bits of EFLAGS, 64 bits wide, that POPF and IRET leave alone: IOPL above level 0, IF above IOPL. */
export function lockedFlags<V extends Value>(b: Ops<V>, { selectors }: Variant): V {
  const none = b.constant(64, 0);
  if (selectors === "real") return none;
  const isKernel = b.eq(b.read(CPL, 32), b.constant(32, 0));
  const iopl = b.select(isKernel, none, b.constant(64, IOPL));
  return b.or(iopl, b.select(lacksIoPrivilege(b), b.constant(64, FLAG.IF), none));
}

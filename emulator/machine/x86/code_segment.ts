/** Which code segments a transfer may lead to. SDM vol. 3A, 5.8; vol. 2, the pseudo-code of JMP, CALL, RET, INT n and IRET. */
import type { Vcpu } from "../vcpu.ts";
import {
  absent,
  badSelector,
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isWritable,
  lookUp,
  markAccessed,
} from "./descriptors.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { isCanonical } from "./linear.ts";
import { isLong } from "./mode.ts";

/** A place in a code segment that was checked, and the privilege level there. */
export interface CodeTarget {
  readonly segment: Descriptor;
  readonly privilege: number;
}

function wrongLevel(selector: number, { privilege }: Descriptor, ext = 0): Fault {
  return badSelector(selector, `names a code segment of privilege level ${privilege}`, ext);
}

/** What CS must not be null for. */
export function notNull(selector: number, ext = 0): number {
  if (isNull(selector)) throw new Fault(EXCEPTION.GP, ext, "the code segment selector is null");
  return selector;
}

/** L and D at once mean nothing. SDM vol. 3A, 5.2.1. */
function checkWidth(vcpu: Vcpu, { long, big }: Descriptor, selector: number): void {
  if (isLong(vcpu.state) && long && big) throw badSelector(selector, "names a code segment with L and D set");
}

/** A far jump or call to a code segment itself. */
export function direct(vcpu: Vcpu, segment: Descriptor, current: number): CodeTarget {
  const { selector, privilege } = segment;
  checkWidth(vcpu, segment, selector);
  const allowed = isConforming(segment)
    ? privilege <= current
    : privilege === current && (selector & 3) <= current;
  if (!allowed) throw wrongLevel(selector, segment);
  if (!segment.present) throw absent(selector);
  return { segment, privilege: current };
}

/** What a gate leads to; `stays` for a jump, which does not change the privilege level. */
export function throughGate(
  vcpu: Vcpu,
  selector: number,
  current: number,
  ext = 0,
  stays = false,
): CodeTarget {
  const segment = lookUp(vcpu, notNull(selector, ext), ext), { privilege } = segment;
  if (!isCode(segment)) throw badSelector(selector, "names no code segment", ext);
  const inner = !isConforming(segment) && privilege < current;
  if (privilege > current || inner && stays) throw wrongLevel(selector, segment, ext);
  if (isLong(vcpu.state) && (!segment.long || segment.big)) {
    throw badSelector(selector, "names no 64-bit code segment", ext);
  }
  if (!segment.present) throw absent(selector, ext);
  return { segment, privilege: inner ? privilege : current };
}

/** What RET and IRET lead back to. */
export function returnTarget(vcpu: Vcpu, selector: number, current: number): CodeTarget {
  const segment = lookUp(vcpu, notNull(selector)), requested = selector & 3;
  if (!isCode(segment)) throw badSelector(selector, "names no code segment");
  checkWidth(vcpu, segment, selector);
  if (requested < current) {
    throw badSelector(selector, `asks for privilege level ${requested}, from ${current}`);
  }
  const allowed = isConforming(segment) ? segment.privilege <= requested : segment.privilege === requested;
  if (!allowed) throw wrongLevel(selector, segment);
  if (!segment.present) throw absent(selector);
  return { segment, privilege: requested };
}

/** The last check of a code segment: whether an instruction may stand there. #GP if not, else it is marked as accessed. */
export function claim(vcpu: Vcpu, segment: Descriptor, offset: bigint, ext = 0): void {
  const wide = isLong(vcpu.state) && segment.long;
  const reachable = wide ? isCanonical(offset) : offset <= BigInt(segment.limit);
  if (!reachable) throw new Fault(EXCEPTION.GP, ext, `the target 0x${offset.toString(16)} is out of reach`);
  markAccessed(vcpu, segment);
}

/**
 * The stack segment that a return to `target` brings: null is one in 64-bit mode, at privilege levels below 3. SDM vol.
 * 2B, RET; vol. 3A, 5.4.1.1.
 */
export function returnStack(vcpu: Vcpu, selector: number, target: CodeTarget): Descriptor | undefined {
  const { privilege, segment: code } = target;
  if (isNull(selector)) {
    const allowed = isLong(vcpu.state) && code.long && privilege !== 3 && (selector & 3) === privilege;
    if (!allowed) throw new Fault(EXCEPTION.GP, 0, "the stack segment selector is null");
    return undefined;
  }
  return stackSegment(vcpu, selector, privilege);
}

/** A stack segment for a privilege level, by a selector other than null. SDM vol. 2B, MOV. */
export function stackSegment(vcpu: Vcpu, selector: number, privilege: number): Descriptor {
  const found = lookUp(vcpu, selector);
  if ((selector & 3) !== privilege || !isWritable(found) || found.privilege !== privilege) {
    throw badSelector(selector, `names no writable data segment of privilege level ${privilege}`);
  }
  if (!found.present) throw absent(selector, 0, EXCEPTION.SS);
  return found;
}

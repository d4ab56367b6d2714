/** Call gates. SDM vol. 3A, 5.8.3. */
import type { Vcpu } from "../vcpu.ts";
import { badSelector, type Descriptor } from "./descriptors.ts";
import { readLinear } from "./linear.ts";
import { isLong } from "./mode.ts";

export interface CallGate {
  readonly selector: number;
  readonly offset: bigint;
  /** Bytes of each word that it pushes. */
  readonly size: 2 | 4 | 8;
  /** Words that it copies to an inner stack. */
  readonly parameters: number;
}

const WIDE = 8;

export function readCallGate(vcpu: Vcpu, found: Descriptor): CallGate {
  const { bits, type, address } = found;
  const selector = Number(bits >> 16n & 0xffffn), half = bits & 0xffffn;
  if (isLong(vcpu.state)) {
    const high = readLinear(vcpu, address + 8n, 8);
    // Its second half must not be taken for a descriptor. SDM vol. 3A, figure 5-10.
    if (high >> 40n & 0x1fn) throw badSelector(found.selector, "names a gate with a type in its upper half");
    const offset = BigInt.asUintN(32, high) << 32n | bits >> 48n << 16n | half;
    return { selector, offset, size: 8, parameters: 0 };
  }
  const wide = (type & WIDE) !== 0;
  return {
    selector,
    offset: wide ? bits >> 48n << 16n | half : half,
    size: wide ? 4 : 2,
    parameters: Number(bits >> 32n & 0x1fn),
  };
}

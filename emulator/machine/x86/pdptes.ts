/** The four page-directory-pointer-table entries of PAE paging, which are registers. SDM vol. 3A, 4.4.1. */
import { PDPTE } from "../../x86/slots.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { ENTRY, PDPTE_RESERVED } from "./paging_formats.ts";

const COUNT = 4, BYTES = 8 * COUNT;

/**
 * Loads them from where CR3 says. Throws #GP, having loaded none, if one that is present has reserved bits set, or where
 * there is no memory, as KVM's `load_pdptrs` does.
 */
export function loadPdptes(vcpu: Vcpu, cr3: bigint): void {
  const { memory } = vcpu.board, gpa = Number(BigInt.asUintN(32, cr3) & ~BigInt(BYTES - 1));
  if (!memory.holds(gpa, BYTES)) {
    throw new Fault(EXCEPTION.GP, 0, `there is no memory for PDPTEs at 0x${gpa.toString(16)}`);
  }
  const entries = new DataView(memory.read(gpa, BYTES).buffer);
  for (let at = 0; at < BYTES; at += 8) {
    const low = entries.getUint32(at, true), high = entries.getUint32(at + 4, true);
    if (low & ENTRY.P && (low & PDPTE_RESERVED.low || high & PDPTE_RESERVED.high)) {
      throw new Fault(EXCEPTION.GP, 0, `reserved bits of PDPTE ${at / 8} are set`);
    }
  }
  for (let at = 0; at < BYTES; at += 8) vcpu.state.set64(PDPTE + at, entries.getBigUint64(at, true));
}

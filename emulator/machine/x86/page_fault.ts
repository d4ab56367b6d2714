/** The page fault. SDM vol. 3A, 4.7 and 6.15 (interrupt 14). */
import { Fault } from "./fault.ts";

export const PAGE_FAULT = 14;
/** Bits of its error code. */
export const PF = { P: 1, W: 2, U: 4, RSVD: 8, I: 0x10 } as const;

/** `code` is its error code; CR2 has the address already. */
export class PageFault extends Fault {
  constructor(code: number, readonly address: bigint) {
    super(PAGE_FAULT, code, `${describe(code)} at 0x${address.toString(16)}`);
  }
}

function describe(code: number): string {
  const who = code & PF.U ? "user" : "supervisor";
  const what = code & PF.W ? "store" : code & PF.I ? "fetch" : "access";
  const why = code & PF.RSVD ? "reserved bit set" : code & PF.P ? "not allowed" : "no page";
  return `${who} ${what}, ${why},`;
}

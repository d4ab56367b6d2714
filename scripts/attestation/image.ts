/** Where things are in the guest's memory. */

/** Where things are: two pages of text, of which the second is left for a hypervisor or the guest to fill in. */
export const PAGE = 4096, TEXT = 0x1000, STUBS = 0x2000, TEXT_END = 0x3000, STACK = 0x8000, NAME = 0x4000;
// The same on PowerPC, whose `lis` extends the sign of what it loads.
export const PORT = 0x500, GPA = 0x7eb0_0000;

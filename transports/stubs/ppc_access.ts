/** PowerPC: one access to one register of a device. Registers are little-endian, the guest is not. */
import { type AccessRole, closed, type StubText } from "./stub_text.ts";

const LOADS = {
  1: "lbz r4, 0(r3)",
  2: "lhbrx r4, 0, r3",
  4: "lwbrx r4, 0, r3",
  8: "ldbrx r4, 0, r3",
} as const;
const STORES = {
  1: "stb r4, 0(r3)",
  2: "sthbrx r4, 0, r3",
  4: "stwbrx r4, 0, r3",
  8: "stdbrx r4, 0, r3",
} as const;
const PLAIN_LOADS = {
  1: "lbz r4, 0(r3)",
  2: "lhz r4, 0(r3)",
  4: "lwz r4, 0(r3)",
  8: "ld r4, 0(r3)",
} as const;
const PLAIN_STORES = {
  1: "stb r4, 0(r3)",
  2: "sth r4, 0(r3)",
  4: "stw r4, 0(r3)",
  8: "std r4, 0(r3)",
} as const;

/** Little-endian by byte-reversed accesses, or `plain` in the guest's own order. 8 bytes in 64-bit mode only. */
export function ppcAccess(verb: "read" | "write", size: 1 | 2 | 4 | 8, plain = false): StubText<AccessRole> {
  const lines = verb === "read" ? (plain ? PLAIN_LOADS : LOADS) : plain ? PLAIN_STORES : STORES;
  return {
    name: `${plain ? "plain" : "mmio"}_${verb}${8 * size}`,
    text: closed("ppc", `call:\n  ${lines[size]}\n`),
    registers: { address: "r3", value: "r4" },
  };
}

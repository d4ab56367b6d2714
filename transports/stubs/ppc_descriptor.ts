/** PowerPC: fills in a call descriptor, little-endian, and rings its doorbell, by a store or by hypercall. */
import { DESCRIPTOR } from "../descriptor.ts";
import { HYPERCALL } from "../numbers.ts";
import { BLOCK } from "../places.ts";
import { ERRNO } from "../status.ts";
import { closed, type DescriptorRole, type StubText } from "./stub_text.ts";

export type PpcDoorbell = "mmio" | "papr" | "epapr" | "osi";

/** The register with a number's upper and lower half, as two instructions. */
function loadNumber(register: string, value: number): string[] {
  return [`lis ${register}, ${value >>> 16}`, `ori ${register}, ${register}, ${value & 0xffff}`];
}

/** One exit, whatever the size. All addresses are below 4 GiB, so the doorbell is a 4-byte store. */
export function ppcDescriptor(doorbell: PpcDoorbell): StubText<DescriptorRole> {
  const rings: Record<PpcDoorbell, string[]> = {
    mmio: [`lwz r10, ${BLOCK.target}(r12)`, `lwz r11, ${BLOCK.self}(r12)`, "stwbrx r11, 0, r10"],
    papr: [
      `lwz r4, ${BLOCK.target}(r12)`,
      `lwz r5, ${BLOCK.self}(r12)`,
      ...loadNumber("r3", HYPERCALL.CALL_DESCRIPTOR),
      "sc 1",
    ],
    epapr: [
      `lwz r3, ${BLOCK.target}(r12)`,
      `lwz r4, ${BLOCK.self}(r12)`,
      ...loadNumber("r11", HYPERCALL.CALL_DESCRIPTOR),
      ...loadNumber("r0", 0x4b56_4d21),
      "sc",
      "nop",
    ],
    osi: [
      `lwz r6, ${BLOCK.target}(r12)`,
      `lwz r7, ${BLOCK.self}(r12)`,
      ...loadNumber("r5", HYPERCALL.CALL_DESCRIPTOR),
      ...loadNumber("r3", 0x1137_24fa),
      ...loadNumber("r4", 0x7781_0f9b),
      "sc",
    ],
  };
  // One word after the other: fn, flags, data (low, high), length, capacity, reply (low, high), status.
  const stores = ["r4", "r5", "r6", "r10", "r7", "r8", "r9", "r10", "r11"]
    .map((register) => `  stwbrx ${register}, 0, r3\n  addi r3, r3, 4\n`)
    .join("");
  const text = `
call:
  mr r3, r12
  li r10, 0
  li r11, -${ERRNO.EINPROGRESS}
${stores}
${rings[doorbell].map((line) => `  ${line}\n`).join("")}
  addi r11, r12, ${DESCRIPTOR.status}
  lwbrx r3, 0, r11
  addi r11, r12, ${DESCRIPTOR.replyLength}
  lwbrx r4, 0, r11
`;
  return {
    name: `${doorbell}_descriptor`,
    text: closed("ppc", text),
    registers: {
      fn: "r4",
      flags: "r5",
      data: "r6",
      length: "r7",
      capacity: "r8",
      reply: "r9",
      block: "r12",
      status: "r3",
      replyLength: "r4",
    },
  };
}

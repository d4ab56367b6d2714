/** pseries: LoPAR, "Hypervisor Call Functions"; Linux asm/hvcall.h. Outputs from r4. */
import { gpr, SLOT } from "../../ppc/state.ts";
import { inProblemState } from "../ppc/trap_parts.ts";
import { type HypercallAbi, PRIVATE_NUMBERS } from "./abi.ts";
import { strings } from "./device_tree.ts";
import { NO_CALL, type Personality } from "./hypervisor.ts";

const H_FUNCTION = -2n, H_SUCCESS = 0n;
/** H_LOGICAL_ICBI and H_LOGICAL_DCBF: the caches that they are about are not there. Numbers from memory. */
const CACHES: ReadonlySet<number> = new Set([0x4c, 0x50]);

const abi: HypercallAbi = {
  name: "PAPR",
  trap: "sc 1",
  source: "LoPAR, hypervisor call functions; Linux asm/hvcall.h",
  entry: { by: "instructions" },
  number: "r3",
  args: ["r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"],
  status: "r3",
  length: "r4",
  outputs: ["r5", "r6", "r7", "r8", "r9", "r10", "r11"],
  width: 8,
  order: "be",
  errors: {
    EIO: -1, // H_HARDWARE
    ENOSYS: -2, // H_FUNCTION
    EINVAL: -4, // H_PARAMETER
    EFAULT: -4,
    E2BIG: -4,
    ENODEV: -7, // H_NOT_FOUND
    EAGAIN: 1, // H_BUSY
    EINPROGRESS: 1,
  },
  numbers: PRIVATE_NUMBERS,
};

export const papr: Personality = {
  name: "papr",
  title: "PAPR (pseries)",
  discovery: "device tree /rtas with ibm,hypertas-functions, and no /hypervisor; sc 1",
  carriers: { "kvm-hv": [64], "kvm-pr": [64] },
  abi: () => abi,
  callWords: [gpr(3), SLOT.msr],
  systemCalls: {
    reason: "PAPR_HCALL",
    number: (vcpu, level) => level !== 1 || inProblemState(vcpu) ? NO_CALL : vcpu.state.get32(gpr(3)),
    unknown: ({ state }, number) => state.set64(gpr(3), CACHES.has(number) ? H_SUCCESS : H_FUNCTION),
  },
  // No set of functions that LoPAR has a name for is there as a whole: the name is ours.
  tree: () => [{ name: "rtas", properties: { "ibm,hypertas-functions": strings("trapsh-devices") } }],
};

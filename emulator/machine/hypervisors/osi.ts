/**
 * Mac-on-Linux: OSI calls, an ordinary `sc` with two magic numbers. Linux asm/kvm_book3s.h (OSI_SC_MAGIC_R3, _R4) and
 * arch/powerpc/kvm/book3s_pr.c; selectors: Mac-on-Linux `os_interface.h`. That arguments begin in r6 is from memory.
 */
import { gpr } from "../../ppc/state.ts";
import { type HypercallAbi, NEGATED, PRIVATE_NUMBERS } from "./abi.ts";
import { strings } from "./device_tree.ts";
import { NO_CALL, type Personality } from "./hypervisor.ts";

const MAGIC_R3 = 0x1137_24fa, MAGIC_R4 = 0x7781_0f9b;
/** OSI_CALL_AVAILABLE: whether there is the selector in r6. */
const CALL_AVAILABLE = 0;

const abi: HypercallAbi = {
  name: "OSI",
  trap: "lis r3,0x1137; ori r3,r3,0x24fa; lis r4,0x7781; ori r4,r4,0x0f9b; sc",
  source:
    "Linux asm/kvm_book3s.h; Mac-on-Linux os_interface.h; all registers are the device's to see, which are used is ours",
  entry: { by: "instructions" },
  number: "r5",
  args: ["r6", "r7", "r8", "r9", "r10", "r11"],
  status: "r3",
  length: "status",
  outputs: ["r4", "r5", "r6", "r7", "r8", "r9", "r10"],
  width: 4,
  order: "be",
  errors: { ...NEGATED, ENOSYS: -1 },
  numbers: PRIVATE_NUMBERS,
};

export const osi: Personality = {
  name: "osi",
  title: "Mac-on-Linux OSI",
  discovery: "device tree /osi (ours: a guest of Mac-on-Linux knows its ROM), then OSI_CALL_AVAILABLE",
  carriers: { "kvm-pr": [32] },
  abi: () => abi,
  callWords: [gpr(3), gpr(4), gpr(5)],
  systemCalls: {
    reason: "OSI",
    number({ state }) {
      // From problem state too: book3s_pr.c looks at the magic numbers alone.
      const isCall = state.get32(gpr(3)) === MAGIC_R3 && state.get32(gpr(4)) === MAGIC_R4;
      return isCall ? state.get32(gpr(5)) : NO_CALL;
    },
    unknown({ state, board }, number) {
      const asked = state.get32(gpr(6));
      const there = asked === CALL_AVAILABLE || board.hypercalls.find(asked) !== undefined;
      // What Mac-on-Linux does with a selector that it lacks was not found: -1 is ours.
      state.set64(gpr(3), number === CALL_AVAILABLE ? BigInt(there) : 0xffff_ffffn);
    },
  },
  tree: () => [{ name: "osi", properties: { compatible: strings("trapsh,mac-on-linux-osi") } }],
};

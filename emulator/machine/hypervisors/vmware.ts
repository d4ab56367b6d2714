/**
 * VMware. The backdoor as open-vm-tools' `backdoor_def.h` and QEMU's hw/i386/vmport.c have it; its VMCALL form and where
 * CPUID offers it: Linux arch/x86/include/asm/vmware.h and arch/x86/kernel/cpu/vmware.c (the feature bits from memory).
 */
import { RAX, RBX, RCX } from "../../x86/slots.ts";
import type { HypercallTrap } from "../x86/hypercall.ts";
import { type HypercallAbi, NEGATED } from "./abi.ts";
import { type Personality, signature, X86_MODES } from "./hypervisor.ts";

export const VMWARE_PORT = 0x5658, VMWARE_MAGIC = 0x564d_5868;
/** What an unknown command, or a wrong magic number, leaves in eax. */
const NO = 0xffff_ffff;
const GET_VERSION = 10, VERSION = 6;
/** Product: VMX_TYPE_SCALABLE_SERVER. */
const SERVER = 2;
/** Leaf 0x40000010 ecx: VMMCALL and VMCALL may be used. */
const VMMCALL = 1, VMCALL = 2;

/** Both forms: eax is the magic number, the low half of ecx a command. */
function command(trap: HypercallTrap): ReturnType<HypercallTrap["serve"]> {
  const { state } = trap.vcpu, number = state.get32(RCX) & 0xffff;
  const answer = (value: number) => state.set64(RAX, BigInt(value >>> 0));
  if (state.get32(RAX) !== VMWARE_MAGIC) return trap.refuse(number, () => answer(NO));
  return trap.serve(number, () => {
    if (number !== GET_VERSION) return answer(NO);
    answer(VERSION);
    state.set64(RBX, BigInt(VMWARE_MAGIC));
    state.set64(RCX, BigInt(SERVER));
  });
}

const abi: HypercallAbi = {
  name: "VMware backdoor",
  trap: `mov eax, ${VMWARE_MAGIC}; mov edx, ${VMWARE_PORT}; in eax, dx`,
  source: "open-vm-tools backdoor_def.h, QEMU hw/i386/vmport.c",
  entry: { by: "instructions" },
  number: "ecx",
  args: ["ebx", "esi", "edi"],
  status: "eax",
  length: "status",
  outputs: ["ebx", "ecx", "edx", "esi", "edi"],
  width: 4,
  order: "le",
  errors: { ...NEGATED, ENOSYS: -1 },
  // Commands have 16 bits; VMware's are below 0x100.
  numbers: { first: 0x5401, step: 1 },
};

export const vmware: Personality = {
  name: "vmware",
  title: "VMware",
  discovery: 'CPUID 0x40000000 "VMwareVMware", or the magic number at port 0x5658',
  carriers: X86_MODES,
  abi: () => abi,
  cpuid(leaf, { tscHz }) {
    if (leaf === 0x4000_0000) return [0x4000_0010, ...signature("VMwareVMware")];
    // Frequencies in kHz: of the TSC, and of a local APIC's bus, which there is not.
    if (leaf === 0x4000_0010) return [Math.floor(tscHz / 1000) >>> 0, 0, VMMCALL | VMCALL, 0];
    return [0, 0, 0, 0];
  },
  call: command,
  backdoor: { port: VMWARE_PORT, call: command },
};

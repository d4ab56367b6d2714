/** x86: asks the hypervisor for its hypercall page, as a guest's driver does when it starts. */
import { HV_MSR } from "../../emulator/machine/hypervisors/hyperv.ts";
import { closed, type StubText } from "./stub_text.ts";

/** Who we are: an open-source guest of a kind that the TLFS has no number for. */
const GUEST_OS_ID = 0xfe54_5348;

/** Xen: CPUID leaf +2 names the MSR, which takes the page's address. Two exits. */
export function xenPageStub(): StubText<"page"> {
  const text = `
call:
  mov edi, eax
  mov eax, 0x40000002
  cpuid
  mov ecx, ebx
  mov eax, edi
  mov edx, 0
  wrmsr
`;
  return { name: "xen_page", text: closed("x86", text), registers: { page: "eax" } };
}

/** Hyper-V: the guest's id, if it has none yet, then the page's address with the enable bit. An exit each. */
export function hypervPageStub(): StubText<"page"> {
  const text = `
call:
  mov edi, eax
  mov ecx, ${HV_MSR.guestOsId}
  mov eax, 1
  mov edx, ${GUEST_OS_ID}
  wrmsr
  mov eax, edi
page:
  mov ecx, ${HV_MSR.hypercall}
  mov edx, 0
  wrmsr
`;
  return { name: "hyperv_page", text: closed("x86", text), registers: { page: "eax" } };
}

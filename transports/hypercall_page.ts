/** Where a guest's hypercall page is, and what it takes to have one. */
import { pointer, STUB_SLOT } from "./places.ts";
import type { StubRunner } from "./stub_runner.ts";
import { hypervPageStub, xenPageStub } from "./stubs/hypercall_page.ts";

/** First byte of a page that a hypervisor filled: Xen's MOV, Hyper-V's VM(M)CALL. */
const FILLED = { xen: 0xb8, hyperv: 0x0f } as const;

/** The page as stubs call it; if there is none, asks for one by guest code, whose exits are counted. */
export async function hypercallPage(runner: StubRunner, what: string): Promise<bigint | undefined> {
  const { vm, places } = runner;
  const { name } = vm.hypervisor;
  if (name !== "xen" && name !== "hyperv") return undefined;
  const own = places.stubs + STUB_SLOT.page;
  // A guest may have only one of Hyper-V's: a loaded guest's is used where it is.
  const gpa = name === "hyperv" ? vm.hypervisorState.covered?.gpa ?? own : own;
  const filled = () => vm.memory.holds(gpa, 1) && vm.memory.read(gpa, 1)[0] === FILLED[name];
  if (!filled()) {
    runner.map();
    const known = vm.hypervisorState.guestOsId !== 0n;
    await runner.run({
      what,
      stub: name === "xen" ? xenPageStub() : hypervPageStub(),
      entry: name === "hyperv" && known ? "page" : "call",
      inputs: { page: BigInt(gpa) | (name === "hyperv" ? 1n : 0n) },
      exits: () => name === "hyperv" && known ? 1 : 2,
    });
    if (!filled()) throw new Error(`${what}: ${vm.hypervisor.title} gave no hypercall page`);
  }
  return gpa === own ? pointer(places, STUB_SLOT.page) : BigInt(gpa);
}

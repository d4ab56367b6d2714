/** What a hypervisor remembers of its guest, in a snapshot, and what becomes of it on another host. */
import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";
import { hypervPage, uncover } from "../hypervisors/hyperv.ts";
import { freshState, type HypervisorState } from "../hypervisors/hypervisor.ts";
import type { Vm } from "../vm.ts";

const PAGE = 4096;

export function saveHypervisor(state: HypervisorState): SavedState {
  const { guestOsId, hypercallPage, covered, messages } = state;
  return {
    guestOsId,
    hypercallPage,
    covered: covered ? { gpa: covered.gpa, bytes: covered.bytes } : null,
    messages: messages.save(),
  };
}

/**
 * Puts it back after guest memory. Under another backend Hyper-V's page is written anew for the processor that is there
 * now, as setting its register on the new host does (Linux arch/x86/kvm/hyperv.c). Another hypervisor knows nothing of it:
 * the page that lay over guest memory is gone. Throws `SyntaxError` for what is none.
 */
export function loadHypervisor(vm: Vm, saved: SavedFields, before: { name: string; backend: string }): void {
  const { hypervisorState: state, memory, backend } = vm;
  state.guestOsId = saved.unsigned("guestOsId");
  state.hypercallPage = saved.unsigned("hypercallPage");
  state.covered = undefined;
  // Not there in a file that an earlier version wrote.
  if (saved.has("messages")) state.messages.load(saved.fields("messages"));
  if (saved.has("covered")) {
    const covered = saved.fields("covered"), gpa = covered.whole("gpa", 2 ** 52 - PAGE);
    state.covered = { gpa, bytes: covered.bytes("bytes", PAGE).slice() };
  }
  if (vm.hypervisor.name !== before.name) {
    if (state.covered) uncover({ state, memory });
    Object.assign(state, freshState());
    return;
  }
  if (!state.covered || backend.name === before.backend || !memory.holds(state.covered.gpa, PAGE)) return;
  if (backend.name === "vmx" || backend.name === "svm") {
    memory.write(state.covered.gpa, hypervPage(backend.name));
  }
}

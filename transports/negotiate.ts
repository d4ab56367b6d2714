/** Which vehicle a handle rides on: the best that the hypervisor offers, or the one asked for; and why. */
import type { Vm } from "../emulator/machine/vm.ts";
import { type DataMode, dataRefusal } from "./data_modes.ts";
import { widestAccess } from "./abi.ts";
import type { BoundDevice } from "./endpoint.ts";

/** The name of a way to a device. */
export type VehicleName = "hypercall" | "pio" | "mmio";

/** The vehicles, best first. */
export const VEHICLES: readonly VehicleName[] = ["hypercall", "pio", "mmio"];

/** What a vehicle can do for a device. */
export type Offer =
  | {
    readonly ok: true;
    /** What it really is: PIO on PowerPC is MMIO. */
    readonly via: VehicleName;
    readonly label: string;
    readonly notes: readonly string[];
    /** True if the device is reached through PowerPC's PCI I/O window. */
    readonly pciIo?: boolean;
  }
  | { readonly ok: false; readonly reason: string };

/** A vehicle that was chosen. */
export type Choice = Extract<Offer, { ok: true }> & { readonly why: readonly string[] };

/** The trap behind a backend's hypercall, by the ISA's name and as text. */
const HYPERCALL_TRAP = {
  vmx: ["vmcall", "vmcall"],
  svm: ["vmmcall", "vmmcall"],
  "kvm-hv": ["sc", "sc 1 (PAPR)"],
  "kvm-pr": ["sc", "sc with KVM's magic number (ePAPR)"],
} as const;

const TWO_ACCESSES = "8 bytes are two accesses of 4, low half first: two exits";

function offerHypercall(vm: Vm): Offer {
  const { hypervisor, mode } = vm;
  const abi = hypervisor?.abi(vm.backend.name, mode);
  if (typeof abi === "string") return { ok: false, reason: `hypervisor ${hypervisor.name}: ${abi}` };
  const [trap, text] = HYPERCALL_TRAP[vm.backend.name];
  const rule = vm.backend.traps[trap];
  if (rule === undefined || rule.do !== "exit") {
    const why = rule?.do === "exception" ? rule.why : `${trap} does not leave the guest`;
    return { ok: false, reason: `${vm.backend.title} offers none: ${why}` };
  }
  // Each backend's own is said in its own words.
  const own = abi === undefined || abi.trap === trap || ["epapr", "papr"].includes(hypervisor.name);
  const how = own ? text : `${abi.name} (${abi.trap})`;
  const notes = [`${how} on ${vm.backend.name}`];
  if (abi && widestAccess(abi) === 4) {
    notes.push(`${abi.args.length} registers carry arguments: ${TWO_ACCESSES}`);
  }
  return { ok: true, via: "hypercall", label: "hypercall", notes };
}

function offerPio(vm: Vm, bound: BoundDevice): Offer {
  const { name } = bound.attachment.device;
  if (vm.arch === "ppc") {
    if (!bound.pciIo.ok) return { ok: false, reason: `device "${name}" has no ports: ${bound.pciIo.reason}` };
    return {
      ok: true,
      via: "mmio",
      label: "mmio (PCI I/O window; pio asked for)",
      notes: [
        "PowerPC has no IN and OUT: PCI's I/O space is a window in memory, so each access is an MMIO exit",
        `PCI I/O cycles carry 4 bytes: ${TWO_ACCESSES}`,
      ],
      pciIo: true,
    };
  }
  if (!bound.ports.ok) return { ok: false, reason: `device "${name}" has no ports: ${bound.ports.reason}` };
  return { ok: true, via: "pio", label: "pio", notes: [`x86 has no IN and OUT of 8 bytes: ${TWO_ACCESSES}`] };
}

function offerMmio(vm: Vm, bound: BoundDevice): Offer {
  const { device, window, callWindow } = bound.attachment;
  if (!bound.mmio.ok) {
    return { ok: false, reason: `device "${device.name}" has no call window: ${bound.mmio.reason}` };
  }
  if (vm.mode === 16 && Math.max(window.gpa + window.size, callWindow.gpa + callWindow.size) > 0x10_0000) {
    return { ok: false, reason: `real mode reaches 1 MiB, the registers of "${device.name}" are above it` };
  }
  const notes = vm.mode === 64 ? [] : [`a ${vm.mode}-bit guest stores at most 4 bytes: ${TWO_ACCESSES}`];
  return { ok: true, via: "mmio", label: "mmio", notes };
}

/** What one vehicle can do for a device on this machine, with payloads that travel by `data`. */
export function offer(vm: Vm, bound: BoundDevice, via: VehicleName, data: DataMode = "auto"): Offer {
  const reason = dataRefusal(vm, via, data);
  if (reason !== undefined) return { ok: false, reason: `${data}: ${reason}` };
  return offerVehicle(vm, bound, via);
}

function offerVehicle(vm: Vm, bound: BoundDevice, via: VehicleName): Offer {
  switch (via) {
    case "hypercall":
      return offerHypercall(vm);
    case "pio":
      return offerPio(vm, bound);
    case "mmio":
      return offerMmio(vm, bound);
  }
}

/**
 * Chooses. `via` is what the caller insists on, `allowed` what is permitted at all. Throws `Error` with
 * every reason if nothing is left.
 */
export function negotiate(
  vm: Vm,
  bound: BoundDevice,
  via: VehicleName | undefined,
  allowed: readonly VehicleName[],
  data: DataMode = "auto",
): Choice {
  const name = bound.attachment.device.name;
  if (via !== undefined) {
    if (!VEHICLES.includes(via)) {
      throw new TypeError(`there is no vehicle "${via}"; there are ${VEHICLES.join(", ")}`);
    }
    const offered: Offer = allowed.includes(via)
      ? offer(vm, bound, via, data)
      : { ok: false, reason: `only ${allowed.join(", ")} may be used here` };
    if (!offered.ok) throw new Error(`device "${name}" cannot be opened via ${via}: ${offered.reason}`);
    return { ...offered, why: [`${via}: asked for`, ...offered.notes] };
  }
  const passed: string[] = [];
  for (const vehicle of VEHICLES) {
    const offered: Offer = allowed.includes(vehicle)
      ? offer(vm, bound, vehicle, data)
      : { ok: false, reason: "not allowed here" };
    if (!offered.ok) {
      passed.push(`${vehicle} passed over: ${offered.reason}`);
    } else if (offered.pciIo === true && allowed.includes("mmio")) {
      passed.push(`${vehicle} passed over: on PowerPC it is MMIO with narrower accesses`);
    } else {
      const place = ["first choice", "second choice", "third choice"][VEHICLES.indexOf(vehicle)];
      return { ...offered, why: [...passed, `${vehicle}: ${place}`, ...offered.notes] };
    }
  }
  throw new Error(`device "${name}" cannot be opened: ${passed.join("; ")}`);
}

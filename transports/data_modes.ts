/** How payloads may travel, and which vehicle can carry them so. */
import type { Vm } from "../emulator/machine/vm.ts";
import { mmioHypercalls } from "./mmio_hypercall.ts";
import type { VehicleName } from "./negotiate.ts";

/** How a call's payload travels; see `OpenOptions.data`. */
export type DataMode =
  | "auto"
  | "words"
  | "descriptor"
  | "registers"
  | "string"
  | "logical"
  | "fastcall"
  | "bridge";

/** What a refusal depends on. */
interface Asked {
  readonly vm: Vm;
  readonly via: VehicleName;
}

const NO_PORTS = "PowerPC has no IN and OUT, a port access is a store to PCI's I/O window";

/** By mode: why a vehicle does not carry payloads so, or undefined. */
const REFUSALS: Readonly<Record<DataMode, (asked: Asked) => string | undefined>> = {
  auto: () => undefined,
  words: () => undefined,
  descriptor: () => undefined,
  registers({ vm, via }) {
    if (via === "hypercall") return undefined;
    if (via === "mmio") {
      return "a load or store carries one word, and no register beside it reaches the device";
    }
    return vm.arch === "x86"
      ? undefined
      : `${NO_PORTS}: register state beside it is lost, a pio_callX() is x86's alone (claim 8)`;
  },
  string({ vm, via }) {
    if (via !== "pio") return "INS and OUTS are for ports";
    return vm.arch === "x86" ? undefined : `${NO_PORTS}: there is no INS and OUTS (claim 8)`;
  },
  logical({ vm, via }) {
    if (via !== "hypercall") return "MMIO as a hypercall wants the hypercall vehicle";
    const calls = mmioHypercalls(vm, vm.hypervisor.abi(vm.backend.name, vm.mode));
    return typeof calls === "string" ? calls : undefined;
  },
  fastcall: () => undefined,
  bridge: ({ via }) => via === "mmio" ? undefined : "the bridge's call registers are in memory (vbus's BAR0)",
};

/** The modes. */
export const DATA_MODES = Object.keys(REFUSALS) as readonly DataMode[];

/** Why `via` does not carry payloads by `data` on this machine, or undefined. */
export function dataRefusal(vm: Vm, via: VehicleName, data: DataMode): string | undefined {
  return REFUSALS[data]({ vm, via });
}

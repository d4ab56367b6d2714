/** Doorbells: a port, an address or a hypercall of each ring's own, so that a hypervisor's kernel half can match it. */
import type { BusHandler } from "../../emulator/machine/bus.ts";
import type { Vm } from "../../emulator/machine/vm.ts";
import { registerValues } from "../../emulator/machine/hypervisors/abi.ts";
import type { HypercallAbi } from "../abi.ts";
import { otherNumber } from "../numbers.ts";
import { PCI_IO_BASE } from "../pci_io_window.ts";
import type { VehicleName } from "../negotiate.ts";
import { ppcAccess } from "../stubs/ppc_access.ts";
import { indented } from "../stubs/stub_text.ts";
import { trapLines } from "../stubs/trap.ts";
import { pointerRegister } from "../stubs/x86_words.ts";
import { mmioAddress } from "../vehicles/mmio.ts";

/** First port, and first address, that are tried: below the top of what devices get. */
const PORTS = { from: 0xfffc, to: 0x1000 } as const;
const HIGH = { from: 0xfebf_f000, to: 0xfeb0_0000 }, LOW = { from: 0xd_f000, to: 0xd_0000 };
const STEP = 4, PAGE = 4096;

/** How the guest rings. */
export interface DoorbellStub {
  /** Unique by text. */
  readonly name: string;
  /** The instruction, or those of the trap. */
  readonly text: string;
  readonly registers: Readonly<Record<string, bigint>>;
}

/** A doorbell in its place. */
export interface Doorbell {
  readonly stub: DoorbellStub;
  remove(): void;
}

/** Who takes kicks; see `RingOptions.doorbell`. */
export type DoorbellKind = "userspace" | "kernel" | "fast";

/** What is behind a doorbell. */
export interface Bell {
  readonly kind: DoorbellKind;
  rung(): void | Promise<void>;
}

/** Puts a ring's doorbell where its vehicle reaches it. Throws `RangeError` if there is no place left. */
export function placeDoorbell(
  vm: Vm,
  via: VehicleName,
  pciIo: boolean,
  name: string,
  bell: Bell,
): Doorbell {
  const handler: BusHandler = {
    read: (_offset, size) => (size === 8 ? (1n << 64n) - 1n : 2 ** (8 * size) - 1),
    write: () => bell.kind === "userspace" ? bell.rung() : undefined,
  };
  const pio = via === "pio", bus = pio ? vm.ports : vm.mmio;
  const address = pio ? free(bus.list, PORTS.from, PORTS.to, STEP) : mmioPlace(vm, pciIo);
  bus.add({ base: address, size: STEP, name }, handler);
  const event = bell.kind === "userspace" ? undefined : vm.ioevents.add({
    bus: pio ? "pio" : "mmio",
    address,
    length: bell.kind === "fast" ? 0 : STEP,
    signal: () => bell.rung(),
    name,
    ofThisVm: true,
  });
  return {
    stub: pio ? pioStub(address) : mmioStub(vm, address),
    remove() {
      bus.remove(address);
      if (event) vm.ioevents.remove(event);
    },
  };
}

/** A page of its own, as an ioeventfd's is not shared with registers; in PCI's I/O space four ports. */
function mmioPlace(vm: Vm, pciIo: boolean): number {
  if (pciIo) return free(vm.mmio.list, PCI_IO_BASE + PORTS.from, PCI_IO_BASE + PORTS.to, STEP);
  const { from, to } = vm.mode === 16 ? LOW : HIGH;
  return free(vm.mmio.list, from, to, PAGE);
}

/**
 * The doorbell of ring `number` by hypercall: status 0, or EINVAL for no ring of ours. Throws `Error` where the ABI is
 * called by a page or passes words in memory: those doorbells are not there.
 */
export function hypercallStub(vm: Vm, abi: HypercallAbi, number: number): DoorbellStub {
  if (abi.entry.by !== "instructions" || abi.memoryWords !== undefined) {
    throw new Error(`rings have no doorbell by ${abi.name}'s hypercalls: open the device via pio or mmio`);
  }
  const kick = otherNumber(abi, "KICK");
  return {
    name: "ring_hypercall",
    text: indented(trapLines(abi, kick, vm.mode, undefined)),
    registers: Object.fromEntries([
      ...registerValues(abi.number, BigInt(kick)),
      ...registerValues(abi.args[0], BigInt(number)),
    ]),
  };
}

function pioStub(port: number): DoorbellStub {
  return { name: "ring_pio", text: "  out dx, eax\n", registers: { edx: BigInt(port) } };
}

function mmioStub(vm: Vm, gpa: number): DoorbellStub {
  if (vm.arch === "ppc") {
    const { text } = ppcAccess("write", 4);
    const line = text.split("\n").find((one) => one.includes("st"))!;
    return { name: "ring_mmio", text: `${line}\n`, registers: { r3: BigInt(gpa) } };
  }
  const at = mmioAddress(vm.mode, gpa), pointer = pointerRegister("di", vm.mode);
  const text = `  mov [${pointer}], eax\n`;
  const name = vm.mode === 64 ? "rdi" : "edi";
  return { name: "ring_mmio", text, registers: { ...at.registers, [name]: at.address } };
}

function free(
  taken: readonly { readonly base: number; readonly size: number }[],
  from: number,
  to: number,
  size: number,
): number {
  for (let base = from; base >= to; base -= size) {
    if (taken.every((range) => base + size <= range.base || base >= range.base + range.size)) return base;
  }
  throw new RangeError(`no room for a ring's doorbell in 0x${to.toString(16)}-0x${from.toString(16)}`);
}

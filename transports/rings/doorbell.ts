/** Doorbells: a port, an address or a hypercall of each ring's own, so that a hypervisor's kernel half can match it. */
import type { BusHandler } from "../../emulator/machine/bus.ts";
import type { Vm } from "../../emulator/machine/vm.ts";
import type { HypercallAbi } from "../abi.ts";
import { PCI_IO_BASE } from "../pci_io_window.ts";
import { indented } from "../stubs/stub_text.ts";
import { loadNarrow, type PageAddress, trapLines, trapName } from "../stubs/trap.ts";
import { wide } from "../stubs/x86_words.ts";
import { mmioAddress } from "../vehicles/mmio.ts";
import { type DoorbellArgument, type DoorbellCall, VALID_MESSAGE } from "./doorbell_calls.ts";
import { DRIVER } from "./driver_block.ts";
import type { GuestCode } from "./guest_code.ts";

/** First port, and first address, that are tried: below the top of what devices get. */
const PORTS = { from: 0xfffc, to: 0x1000 } as const;
const HIGH = { from: 0xfebf_f000, to: 0xfeb0_0000 }, LOW = { from: 0xd_f000, to: 0xd_0000 };
const STEP = 4, PAGE = 4096;

/** How the guest rings. */
export interface DoorbellStub {
  /** Unique by text. */
  readonly name: string;
  /** Loads what the trap takes from the driver's block. */
  load(code: GuestCode): string;
  /** The instruction, or those of the trap. */
  readonly trap: string;
  /** Registers beside those. */
  readonly registers: Readonly<Record<string, bigint>>;
}

/** A doorbell in its place. */
export interface Doorbell {
  /** Port or address. */
  readonly address: number;
  /** What the driver's block has of it. */
  readonly target: number;
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

/** Where a doorbell that is no hypercall stands. */
export type DoorbellBus = "pio" | "mmio" | "pci";

/**
 * Puts a ring's doorbell on a bus, where the snapshot had it or where there is room. Throws `RangeError` if there is no
 * place left or it is taken.
 */
export function placeDoorbell(vm: Vm, on: DoorbellBus, name: string, bell: Bell, at?: number): Doorbell {
  const handler: BusHandler = {
    read: (_offset, size) => (size === 8 ? (1n << 64n) - 1n : 2 ** (8 * size) - 1),
    write: () => bell.kind === "userspace" ? bell.rung() : undefined,
  };
  const pio = on === "pio", bus = pio ? vm.ports : vm.mmio;
  const address = at ??
    (pio ? free(bus.list, PORTS.from, PORTS.to, STEP) : mmioPlace(vm, on === "pci"));
  bus.add({ base: address, size: STEP, name }, handler);
  const event = bell.kind === "userspace" ? undefined : vm.ioevents.add({
    bus: pio ? "pio" : "mmio",
    address,
    length: bell.kind === "fast" ? 0 : STEP,
    signal: () => bell.rung(),
    name,
    ofThisVm: true,
  });
  const remove = () => {
    bus.remove(address);
    if (event) vm.ioevents.remove(event);
  };
  try {
    const place = pio ? { address: BigInt(address) } : mmioAddress(vm.mode, address);
    return {
      address,
      target: Number(place.address),
      stub: pio ? pioStub() : mmioStub(vm, place.registers ?? {}),
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A page of its own, as an ioeventfd's is not shared with registers; in PCI's I/O space four ports. */
function mmioPlace(vm: Vm, pciIo: boolean): number {
  if (pciIo) return free(vm.mmio.list, PCI_IO_BASE + PORTS.from, PCI_IO_BASE + PORTS.to, STEP);
  const { from, to } = vm.mode === 16 ? LOW : HIGH;
  return free(vm.mmio.list, from, to, PAGE);
}

/** The doorbell by hypercall; `stack` is for those that call a page. */
export function hypercallStub(
  vm: Vm,
  abi: HypercallAbi,
  call: DoorbellCall,
  page: PageAddress,
  stack: Readonly<Record<string, bigint>>,
): DoorbellStub {
  const { entry } = abi;
  const load = vm.arch === "x86" ? x86Argument : ppcArgument;
  return {
    name: `hypercall${trapName(abi, call.number, page)}`,
    load: (code) =>
      indented([
        ...call.args.flatMap((argument, i) => load(code, abi.args[i], argument)),
        // A page with a place for each call loads the number itself.
        ...entry.by === "page" && entry.stride > 0
          ? []
          : load(code, abi.number, Number(BigInt(call.number) | call.control)),
      ]),
    trap: indented(trapLines(abi, call.number, vm.mode, page)),
    registers: entry.by === "page" ? stack : {},
  };
}

function x86Argument(code: GuestCode, register: string, argument: DoorbellArgument): string[] {
  const block = code.address("block");
  if (argument === "target") {
    return loadNarrow(register, code.get("a", "block", DRIVER.target).replace(/^.*, |\n/g, ""));
  }
  if (argument === "pointer") {
    return [...loadNarrow(register, block.replace(/^r/, "e")), `add ${narrow(register)}, ${DRIVER.target}`];
  }
  return loadNarrow(register, String(argument));
}
const narrow = (register: string) => loadNarrow(register, "").at(-1)!.replace(/^mov |, $/g, "");

function ppcArgument(_code: GuestCode, register: string, argument: DoorbellArgument): string[] {
  if (argument === "target") return [`lwz ${register}, ${DRIVER.target}(r12)`];
  if (argument === "pointer") return [`addi ${register}, r12, ${DRIVER.target}`];
  if (argument === VALID_MESSAGE) return [`li ${register}, 1`, `sldi ${register}, ${register}, 63`];
  if (argument < 0x8000) return [`li ${register}, ${argument}`];
  return [`lis ${register}, ${argument >>> 16}`, `ori ${register}, ${register}, ${argument & 0xffff}`];
}

function pioStub(): DoorbellStub {
  return {
    name: "pio",
    load: (code) => code.get("d", "block", DRIVER.target),
    trap: "  out dx, eax\n",
    registers: {},
  };
}

/** In real mode the address is an offset in DS. */
function mmioStub(vm: Vm, registers: Readonly<Record<string, bigint>>): DoorbellStub {
  const ppc = vm.arch === "ppc", pointer = vm.mode === 16 ? "di" : wide("di", vm.mode);
  return {
    name: "mmio",
    load: (code) => code.get("t", "block", DRIVER.target),
    trap: ppc ? "  stwbrx r5, 0, r10\n" : `  mov [${pointer}], eax\n`,
    registers,
  };
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

/**
 * MMIO as a hypercall: the address in a register, nothing to fetch or decode. On kvm-hv PAPR's H_LOGICAL_CI_LOAD and
 * H_LOGICAL_CI_STORE (LoPAR; Linux arch/powerpc/kvm/book3s.c, QEMU hw/ppc/spapr_hcall.c), on x86 a pair of ours after the
 * paravirtual-MMIO hypercall that Tsirkin measured in 2013. Arguments in the ABI's order: size, address, value.
 */
import type { AccessSize, BusValue } from "../emulator/machine/bus.ts";
import { readRegister, registerValues } from "../emulator/machine/hypervisors/abi.ts";
import type { VirtualCpu } from "../emulator/machine/virtual_cpu.ts";
import type { Vm } from "../emulator/machine/vm.ts";
import type { HypercallAbi } from "./abi.ts";
import { otherNumber } from "./numbers.ts";
import { after, isPromise, type MaybePromise } from "./maybe_promise.ts";

/** Numbers of the calls, and where a load leaves its value. */
export interface MmioHypercalls {
  readonly load: number;
  readonly store: number;
  readonly value: string;
}

/** What a machine's guests use; a reason where there is nothing like it. */
export function mmioHypercalls(vm: Vm, abi: HypercallAbi | string): MmioHypercalls | string {
  if (typeof abi === "string") return abi;
  if (vm.hypervisor.name === "papr") return { load: 0x3c, store: 0x40, value: "r4" };
  if (vm.arch === "ppc") {
    return `${abi.name} defines no load or store as a hypercall; PAPR does (H_LOGICAL_CI_LOAD), as under kvm-hv`;
  }
  if (abi.memoryWords !== undefined || abi.args.length < 3) {
    return `${abi.name} has no three registers for size, address and value`;
  }
  return { load: otherNumber(abi, "MMIO_LOAD"), store: otherNumber(abi, "MMIO_STORE"), value: abi.args[2] };
}

/** A register's value as bytes in the order of their addresses, or back: PAPR's are big-endian, whatever the guest is. */
export function busOrder(vm: Vm, value: bigint, size: number): bigint {
  if (vm.arch === "x86") return BigInt.asUintN(8 * size, value);
  let swapped = 0n;
  for (let i = 0; i < size; i++) swapped |= ((value >> BigInt(8 * i)) & 0xffn) << BigInt(8 * (size - 1 - i));
  return swapped;
}

/** Registers the calls of the backend, if it has any that nobody has registered. Returns what takes them away. */
export function serveMmioHypercalls(vm: Vm, abi: HypercallAbi | string): () => void {
  const calls = mmioHypercalls(vm, abi);
  if (typeof calls === "string" || typeof abi === "string") return () => {};
  const own = ([["load", "in"], ["store", "out"]] as const).filter(([name]) =>
    !vm.hypercalls.find(calls[name])
  );
  for (const [name, direction] of own) {
    vm.hypercalls.register(calls[name], {
      name: `MMIO ${name}`,
      handledIn: (vcpu) => handledIn(vm, argumentsOf(abi, vcpu), direction),
      call: (vcpu) => serve(vm, abi, calls, vcpu, direction),
    });
  }
  return () => own.forEach(([name]) => vm.hypercalls.unregister(calls[name]));
}

interface Access {
  readonly size: bigint;
  readonly address: number;
  readonly value: bigint;
}

function argumentsOf(abi: HypercallAbi, vcpu: VirtualCpu): Access {
  const [size, address, value] = abi.args.map((name) =>
    BigInt.asUintN(8 * abi.width, readRegister(vcpu.registers, name))
  );
  // An address that a number does not hold exactly is past every bus.
  return { size, address: Number(address), value };
}

const SIZES: readonly bigint[] = [1n, 2n, 4n, 8n];

function handledIn(
  vm: Vm,
  { size, address, value }: Access,
  direction: "in" | "out",
): "kernel" | "userspace" {
  if (!SIZES.includes(size)) return "userspace";
  const bytes = Number(size);
  if (direction === "out") {
    if (vm.ioevents.find("mmio", address, bytes, busOrder(vm, value, bytes))) return "kernel";
    if (vm.coalesced.find("mmio", address, bytes)) return "kernel";
  }
  return vm.mmio.find(address, bytes)?.handler.handledIn ?? "userspace";
}

function serve(
  vm: Vm,
  abi: HypercallAbi,
  calls: MmioHypercalls,
  vcpu: VirtualCpu,
  direction: "in" | "out",
): void | Promise<void> {
  const { size, address, value } = argumentsOf(abi, vcpu);
  const put = (name: string, what: bigint) => {
    for (const [register, value] of registerValues(name, BigInt.asUintN(8 * abi.width, what))) {
      vcpu.registers.set(register, value);
    }
  };
  if (!SIZES.includes(size) || Number(size) > abi.width) {
    return put(abi.status, BigInt(abi.errors.EINVAL));
  }
  const bytes = Number(size) as AccessSize;
  // What it does more than a bare hypercall: it finds its device on the MMIO bus.
  vcpu.chargeDevice(vm.profile.stagesFor("MMIO", direction, "kernel").dispatch);
  if (direction === "in") {
    const done = after(load(vm, address, bytes), (answer) => {
      put(calls.value, busOrder(vm, BigInt(answer), bytes));
      put(abi.status, 0n);
    });
    return isPromise(done) ? done : undefined;
  }
  const out = busOrder(vm, value, bytes);
  const stored = store(vm, address, bytes, bytes === 8 ? out : Number(out));
  const done = after(stored, () => put(abi.status, 0n));
  return isPromise(done) ? done : undefined;
}

function load(vm: Vm, address: number, size: AccessSize): MaybePromise<BusValue> {
  if (vm.memory.holds(address, size)) {
    return vm.memory.read(address, size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }
  const range = vm.mmio.find(address, size);
  return range ? range.handler.read(address - range.base, size) : (1n << BigInt(8 * size)) - 1n;
}

function store(vm: Vm, address: number, size: AccessSize, value: BusValue): void | Promise<void> {
  const event = vm.ioevents.match("mmio", address, size, value);
  if (event) return event.ring();
  if (vm.coalesced.find("mmio", address, size)) return vm.coalesced.push(vm.mmio, address, size, value);
  if (vm.memory.holds(address, size)) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    return vm.memory.write(address, bytes.subarray(0, size));
  }
  const range = vm.mmio.find(address, size);
  return range?.handler.write(address - range.base, size, value);
}

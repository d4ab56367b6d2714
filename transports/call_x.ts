/**
 * `pio_callX`, what claim 7 asks for and claim 8 refuses: an IN that carries the registers beside it, as VMware's vmport
 * does (backdoor port 0x5658). x86 only. The number is in ecx as there; the arguments are those of our hypercalls
 * (`numbers.ts`) in rbx, rsi, rdi and rax, the status comes in rcx, the reply in rbx, rsi and rdi, and eax gets 1.
 */
import type { HandledIn } from "../emulator/engine/native_reason.ts";
import type { Vm } from "../emulator/machine/vm.ts";
import { PRIVATE_NUMBERS } from "../emulator/machine/hypervisors/abi.ts";
import type { HypercallAbi } from "./abi.ts";
import { hypercallActions, serveHypercall, type Target } from "./hypercalls.ts";
import { after, type MaybePromise } from "./maybe_promise.ts";
import { HYPERCALL, type HypercallName } from "./numbers.ts";
import { ERRNO, type ErrnoName } from "./status.ts";

export function callXAbi(mode: 16 | 32 | 64): HypercallAbi {
  const wide = (name: string) => (mode === 64 ? "r" : "e") + name;
  return {
    name: "pio_callX",
    stub: "callx",
    trap: "in eax, dx",
    entry: { by: "instructions" },
    numbers: PRIVATE_NUMBERS,
    source: "ours, after VMware's backdoor (open-vm-tools, backdoor_def.h)",
    number: wide("cx"),
    args: ["bx", "si", "di", "ax"].map(wide),
    status: wide("cx"),
    length: "status",
    outputs: ["bx", "si", "di"].map(wide),
    width: mode === 64 ? 8 : 4,
    order: "le",
    errors: Object.fromEntries(
      Object.entries(ERRNO).map(([name, value]) => [name, -value]),
    ) as Record<ErrnoName, number>,
  };
}

/** What answers the port. */
export function callXHandler(
  vm: Vm,
  find: (handle: number) => Target | undefined,
): { readonly handledIn: HandledIn; read(): MaybePromise<number> } {
  const abi = callXAbi(vm.mode);
  const actions = hypercallActions((attachment) => vm.devices.context(attachment));
  const names = new Map<bigint, HypercallName>(
    (Object.keys(HYPERCALL) as HypercallName[]).map((name) => [BigInt(HYPERCALL[name]), name]),
  );
  return {
    get handledIn() {
      const handle = Number(vm.acting.registers.get(abi.args[0]) & 0xffffn);
      return find(handle)?.attachment.device.handledIn ?? "userspace";
    },
    read() {
      const { registers } = vm.acting;
      const name = names.get(BigInt.asUintN(32, registers.get(abi.number)));
      if (name === undefined) {
        registers.set(abi.status, BigInt.asUintN(8 * abi.width, -BigInt(ERRNO.ENOSYS)));
        return 1;
      }
      const done: MaybePromise<void> = serveHypercall(actions[name], registers, abi, vm.memory, find);
      return after(done, () => 1);
    },
  };
}

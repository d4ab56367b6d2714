/**
 * The hypercall by which each hypervisor's guests tell a device that something is in a ring: that hypervisor's own where
 * it has one, with its own refusals; else a number of ours (`numbers.ts`).
 *
 * | hypervisor | call | names the ring by | a ring that is not there |
 * |---|---|---|---|
 * | Xen | event_channel_op 32, EVTCHNOP_send 4 | a port, in guest memory | -EINVAL |
 * | Hyper-V | HvSignalEvent 0x5d, fast or not | a connection | HV_STATUS_INVALID_CONNECTION_ID |
 * | ePAPR | EV_DOORBELL_SEND 14 | a handle | EV_EINVAL |
 * | PAPR | H_SEND_CRQ 0x108 | a unit address | H_PARAMETER |
 * | KVM on x86, VMware, OSI | KICK, ours | its number | EINVAL |
 */
import { HV_FAST, HV_STATUS } from "../../emulator/machine/hypervisors/hyperv.ts";
import type { HypervisorName } from "../../emulator/machine/hypervisors/hypervisor.ts";
import { readRegister } from "../../emulator/machine/hypervisors/abi.ts";
import type { HypercallAbi } from "../abi.ts";
import type { GuestRam } from "../descriptor.ts";
import type { RegisterFile } from "../hypercalls.ts";
import { otherNumber } from "../numbers.ts";

/** An argument: what names the ring, a pointer to that in guest memory, or a number that is always the same. */
export type DoorbellArgument = "target" | "pointer" | number;

/** What a call is about, or a status that refuses it. */
export type Named =
  | { readonly ok: true; readonly target: number }
  | { readonly ok: false; readonly status: number };

/** One hypervisor's way. */
export interface DoorbellCall {
  /** Number of the call. */
  readonly number: number;
  /** What the number's register holds beside it. */
  readonly control: bigint;
  readonly args: readonly DoorbellArgument[];
  /** First name; a ring's is so much more than its number. */
  readonly base: number;
  /** What a call names. */
  named(registers: RegisterFile, ram: GuestRam): Named;
  /** Status for a name that no ring has. */
  readonly unknown: number;
}

const LOW = 0xffff_ffffn;
const EFAULT = -14, EINVAL = -22, ENOSYS = -38;

/** Xen public/event_channel.h and xen/common/event_channel.c: `struct evtchn_send` is a port of 32 bits. */
function xen(abi: HypercallAbi): DoorbellCall {
  const SEND = 4n;
  return {
    number: 32,
    control: 0n,
    args: [Number(SEND), "pointer"],
    base: 0,
    named(registers, ram) {
      const mask = abi.width === 8 ? (1n << 64n) - 1n : LOW;
      const [command, pointer] = abi.args.map((name) => registers.get(name) & mask);
      if (command !== SEND) return { ok: false, status: ENOSYS };
      // A linear address. Tables of the guest's own are not walked here: such a caller is refused.
      const paged = (registers.get("cr0") & 0x8000_0000n) !== 0n && registers.get("cr3") !== 0n;
      if (paged || !ram.holds(pointer, 4)) return { ok: false, status: EFAULT };
      const bytes = ram.read(pointer, 4);
      return { ok: true, target: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) };
    },
    unknown: EINVAL,
  };
}

/** TLFS, HvSignalEvent; refusals as Linux arch/x86/kvm/hyperv.c, `kvm_hvcall_signal_event`, and QEMU behind it give them. */
function hyperv(abi: HypercallAbi): DoorbellCall {
  const CONNECTION = 0xff_ffffn, FLAG = 0xffff_0000_0000n, PAGE = 4096n;
  return {
    number: 0x5d,
    control: HV_FAST,
    args: ["target"],
    base: 0,
    named(registers, ram) {
      let input = readRegister(registers, abi.args[0]);
      if (!(readRegister(registers, abi.number) & HV_FAST)) {
        const fits = (input & 7n) === 0n && (input & (PAGE - 1n)) + 8n <= PAGE && ram.holds(input, 8);
        if (!fits) return { ok: false, status: HV_STATUS.INVALID_ALIGNMENT };
        const bytes = ram.read(input, 8);
        input = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
      }
      // There are no flags beyond the first.
      if (input & FLAG) return { ok: false, status: HV_STATUS.INVALID_CONNECTION_ID };
      if (input & ~CONNECTION) return { ok: false, status: HV_STATUS.INVALID_HYPERCALL_INPUT };
      return { ok: true, target: Number(input) };
    },
    unknown: HV_STATUS.INVALID_CONNECTION_ID,
  };
}

/** The first argument names it. */
function byFirst(
  abi: HypercallAbi,
  call: Pick<DoorbellCall, "number" | "args" | "base" | "unknown">,
): DoorbellCall {
  return {
    ...call,
    control: 0n,
    named: (registers) => ({ ok: true, target: Number(registers.get(abi.args[0]) & LOW) }),
  };
}

/** ePAPR 1.1, 7.5: tokens of vendor 1. That a wrong handle is EV_EINVAL is from memory. */
const epapr = (abi: HypercallAbi) =>
  byFirst(abi, { number: 1 << 16 | 14, args: ["target"], base: 0, unknown: abi.errors.EINVAL });

/**
 * LoPAR, "Virtual I/O Architecture": a message of 16 bytes to the partner of a virtual device, whose command queue H_SEND_CRQ
 * feeds. Ours is `valid` alone: the ring has the rest. The first unit address is the one that QEMU's buses begin at.
 */
const papr = (abi: HypercallAbi) =>
  byFirst(abi, {
    number: 0x108,
    args: ["target", VALID_MESSAGE, 0],
    base: 0x7100_0000,
    unknown: abi.errors.EINVAL,
  });
/** The first of a message's two registers: `valid` is its top bit, which a stub sets as one. */
export const VALID_MESSAGE = -1;

const ours = (abi: HypercallAbi) =>
  byFirst(abi, { number: otherNumber(abi, "KICK"), args: ["target"], base: 0, unknown: abi.errors.EINVAL });

const CALLS: Readonly<Partial<Record<HypervisorName, (abi: HypercallAbi) => DoorbellCall>>> = {
  xen,
  hyperv,
  epapr,
  papr,
};

/** The doorbell's hypercall under a hypervisor. */
export function doorbellCall(hypervisor: HypervisorName, abi: HypercallAbi): DoorbellCall {
  return (CALLS[hypervisor] ?? ours)(abi);
}

/**
 * VMware. The backdoor as open-vm-tools' `backdoor_def.h` and QEMU's hw/i386/vmport.c have it; its VMCALL form and where
 * CPUID offers it: Linux arch/x86/include/asm/vmware.h and arch/x86/kernel/cpu/vmware.c (the feature bits from memory).
 * The high-bandwidth port moves the bytes of a message channel: see `vmware_messages.ts`.
 */
import { STATUS as ENGINE, type Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import type { CpuState } from "../../engine/state.ts";
import { STATE } from "../../ir/layout.ts";
import { RAX, RBP, RBX, RCX, RDI, RDX, RSI } from "../../x86/slots.ts";
import type { UnknownCall } from "../exit_path.ts";
import { toBytes } from "../payload.ts";
import type { Vcpu } from "../vcpu.ts";
import { portAccess } from "../x86/port_access.ts";
import { type CallExit, refuse, serve } from "../x86/hypercall.ts";
import { type HypercallAbi, NEGATED } from "./abi.ts";
import { type Personality, signature, X86_MODES } from "./hypervisor.ts";
import { STATUS } from "./vmware_messages.ts";

export const VMWARE_PORT = 0x5658, VMWARE_MAGIC = 0x564d_5868;
/** BDOORHB_PORT. */
const STRING_PORT = 0x5659;
/** What an unknown command, or a wrong magic number, leaves in eax. */
const NO = 0xffff_ffff;
const GET_VERSION = 10, VERSION = 6, MESSAGE = 30;
/** BDOOR_FLAGS_HB, in dx of the instruction form, which names no port: that form of the string port is not there. */
const HIGH_BANDWIDTH = 1;
/** BDOORHB_CMD_MESSAGE, the one command of the string port, in the lower half of ebx. */
const STRING_MESSAGE = 0;
/** Product: VMX_TYPE_SCALABLE_SERVER. */
const SERVER = 2;
/** Leaf 0x40000010 ecx: VMMCALL and VMCALL may be used. */
const VMMCALL = 1, VMCALL = 2;

/** Both forms: eax is the magic number, the low half of ecx a command. */
function command(vcpu: Vcpu, exit: CallExit): Status {
  const { state } = vcpu, number = state.get32(RCX) & 0xffff;
  if (state.get32(RAX) !== VMWARE_MAGIC) return refuse(vcpu, exit, number, () => answer(state, NO));
  const { messages } = vcpu.board.hypervisorState;
  const own = number !== MESSAGE ? undefined : {
    name: "VMware messages",
    call: () => messages.request(state, (message) => carriedOut(vcpu, message)),
  };
  return serve(vcpu, exit, number, unknown, own);
}

const unknown: UnknownCall = ({ state }, number) => {
  if (number !== GET_VERSION) return answer(state, NO);
  answer(state, VERSION);
  state.set64(RBX, BigInt(VMWARE_MAGIC));
  state.set64(RCX, BigInt(SERVER));
};

function answer(state: CpuState, value: number): void {
  state.set64(RAX, BigInt(value >>> 0));
}

/** VMCALL and VMMCALL: the same, but where its flags ask for the string port's work. */
function instruction(vcpu: Vcpu, exit: CallExit): Status {
  const { state } = vcpu, flags = state.get32(RDX) & 0xffff;
  if (flags === VMWARE_PORT || (flags & HIGH_BANDWIDTH) === 0 || state.get32(RAX) !== VMWARE_MAGIC) {
    return command(vcpu, exit);
  }
  return refuse(vcpu, exit, state.get32(RBX) & 0xffff, () => setStatus(vcpu, 0));
}

/** A message, `DEVICE FUNCTION BYTES`, and its answer: as VMware's, `1 ` and the result, or `0 ` and why there is none. */
function carriedOut({ board: { devices } }: Vcpu, message: Uint8Array): Uint8Array | Promise<Uint8Array> {
  const text = (status: 0 | 1, rest: Uint8Array) => Uint8Array.of(0x30 + status, 0x20, ...rest);
  const refusal = (why: string) => text(0, new TextEncoder().encode(why));
  const first = message.indexOf(0x20), second = first < 0 ? -1 : message.indexOf(0x20, first + 1);
  const word = (from: number, to: number) => new TextDecoder().decode(message.subarray(from, to));
  const attachment = devices.get(word(0, first < 0 ? message.length : first)), { device } = attachment ?? {};
  if (!attachment || !device?.call) return refusal("Unknown command");
  const fn = word(first + 1, second < 0 ? message.length : second);
  if (first < 0 || !/^\d{1,10}$/.test(fn) || Number(fn) >= 2 ** 32) return refusal("Invalid arguments");
  const data = second < 0 ? new Uint8Array() : message.slice(second + 1);
  const answer = device.call(Number(fn), data, devices.context(attachment));
  const done = (reply: Awaited<typeof answer>) => text(1, toBytes(reply, `the reply of ${device.name}`));
  return answer instanceof Promise ? answer.then(done) : done(answer);
}

/** In the upper half of ebx. */
function setStatus({ state }: Vcpu, status: number): void {
  state.set64(RBX, BigInt(((status << 16) | (state.get32(RBX) & 0xffff)) >>> 0));
}

/**
 * REP OUTSB and INSB at the string port: ebx a command and the status so far, edx a channel and the port, ebp and edi (of
 * what goes out) or esi and ebp (of what comes in) the cookie. The first byte is the exit, for all of them; what is refused
 * moves nothing and leaves no success in ebx.
 */
function move(vcpu: Vcpu, native: NativeReason, direction: "in" | "out", left: number): Status | undefined {
  if (!opensTo(vcpu)) return undefined;
  const { state, board: { hypervisorState: { messages } } } = vcpu, id = state.get32(RDX) >>> 16;
  if (messages.goesOn(direction, id, left)) {
    const byte = messages.move(vcpu.argument(2) & 0xff);
    if (direction === "in") state.set64(STATE.result, BigInt(byte));
    return ENGINE.proceed;
  }
  const cookie = direction === "out"
    ? [state.get32(RBP), state.get32(RDI)] as const
    : [state.get32(RSI), state.get32(RBP)] as const;
  const asked = state.get32(RBX);
  const begin = (byte: number): number => {
    const taken = (asked & 0xffff) === STRING_MESSAGE && (asked >>> 16 & STATUS.success) !== 0 &&
      messages.begin(direction, id, cookie, left);
    setStatus(vcpu, taken ? STATUS.success : 0);
    return taken ? messages.move(byte) : 0xff;
  };
  const done = portAccess(vcpu, native, direction, {
    own: {
      read: () => begin(0),
      write: (_offset, _size, value) => void begin(Number(value)),
    },
  });
  if (done !== ENGINE.proceed || (state.get32(RBX) >>> 16 & STATUS.success) !== 0) return done;
  return vcpu.completeOnce();
}

/** VMware's magic number asks for it, and bytes. */
function opensTo(vcpu: Vcpu): boolean {
  return vcpu.argument(1) === 1 && vcpu.state.get32(RAX) === VMWARE_MAGIC;
}

const abi: HypercallAbi = {
  name: "VMware backdoor",
  trap: `mov eax, ${VMWARE_MAGIC}; mov edx, ${VMWARE_PORT}; in eax, dx`,
  source: "open-vm-tools backdoor_def.h, QEMU hw/i386/vmport.c",
  entry: { by: "instructions" },
  number: "ecx",
  args: ["ebx", "esi", "edi"],
  status: "eax",
  length: "status",
  outputs: ["ebx", "ecx", "edx", "esi", "edi"],
  width: 4,
  order: "le",
  errors: { ...NEGATED, ENOSYS: -1 },
  // Commands have 16 bits; VMware's are below 0x100.
  numbers: { first: 0x5401, step: 1 },
};

export const vmware: Personality = {
  name: "vmware",
  title: "VMware",
  discovery: 'CPUID 0x40000000 "VMwareVMware", or the magic number at port 0x5658',
  carriers: X86_MODES,
  abi: () => abi,
  cpuid(leaf, { tscHz }) {
    if (leaf === 0x4000_0000) return [0x4000_0010, ...signature("VMwareVMware")];
    // Frequencies in kHz: of the TSC, and of a local APIC's bus, which there is not.
    if (leaf === 0x4000_0010) return [Math.floor(tscHz / 1000) >>> 0, 0, VMMCALL | VMCALL, 0];
    return [0, 0, 0, 0];
  },
  call: instruction,
  backdoor: { port: VMWARE_PORT, call: command },
  stringDoor: { port: STRING_PORT, move, opensTo },
};

/** x86: vbus's calls, a bridge call by its registers and a device call by fast call or bridge. */
import { VBUS_BLOCK } from "../places.ts";
import { ERRNO } from "../status.ts";
import { BRIDGE, BUSCALL, CALL_DESC, DEVICE_CALL, FASTCALL_DESC } from "../vbus.ts";
import { type BridgeRole, closed, type DeviceCallRole, type StubText } from "./stub_text.ts";
import { pointerRegister, wide } from "./x86_words.ts";

/** Four stores and the load that executes. In real mode the address is an offset in DS. */
function executes(mode: 16 | 32 | 64, vector: string, len: string, datap: string): string[] {
  const bar = pointerRegister("di", mode);
  return [
    `mov eax, ${vector}`,
    `mov [${bar}+${CALL_DESC.vector}], eax`,
    `mov eax, ${len}`,
    `mov [${bar}+${CALL_DESC.len}], eax`,
    `mov eax, ${datap}`,
    `mov [${bar}+${CALL_DESC.datap}], eax`,
    "mov eax, 0",
    `mov [${bar}+${CALL_DESC.datap + 4}], eax`,
    `mov eax, [${bar}]`,
  ];
}

/** A call of the bridge itself. */
export function x86BridgeCall(mode: 16 | 32 | 64): StubText<BridgeRole> {
  const lines = executes(mode, "ebx", "ecx", "edx").map((line) => `  ${line}\n`).join("");
  return {
    name: "bridge_call",
    text: closed("x86", `call:\n${lines}`),
    registers: {
      bar: wide("di", mode),
      vector: wide("bx", mode),
      len: wide("cx", mode),
      datap: wide("dx", mode),
      result: wide("ax", mode),
    },
  };
}

/** The doorbell; by hypercall `ring` has the lines for the CPU's number, and `name` what tells them apart. */
export type X86BridgeDoorbell =
  | "pio"
  | "mmio"
  | "bridge"
  | { readonly name: string; ring(cpu: string): string[] };

/** A device call: descriptor and parameters into RAM, then one doorbell, or the bridge's registers. */
export function x86DeviceCall(doorbell: X86BridgeDoorbell, mode: 16 | 32 | 64): StubText<DeviceCallRole> {
  const block = pointerRegister("bp", mode), bar = pointerRegister("di", mode);
  const at = (offset: number) => `[${block}+${offset}]`;
  const device = (field: number) => at(VBUS_BLOCK.device + field),
    call = (field: number) => at(VBUS_BLOCK.call + field);
  const result = `mov eax, ${call(FASTCALL_DESC.result)}`;
  const rings: Record<"pio" | "mmio" | "bridge", string[]> = {
    pio: [`mov edx, ${at(VBUS_BLOCK.target)}`, `mov eax, ${at(VBUS_BLOCK.cpu)}`, "out dx, eax", result],
    mmio: [
      `mov edi, ${at(VBUS_BLOCK.target)}`,
      `mov eax, ${at(VBUS_BLOCK.cpu)}`,
      `mov [${bar}], eax`,
      result,
    ],
    bridge: [
      `mov edi, ${at(VBUS_BLOCK.target)}`,
      ...executes(mode, String(BRIDGE.SLOWCALL), String(CALL_DESC.size), at(VBUS_BLOCK.callAt)),
    ],
  };
  const ring = typeof doorbell === "string"
    ? rings[doorbell]
    : [...doorbell.ring(at(VBUS_BLOCK.cpu)), result];
  const text = `
call:
  mov ${device(DEVICE_CALL.func)}, eax
  mov ${device(DEVICE_CALL.flags)}, ecx
  mov ${device(DEVICE_CALL.datap)}, edx
  mov ${device(DEVICE_CALL.len)}, ebx
  mov eax, ${BUSCALL.DEVCALL}
  mov ${call(CALL_DESC.vector)}, eax
  mov eax, ${DEVICE_CALL.size}
  mov ${call(CALL_DESC.len)}, eax
  mov eax, ${at(VBUS_BLOCK.deviceAt)}
  mov ${call(CALL_DESC.datap)}, eax
  mov eax, 0
  mov ${device(DEVICE_CALL.datap + 4)}, eax
  mov ${call(CALL_DESC.datap + 4)}, eax
  mov eax, ${2 ** 32 - ERRNO.EINPROGRESS}
  mov ${call(FASTCALL_DESC.result)}, eax
${ring.map((line) => `  ${line}\n`).join("")}`;
  return {
    name: `${typeof doorbell === "string" ? doorbell : doorbell.name}_device_call`,
    text: closed("x86", text),
    registers: {
      fn: wide("ax", mode),
      flags: wide("cx", mode),
      data: wide("dx", mode),
      size: wide("bx", mode),
      block,
      result: wide("ax", mode),
    },
  };
}

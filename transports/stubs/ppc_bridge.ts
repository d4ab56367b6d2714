/** PowerPC: vbus's calls, whose numbers are little-endian. */
import { PRIVATE_NUMBERS } from "../../emulator/machine/hypervisors/abi.ts";
import { otherNumber } from "../numbers.ts";
import { VBUS_BLOCK } from "../places.ts";
import { ERRNO } from "../status.ts";
import { BRIDGE, BUSCALL, CALL_DESC, DEVICE_CALL, FASTCALL_DESC } from "../vbus.ts";
import { type BridgeRole, closed, type DeviceCallRole, type StubText } from "./stub_text.ts";

const FASTCALL_HYPERCALL = otherNumber({ numbers: PRIVATE_NUMBERS }, "FASTCALL");

const number = (register: string, value: number) => [
  `lis ${register}, ${value >>> 16}`,
  `ori ${register}, ${register}, ${value & 0xffff}`,
];
/** A little-endian word at an offset from a register, by way of r3. */
const store = (
  value: string,
  base: string,
  offset: number,
) => [`addi r3, ${base}, ${offset}`, `stwbrx ${value}, 0, r3`];

/** Four stores and the load that executes, to registers of the bridge at r10. */
const executes = (vector: string, len: string, datap: string) => [
  ...store(vector, "r10", CALL_DESC.vector),
  ...store(len, "r10", CALL_DESC.len),
  ...store(datap, "r10", CALL_DESC.datap),
  "li r11, 0",
  ...store("r11", "r10", CALL_DESC.datap + 4),
  "lwbrx r3, 0, r10",
];

const lines = (texts: readonly string[]) => texts.map((line) => `  ${line}\n`).join("");

export function ppcBridgeCall(): StubText<BridgeRole> {
  return {
    name: "bridge_call",
    text: closed("ppc", `call:\n${lines(executes("r4", "r5", "r6"))}`),
    registers: { bar: "r10", vector: "r4", len: "r5", datap: "r6", result: "r3" },
  };
}

export type PpcBridgeDoorbell = "mmio" | "papr" | "epapr" | "osi" | "bridge";

export function ppcDeviceCall(doorbell: PpcBridgeDoorbell): StubText<DeviceCallRole> {
  const { call, device } = VBUS_BLOCK;
  const result = [`addi r11, r12, ${call + FASTCALL_DESC.result}`, "lwbrx r3, 0, r11"];
  const rings: Record<PpcBridgeDoorbell, string[]> = {
    mmio: [
      `lwz r10, ${VBUS_BLOCK.target}(r12)`,
      `lwz r11, ${VBUS_BLOCK.cpu}(r12)`,
      "stwbrx r11, 0, r10",
      ...result,
    ],
    papr: [`lwz r4, ${VBUS_BLOCK.cpu}(r12)`, ...number("r3", FASTCALL_HYPERCALL), "sc 1", ...result],
    epapr: [
      `lwz r3, ${VBUS_BLOCK.cpu}(r12)`,
      ...number("r11", FASTCALL_HYPERCALL),
      ...number("r0", 0x4b56_4d21),
      "sc",
      "nop",
      ...result,
    ],
    osi: [
      `lwz r6, ${VBUS_BLOCK.cpu}(r12)`,
      ...number("r5", FASTCALL_HYPERCALL),
      ...number("r3", 0x1137_24fa),
      ...number("r4", 0x7781_0f9b),
      "sc",
      ...result,
    ],
    bridge: [
      `lwz r10, ${VBUS_BLOCK.target}(r12)`,
      `lwz r9, ${VBUS_BLOCK.callAt}(r12)`,
      `li r7, ${BRIDGE.SLOWCALL}`,
      `li r8, ${CALL_DESC.size}`,
      ...executes("r7", "r8", "r9"),
    ],
  };
  const fills = [
    ...store("r4", "r12", device + DEVICE_CALL.func),
    ...store("r5", "r12", device + DEVICE_CALL.flags),
    ...store("r6", "r12", device + DEVICE_CALL.datap),
    ...store("r7", "r12", device + DEVICE_CALL.len),
    `li r11, ${BUSCALL.DEVCALL}`,
    ...store("r11", "r12", call + CALL_DESC.vector),
    `li r11, ${DEVICE_CALL.size}`,
    ...store("r11", "r12", call + CALL_DESC.len),
    `lwz r11, ${VBUS_BLOCK.deviceAt}(r12)`,
    ...store("r11", "r12", call + CALL_DESC.datap),
    "li r11, 0",
    ...store("r11", "r12", device + DEVICE_CALL.datap + 4),
    ...store("r11", "r12", call + CALL_DESC.datap + 4),
    `li r11, -${ERRNO.EINPROGRESS}`,
    ...store("r11", "r12", call + FASTCALL_DESC.result),
  ];
  return {
    name: `${doorbell}_device_call`,
    text: closed("ppc", `call:\n${lines(fills)}${lines(rings[doorbell])}`),
    registers: { fn: "r4", flags: "r5", data: "r6", size: "r7", block: "r12", result: "r3" },
  };
}

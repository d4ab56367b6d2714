/** Registers in packets: pairs of digits in the guest's byte order, `x` where there is none. GDB manual, "Packets": g G p P. */
import type { VirtualCpu } from "../machine_types.ts";
import { bytesOfHex } from "./hex.ts";
import type { GdbLayout, GdbRegister } from "./layout.ts";

/** A register's digits. */
export function registerHex(vcpu: VirtualCpu, register: GdbRegister, order: "le" | "be"): string {
  const value = valueOf(vcpu, register);
  if (value === undefined) return "x".repeat(register.bits / 4);
  const digits = BigInt.asUintN(register.bits, value).toString(16).padStart(register.bits / 4, "0");
  return order === "be" ? digits : reverseBytes(digits);
}

/** Whether digits could be set: false for none, for too few or too many, and where there is no such register. */
export function setRegisterHex(
  vcpu: VirtualCpu,
  register: GdbRegister,
  text: string,
  order: GdbLayout["order"],
): boolean {
  if (text.length !== register.bits / 4 || bytesOfHex(text) === undefined) return false;
  const value = BigInt(`0x${order === "be" ? text : reverseBytes(text)}`);
  if (register.isPc) {
    vcpu.linearPc = value;
    return true;
  }
  const name = sourceOf(vcpu, register);
  if (name === undefined) return false;
  // What GDB has wider than it is (a selector as 32 bits) is cut.
  vcpu.registers.set(name, BigInt.asUintN(widthOf(vcpu, name), value));
  return true;
}

function valueOf(vcpu: VirtualCpu, register: GdbRegister): bigint | undefined {
  if (register.isPc) return vcpu.linearPc;
  const name = sourceOf(vcpu, register);
  return name === undefined ? undefined : vcpu.registers.get(name);
}

function sourceOf({ registers }: VirtualCpu, { source }: GdbRegister): string | undefined {
  return source.find((name) => registers.has(name));
}

function widthOf({ registers }: VirtualCpu, name: string): number {
  return registers.list().find((one) => one.name === name)!.width;
}

function reverseBytes(digits: string): string {
  return (digits.match(/../g) ?? []).reverse().join("");
}

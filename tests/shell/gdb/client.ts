/** A VM with a stub of its own, and packets by hand. */
import { type GuestText, guestVm } from "./guests.ts";
import { type GdbGuestOptions, GdbStub } from "../../../shell/gdb/stub.ts";
import { type GdbRegister, registersOf } from "../../../shell/gdb/layout.ts";
import type { Vm } from "../../../emulator/machine/vm.ts";

/** Bytes of characters up to U+00FF. */
export function latin(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (it) => it.charCodeAt(0));
}

/** A packet as a debugger sends it: escaped, without runs. */
export function framed(text: string): Uint8Array<ArrayBuffer> {
  const data = latin(text.replace(/[$#}*]/g, (it) => `}${String.fromCharCode(it.charCodeAt(0) ^ 0x20)}`));
  const sum = data.reduce((sum, byte) => sum + byte & 0xff, 0).toString(16).padStart(2, "0");
  return Uint8Array.of(0x24, ...data, 0x23, ...latin(sum));
}

export interface Client {
  readonly vm: Vm;
  readonly stub: GdbStub;
  /** The answers to a packet, joined by spaces. */
  ask(packet: string): Promise<string>;
  /** The digits of a register, by name. */
  register(name: string): Promise<string>;
  /** Its number in packets. */
  numberOf(name: string): string;
}

export function client(guest: GuestText, options: GdbGuestOptions = {}): Client {
  const vm = guestVm(guest), stub = new GdbStub(vm, options);
  const ask = async (packet: string) => (await stub.handle(packet)).join(" ");
  const numberOf = (name: string) => {
    const number = registersOf(stub.layout).findIndex((it: GdbRegister) => it.name === name);
    if (number < 0) throw new Error(`no register ${name}`);
    return number.toString(16);
  };
  return { vm, stub, ask, numberOf, register: (name) => ask(`p${numberOf(name)}`) };
}

/** Addresses with the names that they have. */
import type { Vm } from "../../machine_types.ts";
import type { Session } from "../../session.ts";
import { hex } from "../../reports/hexdump.ts";

/** `start+0x4` for an address within 4 KiB after a symbol, else undefined. */
export function nameOf(vm: Vm, address: bigint): string | undefined {
  const found = vm.symbols.nearest(address);
  if (found === undefined || found.offset >= 4096n) return undefined;
  return found.offset === 0n ? found.name : `${found.name}+${hex(found.offset)}`;
}

/** Bytes that belong to a symbol; undefined where that is not known, or there is no such name. */
export function symbolSize(vm: Vm, name: string): bigint | undefined {
  return vm.symbols.list().find((one) => one.name === name)?.size;
}

/** Names for Tab; none before there is a machine. */
export function symbolNames(session: Session): string[] {
  return session.hasVm ? session.vm.symbols.list().map(({ name }) => name) : [];
}

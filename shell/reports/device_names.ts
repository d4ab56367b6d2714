/** Names for keys: the device that answers at a port or an address. */
import type { Vm } from "../machine_types.ts";

/** For `tabulateExits` and its like: the name of the device whose ports or window a key lies in. */
export function deviceNames(vm: Vm): (keySpace: string, key: number) => string | undefined {
  const places = vm.devices.list().map(({ device, ports, window }) => ({
    name: device.name,
    port: ports,
    gpa: { base: window.gpa, size: window.size },
  }));
  const within = (key: number, range: { readonly base: number; readonly size: number } | undefined) =>
    range !== undefined && key >= range.base && key < range.base + range.size;
  return (keySpace, key) => {
    if (keySpace !== "port" && keySpace !== "gpa") return undefined;
    return places.find((place) => within(key, place[keySpace]))?.name;
  };
}
